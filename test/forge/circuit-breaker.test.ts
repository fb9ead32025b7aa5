import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import { BurnError } from '../../src/core/errors.ts'
import { circuitBreaker } from '../../src/forge/circuit-breaker.ts'

/** A forge whose clock stands until the test moves it. */
function forge() {
  const at = { now: 1_000_000, code: 'forge_timeout' as ErrorCode | null, asked: 0, stands: false, probed: 0 }
  const guarded = circuitBreaker(
    'forge.example',
    { now: () => at.now, sleep: async () => {} },
    () => 0,
    async () => ((at.probed += 1), at.stands),
  )
  const ask = () =>
    guarded(async (trial) => {
      at.asked += 1
      if (at.code !== null) throw new BurnError(at.code, 'no answer', 'look at it')
      return trial
    })
  const fails = (pattern: RegExp) =>
    assert.rejects(ask(), (thrown: BurnError) => pattern.test(thrown.message) && thrown.hint === 'look at it')
  return { at, ask, fails }
}

test('an outage: after three requests in a row the forge is left alone, twice as long after each trial, five minutes at most', async () => {
  const { at, ask, fails } = forge()
  for (let count = 0; count < 3; count++) await fails(/^no answer$/)
  const pauses = []
  for (let trial = 0; trial < 12; trial++) {
    const from = at.now
    at.asked = 0
    await fails(/^forge\.example stays down and is left alone until \d\d:\d\d:\d\dZ: no answer$/)
    while (at.asked === 0) {
      at.now += 500
      await ask().catch(() => null)
    }
    assert.equal(at.asked, 1)
    pauses.push((at.now - from) / 1000)
  }
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300])
  at.now += 300_000
  at.code = null
  assert.equal(await ask(), true, 'the request that found it back')
  assert.equal(await ask(), false)
  at.code = 'forge_timeout'
  await fails(/^no answer$/)
  assert.equal(await ask().catch((thrown: BurnError) => thrown.message), 'no answer', 'what was before counts no more')
})

test('an outage: one request of many finds out, and an answer that refuses is an answer', async () => {
  const { at, ask, fails } = forge()
  at.code = 'forge_forbidden'
  for (let count = 0; count < 5; count++) await fails(/^no answer$/)
  at.code = 'forge_unavailable'
  await Promise.allSettled(Array.from({ length: 8 }, ask))
  at.now += 1_000
  at.asked = 0
  await Promise.allSettled(Array.from({ length: 8 }, ask))
  assert.equal(at.asked, 1)
  at.now += 2_000
  at.code = 'forge_not_found'
  await fails(/^no answer$/)
  at.code = null
  assert.equal(await ask(), false, 'it is there')
})

test('an outage: failures of single objects are none while the forge answers for something else', async () => {
  const { at, ask, fails } = forge()
  at.code = 'forge_failed'
  at.stands = true
  for (let count = 0; count < 12; count++) await fails(/^no answer$/)
  assert.equal(at.asked, 12, 'it is not left alone')
  assert.ok(at.probed <= 4, 'and asked in between only')
  at.stands = false
  for (let count = 0; count < 3; count++) await fails(/^no answer$/)
  await fails(/left alone/)
  at.now += 1_000
  at.stands = true
  await fails(/^no answer$/)
  at.code = null
  assert.equal(await ask(), false, 'what failed in the trial was the object')
})
