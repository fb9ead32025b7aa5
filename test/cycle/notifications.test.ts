/** The job `notify`, with a real ledger, a real receiver and a clock that the test sets. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { EventKind, NewEvent } from '../../src/core/events.ts'
import type { NotifyRule } from '../../src/core/notify-settings.ts'
import { NotifyError } from '../../src/core/notify.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { sendNotifications } from '../../src/cycle/notifications.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { openChannel } from '../../src/notify/index.ts'
import { startReceiver } from '../notify/receivers.ts'
import { fleetOf } from '../simulate/storm.ts'

const minute = 60_000
const hour = 60 * minute
const quick: NotifyRule = { kinds: ['worker.*', 'notify.*'], channels: ['hook'], debounce: 0, digest: 0, quiet_hours: null, recovery: true }

async function openRig(t: TestContext, ledgerUrl = 'sqlite::memory:') {
  const receiver = await startReceiver(t)
  const ledger = await openLedger(ledgerUrl, { random: Math.random })
  t.after(() => ledger.close())
  const time = { now: Date.UTC(2026, 0, 1) }
  const clock = { now: () => time.now, sleep: () => Promise.resolve() }
  const random = seeded(1)
  const notices: string[] = []
  const hook = { kind: 'webhook', url: receiver.url, key: null, headers: {}, body: { id: '{{id}}', events: '{{events}}' } } as const
  const deps = { env: {}, fetch: openFetch({}), timeout_ms: 10_000, secret: () => Promise.reject(new Error('there are no secrets')) }
  const session = {
    fleet: { ...fleetOf(1, 1), notify: { channels: { hook }, rules: [quick], report: null, zone: 'UTC' } },
    ledger,
    clock,
    newId: () => newId((time.now += 1), random),
    notify: ({ kind, subject }: { kind: string; subject: string }) => void notices.push(`${kind} ${subject}`),
    channel: async (name: string) => openChannel(name, hook, deps),
  }
  const eventOf = (kind: EventKind, subject: string, evidence = 'x') => {
    const payload = { since: time.now, detail: null, evidence }
    // Each kind in these tests is a state of a worker, which has this payload.
    return { kind, subject, issue: null, worker: subject, actor: 'burn', payload } as NewEvent
  }
  const record = (...event: Parameters<typeof eventOf>) => ledger.recordEvents([eventOf(...event)], time.now)
  const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as { id: string; events: { kind: string; text: string }[] })
  const run = (now = false) => sendNotifications(session, now)
  await run()
  return { receiver, ledger, time, session, notices, eventOf, record, bodies, run }
}

test('notify: sends new events once, redacted and short', async (t) => {
  const { record, bodies, run, ledger, receiver } = await openRig(t)
  await record('worker.waiting', 'm/W/A', `Authorization: Bearer abcdefghijkl\u001b[31m ${'y'.repeat(900)}`)
  assert.deepEqual(await run(), { planned: 1, sent: 1, failed: 0 })
  assert.deepEqual(await run(), { planned: 0, sent: 0, failed: 0 })
  const [{ events: [event] } = { events: [] }] = bodies()
  assert.ok(event!.text.length <= 200 && event!.text.startsWith('Authorization: [redacted] yyy'), event!.text)
  const rows = await ledger.notifications(0)
  assert.deepEqual([rows[0]?.state, rows[0]?.attempts, rows[0]?.message], ['sent', 1, bodies()[0]?.id])
  assert.doesNotMatch(JSON.stringify(rows), /abcdefghijkl/)
  assert.equal(receiver.received.length, 1)
})

test('notify: a day of failures loses no event', async (t) => {
  const { receiver, time, record, bodies, run, notices, ledger } = await openRig(t)
  receiver.answer = 500
  const end = time.now + 24 * hour
  for (let count = 0; time.now < end; time.now += 10 * minute) {
    if (count < 140) await record('worker.dead', `m/W/${count++}`)
    await run()
  }
  const attempts = receiver.received.length
  assert.ok(attempts > 24 && attempts < 40, `${attempts} attempts`)
  assert.equal(new Set(bodies().map(({ id }) => id)).size, 1, 'each attempt has the same id')
  assert.equal(new Set(receiver.received.map(({ body }) => body)).size, 1)
  assert.equal(new Set(notices).size, 1)
  receiver.received.length = 0
  receiver.answer = 200
  assert.equal((await run(true)).sent, 3, 'the first message, one with 100 events and one with the rest')
  const sent = bodies().flatMap(({ events }) => events.map(({ kind }) => kind))
  assert.equal(sent.length, 140)
  assert.deepEqual(
    (await ledger.notifications(0)).filter(({ state }) => state !== 'sent'),
    [],
  )
})

test('notify: gives up after 3 days, and continues with later events', async (t) => {
  const { receiver, time, record, bodies, run, notices, ledger } = await openRig(t)
  receiver.answer = 404
  await record('worker.dead', 'm/W/A')
  for (let hours = 0; hours < 76; hours++) {
    time.now += hour
    await run()
  }
  assert.equal(notices.at(-1), 'notify.dropped hook')
  const [row] = await ledger.notifications(0)
  assert.deepEqual([row?.state, row?.next_at], ['failed', null])
  receiver.received.length = 0
  receiver.answer = 200
  await record('worker.cleared', 'm/W/A')
  await record('worker.dead', 'm/W/B')
  await run()
  assert.deepEqual(
    bodies().map(({ events }) => events.map(({ kind }) => kind)),
    [['worker.dead']],
    'nobody heard of the beginning, so nobody hears of the end',
  )
})

test('notify: a partly delivered message is not repeated, and is reported', async (t) => {
  const { session, record, notices, ledger } = await openRig(t)
  let calls = 0
  const send = async () => {
    calls += 1
    throw new NotifyError('notify_refused', 'the mail server of hook refused 1 of 2 recipients (550)', '', { delivered: true })
  }
  const channel = async () => ({ kind: 'email', send, preview: () => '' }) as const
  await record('worker.dead', 'm/W/A')
  for (const sent of [1, 0]) assert.deepEqual(await sendNotifications({ ...session, channel }, true), { planned: sent, sent, failed: 0 })
  assert.equal(calls, 1)
  assert.deepEqual(notices, ['notify.failed hook'])
  const [row] = await ledger.notifications(0)
  assert.deepEqual([row?.state, /refused 1 of 2/.test(row?.last_error ?? '')], ['sent', true])
})

test('notify: a long list of events is planned page by page', async (t) => {
  const { eventOf, run, ledger, session, time } = await openRig(t)
  const events = Array.from({ length: 1001 }, (_, count) => eventOf('worker.dead', `m/W/${count}`))
  await ledger.recordEvents(events, time.now)
  const other = sendNotifications(session, false)
  const both = [await run(), await other]
  assert.ok(both.reduce((sum, { planned }) => sum + planned, 0) >= 1001 - 500)
  for (let more = true; more;) more = (await run()).sent > 0
  const rows = await ledger.notifications(0)
  assert.deepEqual(
    [rows.length, new Set(rows.map(({ topic }) => topic)).size, rows.every(({ state }) => state === 'sent')],
    [1001, 1001, true],
  )
})

/** Thrown at a boundary, in place of the death of the process. */
class Killed extends Error {}

test('notify: killed at each boundary, repeats only with the same id', async (t) => {
  const writes = ['savePlan', 'composeMessage', 'saveAttempt', 'dropOtherChannels'] as const
  const { record, session, bodies, receiver, run } = await openRig(t)
  let [left, met] = [Infinity, 0]
  const boundary = () => {
    met += 1
    if ((left -= 1) === 0) throw new Killed()
  }
  const around =
    <Given extends readonly unknown[], Result>(work: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      boundary()
      const result = await work(...given)
      boundary()
      return result
    }
  // Each method keeps its type, because `around` returns a function of the same type.
  const ledger = { ...session.ledger, ...Object.fromEntries(writes.map((name) => [name, around(session.ledger[name] as never)])) }
  const channel = async (name: string) => {
    const own = await session.channel(name)
    return { ...own, send: around(own.send.bind(own)) }
  }
  const killable = { ...session, ledger, channel }
  for (let kill = 1; kill === 1 || left < 1; kill++) {
    receiver.received.length = 0
    for (const name of ['A', 'B']) await record('worker.dead', `m/W/${kill}${name}`)
    ;[left, met] = [kill, 0]
    await sendNotifications(killable, false).catch((thrown: unknown) => assert.ok(thrown instanceof Killed, String(thrown)))
    const wasKilled = left < 1
    assert.ok(wasKilled || met > 8, `${met} boundaries`)
    await run()
    const messages = bodies()
    assert.equal(new Set(messages.map(({ id }) => id)).size, 1, `boundary ${kill}`)
    assert.ok(messages.length <= 2 && messages.every(({ events }) => events.length === 2), `boundary ${kill}`)
    if (!wasKilled) break
  }
})
