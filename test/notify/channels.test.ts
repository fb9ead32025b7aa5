/** Channels against real receivers on loopback that misbehave. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NotifyMessage, NotifiedEvent } from '../../src/core/notify.ts'
import type { ChannelSettings } from '../../src/core/notify-settings.ts'
import type { SecretSource } from '../../src/core/secret-source.ts'
import { BurnError, messageWithHint } from '../../src/core/errors.ts'
import { NotifyError } from '../../src/core/notify.ts'
import { messageAbout } from '../../src/decide/notify-text.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { readSecret } from '../../src/host/secrets.ts'
import { openChannel } from '../../src/notify/index.ts'
import { makeCertificates } from '../support/certificates.ts'
import { scratch } from '../support/fleet.ts'
import { startMailServer, startReceiver, type Answer } from './receivers.ts'

const at = Date.UTC(2026, 0, 1)
const secrets = { HOOK: 'whsec_c2VjcmV0LWtleQ==', LOGIN: 'Bearer pa55word', TOKEN: 'tk_pa55word', PASSWORD: 'pa55 word' }
const hostile = '<!channel> <https://evil.test|click> @here *b* `c` {{id}} "q" </script>\u001b[31m\r\nBcc: evil@evil.test www.evil.test'

/** The time limit of a channel that is about to answer, and of one that hangs (ms). */
const [patient, hasty] = [10_000, 150]

function open<Kind extends ChannelSettings['kind']>(
  settings: ChannelSettings<Kind> & { readonly kind: Kind },
  env: Readonly<Record<string, string>> = {},
  timeout_ms = patient,
) {
  const all = { PATH: process.env['PATH'], ...secrets, ...env }
  return openChannel('phone', settings, {
    env: all,
    fetch: openFetch({}),
    timeout_ms,
    secret: (source, form) => readSecret(source, { home: '/nowhere', env: all }, form),
  })
}

function eventWith(text: string): NotifiedEvent {
  return { kind: 'worker.waiting', at, subject: 'mac/W/ANN', issue: 'o/app#3', worker: 'mac/W/ANN', text }
}

const message: NotifyMessage = messageAbout('01m', 'timmy', [eventWith(hostile)])

const env = (name: keyof typeof secrets | 'URL'): SecretSource => ({ env: name })
const webhook = (url: string, more: Partial<ChannelSettings<'webhook'>> = {}): ChannelSettings<'webhook'> => ({
  kind: 'webhook',
  url,
  key: null,
  headers: {},
  body: { id: '{{id}}', events: '{{events}}' },
  ...more,
})

/** Returns a port on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function failureOf(sending: Promise<void>): Promise<BurnError> {
  const thrown = await sending.then(
    () => assert.fail('the channel accepted the message'),
    (error: unknown) => error,
  )
  assert.ok(thrown instanceof BurnError, String(thrown))
  for (const secret of [...Object.values(secrets), 'echo', 'topsecret'])
    assert.ok(!messageWithHint(thrown).includes(secret), thrown.message)
  return thrown
}

test('webhook: fills its template, signs the body, and sends stable ids', async (t) => {
  const receiver = await startReceiver(t)
  const body = { text: 'fleet {{fleet}}: {{title}}', list: ['{{events}}', { deep: '{{text}}' }], id: '{{id}}', number: 7 }
  const channel = open(webhook(`${receiver.url}/in`, { key: env('HOOK'), headers: { Authorization: env('LOGIN') }, body }))
  await channel.send(message, at)
  await channel.send(message, at + 60_000)
  const [first, second] = receiver.received
  assert.equal(first?.body, second?.body)
  assert.deepEqual(JSON.parse(first!.body), {
    text: 'fleet timmy: timmy: o/app#\u200b3 mac/W/ANN: waits for an answer',
    list: [message.events.map((event) => ({ ...event, at: new Date(event.at).toISOString() })), { deep: message.text }],
    id: '01m',
    number: 7,
  })
  for (const { headers, body: sent } of receiver.received) {
    assert.deepEqual([headers['webhook-id'], headers['idempotency-key'], headers.authorization], ['01m', '01m', secrets.LOGIN])
    const signed = `01m.${String(headers['webhook-timestamp'])}.${sent}`
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', 'secret-key').update(signed).digest('base64')}`)
  }
  assert.doesNotMatch(JSON.stringify(channel.preview(message)), /pa55|whsec/)
})

test('http channels: report each failure of a receiver without secrets', async (t) => {
  const [receiver, other] = [await startReceiver(t), await startReceiver(t)]
  const channel = open(webhook('', { url: env('URL') }), { URL: `${receiver.url}/topsecret` })
  const answers: readonly (readonly [Answer, string, number | null])[] = [
    [500, 'notify_refused', null],
    [404, 'notify_refused', null],
    [{ retry_after: '120' }, 'notify_refused', 120_000],
    [{ to: `${other.url}/elsewhere` }, 'notify_redirected', null],
    ['half', 'notify_unreachable', null],
  ]
  for (const [answer, code, wait] of answers) {
    receiver.answer = answer
    const error = await failureOf(channel.send(message, at))
    assert.ok(error instanceof NotifyError, error.message)
    assert.deepEqual([error.code, error.retry_after_ms], [code, wait])
  }
  receiver.answer = 'hang'
  const hanging = await failureOf(open(webhook(receiver.url), {}, hasty).send(message, at))
  assert.equal(hanging.code, 'notify_unreachable')
  assert.equal(other.received.length, 0, 'burn never sends the secret to another address')
})

test('http channels: an untrusted certificate or a closed port sends nothing', async (t) => {
  const receiver = await startReceiver(t, makeCertificates(scratch(t), ['localhost']))
  const error = await failureOf(open(webhook(receiver.url.replace('127.0.0.1', 'localhost'))).send(message, at))
  assert.deepEqual([error.code, receiver.received.length], ['notify_unreachable', 0])
  assert.match(error.message, /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/)
  assert.match((await failureOf(open(webhook(`http://127.0.0.1:${await closedPort()}/x`)).send(message, at))).message, /ECONNREFUSED/)
})

test('ntfy: publishes JSON, so no text gets into a header', async (t) => {
  const receiver = await startReceiver(t)
  const settings = { kind: 'ntfy', url: receiver.url, topic: env('TOKEN'), token: env('TOKEN'), priority: 4 } as const
  const long = messageAbout(
    '01m',
    'timmy',
    Array.from({ length: 30 }, () => eventWith('🜂'.repeat(200))),
  )
  for (const each of [message, long]) await open(settings).send(each, at)
  const [first, second] = receiver.received
  assert.equal(first?.headers.authorization, `Bearer ${secrets.TOKEN}`)
  const sent = JSON.parse(first!.body) as Record<string, unknown>
  assert.deepEqual({ ...sent, message: '' }, { topic: secrets.TOKEN, title: message.title, message: '', priority: 4, sequence_id: '01m' })
  assert.match(String(sent['message']), /: “.*”\n01m$/)
  const cut = (JSON.parse(second!.body) as { message: string }).message
  assert.ok(Buffer.byteLength(cut) <= 4096)
  assert.match(cut, /…\n01m$/)
})

test('slack: foreign text is plain, and mentions nobody', async (t) => {
  const receiver = await startReceiver(t)
  await open({ kind: 'slack', url: env('URL') }, { URL: `${receiver.url}/services/topsecret` }).send(message, at)
  const [{ body, url } = { body: '', url: '' }] = receiver.received
  assert.equal(url, '/services/topsecret')
  assert.doesNotMatch(body, /[<>]|@here|:\/\/|mrkdwn"\s*:\s*true|"type":"mrkdwn"|\\u001b/)
  assert.match(body, /"type":"plain_text","text":"01m"/)
})

test('slack: splits a long message into sections', async (t) => {
  const receiver = await startReceiver(t)
  const lines = Array.from({ length: 300 }, (_, index) => `${index} ${'&<'.repeat(35)}`)
  const report = messageAbout('01m', 'timmy', [{ kind: 'report', title: 'timmy: report', text: lines.join('\n') }])
  await open({ kind: 'slack', url: env('URL') }, { URL: receiver.url }).send(report, at)
  const { text, blocks } = JSON.parse(receiver.received[0]!.body) as { text: string; blocks: { text?: { text: string } }[] }
  const sections = blocks.flatMap((block) => block.text?.text ?? [])
  assert.ok(sections.length > 10 && blocks.length <= 50 && sections.every(({ length }) => length <= 3000))
  const shown = sections.join('\n').split('\n')
  const [last = '', end] = shown.slice(-2)
  assert.deepEqual(
    shown.slice(1, -1),
    lines.slice(0, shown.length - 2).map((line) => line.replaceAll('&', '&amp;').replaceAll('<', '&lt;')),
  )
  assert.ok(last.startsWith(`${shown.length - 3} `) && end === '…')
  // Mattermost shows no blocks.
  assert.equal(text, `${sections.join('\n')}\n01m`)
})

test('email: sends over TLS with a login and stable Message-ID', async (t) => {
  const server = await startMailServer(t)
  const settings = {
    kind: 'email',
    server: `smtp://127.0.0.1:${server.port}`,
    user: null,
    password: null,
    from: 'burn@x.test',
    to: ['ada@x.test', 'bob@x.test'],
  } as const
  await open(settings).send(message, at)
  const [mail] = server.received
  assert.deepEqual([mail?.from, mail?.to], ['MAIL FROM:<burn@x.test>', ['RCPT TO:<ada@x.test>', 'RCPT TO:<bob@x.test>']])
  const [head = '', body = ''] = (mail?.data ?? '').split('\r\n\r\n')
  assert.match(head, /^Message-ID: <01m@timmy\.burn>$/m)
  assert.match(head, /^Auto-Submitted: auto-generated$/m)
  assert.doesNotMatch(head, /^Bcc/im)
  assert.match(head, /^Content-Type: text\/plain; charset=utf-8$/m)
  assert.doesNotMatch(body, /\u001b/)
  const closed = await failureOf(open({ ...settings, server: `smtp://127.0.0.1:${await closedPort()}` }).send(message, at))
  assert.match(closed.message, /can't be reached \(ECONNREFUSED\)$/)
  // A login needs TLS, and this server offers none.
  const error = await failureOf(open({ ...settings, user: 'burn', password: env('PASSWORD') }).send(message, at))
  assert.equal(error.code, 'notify_refused')
  assert.doesNotMatch(server.open_lines.join('\n'), /AUTH/)
})

test('email: reports refusals, hangs and untrusted certificates', async (t) => {
  const plain = await startMailServer(t)
  const settings = {
    kind: 'email',
    server: `smtp://127.0.0.1:${plain.port}`,
    user: null,
    password: null,
    from: 'burn@x.test',
    to: ['ada@x.test', 'bob@x.test'],
  } as const
  const channel = open(settings)
  for (const [word, reply] of Object.entries({ MAIL: '550 echo', RCPT: '550 echo', DATA: '451 echo', END: '552 echo' })) {
    plain.replies = { [word]: reply }
    const error = await failureOf(channel.send(message, at))
    assert.equal(error.code, 'notify_refused', `${word}: ${error.message}`)
    assert.match(error.message, new RegExp(`answered ${reply.slice(0, 3)}`), word)
  }
  assert.equal(plain.received.length, 0)
  // A refusal of one recipient: for now (greylisting), and for good.
  for (const [status, delivered] of [[450, false] as const, [550, true] as const]) {
    plain.replies = { 'RCPT TO:<bob@x.test>': `${status} echo` }
    const error = await failureOf(channel.send(message, at))
    assert.ok(error instanceof NotifyError, error.message)
    assert.equal(error.message, `the mail server of phone refused 1 of 2 recipients (${status})`)
    assert.equal(error.delivered, delivered)
  }
  assert.deepEqual(plain.received.at(-1)?.to, ['RCPT TO:<ada@x.test>'])
  for (const [word, reply] of [['END', 'drop'] as const, ['MAIL', 'no status'] as const]) {
    plain.replies = { [word]: reply }
    const error = await failureOf(open(settings, {}, 1000).send(message, at))
    assert.match(error.code, /^notify_/, `${word}: ${error.message}`)
  }
  for (const word of ['EHLO', 'DATA', 'END']) {
    plain.replies = { [word]: 'hang' }
    const error = await failureOf(open(settings, {}, hasty).send(message, at))
    assert.equal(error.code, 'notify_unreachable', `${word}: ${error.message}`)
  }
  const certificates = makeCertificates(scratch(t), ['localhost'])
  for (const implicit of [true, false]) {
    const server = await startMailServer(t, { ...certificates, implicit })
    const login = { user: 'burn', password: env('PASSWORD'), server: `smtp${implicit ? 's' : ''}://localhost:${server.port}` }
    const error = await failureOf(open({ ...settings, ...login }).send(message, at))
    assert.equal(error.code, 'notify_unreachable', error.message)
    assert.equal(server.received.length, 0)
    assert.doesNotMatch(server.open_lines.join('\n'), /AUTH|MAIL/)
  }
})

test('command: passes foreign text only by stdin and environment', async (t) => {
  const file = join(scratch(t), 'out')
  const script = 'cat > "$0"; printf "%s|%s|%s" "$BURN_MESSAGE_ID" "$BURN_TITLE" "$#" >> "$0"'
  const channel = open({ kind: 'command', command: ['sh', '-c', script, file] })
  await channel.send(message, at)
  assert.equal(readFileSync(file, 'utf8'), `${message.text}\n01m|${message.title}|0`)
  const hanging = open({ kind: 'command', command: ['sleep', '60'] }, {}, hasty)
  assert.match((await failureOf(hanging.send(message, at))).message, /did not end in time/)
  for (const command of [['sh', '-c', 'echo topsecret >&2; exit 3'], ['no-such-program-here']]) {
    const error = await failureOf(open({ kind: 'command', command }).send(message, at))
    assert.equal(error.code, 'notify_command')
  }
})
