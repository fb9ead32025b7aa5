/** Draws the screen of `burn watch`: the workers that need attention first, then the others, sprints and stops. Pure. */
import type { StatusReport, WorkerReport } from '../decide/report.ts'
import type { WorkerId } from '../core/nouns.ts'
import type { Io } from './io.ts'
import type { ListLine, View } from './watch-view.ts'
import { workersIn } from '../decide/report.ts'
import { questionLines } from './answer-lines.ts'
import {
  attentionOf,
  backoffLines,
  driftLines,
  elsewhereLines,
  fleetTotals,
  needLines,
  sprintLines,
  workerCells,
  stateHeads,
} from './status-table.ts'
import { fitHeight } from './live-screen.ts'
import { table } from './table.ts'
import { plainText, widthOf, wrap } from './wrap.ts'
import { unreachableText } from '../decide/wording.ts'

/** The content of the screen: the last report, and the workers whose state has just changed. */
export interface Shown {
  readonly report: StatusReport
  readonly fresh: ReadonlySet<WorkerId>
  readonly now: number
}

/** A line of the list with its text. */
export interface BodyLine extends ListLine {
  readonly text: string
}

/** The list: its heads, and the lines that the filter admits. */
export interface Body {
  readonly head: string
  readonly lines: readonly BodyLine[]
  /** The number of lines without the filter. */
  readonly all: number
}

/** The lines above and below the list: the totals, the heads, and the footer. */
const frame = 3

/** Returns the number of lines of the list that a screen shows at once. */
export function pageOf(height: number): number {
  return Math.max(1, height - frame)
}

/** Returns the list of a report. */
export function bodyOf({ report, fresh, now }: Shown, filter: string, io: Io): Body {
  const workers = workersIn(report.machines).toSorted((a, b) => attentionOf(a) - attentionOf(b))
  const lanes = new Map(
    report.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers.map(({ id }) => [id, window.lane]))),
  )
  const rows = workers.map((worker) => {
    const [name, ...place] = worker.id.split('/').toReversed()
    const [state = '', age = '', issue = '', evidence = ''] = workerCells(worker, io, now)
    return [name ?? '', state, age, issue, place.toReversed().join('/'), lanes.get(worker.id) ?? '', evidence]
  })
  const [state = '', age = '', issue = '', evidence = ''] = stateHeads
  const heads = ['WORKER', state, age, issue, 'WHERE', 'LANE', evidence]
  const [head = '', ...lines] = table(heads, rows, io.columns - 2, ['LANE', 'WHERE', 'EVIDENCE', 'FOR'])
  const workerLines = workers.map((worker: WorkerReport, index): BodyLine & { readonly words: string } => {
    const text = lines[index] ?? ''
    return {
      key: worker.id,
      worker: worker.id,
      text: fresh.has(worker.id) ? io.paint('bold', text) : text,
      words: (rows[index] ?? []).join(' '),
    }
  })
  const others = otherLines({ report, fresh, now }, io).map((text, index) => ({ key: `line ${index}`, worker: null, text, words: text }))
  const all = [...workerLines, ...others]
  const words = filter.toLowerCase().split(' ').filter(Boolean)
  const matches = (line: { readonly words: string; readonly worker: string | null }) => {
    const text = plainText(`${line.words} ${line.worker ?? ''}`).toLowerCase()
    return words.every((word) => text.includes(word))
  }
  return { head, lines: all.filter(matches), all: all.length }
}

/** Returns the lines below the workers: unreachable machines, differences, sprints, back-offs, holds, and what needs a person. */
function otherLines({ report, now }: Shown, io: Io): string[] {
  const lines = [
    ...report.machines.flatMap(({ name, reachable, reason, remedy }) =>
      reachable ? [] : [io.paint('magenta', unreachableText(name, reason ?? '')), ...(remedy === null ? [] : [remedy])],
    ),
    ...driftLines(workersIn(report.machines), io),
    ...report.machines.flatMap(({ retiring }) => retiring.map((id) => `${id} is retiring: it is no longer in the spec`)),
    ...sprintLines(report, io, now),
    ...backoffLines(report, io, now),
    ...needLines(report, io, now),
    ...elsewhereLines(report, io),
  ]
  return lines.length === 0 ? [] : ['', ...lines.flatMap((line) => wrap(line, io.columns - 2, '  '))]
}

/** The state of the screen, with the lines about events above the footer. */
interface Screen {
  readonly shown: Shown | null
  readonly view: View
  readonly body: Body
  readonly news: readonly string[]
}

/** Returns the lines of the whole screen. */
export function watchLines({ shown, view, body, news }: Screen, io: Io, height: number): readonly string[] {
  if (view.mode === 'help') return fitHeight(helpLines(io), height, io, '')
  if (view.mode === 'question' && view.question !== null) return answerLines(view, view.question, io, height)
  const page = pageOf(height - news.length)
  // A long message covers the last lines of the list until the next key.
  const below = [...news, ...(view.notice === null ? [footer(view, body, io, page)] : noticeLines(view.notice, io))]
  const above = shown === null ? ['burn reads the machines …'] : listLines(shown, { view, body }, io, page)
  return [...above, ...blank(height - above.length)].slice(0, height - below.length).concat(below)
}

function listLines(shown: Shown, { view, body }: Pick<Screen, 'view' | 'body'>, io: Io, page: number): string[] {
  const clock = new Date(shown.now).toTimeString().slice(0, 8)
  const lines = body.lines.slice(view.top, view.top + page).map(({ text }, index) => {
    return view.top + index === view.at ? io.paint('inverse', `> ${text}`) : `  ${text}`
  })
  return [`${io.paint('gray', clock)}  ${fleetTotals(shown.report, io)}`, io.paint('gray', `  ${body.head}`), ...lines]
}

const blank = (count: number): string[] => Array.from({ length: Math.max(0, count) }, () => '')

/** The keys in the footer, the most important first. A narrow terminal shows only the first ones. */
const keyHints = ['? help', 'q quit', 'Enter attach', 'a answer', '/ filter', 'j k PgDn move']

function footer(view: View, { lines, all }: Body, io: Io, page: number): string {
  if (view.mode === 'filter') return `filter: ${view.filter}_  (Enter keeps it, Esc clears it)`
  if (view.busy) return 'One moment …'
  const last = Math.min(lines.length, view.top + page)
  const parts = [
    ...(view.filter === '' ? [] : [io.paint('yellow', `filter ${view.filter}: ${lines.length} of ${all} (Esc clears)`)]),
    ...(lines.length > last || view.top > 0 ? [`${view.top + 1}-${last} of ${lines.length}`] : []),
  ]
  for (const hint of keyHints) if (widthOf([...parts, hint].join('  ')) <= io.columns) parts.push(io.paint('gray', hint))
  return parts.join('  ')
}

function noticeLines(notice: string, io: Io): string[] {
  return wrap(notice, io.columns)
    .slice(0, 4)
    .map((line) => io.paint('yellow', line))
}

const help: readonly (readonly [string, string])[] = [
  ['j k, arrows', 'select a line'],
  ['PgDn PgUp', 'move by a page'],
  ['g G', 'go to the first or last line'],
  ['Enter', 'attach to the pane (back: tmux prefix, then d)'],
  ['a', 'show the question, and answer it'],
  ['/', 'filter by words; Esc shows all'],
  ['q, Ctrl-C', 'quit'],
]

function helpLines(io: Io): string[] {
  const lines = help.flatMap(([keys, text]) => {
    const [first = '', ...rest] = wrap(text, io.columns - 13)
    return [`${io.paint('bold', keys.padEnd(13))}${first}`, ...rest.map((line) => `${' '.repeat(13)}${line}`)]
  })
  return [...lines, '', 'Workers that need you come first.', io.paint('gray', 'Any key goes back.')]
}

const answerPrompt = 'number, words or "cancel": '

function answerLines(view: View, question: NonNullable<View['question']>, io: Io, height: number): string[] {
  const [head = '', ...rest] = questionLines(question, io)
  const lines = rest.slice(view.offset).flatMap((line) => wrap(line, io.columns))
  const page = height - 3
  const more = lines.length > page ? [...lines.slice(0, page - 1), io.paint('gray', '… more: arrow keys')] : lines
  const hint = view.busy ? 'One moment …' : 'Enter answers, Esc goes back'
  // The end of a long answer stays visible.
  const answer = Array.from(view.answer).slice(answerPrompt.length + 1 - io.columns)
  return [head, ...more, ...blank(page - more.length), `${answerPrompt}${answer.join('')}_`, io.paint('gray', hint)]
}
