/** The part of the suite about commands in comments. */
import type { SteeringOrder } from '../../src/core/steering.ts'
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { changeOf } from '../support/changes.ts'
import { claimOf, hand, issueOf } from './fixtures.ts'

const order = (comment: string, word: 'go' | 'stop' | 'retry', more: Partial<SteeringOrder> = {}): SteeringOrder => {
  return { ref: 'o/r#1', comment, author: 'ann', created_at: 50, word, refusal: null, ...more }
}

/** Declares the tests of this part. */
export function steeringOrders(holds: Holds): void {
  let ids = 0
  const newId = () => `t${(ids += 1)}`

  holds('steer: handles each comment once, and keeps it until it has a reaction', async ({ ledger }) => {
    const given = [order('1', 'go'), order('1', 'stop', { ref: 'o/r#2' }), order('2', 'go', { ref: 'o/other#9' })]
    const handled = await ledger.steer(given, new Map(), newId, 60)
    assert.deepEqual(
      handled.map(({ refusal }) => refusal?.code ?? null),
      [null, null, 'not_in_ledger'],
    )
    assert.deepEqual(await ledger.steer(given, new Map(), newId, 61), [])
    assert.deepEqual(await ledger.unhandledComments([...given, order('3', 'go')]), [order('3', 'go')])
    assert.deepEqual(await ledger.unacknowledgedSteering(), [
      { ref: 'o/r#1', comment: '1', done: true },
      { ref: 'o/r#2', comment: '1', done: true },
      { ref: 'o/other#9', comment: '2', done: false },
    ])
    for (const each of given) await ledger.acknowledgeSteering(each, 62)
    assert.deepEqual(await ledger.unacknowledgedSteering(), [])
    await ledger.steer([], new Map([['o/r', 63]]), newId, 64)
    assert.equal((await ledger.repos())[0]?.comments_at, 63)
    assert.equal((await ledger.events({ kinds: ['issue.steered'] })).length, 3)
  })

  holds('steer: go approves only a text that burn read before the comment', async ({ ledger }) => {
    await ledger.steer([order('1', 'go')], new Map(), newId, 60)
    const approval = async () => {
      const record = await ledger.issue('o/r#1')
      return [record?.approval, record?.approved_by]
    }
    assert.deepEqual(await approval(), ['current', 'ann'])
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { body: 'other', updated_at: 70 })], cursor: 'c2', complete: false }], 70)
    assert.deepEqual(await approval(), ['edited', 'ann'])
    const [early] = await ledger.steer([order('2', 'go', { created_at: 70 })], new Map(), newId, 71)
    assert.equal(early?.refusal?.code, 'steering_text_new')
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { body: 'other', updated_at: 90 })], cursor: 'c3', complete: false }], 90)
    await ledger.steer([order('3', 'go', { created_at: 80, author: 'bob' })], new Map(), newId, 91)
    assert.deepEqual(await approval(), ['current', 'bob'])
  })

  holds('steer: a comment on a change is about its issue', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 20)
    const [{ id } = { id: '' }] = await ledger.dispatches({ issue: 'o/r#1' })
    const seen = { first_pusher: null, protected_paths: null, protection: null, read_at: 21 }
    await ledger.saveChanges([{ dispatch: id, ref: 'o/r!3', state: changeOf(), approvals: [], ...seen }], 21)
    const on = (comment: string, word: 'go' | 'stop', ref = 'o/r!3') => ledger.steer([order(comment, word, { ref })], new Map(), newId, 30)
    const [approved, stopped, unknown] = [await on('1', 'go'), await on('2', 'stop'), await on('3', 'stop', 'o/r!9')]
    assert.deepEqual([approved[0]?.refusal?.code, stopped[0]?.refusal, stopped[0]?.issue], ['steering_on_change', null, 'o/r#1'])
    assert.equal(unknown[0]?.refusal?.code, 'steering_homeless')
    assert.equal((await ledger.issue('o/r#1'))?.stopped_by, 'ann')
  })

  holds.repeated('steer: stop ends the dispatch, tells the agent, and stops claims', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 20)
    await ledger.steer([order('1', 'retry')], new Map(), newId, 30)
    await ledger.steer([order('2', 'stop')], new Map(), newId, 31)
    const [dispatch] = await ledger.dispatches({ issue: 'o/r#1' })
    assert.deepEqual([dispatch?.state, dispatch?.state_reason], ['released', { code: 'stopped', login: 'ann' }])
    const [text] = await ledger.deliveries({ about: [dispatch?.id ?? ''] })
    assert.match(text?.text ?? '', /^A person stopped the work on o\/r#1/)
    assert.equal((await ledger.issue('o/r#1'))?.stopped_by, 'ann')
    assert.deepEqual(await ledger.claim([claimOf(2)], 'a', 1000, 40), [], 'a claim that was decided before')
    await ledger.steer([order('3', 'retry')], new Map(), newId, 50)
    assert.equal((await ledger.claim([claimOf(3)], 'a', 1000, 60)).length, 1)
    const refusals = (await ledger.events({ kinds: ['issue.steered'] })).map(({ payload }) => JSON.stringify(payload).includes('taken'))
    assert.deepEqual(refusals.toSorted(), [false, false, true])
  })
}
