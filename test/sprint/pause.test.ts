/** The pauses of sprint runs after trouble. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureClass, Sprint } from '../../src/core/sprint.ts'
import { updatePause, currentPause } from '../../src/sprint/pause.ts'

const minute = 60_000

function memoryLedger() {
  const values = new Map<string, string>()
  return {
    loadValue: async (key: string) => values.get(key) ?? null,
    saveValue: async (key: string, value: string) => void values.set(key, value),
  }
}

const failedRows = (...failures: readonly (FailureClass | null)[]) =>
  failures.map((failure) => ({ failure, failure_text: failure === null ? null : 'a reason' }) as Sprint)

test('pause: grows with each trouble, up to an hour', async () => {
  const ledger = memoryLedger()
  const lengths: number[] = []
  for (let now = 0, run = 1; run <= 9; run++) {
    await updatePause(ledger, failedRows('auth'), now)
    const pause = await currentPause(ledger, now)
    assert.equal(pause?.count, run)
    assert.equal(pause?.why, 'auth: a reason')
    lengths.push((pause.until - now) / minute)
    assert.notEqual(await currentPause(ledger, pause.until - 1), null)
    now = pause.until
    assert.equal(await currentPause(ledger, now), null)
  }
  assert.deepEqual(lengths, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test("pause: an issue's own failure and a change end it", async () => {
  for (const success of [failedRows('check_red'), failedRows(null), failedRows('no_change', null)]) {
    const ledger = memoryLedger()
    await updatePause(ledger, failedRows(null, 'backend_down'), 0)
    await updatePause(ledger, success, 2 * minute)
    assert.equal(await currentPause(ledger, 2 * minute), null)
    await updatePause(ledger, failedRows('backend_down'), 3 * minute)
    assert.equal((await currentPause(ledger, 3 * minute))?.count, 1)
  }
})

test('pause: a stopped or empty run does not change it', async () => {
  const ledger = memoryLedger()
  await updatePause(ledger, failedRows('stopped'), 0)
  assert.equal(await currentPause(ledger, 0), null)
  await updatePause(ledger, failedRows('rate_limited'), 0)
  await updatePause(ledger, [], 1000)
  await updatePause(ledger, failedRows('stopped'), 1000)
  assert.equal((await currentPause(ledger, 1000))?.count, 1)
})

test('pause: ends if the clock was set back', async () => {
  const ledger = memoryLedger()
  await updatePause(ledger, failedRows('forge_down'), 1000 * 60 * minute)
  assert.equal(await currentPause(ledger, 0), null)
})
