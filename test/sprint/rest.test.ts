import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FailureClass, Sprint } from '../../src/core/sprint.ts'
import { rememberRun, restingUntil } from '../../src/sprint/rest.ts'

const minute = 60_000

function memory() {
  const kept = new Map<string, string>()
  return {
    remembered: async (key: string) => kept.get(key) ?? null,
    remember: async (key: string, value: string) => void kept.set(key, value),
  }
}

const rows = (...failures: readonly (FailureClass | null)[]) =>
  failures.map((failure) => ({ failure, failure_text: failure === null ? null : 'it says why' }) as Sprint)

test('after trouble that every issue would meet it rests, longer each time, and an hour at most', async () => {
  const ledger = memory()
  const lengths: number[] = []
  for (let now = 0, run = 1; run <= 9; run++) {
    await rememberRun(ledger, rows('auth'), now)
    const rest = await restingUntil(ledger, now)
    assert.equal(rest?.count, run)
    assert.equal(rest?.why, 'auth: it says why')
    lengths.push((rest.until - now) / minute)
    assert.notEqual(await restingUntil(ledger, rest.until - 1), null)
    now = rest.until
    assert.equal(await restingUntil(ledger, now), null)
  }
  assert.deepEqual(lengths, [1, 2, 4, 8, 16, 32, 60, 60, 60])
})

test("an issue's own failure is no reason to rest, and ends a row of troubles; so does a change", async () => {
  for (const good of [rows('check_red'), rows(null), rows('no_change', null)]) {
    const ledger = memory()
    await rememberRun(ledger, rows(null, 'backend_down'), 0)
    await rememberRun(ledger, good, 2 * minute)
    assert.equal(await restingUntil(ledger, 2 * minute), null)
    await rememberRun(ledger, rows('backend_down'), 3 * minute)
    assert.equal((await restingUntil(ledger, 3 * minute))?.count, 1)
  }
})

test('a run that a person stopped, or that did nothing, says nothing', async () => {
  const ledger = memory()
  await rememberRun(ledger, rows('stopped'), 0)
  assert.equal(await restingUntil(ledger, 0), null)
  await rememberRun(ledger, rows('rate_limited'), 0)
  await rememberRun(ledger, [], 1000)
  await rememberRun(ledger, rows('stopped'), 1000)
  assert.equal((await restingUntil(ledger, 1000))?.count, 1)
})

test('a clock that was set back does not make it rest for ever', async () => {
  const ledger = memory()
  await rememberRun(ledger, rows('forge_down'), 1000 * 60 * minute)
  assert.equal(await restingUntil(ledger, 0), null)
})
