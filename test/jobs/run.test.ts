/** Jobs run once at a time, and when they are due. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { runJob } from '../../src/jobs/run.ts'
import { openLedger } from '../../src/ledger/open.ts'

test('runJob: runs a due job once and saves its result', async () => {
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  let now = 1_000_000
  const clock = { now: () => now, sleep: () => Promise.resolve() }
  const [mine, other] = [
    { ledger, clock, owner: 'a' },
    { ledger, clock, owner: 'b' },
  ]
  const retention = { name: 'retention', period: 60_000 }
  const rows = async () =>
    (await ledger.jobs()).map(({ owner, last_run, last_result, next_run }) => [owner, last_run, last_result, next_run])

  const during = await runJob(retention, mine, async () => runJob(retention, other, () => Promise.reject(new Error('both run'))))
  assert.ok(during.ran && !during.result.ran && during.result.job.owner === 'a')
  assert.deepEqual(await rows(), [[null, 1_000_000, 'done', 1_060_000]])

  now += 59_999
  const early = await runJob(retention, other, () => Promise.reject(new Error('too early')))
  assert.ok(!early.ran && early.job.next_run === 1_060_000)

  now += 1
  const failing = runJob(retention, other, () => Promise.reject(new BurnError('ledger_full', 'the disk is full', '')))
  await assert.rejects(failing, { code: 'ledger_full' })
  assert.deepEqual(await rows(), [[null, 1_060_000, 'failed: ledger_full', null]])

  const again = await runJob(
    retention,
    mine,
    () => Promise.resolve(7),
    (count) => `deleted ${count}`,
  )
  assert.deepEqual(again, { ran: true, result: 7, line: 'retention: deleted 7' })
  assert.deepEqual(await rows(), [[null, 1_060_000, 'deleted 7', 1_120_000]])
  await ledger.close()
})

test('runJob: runs on request and after a shortened period', async () => {
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  let now = 1_000_000
  const session = { ledger, clock: { now: () => now, sleep: () => Promise.resolve() }, owner: 'a' }
  const run = async (period: number | null) => (await runJob({ name: 'collect', period }, session, () => Promise.resolve())).ran
  assert.equal(await run(60_000), true)
  now += 10_000
  assert.equal(await run(60_000), false)
  assert.equal(await run(10_001), false)
  assert.equal(await run(10_000), true)
  assert.equal(await run(null), true)
  await ledger.close()
})
