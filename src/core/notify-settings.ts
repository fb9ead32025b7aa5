/** The settings of notifications: channels, and rules that say which events go to which channel. */
import type { SecretSource } from './secret-source.ts'

/** An address in the spec, or the place of an address that is itself a secret. */
export type Address = string | SecretSource

/** The settings of a channel, by its kind. */
interface ChannelKinds {
  readonly webhook: {
    readonly url: Address
    /** The key of the signature; null: burn signs nothing. */
    readonly key: SecretSource | null
    readonly headers: Readonly<Record<string, SecretSource>>
    /** The JSON object to send. Its strings may have placeholders. */
    readonly body: Readonly<Record<string, unknown>>
  }
  readonly ntfy: { readonly url: string; readonly topic: Address; readonly token: SecretSource | null; readonly priority: number }
  readonly slack: { readonly url: SecretSource }
  readonly email: {
    /** `smtps://host:port` or `smtp://host:port`. */
    readonly server: string
    readonly user: string | null
    readonly password: SecretSource | null
    readonly from: string
    readonly to: readonly string[]
  }
  readonly command: { readonly command: readonly string[] }
}

export type ChannelKind = keyof ChannelKinds

/** The settings of one channel. */
export type ChannelSettings<Kind extends ChannelKind = ChannelKind> = { [K in Kind]: ChannelKinds[K] & { readonly kind: K } }[Kind]

/** The hours in which burn does not send: minutes since midnight in a time zone. `to` may be before `from`, on the next day. */
export interface QuietHours {
  readonly from: number
  readonly to: number
}

/** A rule that says which events go to which channels, and when. Durations are in milliseconds. */
export interface NotifyRule {
  /** Kinds of events, or prefixes of kinds with a trailing `*`. */
  readonly kinds: readonly string[]
  readonly channels: readonly string[]
  /** An event waits for this time. If the state that it reports ends in this time, burn sends nothing. */
  readonly debounce: number
  /** burn sends events only at multiples of this time since midnight; 0: at once. */
  readonly digest: number
  readonly quiet_hours: QuietHours | null
  /** Whether burn also sends the end of a state whose beginning it has sent. */
  readonly recovery: boolean
}

/** The settings of reports that burn sends. */
export interface ReportSettings {
  readonly channels: readonly string[]
  /** The time of day at which the job `report` sends a report, in minutes since midnight; null: only `burn report --send` sends one. */
  readonly at: number | null
  /** The length of the period (ms) before that time. */
  readonly since: number
}

/** The spec's `notify` with every default filled in. */
export interface NotifySettings {
  readonly channels: Readonly<Record<string, ChannelSettings>>
  readonly rules: readonly NotifyRule[]
  /** Null: burn sends no reports. */
  readonly report: ReportSettings | null
  /** The time zone of quiet hours, digests and reports. */
  readonly zone: string
}
