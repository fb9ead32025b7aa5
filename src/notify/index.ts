/** The registry of channels: the function that opens each kind. */
import type { Channel } from '../core/notify.ts'
import type { ChannelKind, ChannelSettings } from '../core/notify-settings.ts'
import type { ChannelDeps, Opener } from './channel.ts'
import { openCommand } from './command.ts'
import { openEmail } from './email.ts'
import { openNtfy } from './ntfy.ts'
import { openSlack } from './slack.ts'
import { openWebhook } from './webhook.ts'

const openers: { readonly [Kind in ChannelKind]: Opener<Kind> } = {
  command: openCommand,
  email: openEmail,
  ntfy: openNtfy,
  slack: openSlack,
  webhook: openWebhook,
}

/** Opens the channel that a spec names. Sends nothing yet. */
export function openChannel<Kind extends ChannelKind>(
  name: string,
  settings: ChannelSettings<Kind> & { readonly kind: Kind },
  deps: ChannelDeps,
): Channel {
  return openers[settings.kind](name, settings, deps)
}
