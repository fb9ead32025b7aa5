/** The part of the suite about the texts of a dispatch: the first, and those that follow. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { because } from '../support/reasons.ts'
import { claimOf, hand, idOf, workers } from './fixtures.ts'

const why = because('it says so')

export function texts(holds: Holds): void {
  holds('deliveries: gives the whole answer, however many are asked for', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 5000, 10)
    const about = { dispatch: idOf(1), issue: 'o/r#1' }
    const texts = Array.from({ length: 1100 }, (_, index) => {
      return { id: idOf(index + 2), kind: 'follow_up', worker: workers[0], text: 'more', about } as const
    })
    await ledger.plan(texts, 'a', 5000, 11)
    const ids = texts.map(({ id }) => id)
    const unknown = Array.from({ length: 70_000 }, (_, index) => `unknown${index}`)
    for (const filter of [
      { ids },
      { ids: [...unknown, ...ids] },
      { about: [idOf(1), ...unknown] },
      { worker: workers[0], kind: 'follow_up' as const },
    ])
      assert.deepEqual(
        (await ledger.deliveries(filter)).map(({ id }) => id),
        ids.toReversed(),
      )
    assert.equal((await ledger.deliveries({ ids, limit: 7 })).length, 7)
    assert.deepEqual(await ledger.sprints({ ids: unknown }), [])
    assert.deepEqual((await ledger.holders([...unknown, idOf(1)])).length, 1)
  })

  holds('gives a reviewed change back to its worker only where its slot is free', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'review', reason: why }], 11)
    assert.equal((await ledger.claim([claimOf(2, { issue: 'o/r#2' })], 'a', 100, 12)).length, 1)
    const back = { id: idOf(1), from: ['review'], to: 'handed', reason: why } as const
    assert.deepEqual(await ledger.moveDispatches([back], 13), [])
    await ledger.moveDispatches([{ id: idOf(2), from: ['claimed'], to: 'released', reason: why }], 14)
    assert.equal((await ledger.moveDispatches([back], 15))[0]?.handed_at, 15)
  })
}
