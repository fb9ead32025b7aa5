/** Random sequences of operations by two owners. After each operation all rules hold, and only allowed transitions were applied. */
import type { Delivery, DeliveryState, Dispatch, DispatchState } from '../../src/core/lifecycle.ts'
import type { Opened } from './fixtures.ts'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { activeStates, deliveryTransitions, dispatchTransitions } from '../../src/core/lifecycle.ts'
import { brokenInvariants } from '../../src/ledger/invariants.ts'
import { claimOf, furnish, holdWorker, idOf, issueOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

const owner = fc.constantFrom('a', 'b')
const worker = fc.constantFrom(...workers)
const number = fc.integer({ min: 1, max: 4 })
/** The position of a row, counted from the latest. */
const back = fc.nat({ max: 6 })
const deliverySome = fc.constantFrom(...steps(deliveryTransitions))
const dispatchSome = fc.constantFrom(...steps(dispatchTransitions))

function steps<State extends string>(table: Readonly<Record<State, readonly State[]>>): [State, State][] {
  return (Object.entries(table) as [State, readonly State[]][]).flatMap(([from, all]) => all.map((to): [State, State] => [from, to]))
}

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      owner,
      worker,
      number,
      slot: fc.nat({ max: 1 }),
      attempt: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ask' as const), owner, worker, number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plan' as const), owner, worker }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('followUp' as const),
      owner,
      back,
      kind: fc.constantFrom('follow_up' as const, 'command' as const),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), owner, back, step: deliverySome, token: fc.integer({ min: 1, max: 3 }) }),
  },
  // A transition that fits the current state, so that sequences make progress.
  { weight: 12, arbitrary: fc.record({ do: fc.constant('advance' as const), owner, back, pick: fc.nat({ max: 4 }) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('move' as const), back, step: dispatchSome }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('takeOver' as const, 'renew' as const, 'release' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('issue' as const), number, open: fc.boolean(), complete: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('requeue' as const), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'record' as const), worker }) },
)

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** Declares the test of an engine. */
export function sequences(name: string, openFresh: () => Promise<Opened>, numRuns = 15): void {
  describe(`ledger on ${name}, random sequences`, () => {
    it('sequences: break no rule', async () => {
      const property = fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 50 }), async (operations) => {
        await using opened = await openFresh()
        await furnish(opened.ledger)
        for (const [index, each] of operations.entries()) {
          await run(opened, each, 10 + index)
          assert.deepEqual(await brokenInvariants(opened.engine.db), [], `after ${JSON.stringify(each)}`)
        }
      })
      await fc.assert(property, { numRuns })
    })
  })
}

/** The length of leases in operations. It is short, so that some expire. */
const leaseLength = 5

async function run({ ledger }: Opened, each: Operation, at: number): Promise<void> {
  const until = at + leaseLength
  switch (each.do) {
    case 'claim':
    case 'ask': {
      const kind = each.do === 'claim' ? { slot: each.slot, attempt: each.attempt } : { kind: 'council' as const, slot: null }
      await ledger.claim([claimOf(at, { worker: each.worker, issue: `o/r#${each.number}`, ...kind })], each.owner, until, at)
      return
    }
    case 'plan':
      return void (await ledger.planDeliveries([{ id: idOf(at), kind: 'send', worker: each.worker, text: 'hi' }], each.owner, until, at))
    case 'followUp': {
      const about = (await ledger.dispatches({}))[each.back]
      if (about === undefined) return
      const { id: dispatch, issue, worker: to } = about
      await ledger.planDeliveries(
        [{ id: idOf(at), kind: each.kind, worker: to, text: 'hi', about: { dispatch, issue } }],
        each.owner,
        until,
        at,
      )
      return
    }
    case 'deliver':
      return deliver(ledger, each.owner, await latestDelivery(ledger, each.back), each.step, each.token, at)
    case 'advance': {
      const delivery = await latestDelivery(ledger, each.back)
      const next = delivery === undefined ? [] : deliveryTransitions[delivery.state]
      const to = next[each.pick % next.length]
      return delivery === undefined || to === undefined
        ? undefined
        : deliver(ledger, each.owner, delivery, [delivery.state, to], delivery.lease_token, at)
    }
    case 'move':
      return move(ledger, (await ledger.dispatches({}))[each.back], each.step, at)
    case 'takeOver':
      for (const taken of await ledger.takeOverDeliveries(each.owner, until, at)) assert.equal(taken.lease_owner, each.owner)
      return
    case 'renew':
      return void (await ledger.renewLeases(each.owner, until))
    case 'release':
      return ledger.releaseLeases(each.owner)
    case 'issue':
      return ledger.saveIssues(
        [{ repo: 'o/r', issues: [issueOf(each.number, { state: each.open ? 'open' : 'closed' })], cursor: 'c', complete: each.complete }],
        at,
      )
    case 'requeue':
      return void (await ledger.requeue(`o/r#${each.number}`, at))
    case 'hold':
      return holdWorker(ledger, each.worker, 'looking', at)
    case 'record':
      return ledger.recordWorkers([{ id: each.worker, drawn: true }], at)
  }
}

type Ledger = Opened['ledger']

async function latestDelivery(ledger: Ledger, back: number): Promise<Delivery | undefined> {
  return (await ledger.deliveries({}))[back]
}

async function deliver(
  ledger: Ledger,
  by: string,
  before: Delivery | undefined,
  [from, to]: [DeliveryState, DeliveryState],
  token: number,
  at: number,
): Promise<void> {
  if (before === undefined) return
  const moved = await ledger.moveDeliveries([{ id: before.id, token, from, to, evidence: because('seen') }], by, at)
  const [after] = await ledger.deliveries({ ids: [before.id] })
  assert.deepEqual(after, moved[0] ?? before)
  if (moved.length === 0) return
  assert.deepEqual([before.state, before.lease_token, after?.state], [from, token, to])
  if (activeStates.includes(from)) assert.equal(before.lease_owner, by)
}

async function move(ledger: Ledger, before: Dispatch | undefined, [from, to]: [DispatchState, DispatchState], at: number): Promise<void> {
  if (before === undefined) return
  const moved = await ledger.moveDispatches([{ id: before.id, from: [from], to, reason: because('because') }], at)
  const after = (await ledger.dispatches({ issue: before.issue })).find(({ id }) => id === before.id)
  assert.deepEqual(after, moved[0] ?? before)
  if (moved.length > 0) assert.deepEqual([before.state, after?.state], [from, to])
}
