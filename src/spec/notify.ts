/** The schema of the spec's `notify`: channels and rules. */
import * as z from 'zod'
import { placeholders } from '../core/notify.ts'
import { defaults } from './defaults.ts'
import { token } from './forges.ts'
import { argv, hours, line, name, timeSpan } from './values.ts'

const http = line.regex(/^https?:\/\/[^\s@]+$/, 'must be an http address without credentials')
const source = (what: string) => `Where burn reads ${what}: a file, a variable or a command.`
const secretOr = <T extends z.ZodType>(plain: T, what: string) =>
  z.union([plain, token], `must be ${what}, or the source of a secret: {"file": "…"}`)
const mail = line.regex(/^[^\s@<>,;]+@[^\s@<>,;]+$/, 'must be an e-mail address such as "burn@example.com"')

const webhook = z.strictObject({
  kind: z.literal('webhook').meta({ description: 'HTTP request with JSON.' }),
  url: secretOr(http, 'an http address without credentials').meta({
    description: 'Address of the receiver. If the address contains a secret, write where burn reads the address.',
    examples: ['https://hooks.example.com/burn'],
  }),
  key: token.optional().meta({
    description: `${source('the key of the signature')} burn signs as the Standard Webhooks specification says. Default: no signature.`,
    examples: [{ file: '~/.config/burn-fleet/webhook-key' }],
  }),
  headers: z
    .record(
      z
        .string()
        .regex(
          /^(?!(?:connection|content-.*|host|te|trailer|transfer-encoding|upgrade|webhook-.*|idempotency-key)$)[a-z0-9!#$%&'*+.^_`|~-]+$/i,
          'must be the name of an HTTP header that burn does not set itself',
        ),
      token,
    )
    .optional()
    .meta({
      description: 'Further HTTP headers. Each value names the place from which burn reads it.',
      examples: [{ Authorization: { env: 'HOOK_AUTH' } }],
    }),
  body: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({
      description: `JSON object to send. Its texts may contain the placeholders ${placeholders.map((each) => `\`{{${each}}}\``).join(', ')}. Default: all of them, each under its name.`,
      examples: [{ text: '{{title}}: {{text}}' }],
    }),
})

const ntfy = z.strictObject({
  kind: z.literal('ntfy').meta({ description: 'Push message through an ntfy server.' }),
  url: http.meta({ description: 'Address of the ntfy server, without the topic.', examples: ['https://ntfy.example.com'] }),
  topic: secretOr(name, 'the name of a topic').meta({
    description: 'Topic. On a public server everybody who knows the topic reads the messages, so write where burn reads the topic.',
    examples: ['burn'],
  }),
  token: token.optional().meta({ description: source('the access token'), examples: [{ file: '~/.config/burn-fleet/ntfy' }] }),
  priority: z
    .int()
    .min(1)
    .max(5)
    .optional()
    .meta({ description: 'Priority of the messages.', default: defaults.ntfyPriority, examples: [4] }),
})

const slack = z.strictObject({
  kind: z.literal('slack').meta({ description: 'Incoming webhook of Slack or Mattermost.' }),
  url: token.meta({
    description: `${source('the address of the webhook')} The address is a secret.`,
    examples: [{ file: '~/.config/burn-fleet/slack' }],
  }),
})

const email = z.strictObject({
  kind: z.literal('email').meta({ description: 'E-mail over SMTP.' }),
  server: line.regex(/^smtps?:\/\/[^\s/@:?#]+(?::\d{1,5})?$/, 'must be "smtps://host" or "smtp://host", without credentials').meta({
    description:
      'Mail server. `smtps://`: TLS from the start (port 465). `smtp://`: TLS by STARTTLS (port 587); without `user`, burn also sends if the server has no TLS.',
    examples: ['smtps://mail.example.com', 'smtp://localhost:25'],
  }),
  user: line.optional().meta({ description: 'User name for the login.', examples: ['burn@example.com'] }),
  password: token.optional().meta({ description: source('the password'), examples: [{ file: '~/.config/burn-fleet/mail' }] }),
  from: mail.meta({ description: 'Address of the sender.', examples: ['burn@example.com'] }),
  to: z
    .array(mail)
    .min(1, 'must have at least one address')
    .meta({ description: 'Addresses of the recipients.', examples: [['ada@example.com']] }),
})

const command = z.strictObject({
  kind: z.literal('command').meta({ description: 'Program on the machine that runs burn.' }),
  command: argv.meta({
    description:
      'Program and arguments. The program gets the text on its standard input, and `BURN_TITLE`, `BURN_TEXT` and `BURN_MESSAGE_ID` in its environment.',
    examples: [['apprise', '-t', 'burn']],
  }),
})

const channel = z.discriminatedUnion('kind', [webhook, ntfy, slack, email, command])

const rule = z.strictObject({
  kinds: z
    .array(line)
    .min(1, 'must have at least one kind')
    .meta({
      description: 'Kinds of events (`burn log kinds`). `worker.*` means all kinds that begin with `worker.`.',
      examples: [['worker.waiting', 'worker.error']],
    }),
  channels: z
    .array(name)
    .min(1, 'must have at least one channel')
    .meta({ description: 'Channels to which burn sends these events.', examples: [['phone']] }),
  debounce: timeSpan.optional().meta({
    description: 'Time that an event waits. If the state that it reports ends in this time, burn sends nothing.',
    default: defaults.debounce,
    examples: ['5m'],
  }),
  digest: timeSpan.optional().meta({
    description:
      'burn collects events, and sends them together at multiples of this time since midnight, at most once a day. Default: burn sends at once.',
    examples: ['1h'],
  }),
  quiet_hours: hours.optional().meta({
    description: 'Hours in which events wait until the end of these hours. Default: none.',
    examples: ['22:00-07:00'],
  }),
  recovery: z
    .boolean()
    .optional()
    .meta({
      description: 'Whether burn also sends the end of a state whose beginning it has sent.',
      default: defaults.recovery,
      examples: [false],
    }),
})

const report = z.strictObject({
  channels: z
    .array(name)
    .min(1, 'must have at least one channel')
    .meta({ description: 'Channels to which burn sends reports.', examples: [['mail']] }),
  at: z
    .string()
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day: "07:00"')
    .optional()
    .meta({
      description: 'Time of day at which `burn dispatch --cycles 0` sends a report. Default: only `burn report --send` sends one.',
      examples: ['07:00'],
    }),
  since: timeSpan.optional().meta({
    description: 'Length of the period of a report.',
    default: defaults.reportSince,
    examples: ['12h'],
  }),
})

/** The schema of `notify`. */
export const notifyKeys = z.strictObject({
  channels: z.record(name, channel).meta({
    description: 'Channels, by the name of the channel.',
    examples: [{ phone: { kind: 'ntfy', url: 'https://ntfy.example.com', topic: 'burn' } }],
  }),
  rules: z.array(rule).meta({
    description: 'Rules that say which events go to which channels. For each channel, the first rule that has the kind of an event counts.',
    examples: [[{ kinds: ['worker.waiting'], channels: ['phone'] }]],
  }),
  report: report.optional().meta({ description: 'Reports that burn sends to channels. Default: none.' }),
  zone: line
    .refine(isZone, 'must be a time zone such as "Europe/Berlin"')
    .optional()
    .meta({
      description: 'Time zone of `quiet_hours`, `digest`, `report.at` and `logins.night`.',
      default: defaults.zone,
      examples: ['Europe/Berlin'],
    }),
})

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

export type WrittenNotify = z.infer<typeof notifyKeys>
