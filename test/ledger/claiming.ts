/** The part of the suite about open changes, claims of other ledgers, and follow-ups. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import type { Change } from '../../src/core/nouns.ts'
import { claimOf, hand, idOf, issueOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

/** Declares the tests of this part. */
export function claiming(holds: Holds): void {
  holds('open changes: are saved with their issues, which are judged again', async ({ ledger }) => {
    const facts = { state: 'open', author: 'ann', fork: false, created_at: 1 } as const
    const change = (name: string, closes: readonly string[], more: Partial<Change> = {}): Change => {
      return { dispatch_id: null, name, url: `u${name}`, closes, ...facts, ...more }
    }
    const seen = (complete: boolean, ...changes: Change[]) => ledger.saveOpenChanges([{ repo: 'o/r', changes, complete }])
    const shown = async () => {
      const records = await Promise.all([1, 2, 9].map((number) => ledger.issue(`o/r#${number}`)))
      return records.map((record) => record?.open_change ?? null)
    }
    await seen(false, change('#12', ['o/r#1', 'o/r#9']), change('#13', ['o/r#1']))
    assert.deepEqual(await shown(), ['#12', null, null])
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(9)], cursor: 'c2', complete: false, changed_at: 7 }], 20)
    assert.deepEqual([await shown(), (await ledger.repos())[0]?.changed_at], [['#12', null, '#12'], 7])
    assert.deepEqual(await ledger.claim([claimOf(1)], 'a', 1000, 20), [], 'the claim was decided before the change was seen')
    const verdict = { issue: 'o/r#1', eligible: false, reason: because('change #12 is open'), standing: 'none', revision: 1 } as const
    await ledger.saveVerdicts([verdict], 21)
    await seen(false, change('#12', ['o/r#9']))
    assert.deepEqual([await shown(), (await ledger.issue('o/r#1'))?.standing], [['#13', null, '#12'], null])
    await hand(ledger, claimOf(2, { issue: 'o/r#2' }), 22)
    const taken = (await ledger.issue('o/r#2'))?.standing
    await seen(true, change('#14', [], { dispatch_id: idOf(2) }))
    assert.deepEqual([await shown(), (await ledger.issue('o/r#2'))?.standing], [[null, '#14', null], taken])
    const beside = async () => (await ledger.affectedWork({ ids: [], issues: [], urls: [] })).foreign_changes
    await seen(false, change('#15', ['o/r#2']))
    assert.deepEqual(await beside(), [{ issue: 'o/r#2', name: '#15', url: 'u#15' }])
    await seen(false, change('#15', []))
    assert.deepEqual(await beside(), [])
    await ledger.saveOpenChanges([{ repo: 'o/other', changes: [], complete: true }])
    assert.deepEqual(await shown(), [null, '#14', null])
    await seen(false, change('#14', [], { dispatch_id: idOf(2), state: 'merged' }))
    assert.deepEqual(await shown(), [null, null, null])
  })

  holds('elsewhere: lists issues that another ledger has claimed', async ({ ledger }) => {
    const verdict = {
      issue: 'o/r#1',
      eligible: false,
      reason: { code: 'claimed_by_other_ledger' as const, dispatch: idOf(9), seen_at: 5 },
      standing: null,
      revision: 0,
    }
    await ledger.saveVerdicts([verdict, { ...verdict, issue: 'o/r#2', reason: because('waits') }], 20)
    assert.deepEqual([(await ledger.backlog()).elsewhere, (await ledger.view()).elsewhere], [['o/r#1'], ['o/r#1']])
  })

  holds('follow-up: is planned once, with the transition of its dispatch', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 20)
    const follow_up = { id: idOf(2), text: 'it was closed' }
    const move = { id: idOf(1), from: ['handed'], to: 'done', reason: because('the issue is closed'), follow_up } as const
    assert.equal((await ledger.moveDispatches([move], 30)).length, 1)
    assert.equal((await ledger.moveDispatches([{ ...move, follow_up: { ...follow_up, id: idOf(3) } }], 31)).length, 0)
    const [text, ...more] = await ledger.takeOverDeliveries('b', 1000, 32)
    assert.deepEqual(
      [text?.id, text?.kind, text?.dispatch, text?.worker, text?.text],
      [idOf(2), 'follow_up', idOf(1), workers[0], follow_up.text],
    )
    assert.deepEqual([text?.incarnation, more], ['1.%1.9', []])
    assert.ok((await ledger.deliveryView('b')).deliveries.some(({ id }) => id === idOf(2)))
    assert.ok((await ledger.deliveries({ worker: workers[0] })).some(({ id }) => id === idOf(2)))
  })
}
