import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureClass, Sprint } from '../../src/core/sprint.ts'
import { updatePause, currentPause } from '../../src/sprint/pause.ts'

const minute = 60_000

function memory() {
  const kept = new Map<string, string>()
  return {
    loadValue: async (key: string) => kept.get(key) ?? null,
    saveValue: async (key: string, value: string) => void kept.set(key, value),
  }
}

const rows = (...failures: readonly (FailureClass | null)[]) =>
  failures.map((failure) => ({ failure, failure_text: failure === null ? null : 'it says why' }) as Sprint)

test('after trouble that every issue would meet it rests, longer each time, and an hour at most', async () => {
  const ledger = memory()
  const lengths: number[] = []
  for (let now = 0, run = 1; run <= 9; run++) {
    await updatePause(ledger, rows('auth'), now)
    const rest = await currentPause(ledger, now)
    assert.equal(rest?.count, run)
    assert.equal(rest?.why, 'auth: it says why')
    lengths.push((rest.until - now) / minute)
    assert.notEqual(await currentPause(ledger, rest.until - 1), null)
    now = rest.until
    assert.equal(await currentPause(ledger, now), null)
  }
  assert.deepEqual(lengths, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test("an issue's own failure is no reason to rest, and ends a row of troubles; so does a change", async () => {
  for (const good of [rows('check_red'), rows(null), rows('no_change', null)]) {
    const ledger = memory()
    await updatePause(ledger, rows(null, 'backend_down'), 0)
    await updatePause(ledger, good, 2 * minute)
    assert.equal(await currentPause(ledger, 2 * minute), null)
    await updatePause(ledger, rows('backend_down'), 3 * minute)
    assert.equal((await currentPause(ledger, 3 * minute))?.count, 1)
  }
})

test('a run that a person stopped, or that did nothing, says nothing', async () => {
  const ledger = memory()
  await updatePause(ledger, rows('stopped'), 0)
  assert.equal(await currentPause(ledger, 0), null)
  await updatePause(ledger, rows('rate_limited'), 0)
  await updatePause(ledger, [], 1000)
  await updatePause(ledger, rows('stopped'), 1000)
  assert.equal((await currentPause(ledger, 1000))?.count, 1)
})

test('a clock that was set back does not make it rest for ever', async () => {
  const ledger = memory()
  await updatePause(ledger, rows('forge_down'), 1000 * 60 * minute)
  assert.equal(await currentPause(ledger, 0), null)
})
