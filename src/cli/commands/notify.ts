/** `burn notify`: lists the channels of notifications, and sends test messages. */
import type { NotifyMessage, Notification } from '../../core/notify.ts'
import type { ChannelKind, NotifySettings } from '../../core/notify-settings.ts'
import type { Session } from '../../observe/session.ts'
import { BurnError, messageWithHint } from '../../core/errors.ts'
import { counted } from '../../core/text.ts'
import { command, done, exitFor } from '../command.ts'
import { flag, list } from '../args.ts'
import { unknownNameError } from '../named.ts'
import { duration, listTable } from '../table.ts'
import { wrap } from '../wrap.ts'

/** The age (ms) of the oldest notifications that `burn notify list` counts. */
const recent = 7 * 86_400_000

export const notifyListCommand = command({
  args: {},
  examples: ['burn notify list --json'],
  async run({ open, clock }) {
    const { session } = await open()
    const { channels, rules } = notifySettings(session)
    const found = await session.ledger.notifications(clock.now() - recent)
    const states = Object.entries(channels).map(([name, { kind }]) => {
      const kinds = rules.filter((rule) => rule.channels.includes(name)).flatMap((rule) => rule.kinds)
      return stateOf(name, { kind, kinds }, found)
    })
    return done({ channels: states, unsent: found.filter(({ state }) => state === 'pending') })
  },
  present({ channels }, io, _, now) {
    const rows = channels.map(({ name, kind, unsent, failed, last_sent_at, last_error }) => {
      const counts = [`${unsent} unsent`, ...(failed === 0 ? [] : [`${failed} given up`])].join(', ')
      const sent = last_sent_at === null ? '' : `${duration(now - last_sent_at)} ago`
      return [name, kind, counts, sent, last_error ?? '']
    })
    io.out(...listTable(['CHANNEL', 'KIND', 'QUEUE', 'LAST SENT', 'LAST ERROR'], rows, io, ['KIND', 'LAST ERROR', 'LAST SENT']))
  },
})

interface ChannelState {
  readonly name: string
  readonly kind: ChannelKind
  /** The kinds of events that the rules send to the channel. */
  readonly kinds: readonly string[]
  /** The number of events that burn has not sent yet, and of those that it gave up in the last week. */
  readonly unsent: number
  readonly failed: number
  readonly last_sent_at: number | null
  /** The error of the last attempt; null if it succeeded, or if there was none. */
  readonly last_error: string | null
}

function stateOf(name: string, about: Pick<ChannelState, 'kind' | 'kinds'>, all: readonly Notification[]): ChannelState {
  const own = all.filter(({ channel }) => channel === name)
  const of = (state: Notification['state']) => own.filter((each) => each.state === state)
  return {
    name,
    ...about,
    unsent: of('pending').length,
    failed: of('failed').length,
    last_sent_at: own.reduce<number | null>((last, { sent_at }) => (sent_at === null ? last : Math.max(last ?? 0, sent_at)), null),
    // The notifications are in the order of their messages.
    last_error: own.findLast(({ attempts }) => attempts > 0)?.last_error ?? null,
  }
}

interface Tested {
  readonly channel: string
  readonly kind: ChannelKind
  /** The message that burn would send, with --dry-run. */
  readonly preview?: unknown
  readonly error: { readonly code: string; readonly message: string } | null
}

export const notifyTestCommand = command({
  args: {
    channels: list('[channel...]', 'Channels to test (default: all)'),
    dry_run: flag('-n, --dry-run', 'Print the message without its secrets, and send nothing'),
  },
  examples: ['burn notify test', 'burn notify test phone --dry-run'],
  notes: ['Exit codes: 0 each channel accepted the message, 1 none did, 2 usage or spec error, 3 some did not.'],
  async run({ open, clock }, { channels, dry_run }) {
    const { session } = await open()
    const known = Object.keys(notifySettings(session).channels)
    for (const name of channels) if (!known.includes(name)) throw unknownNameError('channel', name, known)
    const message = testMessage(session)
    const test = async (name: string): Promise<Tested> => {
      const channel = await session.channel(name)
      const about = { channel: name, kind: channel.kind, error: null }
      if (dry_run) return { ...about, preview: channel.preview(message) }
      try {
        await channel.send(message, clock.now())
        return about
      } catch (thrown) {
        if (!(thrown instanceof BurnError)) throw thrown
        return { ...about, error: { code: thrown.code, message: messageWithHint(thrown) } }
      }
    }
    const tested = await Promise.all((channels.length === 0 ? known : channels).map(test))
    return done({ tested }, exitFor(tested.filter(({ error }) => error === null).length, tested.length))
  },
  present({ tested }, io) {
    for (const { channel, kind, preview, error } of tested) {
      const result = error !== null ? error.message : preview === undefined ? 'accepted the message' : 'would get:'
      io.out(...wrap(`${channel} (${kind}): ${result}`, io.columns, '  '))
      if (preview !== undefined) io.out(...JSON.stringify(preview, null, 2).split('\n'))
    }
    if (tested.length === 0) io.out(`${counted(0, 'channel')} in the spec`)
  },
})

function testMessage({ fleet, newId }: Session): NotifyMessage {
  const text = 'this is a test of the notifications of burn'
  return { id: newId(), fleet: fleet.name, title: `${fleet.name}: test message`, text, events: [] }
}

/** Returns the settings of notifications. Throws BurnError `notify_unset` (exit 2) if the spec has none. */
export function notifySettings({ fleet }: Pick<Session, 'fleet'>): NotifySettings {
  if (fleet.notify !== null) return fleet.notify
  const hint = 'add "notify" with channels and rules to the spec; burn spec docs explains them'
  throw new BurnError('notify_unset', 'the spec has no "notify", so burn sends no notifications', hint, { exit: 2 })
}
