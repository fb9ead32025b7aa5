/** The types of notifications: their rows in the ledger, their messages, and the interface of a channel that sends messages. */
import type { ChannelKind } from './notify-settings.ts'
import type { ErrorCode } from './error-codes.ts'
import type { EventKind } from './events.ts'
import type { IssueRef, Time, WorkerId } from './nouns.ts'
import { BurnError } from './errors.ts'

/** One event in a message. `text` is one short line without control characters and without secrets. It may quote text of strangers. */
export interface NotifiedEvent {
  readonly kind: EventKind
  readonly at: Time
  readonly subject: string
  readonly issue: IssueRef | null
  readonly worker: WorkerId | null
  readonly text: string
}

/** A report as the ledger keeps it. It is a message of its own. The text has several lines, and no text of strangers in it works. */
export interface NotifiedReport {
  readonly kind: 'report'
  readonly title: string
  readonly text: string
}

/** A message to a channel. */
export interface NotifyMessage {
  /** The stable id of the message, by which a receiver recognises a repetition. */
  readonly id: string
  readonly fleet: string
  /** One line about the events, or about the report. */
  readonly title: string
  /** A line for each event, or a report. Links, mentions and markup in texts of strangers do not work. */
  readonly text: string
  /** Empty if the message is a report. */
  readonly events: readonly NotifiedEvent[]
}

/** The placeholders of a webhook's body. */
export const placeholders = ['id', 'fleet', 'title', 'text', 'events'] as const satisfies readonly (keyof NotifyMessage)[]

/** A channel that can send messages. */
export interface Channel {
  readonly kind: ChannelKind
  /**
   * Sends a message. The channel may receive the same message again. Throws NotifyError if the receiver did not accept the message, and
   * BurnError `secret_*` if a secret can't be read. No error contains a secret.
   */
  send(message: NotifyMessage, at: Time): Promise<void>
  /** Returns what `send` would send, without secrets. Reads no secret and sends nothing. */
  preview(message: NotifyMessage): unknown
}

/** The receiver of a message did not accept the message. */
export class NotifyError extends BurnError {
  /** The time (ms) that the receiver asks burn to wait before the next attempt; null if it asks for no time. */
  readonly retry_after_ms: number | null
  /** True if the receiver accepted the message for some of its recipients and refuses the others for good, so burn must not repeat it. */
  readonly delivered: boolean

  constructor(
    code: Extract<ErrorCode, `notify_${string}`>,
    message: string,
    hint: string,
    more: { readonly retry_after_ms?: number | null; readonly delivered?: boolean; readonly cause?: unknown } = {},
  ) {
    super(code, message, hint, more.cause === undefined ? {} : { cause: more.cause })
    this.retry_after_ms = more.retry_after_ms ?? null
    this.delivered = more.delivered ?? false
  }
}

/** A row of the table `notification`: one event or one report for one channel. */
export interface Notification {
  readonly id: string
  readonly channel: string
  /** The state that the event is about, or the name of the report. An event and the event that ends its state have the same topic. */
  readonly topic: string
  /** The id of the message that contains the event; null until burn composes that message. A composed message does not change. */
  readonly message: string | null
  readonly content: NotifiedEvent | NotifiedReport
  /** `failed`: burn gave up, or the spec no longer has the channel. */
  readonly state: 'pending' | 'sent' | 'failed'
  /** The number of attempts to send the message. */
  readonly attempts: number
  /** The time of the next attempt; null if there is none. */
  readonly next_at: Time | null
  /** The error of the last attempt. A sent message has one if the receiver refused some of the recipients. */
  readonly last_error: string | null
  readonly created_at: Time
  readonly sent_at: Time | null
}
