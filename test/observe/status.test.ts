/** `burn status` for workers that get no texts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from '../../src/observe/state.ts'
import { because, said } from '../support/reasons.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

test('status: shows the open breaker as dispatch decides it', async (t) => {
  const { open, fleet, run, clock, pass } = await simulatedFleet(t, issuesOf(4))
  const { session, ledger, cycle } = await open()
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const texts = workers.map(({ id }) => ({ id: session.newId(), kind: 'send' as const, worker: id, text: 'hello' }))
  await ledger.planDeliveries(texts, 'x', clock.now() + 1000, clock.now())
  for (const to of ['placing', 'unknown'] as const) {
    const from = to === 'placing' ? 'planned' : 'placing'
    await ledger.moveDeliveries(
      texts.map(({ id }) => ({ id, token: 1, from, to, evidence: because('nobody knows') })),
      'x',
      clock.now(),
    )
  }
  const stopped = async () =>
    (await run(status(fleet.machines, session))).machines.flatMap(({ windows }) =>
      windows.flatMap((window) => window.workers.map((worker) => (worker.stopped === null ? null : said(worker.stopped)))),
    )
  const why = 'burn could not prove that 4 of the last 4 texts to custom arrived (nobody knows)'
  assert.deepEqual(await stopped(), [why, why, why, why])
  const first = await cycle()
  assert.deepEqual([first.claimed, first.deliveries], [[], []], 'they get no issue')
  await pass(11 * 60_000)
  assert.deepEqual(await stopped(), [null, null, null, null])
  assert.equal((await cycle()).claimed.length, 4)
})
