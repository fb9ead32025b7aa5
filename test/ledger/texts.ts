/** The part of the suite about the texts of a dispatch: the prompt, and those that follow. */
import type { Holds } from './conformance.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Engine } from '../../src/ledger/engine.ts'
import type { DeliveryState } from '../../src/core/lifecycle.ts'
import assert from 'node:assert/strict'
import { isFirstText } from '../../src/core/lifecycle.ts'
import { because } from '../support/reasons.ts'
import { claimOf, hand, idOf, workers } from './fixtures.ts'

const why = because('it says so')

/**
 * Returns more ids than the engine allows parameters: SQLite 32,766, PostgreSQL 65,535. Both engines get the same chunks, so `npm test` has
 * that many only on SQLite, which is faster.
 */
function manyIds({ overlaps }: Engine): number {
  return process.env['BURN_POSTGRES'] === 'all' ? 70_000 : overlaps ? 700 : 33_000
}

/** Declares the tests of this part. */
export function texts(holds: Holds): void {
  holds('deliveries: returns all rows, however many ids are given', async ({ ledger, engine }) => {
    await ledger.claim([claimOf(1)], 'a', 5000, 10)
    const about = { dispatch: idOf(1), issue: 'o/r#1' }
    const texts = Array.from({ length: 300 }, (_, index) => {
      return { id: idOf(index + 2), kind: 'follow_up', worker: workers[0], text: 'more', about } as const
    })
    await ledger.planDeliveries(texts, 'a', 5000, 11)
    const ids = texts.map(({ id }) => id)
    const unknown = Array.from({ length: manyIds(engine) }, (_, index) => `unknown${index}`)
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
    assert.deepEqual((await ledger.leaseOwners([...unknown, idOf(1)])).length, 1)
  })

  holds.repeated('moveDispatches: leaves review only if the slot is free', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'review', reason: why }], 11)
    assert.equal((await ledger.claim([claimOf(2, { issue: 'o/r#2' })], 'a', 100, 12)).length, 1)
    const back = { id: idOf(1), from: ['review'], to: 'handed', reason: why } as const
    assert.deepEqual(await ledger.moveDispatches([back], 13), [])
    await ledger.moveDispatches([{ id: idOf(2), from: ['claimed'], to: 'released', reason: why }], 14)
    assert.equal((await ledger.moveDispatches([back], 15))[0]?.handed_at, 15)
  })

  holds.repeated('dispatch: can have several texts with different ids and kinds', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    const about = { dispatch: idOf(1), issue: 'o/r#1' }
    const kinds = ['follow_up', 'resume', 'command'] as const
    await ledger.planDeliveries(
      kinds.map((kind, index) => ({ id: idOf(index + 2), kind, worker: workers[0], text: kind, about })),
      'a',
      5000,
      11,
    )
    const further = (await ledger.deliveries({ about: [idOf(1)] })).map(({ id, kind, dispatch }) => [id, kind, dispatch])
    assert.deepEqual(
      further.toReversed(),
      kinds.map((kind, index) => [idOf(index + 2), kind, idOf(1)]),
    )
    const all = (await ledger.deliveries({ worker: workers[0] })).map((text) => isFirstText(text))
    assert.deepEqual(all, [false, false, false, true])
  })

  /** Makes a change in review whose slot has other work, and a follow-up about the change. */
  const reviewed = async (ledger: Ledger) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'review', reason: why, change_url: 'u1' }], 11)
    assert.deepEqual(
      (await ledger.reviewedChanges()).map(({ issue, change_url, watched }) => [issue, change_url, watched]),
      [['o/r#1', 'u1', null]],
    )
    await ledger.saveComments([{ id: idOf(1), comment_id: '1', comment_state: 'review' }], 11)
    await ledger.claim([claimOf(2, { issue: 'o/r#2' })], 'b', 5000, 12)
    const about = { dispatch: idOf(1), issue: 'o/r#1' }
    await ledger.planDeliveries([{ id: idOf(3), kind: 'follow_up', worker: workers[0], text: 'the tests fail', about }], 'a', 5000, 13)
    const state = async () => (await ledger.dispatches({ issue: 'o/r#1' }))[0]?.state
    return {
      state,
      pending: async () => (await ledger.deliveryView('a')).deliveries.map(({ id }) => id),
      free: () => ledger.moveDispatches([{ id: idOf(2), from: ['claimed'], to: 'released', reason: why }], 14),
      move: async (from: DeliveryState, to: DeliveryState) => {
        const moved = await ledger.moveDeliveries([{ id: idOf(3), token: 1, from, to, evidence: why, incarnation: '1.%1.9' }], 'a', 15)
        return [moved.length, await state()]
      },
    }
  }

  holds.repeated('follow-up: waits for the slot of its change, then takes it', async ({ ledger }) => {
    const { pending, free, move } = await reviewed(ledger)
    assert.deepEqual(await pending(), [])
    assert.deepEqual(await move('planned', 'placing'), [0, 'review'])
    await free()
    assert.deepEqual(await pending(), [idOf(3)])
    assert.deepEqual(await move('planned', 'placing'), [1, 'handed'])
    assert.deepEqual(await ledger.claim([claimOf(4, { issue: 'o/r#4' })], 'b', 5000, 16), [], 'its slot is taken')
    assert.deepEqual(await move('placing', 'seen'), [1, 'handed'])
    const [dispatch] = await ledger.dispatches({ issue: 'o/r#1' })
    assert.deepEqual([dispatch?.handed_at, dispatch?.state_reason], [15, { code: 'change_needs_work', text: idOf(3) }])
  })

  holds('follow-up: a refused one leaves its change in review', async ({ ledger }) => {
    const { free, move } = await reviewed(ledger)
    await free()
    assert.deepEqual(await move('planned', 'placing'), [1, 'handed'])
    assert.deepEqual(await move('placing', 'refused'), [1, 'review'])
  })

  holds('deliveries: a text is not typed again after its dispatch ended', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 5000, 10)
    const end = { id: idOf(1), from: ['claimed'], to: 'released', reason: why } as const
    const place = async (from: 'planned' | 'placing') => {
      const moves = [{ id: idOf(1), token: 1, from, to: 'placing', evidence: why, typed: 'x' }] as const
      return (await ledger.moveDeliveries(moves, 'a', 12)).map(({ state, evidence }) => [state, evidence])
    }
    assert.deepEqual(await place('planned'), [['placing', why]])
    assert.deepEqual(await place('placing'), [['placing', why]])
    await ledger.moveDispatches([end], 11)
    assert.deepEqual(await place('placing'), [['unknown', { code: 'dispatch_ended' }]])
  })

  holds.repeated('follow-up: is refused when its change has ended', async ({ ledger }) => {
    const { state } = await reviewed(ledger)
    await ledger.moveDispatches([{ id: idOf(1), from: ['review'], to: 'done', reason: why }], 14)
    assert.equal(await state(), 'done')
    assert.deepEqual(
      (await ledger.deliveries({ about: [idOf(1)] })).map((text) => [text.state, text.evidence]),
      [['refused', { code: 'dispatch_ended' }]],
    )
  })
}
