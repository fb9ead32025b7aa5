/** The texts of messages. Text that burn did not write is short and quoted, and its links and mentions do not work. Pure. */
import type { NotifyMessage, NotifiedEvent } from '../core/notify.ts'
import { escapeLineForForge } from '../core/forge-text.ts'
import { counted } from '../core/text.ts'
import { toSecond } from './wording.ts'

/** The maximum number of events that the text of a message shows. ntfy accepts texts of up to 4,096 bytes. */
const maxLines = 12
const maxQuote = 160

/** Returns the message about these events. The same events give the same message. */
export function messageAbout(id: string, fleet: string, events: readonly NotifiedEvent[]): NotifyMessage {
  const lines = events.slice(0, maxLines).map(lineOf)
  const more = events.length - lines.length
  const rest = more === 0 ? [] : [`and ${counted(more, 'more event')}: burn log`]
  return { id, fleet, title: `${fleet}: ${summaryOf(events)}`, text: [...lines, ...rest].join('\n'), events }
}

function summaryOf(events: readonly NotifiedEvent[]): string {
  const [first] = events
  if (first !== undefined && events.length === 1) return `${first.kind} ${inert(aboutOf(first), 80)}`
  const kinds = [...new Set(events.map(({ kind }) => kind))]
  const counts = kinds.slice(0, 4).map((kind) => `${events.filter((each) => each.kind === kind).length} ${kind}`)
  return `${counted(events.length, 'event')} (${counts.join(', ')}${kinds.length > 4 ? ', …' : ''})`
}

function lineOf(event: NotifiedEvent): string {
  const { kind, at, text } = event
  const quoted = text === '' ? '' : `: “${inert(text, maxQuote).replace(/[“”]/g, "'")}”`
  return `${toSecond(at)} ${kind} ${inert(aboutOf(event), 120)}${quoted}`
}

function aboutOf({ subject, issue, worker }: NotifiedEvent): string {
  const about = [issue ?? (worker === null ? subject : null), worker].filter((each) => each !== null)
  return about.join(' ')
}

/** Returns the text on one line, so that no mention, link or markup in it works. */
function inert(text: string, limit: number): string {
  return escapeLineForForge(text, limit).replace(/:\/\/|\bwww\.|\bmailto:/gi, (found) => `${found.slice(0, 1)}\u200b${found.slice(1)}`)
}
