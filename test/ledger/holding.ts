/** The part of the suite about holds. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { claimOf, holdWorker, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

/** Declares the tests of this part. */
export function holding(holds: Holds): void {
  holds.repeated('holds: there is one for each scope, name and code', async ({ ledger }) => {
    const lane = { scope: 'lane', name: 'm/W', code: 'person' } as const
    await holdWorker(ledger, workers[0], 'mine', 20)
    await ledger.saveHolds([{ ...lane, reason: because('first'), until: null, actor: 'ann' }], 21)
    await ledger.saveHolds([{ ...lane, reason: because('repairs'), until: 900, actor: 'bob' }], 22)
    await ledger.saveBackoff({ subject: 'o/r', until: 800, why: because('archived') }, 23)
    const held = { until: null, created_at: 20, actor: 'ann' }
    assert.deepEqual(await ledger.holds(), [
      { ...lane, reason: because('repairs'), until: 900, actor: 'bob', created_at: 22 },
      { scope: 'repo', name: 'o/r', code: 'forge_refused', reason: because('archived'), until: 800, actor: 'burn', created_at: 23 },
      { scope: 'worker', name: workers[0], code: 'person', reason: because('mine'), ...held },
    ])
    assert.deepEqual((await ledger.view()).holds, await ledger.holds())
    await holdWorker(ledger, workers[0], null, 24)
    assert.deepEqual(await ledger.removeHolds([lane, { ...lane, name: 'm/OTHER' }], 25), [
      { ...lane, reason: because('repairs'), until: 900, actor: 'bob', created_at: 22 },
    ])
    const events = await ledger.events({ limit: 20 })
    assert.deepEqual(
      events.filter(({ at }) => at >= 20).map(({ kind, subject }) => `${kind} ${subject}`),
      [`worker.held ${workers[0]}`, 'lane.held m/W', 'lane.held m/W', 'repo.rests o/r', `worker.resumed ${workers[0]}`, 'lane.resumed m/W'],
    )
  })

  holds.repeated('holds: refuse claims that were decided before the hold began', async ({ ledger }) => {
    const drain = { scope: 'worker', name: workers[0], code: 'drain', reason: because('reboot'), until: 500, actor: 'ann' } as const
    const claimed = async (at: number) => (await ledger.claim([claimOf(1)], 'p', at + 1000, at)).length
    await ledger.saveHolds([drain], 20)
    assert.equal(await claimed(30), 0)
    await ledger.saveHolds([{ ...drain, code: 'person' }], 40)
    assert.deepEqual(
      (await ledger.holds()).map(({ code }) => code),
      ['person'],
    )
    await ledger.saveHolds([{ ...drain, scope: 'repo', name: 'o/r' }], 41)
    await ledger.removeHolds([{ ...drain, code: 'person' }], 42)
    assert.equal(await claimed(43), 0)
    assert.equal(await claimed(500), 1)
  })

  holds.repeated('holds: an account that is held refuses claims of its workers', async ({ ledger }) => {
    const limit = { scope: 'account', name: 'max', code: 'limit', reason: because('limit'), until: 500, actor: 'burn' } as const
    await ledger.saveHolds([limit], 20)
    const claimed = async (accounts: readonly string[], at: number) =>
      (await ledger.claim([claimOf(1, { accounts })], 'p', at + 9, at)).length
    assert.deepEqual([await claimed(['max'], 30), await claimed(['other', 'max'], 31)], [0, 0])
    assert.equal(await claimed(['other'], 32), 1)
  })

  holds('holds: keeps a hold that another process changed', async ({ ledger }) => {
    const hold = { scope: 'account', name: 'max', code: 'limit', reason: because('limit'), actor: 'burn' } as const
    const until = async () => (await ledger.holds()).map(({ until: end }) => end)
    await ledger.saveHolds([{ ...hold, until: 100, before: null }], 20)
    await ledger.saveHolds([{ ...hold, until: 200, before: null }], 21)
    assert.deepEqual(await until(), [100])
    await ledger.saveHolds([{ ...hold, until: 200, before: 20 }], 22)
    assert.deepEqual([await ledger.removeHolds([{ ...hold, before: 20 }], 23), await until()], [[], [200]])
    await ledger.removeHolds([{ ...hold, before: 22 }], 24)
    const events = await ledger.events({ subject: 'max' })
    assert.deepEqual(
      events.map(({ kind, at, actor }) => `${at} ${kind} ${actor}`),
      ['20 account.held burn', '22 account.held burn', '24 account.resumed burn'],
    )
  })
}
