/** A simulated fleet with a change in review, whose facts a test sets. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { ChangePolicy } from '../../src/core/change-stages.ts'
import type { ChangeState } from '../../src/core/change-state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { changeOf, protection } from './changes.ts'
import { simulatedFleet } from './world.ts'

/** Dispatches one issue, opens its change, and returns the fleet with a change whose facts the test sets. */
export async function changeInReview(t: TestContext, rules: Partial<ChangePolicy> = {}) {
  const fleet = await simulatedFleet(t, issuesOf(1))
  const dispatcher = await fleet.open()
  const { session } = dispatcher
  Object.assign(session.fleet, { changes: { ...session.fleet.changes, ...rules } })
  const [given] = (await dispatcher.cycle()).claimed
  assert.ok(given !== undefined)
  const { id, issue, worker } = given
  const merges: string[] = []
  let facts: Partial<ChangeState> = {}
  const change = () =>
    ({ name: `#${id}`, author: 'burn', dispatch_id: id, closes: [issue], state: merges.length > 0 ? 'merged' : 'open' }) as const
  /** Sets facts, and the forge does not list the change as updated. */
  const setUnlisted = (next: Partial<ChangeState>) => void (facts = { ...facts, ...next })
  const set = (next: Partial<ChangeState>) => {
    setUnlisted(next)
    fleet.people.put('o/a', change())
  }
  fleet.forge.changeState = async (ref) => {
    const state = changeOf({ ref, pushed: { login: 'burn', at: 0 }, ...facts })
    return { ...state, change: { ...state.change, ...change(), dispatch_id: id } }
  }
  Object.assign(fleet.forge, {
    checks: async () => facts.checks ?? [],
    protection: async () => protection,
    changedPaths: async () => ['a.ts'],
    logTail: async () => ({ text: 'boom at line 7\n[31mred', truncated: true }),
    merge: async (_: string, { sha }: { readonly sha: string }) => {
      merges.push(sha)
      fleet.people.put('o/a', change())
      return { result: 'merged' }
    },
  })
  const received: string[] = []
  const { received: receive } = fleet.world
  fleet.world.received = (agent, prompt, text) => {
    received.push(text)
    return receive.call(fleet.world, agent, prompt, text)
  }
  set({})
  await dispatcher.cycle()
  const state = async () => (await session.ledger.dispatches({ issue }))[0]
  const agent = () => fleet.world.agents().find((each) => each.worker === worker)
  /** Ends the turn of the agent. */
  const endTurn = async () => {
    await fleet.pass(101 * 3_600_000)
    await dispatcher.cycle()
    await fleet.pass(61_000)
    await dispatcher.cycle()
  }
  return { ...fleet, ...dispatcher, id, issue, worker, set, setUnlisted, state, merges, received, agent, endTurn }
}
