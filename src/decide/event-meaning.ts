/** The parts that the tables of event kinds share. */
import type { EventData, EventKind, LogLevel } from '../core/events.ts'
import type { Time } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import { sentence, toSecond } from './wording.ts'

/** The meaning, the payload and the text of one kind of event. */
export interface Meaning<K extends EventKind> {
  readonly meaning: string
  readonly payload: { readonly [F in keyof EventData[K]]: string }
  /** Returns the text of one event. `burn log` shows it after the kind, the issue and the worker. */
  readonly text: (payload: EventData[K]) => string
  /** The log level at which burn also prints the event when it happens. Without a level, burn only stores it. */
  readonly level?: LogLevel
  /** If true, burn prints the event and does not store it. */
  readonly fleeting?: true
  /** The type of the event's subject, if burn prints the event and also stores it. With it, a query by issue or worker finds the event. */
  readonly subject?: 'issue' | 'worker'
}

/** Returns the end of a login in words. */
export const endText = (at: Time | null) => (at === null ? 'at an unknown time' : `at ${toSecond(at)}`)
export const reason = 'the reason, with its code in `reason_code`'
export const why = 'the error, or what burn found'
export const backoffDoc = 'a sentence that says until when burn backs off; null if burn does not back off'
export const also = (backoff: string | null) => (backoff === null ? '' : `; ${backoff}`)
export const failed = { payload: { why }, text: (data: { readonly why: string }) => data.why }
export const because = { payload: { reason }, text: (data: { readonly reason: Reason }) => sentence(data.reason) }
