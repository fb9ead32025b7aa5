/** The job `report`, with a real ledger, real receivers and a clock that the test sets. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { periodicJobs, runDueJobs } from '../../src/cycle/periodic.ts'
import { queueReport } from '../../src/cycle/reports.ts'
import { openFetch } from '../../src/host/fetch.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { openChannel } from '../../src/notify/index.ts'
import type { Session } from '../../src/observe/session.ts'
import { startReceiver } from '../notify/receivers.ts'
import { fleetOf } from '../simulate/storm.ts'

const minute = 60_000
const hour = 60 * minute

async function openRig(t: TestContext) {
  const receiver = await startReceiver(t)
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => ledger.close())
  const time = { now: Date.UTC(2026, 10, 27, 5) }
  const hook = {
    kind: 'webhook',
    url: receiver.url,
    key: null,
    headers: {},
    body: { id: '{{id}}', title: '{{title}}', text: '{{text}}' },
  } as const
  const deps = { env: {}, fetch: openFetch({}), timeout_ms: 10_000, secret: () => Promise.reject(new Error('there are no secrets')) }
  const random = seeded(1)
  const report = { channels: ['hook', 'other'], at: 7 * 60, since: 12 * hour }
  const session = {
    fleet: { ...fleetOf(1, 1), notify: { channels: { hook, other: hook }, rules: [], zone: 'Europe/Berlin', report } },
    ledger,
    clock: { now: () => time.now, sleep: () => Promise.resolve() },
    owner: 'a test',
    newId: () => newId((time.now += 1), random),
    notify: () => {},
    kindOf: () => ({ kind: 'custom' }),
    channel: async (name: string) => openChannel(name, hook, deps),
  } as unknown as Session // The jobs of this test use no forge and no machine.
  const jobs = periodicJobs.filter(({ name }) => name === 'report' || name === 'notify')
  const run = () => runDueJobs(jobs, [], session)
  const bodies = () => receiver.received.map(({ body }) => JSON.parse(body) as { id: string; title: string; text: string })
  return { receiver, ledger, time, session, run, bodies }
}

test('report job: sends one report a day to each channel', async (t) => {
  const { time, run, bodies } = await openRig(t)
  // 05:00 UTC is 06:00 in Berlin, so the last report was due yesterday.
  await run()
  assert.equal(bodies().length, 2)
  for (let passed = 0; passed < 24 * hour; passed += 30 * minute) {
    time.now += 30 * minute
    await run()
  }
  assert.equal(bodies().length, 4)
  assert.equal(new Set(bodies().map(({ id }) => id)).size, 4)
  const { title, text } = bodies()[2]!
  assert.match(title, /^storm: report: \d+ need you, 0 done, 0 went wrong$/)
  assert.match(text, /^Report of storm\n2026-11-26 18:00 to 2026-11-27 06:\d\d UTC, health: [^]*NEEDS YOU\n/)
})

test('report job: a crash loses and repeats no report', async (t) => {
  const { receiver, time, run, bodies, session, ledger } = await openRig(t)
  const about = { topic: 'report 2026-11-26', since: time.now - hour }
  // The process ends after it has saved the report.
  await queueReport(session, about)
  await queueReport(session, about)
  receiver.answer = 500
  await run()
  receiver.answer = 200
  time.now += 2 * hour
  await run()
  assert.equal(bodies().length, 6, 'two channels fail and succeed, and the next report follows')
  assert.equal(new Set(bodies().map(({ id }) => id)).size, 4)
  const states = (await ledger.notifications(0)).map(({ topic, state, attempts }) => [topic, state, attempts])
  assert.deepEqual(states, [
    ['report 2026-11-26', 'sent', 2],
    ['report 2026-11-26', 'sent', 2],
    ['report 2026-11-27', 'sent', 1],
    ['report 2026-11-27', 'sent', 1],
  ])
})
