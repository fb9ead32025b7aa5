/** The texts of messages. Text that burn did not write is short and quoted, and its links and mentions do not work. Pure. */
import type { NotifyMessage, NotifiedEvent, NotifiedReport, Notification } from '../core/notify.ts'
import type { PeriodReport } from '../core/period-report.ts'
import { counted } from '../core/text.ts'
import { eventStart } from './event-line.ts'
import { inert } from './inert-text.ts'
import { reportDocument, type Block } from './report-document.ts'
import { reportText } from './report-text.ts'
import { toSecond } from './wording.ts'

/** The maximum number of events that the text of a message shows. ntfy accepts texts of up to 4,096 bytes. */
const maxLines = 12
const maxQuote = 160

/** Returns the message about events, or the message of a report. The same contents give the same message. */
export function messageAbout(id: string, fleet: string, contents: readonly Notification['content'][]): NotifyMessage {
  const events = contents.flatMap((content) => (content.kind === 'report' ? [] : [content]))
  for (const content of contents) if (content.kind === 'report') return { id, fleet, title: content.title, text: content.text, events: [] }
  const lines = events.slice(0, maxLines).map(lineOf)
  const more = events.length - lines.length
  const rest = more === 0 ? [] : [`and ${counted(more, 'more event')}: burn log`]
  return { id, fleet, title: `${fleet}: ${summaryOf(events)}`, text: [...lines, ...rest].join('\n'), events }
}

/** The maximum length of a report in a message. A longer environment variable does not reach the program of a channel. */
const maxReport = 30_000

/** Returns a report for a message. The links of changes work, because the forge wrote them. */
export function reportContent(report: PeriodReport): NotifiedReport {
  const { fleet, needs_you, done, went_wrong } = report
  const wrong = went_wrong.reduce((sum, { items }) => sum + items.length, 0)
  const { title, subtitle, sections } = reportDocument(report)
  const lines = reportText({ title, subtitle, sections: sections.map((each) => ({ ...each, blocks: each.blocks.map(inertBlock) })) })
  const kept = lines.length <= maxReport ? lines.trimEnd() : `${lines.slice(0, lines.lastIndexOf('\n', maxReport))}\nThe rest: burn report`
  const counts = `${needs_you.length} need you, ${done.merged.length} done, ${wrong} went wrong`
  return { kind: 'report', title: `${fleet}: report: ${counts}`, text: kept }
}

function inertBlock(block: Block): Block {
  const quiet = (text: string) => inert(text, 400)
  if (block.kind === 'list')
    return {
      ...block,
      entries: block.entries.map(({ text, detail, url }) => ({ text: quiet(text), detail: quiet(detail), url: linkOf(url) })),
    }
  return block.kind === 'table' ? { ...block, rows: block.rows.map((row) => row.map(quiet)) } : block
}

const linkOf = (url: string | null) => (url !== null && /^https?:\/\/[^\s<>()@]+$/.test(url) ? url : null)

function summaryOf(events: readonly NotifiedEvent[]): string {
  const [first] = events
  if (first !== undefined && events.length === 1) return eventStart(first.kind) === '' ? sentenceOf(first, 100) : headOf(first)
  const words = events.map(({ kind }) => eventStart(kind) || kind)
  const counts = [...new Set(words)].map((word) => `${word} (${words.filter((each) => each === word).length})`)
  return `${counted(events.length, 'event')}: ${counts.slice(0, 4).join(', ')}${counts.length > 4 ? ', …' : ''}`
}

const lineOf = (event: NotifiedEvent) => `${toSecond(event.at)} ${sentenceOf(event, maxQuote)}`

/** Returns what happened, with at most `length` characters of the event's text. */
function sentenceOf(event: NotifiedEvent, length: number): string {
  const quoted = event.text === '' ? '' : `“${inert(event.text, length).replace(/[“”]/g, "'")}”`
  return joined(headOf(event), quoted)
}

/** Returns the names of the issue and the worker, and what happened to them if the event's text does not say it. */
const headOf = (event: NotifiedEvent) => joined(inert(aboutOf(event), 120), eventStart(event.kind))

const joined = (...parts: readonly string[]) => parts.filter((part) => part !== '').join(': ')

function aboutOf({ kind, subject, issue, worker }: NotifiedEvent): string {
  const other = kind.startsWith('fleet.') ? 'the fleet' : subject
  return [issue ?? (worker === null ? other : null), worker].filter((each) => each !== null).join(' ')
}
