/** The parts that all channels share. */
import type { Channel } from '../core/notify.ts'
import type { Address, ChannelKind, ChannelSettings } from '../core/notify-settings.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Env } from '../host/proxy.ts'
import type { Fetch } from '../host/fetch.ts'
import type { SecretForm } from '../host/secrets.ts'

/** The functions that channels get from their caller. */
export interface ChannelDeps {
  readonly fetch: Fetch
  readonly env: Env
  /** Reads a secret. A channel reads its secrets only when it sends a message. */
  readonly secret: (source: SecretSource, form?: SecretForm) => Promise<string>
  /** The maximum time (ms) to send a message. A dispatcher waits for it between two cycles. */
  readonly timeout_ms: number
}

/** Opens a channel with its settings. `name` is the name of the channel in the spec. */
export type Opener<Kind extends ChannelKind> = (name: string, settings: ChannelSettings<Kind>, deps: ChannelDeps) => Channel

/** Returns an address of the spec. Reads it from its source if it is a secret. */
export async function readAddress(address: Address, { secret }: ChannelDeps): Promise<string> {
  return typeof address === 'string' ? address : secret(address)
}

/** Returns an address of the spec for a preview. Hides it if it is a secret. */
export function shownAddress(address: Address): string {
  return typeof address === 'string' ? address : '[secret]'
}
