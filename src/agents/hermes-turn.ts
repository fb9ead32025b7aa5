/**
 * How Hermes' last turn ended, from what stands above its status bar. An answer of the model streams into a box (`╭─ ⚕ Hermes ─╮`). What Hermes says itself
 * of a turn that failed or was cut comes as a panel between two rules that begin with a blank; so does a model's answer where streaming is switched off.
 */

import { troubleIn } from './trouble.ts'

const panelTop = /^ ─ {1,2}\S.*─{3,}\s*$/u
const panelEnd = /^ ─{20,}\s*$/u
const boxTop = /^╭─/u

/**
 * What begins a paragraph in which Hermes itself says that a turn failed: a mark, a status of HTTP, or its own words for it. 0.22.2 has no words for its keys.
 */
const says =
  /^(?:❌|⛔|⚠|Provider said: |API call failed after |Rate limited twice |Non-retryable |Context length exceeded |Response truncated |Incomplete \w+ after |cli\.error\.|explainer\.)|(?:^|: )HTTP [45]\d\d\b/u
/** Its own words name the commands that help; a model's seldom do. */
const advises = /\b(?:with|send|try|run) \/(?:retry|model|new|compress)\b/iu
/** Rows above the panel, one a step of the turn: the last one tells. */
const step = /^\p{Extended_Pictographic}/u

interface Panel {
  /** Its first row: the title's where that is still on the screen. */
  readonly first: number
  readonly title: string
  readonly paragraphs: readonly string[]
}

/** The panel that ends right above a row, but for blank ones. */
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

/** What says that the last turn failed, in Hermes' own words; null where it ended well, or a person cut it. */
export function whyFailed(screen: readonly string[], status: number): string | null {
  const last = panelAbove(screen, status)
  if (last === null) return null
  // Of used-up credits it says what to do in a panel of its own, directly under the answer's.
  const before = panelEnd.test(screen[last.first - 1] ?? '') ? panelAbove(screen, last.first) : null
  const paragraphs = [...(before?.paragraphs ?? []), ...last.paragraphs]
  if (paragraphs[0]?.startsWith('Operation interrupted') === true) return null
  const asked = screen.findLastIndex((row, index) => index < (before ?? last).first && row.startsWith('● '))
  const told = screen.slice(asked + 1, (before ?? last).first).findLast((row) => step.test(row)) ?? ''
  const signs = [
    ...paragraphs.filter((each) => says.test(each)),
    ...(/^[❌⛔]/u.test(told) ? [told.trim()] : []),
    ...(before === null ? [] : [[last.title, ...last.paragraphs].join(' ')]),
    ...paragraphs.filter((each) => advises.test(each)),
  ]
  return signs.find((each) => troubleIn(each) !== 'turn failed') ?? signs[0] ?? null
}
