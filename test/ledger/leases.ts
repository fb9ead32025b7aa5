/** The part of the conformance suite about the leases of deliveries. */
import assert from 'node:assert/strict'
import type { Holds } from './conformance.ts'
import { because } from '../support/reasons.ts'
import { claimOf, hand, idOf } from './fixtures.ts'

const why = because('it was decided')

/** Declares the tests of leases. */
export function leases(holds: Holds): void {
  holds.repeated('lease: only its current owner can move a delivery', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const place = { id: idOf(1), token: 1, from: 'planned', to: 'placing', evidence: why } as const
    assert.deepEqual(await ledger.moveDeliveries([place], 'b', 11), [])
    assert.deepEqual(await ledger.takeOverDeliveries('b', 200, 99), [])
    assert.deepEqual(
      (await ledger.takeOverDeliveries('b', 200, 100)).map(({ lease_owner, lease_token }) => [lease_owner, lease_token]),
      [['b', 2]],
    )
    assert.deepEqual(await ledger.renewLeases('a', 500), [])
    assert.deepEqual(await ledger.moveDeliveries([place, { ...place, token: 2 }], 'a', 101), [])
    assert.deepEqual(await ledger.moveDeliveries([place], 'b', 101), [])
    assert.equal((await ledger.moveDeliveries([{ ...place, token: 2 }], 'b', 101)).length, 1)
  })

  holds.repeated('lease: can be renewed, and released at once', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    assert.deepEqual(await ledger.renewLeases('a', 300), [idOf(1)])
    assert.deepEqual(await ledger.takeOverDeliveries('b', 400, 200), [])
    await ledger.releaseLeases('a')
    assert.equal((await ledger.takeOverDeliveries('b', 400, 201)).length, 1)
  })

  holds('holders: names the owner of the delivery or the sprint', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const sprint = { id: idOf(2), issue: 'o/r#2', worker: 'sprint/host/1', slot: 0, host: 'host', attempt: 1, reason: why }
    await ledger.claimSprint(sprint, 'b', 100, 10)
    const holders = await ledger.leaseOwners([idOf(1), idOf(2), idOf(9)])
    assert.deepEqual(holders, [
      { id: idOf(1), lease_owner: 'a' },
      { id: idOf(2), lease_owner: 'b' },
    ])
  })

  holds.repeated('takeOverDeliveries: leaves ended deliveries alone', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    assert.deepEqual(await ledger.takeOverDeliveries('b', 1e6, 1e5), [])
  })
}
