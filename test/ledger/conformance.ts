/** The conformance suite of the ledger. The tests of each engine call it with a function that opens an empty ledger. */
import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { claimOf, furnish, hand, idOf, issueOf, withCode, workers } from './fixtures.ts'
import { agentRecords } from './agents.ts'
import { pruning } from './keeping.ts'
import { claiming } from './claiming.ts'
import { delegating } from './delegating.ts'
import { holding } from './holding.ts'
import { readings } from './readings.ts'
import { fleet, issues } from './records.ts'
import { refused } from './refused.ts'
import { leases } from './leases.ts'
import { notifications } from './notifications.ts'
import { eventful } from './events.ts'
import { sprinting } from './sprinting.ts'
import { steeringOrders } from './steering.ts'
import { telemetry } from './telemetry.ts'
import { texts } from './texts.ts'
import { because } from '../support/reasons.ts'

const why = because('it was decided')

/** Declares the tests that every engine must pass. `whole`: whether repeated tests run, too. */
export function conformance(name: string, openFresh: () => Promise<Opened>, whole = true): void {
  /** Declares a test on a ledger with workers and issues. The ledger's rules must hold at the end of the test. */
  const declare = (what: string, body: (opened: Opened) => Promise<void>) =>
    void it(what, async () => {
      await using opened = await openFresh()
      await furnish(opened.ledger)
      await body(opened)
      // Rejects if a rule is broken.
      await opened.ledger.check()
    })
  const holds: Holds = Object.assign(declare, { repeated: whole ? declare : () => {} })
  describe(`ledger on ${name}`, () => {
    claims(holds)
    dispatchSteps(holds)
    deliverySteps(holds)
    leases(holds)
    issues(holds)
    claiming(holds)
    fleet(holds)
    agentRecords(holds)
    delegating(holds)
    holding(holds)
    refused(holds)
    eventful(holds)
    readings(holds)
    pruning(holds)
    steeringOrders(holds)
    telemetry(holds)
    notifications(holds)
    sprinting(holds)
    texts(holds)
  })
}

type Declare = (what: string, body: (opened: Opened) => Promise<void>) => void

/** Declares a test on a ledger with workers and issues. */
export interface Holds extends Declare {
  /** Declares a test whose SQL statements other tests run, too. On PostgreSQL only `npm run postgres` runs it. */
  readonly repeated: Declare
}

function claims(holds: Holds): void {
  holds.repeated('claim: writes a dispatch with its delivery', async ({ ledger }) => {
    const [won] = await ledger.claim([claimOf(1)], 'a', 100, 10)
    assert.equal(won?.state, 'claimed')
    const view = await ledger.view()
    assert.deepEqual(view.dispatches, [won])
    const [delivery] = view.deliveries
    assert.equal(delivery?.text, 'prompt 1')
    assert.deepEqual([delivery.state, delivery.lease_owner, delivery.lease_token, delivery.lease_until], ['planned', 'a', 1, 100])
    assert.equal(view.workers[0]?.used_at, 10)
    assert.deepEqual(
      (await ledger.events({ subject: idOf(1) })).map(({ kind }) => kind),
      ['dispatch.claimed', 'delivery.planned'],
    )
  })

  holds.repeated('claim: loses taken issues and slots, and wins the others', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const sameIssue = claimOf(2, { worker: workers[1] })
    const sameSlot = claimOf(3, { issue: 'o/r#2' })
    const free = claimOf(4, { issue: 'o/r#3', slot: 1 })
    const twiceInOne = claimOf(5, { issue: 'o/r#3', worker: workers[1] })
    const won = await ledger.claim([sameIssue, sameSlot, free, twiceInOne, claimOf(1)], 'b', 100, 11)
    assert.deepEqual(
      won.map(({ id }) => id),
      [free.id],
    )
    assert.equal((await ledger.view()).deliveries.length, 2)
  })

  holds.repeated('claim: asks every council worker once, beside the work', async ({ ledger }) => {
    const asked = (count: number, worker: string) => claimOf(count, { kind: 'council', slot: null, worker })
    assert.equal((await ledger.claim([claimOf(1), asked(2, workers[1]), asked(3, workers[2])], 'a', 100, 10)).length, 3)
    assert.equal((await ledger.claim([asked(4, workers[1])], 'a', 100, 10)).length, 0)
  })

  holds.repeated('claim: loses issues that are done, attempted, closed or unknown', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'done', reason: why }], 11)
    await hand(ledger, claimOf(2, { issue: 'o/r#2' }), 12)
    await ledger.moveDispatches([{ id: idOf(2), from: ['handed'], to: 'lost', reason: why }], 13)
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(3, { state: 'closed' })], cursor: 'c2', complete: false }], 14)
    const stale = [1, 2, 3, 99].map((number) => claimOf(10 + number, { issue: `o/r#${number}`, slot: number }))
    assert.deepEqual(await ledger.claim(stale, 'a', 100, 15), [])
    assert.equal((await ledger.claim([claimOf(20, { issue: 'o/r#2', attempt: 2 })], 'a', 100, 16)).length, 1)
  })

  holds.repeated('claim: writes nothing if a batch names an unknown worker', async ({ ledger }) => {
    const wrong = claimOf(2, { issue: 'o/r#2', worker: 'm/W/NOBODY' })
    await assert.rejects(ledger.claim([claimOf(1), wrong], 'a', 100, 10), withCode('ledger_rule'))
    assert.deepEqual((await ledger.view()).dispatches, [])
    assert.deepEqual(await ledger.events({ subject: idOf(1) }), [])
  })
}

function dispatchSteps(holds: Holds): void {
  holds('moveDispatches: counts attempts and keeps the done state', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    const [failed] = await ledger.moveDispatches([{ id: idOf(1), from: ['handed', 'review'], to: 'failed', reason: why }], 11)
    assert.deepEqual([failed?.state, failed?.state_reason, failed?.reason], ['failed', why, because('its home repo')])
    const tried = await ledger.issue('o/r#1')
    assert.deepEqual([tried?.attempts, tried?.failed_at], [1, 11])
    await hand(ledger, claimOf(2, { attempt: 2 }), 12)
    await ledger.moveDispatches([{ id: idOf(2), from: ['handed'], to: 'done', reason: why, change_url: 'http://change' }], 13)
    const record = await ledger.issue('o/r#1')
    assert.deepEqual([record?.attempts, record?.done], [1, true])
    assert.equal((await ledger.dispatches({ state: 'done' }))[0]?.change_url, 'http://change')
    assert.equal(await ledger.requeue('o/r#1', 14), true)
    const { attempts, failed_at, done } = (await ledger.issue('o/r#1')) ?? {}
    assert.deepEqual([attempts, failed_at, done], [0, null, false])
  })

  holds.repeated('moveDispatches: counts no attempt for a council', async ({ ledger }) => {
    await hand(ledger, claimOf(1, { kind: 'council', slot: null }), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'lost', reason: why }], 11)
    const record = await ledger.issue('o/r#1')
    assert.deepEqual([record?.attempts, record?.failed_at], [0, null])
  })

  holds.repeated('moveDispatches: an unknown transition fails the whole batch', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const fine = { id: idOf(1), from: ['claimed'], to: 'released', reason: why } as const
    const wrong = { id: idOf(1), from: ['done'], to: 'claimed', reason: why } as const
    await assert.rejects(ledger.moveDispatches([fine, wrong], 11), withCode('ledger_step'))
    assert.equal((await ledger.view()).dispatches[0]?.state, 'claimed')
  })

  holds.repeated('moveDispatches: skips a dispatch whose state has changed', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const release = { id: idOf(1), from: ['claimed'], to: 'released', reason: why } as const
    assert.equal((await ledger.moveDispatches([release], 11)).length, 1)
    assert.deepEqual(await ledger.moveDispatches([release, { ...release, id: idOf(7) }], 12), [])
    assert.equal((await ledger.events({ subject: idOf(1) })).filter(({ kind }) => kind === 'dispatch.released').length, 1)
  })

  holds.repeated('moveDispatches: refuses the planned delivery of an ended dispatch', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['claimed'], to: 'released', reason: why }], 11)
    const [delivery] = await ledger.deliveries({ ids: [idOf(1)] })
    assert.deepEqual([delivery?.state, delivery?.text], ['refused', ''])
    assert.deepEqual(await ledger.moveDeliveries([{ id: idOf(1), token: 1, from: 'planned', to: 'placing', evidence: why }], 'a', 12), [])
  })

  holds('cycleView: leaves out work in review, which affectedWork finds', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await hand(ledger, claimOf(2, { issue: 'o/r#2', kind: 'council', slot: null }), 11)
    await hand(ledger, claimOf(3, { issue: 'o/r#3', slot: 1 }), 12)
    const review = (count: number) => ({ id: idOf(count), from: ['handed'], to: 'review', reason: why }) as const
    await ledger.moveDispatches([review(1), review(2)], 13)
    const { dispatches, reviews, workers: known } = await ledger.cycleView()
    assert.deepEqual(
      dispatches.map(({ id, state }) => [id, state]),
      [
        [idOf(2), 'review'],
        [idOf(3), 'handed'],
      ],
    )
    assert.deepEqual(reviews, [{ issue: 'o/r#1', claimed_at: 10, handed_at: 10 }])
    assert.deepEqual(known, (await ledger.view()).workers)
    const found = async (ids: readonly string[], issues: readonly string[]) =>
      (await ledger.affectedWork({ ids, issues, urls: [] })).reviews.map(({ id }) => id)
    assert.deepEqual(await found([idOf(1), idOf(2), idOf(3)], ['o/r#1', 'o/r#3']), [idOf(1)])
    assert.deepEqual([await found([], ['o/r#1']), await found([], [])], [[idOf(1)], []])
  })

  holds('reached: counts a dispatch once for each state', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    for (const [from, to, at] of [
      ['handed', 'review', 15],
      ['review', 'handed', 20],
      ['handed', 'review', 25],
    ] as const)
      await ledger.moveDispatches([{ id: idOf(1), from: [from], to, reason: why }], at)
    const counts = Object.fromEntries((await ledger.reached(0, 100)).map(({ state, count }) => [state, count]))
    assert.deepEqual(counts, { claimed: 1, handed: 1, review: 1 }, 'a change that comes back is opened once')
    assert.deepEqual(await ledger.reached(21, 30), [{ state: 'review', count: 1 }])
  })

  holds('dispatchTimes: has ended and reviewed work that reached an agent', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'review', reason: why }], 15)
    await ledger.moveDispatches([{ id: idOf(1), from: ['review'], to: 'done', reason: why }], 40)
    await hand(ledger, claimOf(2, { issue: 'o/r#2' }), 41)
    await ledger.moveDispatches([{ id: idOf(2), from: ['handed'], to: 'failed', reason: why }], 50)
    await hand(ledger, claimOf(3, { issue: 'o/r#3' }), 51)
    await ledger.claim([claimOf(4, { issue: 'o/r#4', slot: 1 })], 'a', 100, 52)
    const base = { worker: workers[0] }
    assert.deepEqual(await ledger.dispatchTimes(9), [
      { ...base, issue: 'o/r#2', state: 'failed', handed_at: 41, review_at: null, ended_at: 50 },
      { ...base, issue: 'o/r#1', state: 'done', handed_at: 10, review_at: 15, ended_at: 40 },
    ])
    assert.equal((await ledger.dispatchTimes(1)).length, 1)
  })

  holds.repeated('saveComments: keeps the comment of a dispatch', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    await ledger.saveComments([{ id: idOf(1), comment_id: '77', comment_state: 'claimed' }], 11)
    const [dispatch] = (await ledger.view()).dispatches
    assert.deepEqual([dispatch?.comment_id, dispatch?.comment_state], ['77', 'claimed'])
  })
}

function deliverySteps(holds: Holds): void {
  holds('moveDeliveries: hands the dispatch, and keeps only size and hash', async ({ ledger }) => {
    await hand(ledger, claimOf(1, { text: 'héllo' }), 10)
    const [dispatch] = (await ledger.view()).dispatches
    assert.deepEqual([dispatch?.state, dispatch?.incarnation, dispatch?.handed_at], ['handed', '1.%1.9', 10])
    const [delivery] = await ledger.deliveries({ ids: [idOf(1)] })
    assert.deepEqual([delivery?.state, delivery?.text, delivery?.lease_owner], ['seen', '', null])
    const [planned] = await ledger.events({ subject: idOf(1), kinds: ['delivery.planned'] })
    const sha256 = '3c48591d8d098a4538f5e013dfcf406e948eac4d3277b10bf614e295d6068179'
    assert.deepEqual(planned?.payload, { kind: 'work', bytes: 6, sha256 })
  })

  holds.repeated('moveDeliveries: refuses an unknown transition', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await assert.rejects(
      ledger.moveDeliveries([{ id: idOf(1), token: 1, from: 'seen', to: 'planned', evidence: why }], 'a', 11),
      withCode('ledger_step'),
    )
  })

  holds('moveDeliveries: places one text at a time per worker', async ({ ledger }) => {
    await ledger.planDeliveries(
      [1, 2].map((count) => ({ id: idOf(count), kind: 'send', worker: workers[0], text: 'hi' })),
      'a',
      100,
      10,
    )
    const place = (count: number) => ({ id: idOf(count), token: 1, from: 'planned', to: 'placing', evidence: why }) as const
    assert.deepEqual(
      (await ledger.moveDeliveries([place(1), place(2)], 'a', 11)).map(({ id }) => id),
      [idOf(1)],
    )
    await ledger.moveDeliveries([{ ...place(1), from: 'placing', to: 'placed' }], 'a', 12)
    await ledger.moveDeliveries([{ ...place(1), from: 'placed', to: 'placed', presses: 1 }], 'a', 13)
    assert.deepEqual(await ledger.moveDeliveries([place(2)], 'a', 14), [])
    await ledger.moveDeliveries([{ ...place(1), from: 'placed', to: 'submitted' }], 'a', 15)
    assert.equal((await ledger.moveDeliveries([place(2)], 'a', 16)).length, 1)
    assert.equal((await ledger.deliveries({ worker: workers[0], kind: 'send' })).length, 2)
  })

  holds('unknown delivery: any owner can settle it while its dispatch lives', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const step = { id: idOf(1), token: 1, evidence: why }
    await ledger.moveDeliveries([{ ...step, from: 'planned', to: 'placing' }], 'a', 11)
    await ledger.moveDeliveries([{ ...step, from: 'placing', to: 'unknown' }], 'a', 12)
    assert.deepEqual(
      (await ledger.view()).deliveries.map(({ state, text }) => [state, text]),
      [['unknown', '']],
    )
    assert.equal((await ledger.moveDeliveries([{ ...step, from: 'unknown', to: 'seen', evidence: why }], 'b', 13)).length, 1)
    assert.deepEqual((await ledger.view()).deliveries, [])
  })
}
