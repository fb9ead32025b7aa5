/** Fills in the defaults of the spec's `notify`, and checks what a schema cannot express. */
import type { ChannelSettings, NotifyRule, NotifySettings, ReportSettings } from '../core/notify-settings.ts'
import type { PathFinding, SpecPath } from './findings.ts'
import type { WrittenNotify } from './notify.ts'
import { placeholders } from '../core/notify.ts'
import { nearest } from '../core/suggest.ts'
import { defaults } from './defaults.ts'
import { durationMs, hoursIn, minutesOf } from './units.ts'

type WrittenChannel = WrittenNotify['channels'][string]
type WrittenRule = WrittenNotify['rules'][number]
type WrittenReport = NonNullable<WrittenNotify['report']>

/** Returns the settings of notifications; null if the spec has none. */
export function completeNotify(written: WrittenNotify | undefined): NotifySettings | null {
  if (written === undefined) return null
  const { channels, rules, report, zone = defaults.zone } = written
  return {
    channels: Object.fromEntries(Object.entries(channels).map(([name, channel]) => [name, completeChannel(channel)])),
    rules: rules.map(completeRule),
    report: report === undefined ? null : completeReport(report),
    zone,
  }
}

const wholeMessage = Object.fromEntries(placeholders.map((name) => [name, `{{${name}}}`]))

function completeChannel(written: WrittenChannel): ChannelSettings {
  // The casts are safe: the schema allows only one source of a secret, but its types can't express that.
  switch (written.kind) {
    case 'webhook': {
      const { key = null, headers = {}, body = wholeMessage, ...more } = written
      return { ...more, key, headers, body } as ChannelSettings<'webhook'> // a source has one key
    }
    case 'ntfy': {
      const { token = null, priority = defaults.ntfyPriority, ...more } = written
      return { ...more, token, priority } as ChannelSettings<'ntfy'> // a source has one key
    }
    case 'slack':
      return written as ChannelSettings<'slack'> // a source has one key
    case 'email': {
      const { user = null, password = null, ...more } = written
      return { ...more, user, password } as ChannelSettings<'email'> // a source has one key
    }
    case 'command':
      return written
  }
}

function completeRule({ kinds, channels, debounce, digest, quiet_hours, recovery }: WrittenRule): NotifyRule {
  return {
    kinds,
    channels,
    debounce: durationMs(debounce ?? defaults.debounce),
    digest: digest === undefined ? 0 : durationMs(digest),
    quiet_hours: quiet_hours === undefined ? null : hoursIn(quiet_hours),
    recovery: recovery ?? defaults.recovery,
  }
}

function completeReport({ channels, at, since }: WrittenReport): ReportSettings {
  return { channels, at: at === undefined ? null : minutesOf(at), since: durationMs(since ?? defaults.reportSince) }
}

/** Returns the findings about channels, rules and reports. `kinds`: all kinds of events; if undefined, burn does not check kinds. */
export function notifyFindings(written: WrittenNotify | undefined, kinds: readonly string[] | undefined): PathFinding[] {
  if (written === undefined) return []
  const channels = Object.keys(written.channels)
  return [
    ...Object.entries(written.channels).flatMap(([name, channel]) => channelFindings(['notify', 'channels', name], channel)),
    ...written.rules.flatMap((rule, index) => ruleFindings(['notify', 'rules', index], rule, channels, kinds)),
    ...unknownChannels(['notify', 'report', 'channels'], written.report?.channels ?? [], channels),
  ]
}

function channelFindings(at: SpecPath, channel: WrittenChannel): PathFinding[] {
  if (channel.kind === 'webhook') return [...urlFindings([...at, 'url'], channel.url), ...bodyFindings([...at, 'body'], channel.body ?? {})]
  if (channel.kind === 'ntfy') return urlFindings([...at, 'url'], channel.url)
  if (channel.kind === 'email' && !URL.canParse(channel.server)) return urlFindings([...at, 'server'], channel.server)
  if (channel.kind !== 'email' || (channel.user === undefined) === (channel.password === undefined)) return []
  return [{ path: at, of: 'key', what: 'the channel has only one of "user" and "password"', hint: 'write both keys, or none' }]
}

function urlFindings(path: SpecPath, url: unknown): PathFinding[] {
  return typeof url !== 'string' || URL.canParse(url)
    ? []
    : [{ path, what: 'this is not a URL', hint: 'write the full URL, e.g. "https://hooks.example.com/burn"' }]
}

/** Returns a finding for each text of a template with braces that are not a placeholder. */
function bodyFindings(path: SpecPath, template: unknown): PathFinding[] {
  if (typeof template === 'object' && template !== null)
    return Object.entries(template).flatMap(([key, value]) => bodyFindings([...path, Array.isArray(template) ? Number(key) : key], value))
  if (typeof template !== 'string') return []
  const known: readonly string[] = placeholders
  const wrong = [...template.matchAll(/\{\{(.*?)\}\}/gs)].map(([, name = '']) => name).find((name) => !known.includes(name))
  const listed = known.map((name) => `{{${name}}}`).join(' ')
  if (wrong !== undefined)
    return [
      {
        path,
        what: `the template has an unknown placeholder: {{${wrong}}}`,
        hint: `${suggestion(wrong, known)}the placeholders are: ${listed}`,
      },
    ]
  const rest = template.replace(/\{\{.*?\}\}/gs, '')
  return rest.includes('{{') || rest.includes('}}')
    ? [
        {
          path,
          what: 'the template has "{{" without "}}", or the reverse',
          hint: `write a placeholder like {{title}}; the placeholders are: ${listed}`,
        },
      ]
    : []
}

function ruleFindings(at: SpecPath, rule: WrittenRule, channels: readonly string[], kinds: readonly string[] | undefined): PathFinding[] {
  const isKnown = (kind: string) =>
    kinds === undefined || (kind.endsWith('*') ? kinds.some((each) => each.startsWith(kind.slice(0, -1))) : kinds.includes(kind))
  const [from, to] = (rule.quiet_hours ?? '-x').split('-')
  return [
    ...rule.kinds.flatMap((kind, index): PathFinding[] =>
      isKnown(kind)
        ? []
        : [
            {
              path: [...at, 'kinds', index],
              what: `no event has the kind ${JSON.stringify(kind)}`,
              hint: `${suggestion(kind, kinds ?? [])}\`burn log kinds\` lists the kinds`,
            },
          ],
    ),
    ...unknownChannels([...at, 'channels'], rule.channels, channels),
    ...(from === to
      ? [
          {
            path: [...at, 'quiet_hours'],
            what: 'the quiet hours begin and end at the same time',
            hint: 'write two different times, or delete this key',
          },
        ]
      : []),
    ...(durationMs(rule.digest ?? 1) > 86_400_000 || durationMs(rule.digest ?? 1) <= 0
      ? [{ path: [...at, 'digest'], what: 'a digest is sent at least once a day', hint: 'write a time of at most 24h' }]
      : []),
  ]
}

function unknownChannels(at: SpecPath, used: readonly string[], channels: readonly string[]): PathFinding[] {
  return used.flatMap((channel, index) => {
    const hint = `${suggestion(channel, channels)}add the channel to "notify.channels"`
    return channels.includes(channel) ? [] : [{ path: [...at, index], what: `there is no channel ${JSON.stringify(channel)}`, hint }]
  })
}

function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates)
  return near === null ? '' : `did you mean ${JSON.stringify(near)}? `
}
