/** Tests the circuit breaker with a clock that the tests move. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import { BurnError } from '../../src/core/errors.ts'
import { circuitBreaker } from '../../src/forge/circuit-breaker.ts'

/** A circuit breaker whose clock the test moves. */
function forge() {
  const at = { now: 1_000_000, code: 'forge_timeout' as ErrorCode | null, requests: 0, isReachable: false, probes: 0 }
  const guarded = circuitBreaker(
    'forge.example',
    { now: () => at.now, sleep: async () => {} },
    () => 0,
    async () => ((at.probes += 1), at.isReachable),
  )
  const ask = () =>
    guarded(async (isProbe) => {
      at.requests += 1
      if (at.code !== null) throw new BurnError(at.code, 'no answer', 'look at it')
      return isProbe
    })
  const fails = (pattern: RegExp) =>
    assert.rejects(ask(), (thrown: BurnError) => pattern.test(thrown.message) && thrown.hint === 'look at it')
  return { at, ask, fails }
}

test('circuitBreaker: opens after three failures, and probes ever more rarely', async () => {
  const { at, ask, fails } = forge()
  for (let count = 0; count < 3; count++) await fails(/^no answer$/)
  const pauses = []
  for (let probe = 0; probe < 12; probe++) {
    const from = at.now
    at.requests = 0
    await fails(/^forge\.example is down, and burn sends no requests to it until \d\d:\d\d:\d\dZ: no answer$/)
    while (at.requests === 0) {
      at.now += 500
      await ask().catch(() => null)
    }
    assert.equal(at.requests, 1)
    pauses.push((at.now - from) / 1000)
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
  at.now += 300_000
  at.code = null
  assert.equal(await ask(), true, 'the probe that closes the circuit')
  assert.equal(await ask(), false)
  at.code = 'forge_timeout'
  await fails(/^no answer$/)
  assert.equal(await ask().catch((thrown: BurnError) => thrown.message), 'no answer', 'earlier failures no longer count')
})

test('circuitBreaker: sends one probe, and a refusal counts as reachable', async () => {
  const { at, ask, fails } = forge()
  at.code = 'forge_forbidden'
  for (let count = 0; count < 5; count++) await fails(/^no answer$/)
  at.code = 'forge_unavailable'
  await Promise.allSettled(Array.from({ length: 8 }, ask))
  at.now += 1_000
  at.requests = 0
  await Promise.allSettled(Array.from({ length: 8 }, ask))
  assert.equal(at.requests, 1)
  at.now += 2_000
  at.code = 'forge_not_found'
  await fails(/^no answer$/)
  at.code = null
  assert.equal(await ask(), false, 'the circuit is closed')
})

test('circuitBreaker: stays closed if only single objects fail', async () => {
  const { at, ask, fails } = forge()
  at.code = 'forge_failed'
  at.isReachable = true
  for (let count = 0; count < 12; count++) await fails(/^no answer$/)
  assert.equal(at.requests, 12, 'every request is sent')
  assert.ok(at.probes <= 4, 'few probes are sent')
  at.isReachable = false
  for (let count = 0; count < 3; count++) await fails(/^no answer$/)
  await fails(/is down/)
  at.now += 1_000
  at.isReachable = true
  await fails(/^no answer$/)
  at.code = null
  assert.equal(await ask(), false, 'the probe failed because of its object')
})
