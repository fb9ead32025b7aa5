/**
 * Finds out from the rows above Hermes' status bar how the last turn ended. An answer of the model streams into a box (`╭─ ⚕ Hermes ─╮`).
 * Hermes' own message about a failed or interrupted turn is a panel between two horizontal lines, each after a space. If streaming is switched
 * off, a model's answer is such a panel, too.
 */
import { troubleIn } from './trouble.ts'

const panelTop = /^ ─ {1,2}\S.*─{3,}\s*$/u
const panelEnd = /^ ─{20,}\s*$/u
const boxTop = /^╭─/u

/**
 * The beginning of a paragraph in which Hermes itself reports a failed turn: a symbol, an HTTP status, or a known phrase. Hermes 0.22.2
 * shows untranslated message keys instead of phrases.
 */
const failureStart =
  /^(?:❌|⛔|⚠|Provider said: |API call failed after |Rate limited twice |Non-retryable |Context length exceeded |Response truncated |Incomplete \w+ after |cli\.error\.|explainer\.)|(?:^|: )HTTP [45]\d\d\b/u
/** Hermes' own failure messages recommend commands such as `/retry`. A model's answers rarely do. */
const advises = /\b(?:with|send|try|run) \/(?:retry|model|new|compress)\b/iu
/** A row above the panel that reports one step of the turn. The last such row shows how the turn ended. */
const step = /^\p{Extended_Pictographic}/u

interface Panel {
  /** The first row of the panel: its title, if the screen still shows it. */
  readonly first: number
  readonly title: string
  readonly paragraphs: readonly string[]
}

/** Returns the panel above a row, if only blank rows are between them; null otherwise. */
function panelAbove(screen: readonly string[], below: number): Panel | null {
  const end = screen.slice(0, below).findLastIndex((row) => row.trim() !== '')
  if (end < 0 || !panelEnd.test(screen[end] ?? '')) return null
  const top = screen.slice(0, end).findLastIndex((row) => panelTop.test(row) || panelEnd.test(row) || boxTop.test(row))
  const paragraphs: string[] = []
  let open = false
  for (const row of screen.slice(top + 1, end)) {
    const text = row.trim()
    if (text !== '' && open) paragraphs.push(`${paragraphs.pop() ?? ''} ${text}`)
    else if (text !== '') paragraphs.push(text)
    open = text !== ''
  }
  return { first: Math.max(0, top), title: (screen[top] ?? '').replaceAll('─', '').trim(), paragraphs }
}

/** Returns the text in which Hermes reports that the last turn failed; null if the turn ended well or a person interrupted it. */
export function whyFailed(screen: readonly string[], status: number): string | null {
  const last = panelAbove(screen, status)
  if (last === null) return null
  // If credits are used up, Hermes shows advice in a separate panel, directly below the panel of the answer.
  const before = panelEnd.test(screen[last.first - 1] ?? '') ? panelAbove(screen, last.first) : null
  const paragraphs = [...(before?.paragraphs ?? []), ...last.paragraphs]
  if (paragraphs[0]?.startsWith('Operation interrupted') === true) return null
  const asked = screen.findLastIndex((row, index) => index < (before ?? last).first && row.startsWith('● '))
  const lastStep = screen.slice(asked + 1, (before ?? last).first).findLast((row) => step.test(row)) ?? ''
  const signs = [
    ...paragraphs.filter((each) => failureStart.test(each)),
    ...(/^[❌⛔]/u.test(lastStep) ? [lastStep.trim()] : []),
    ...(before === null ? [] : [[last.title, ...last.paragraphs].join(' ')]),
    ...paragraphs.filter((each) => advises.test(each)),
  ]
  return signs.find((each) => troubleIn(each) !== 'turn failed') ?? signs[0] ?? null
}
