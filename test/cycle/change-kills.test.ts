/** burn repeats a step of a change whose process was killed, and tells nobody twice. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { ChangeState } from '../../src/core/change-state.ts'
import type { StepAction } from '../../src/core/change-stages.ts'
import { stepTimeout } from '../../src/core/change-stages.ts'
import { leaseLength } from '../../src/observe/session.ts'
import { deliver } from '../../src/deliver/deliver.ts'
import { changeInReview } from '../support/change-in-review.ts'
import { checkOf } from '../support/changes.ts'

/** Where the process is killed: after it recorded the step, after the effect, or after it saved the outcome. */
const boundaries = ['begun', 'acted', 'saved'] as const

interface Case {
  readonly action: StepAction
  readonly facts: Partial<ChangeState>
}

const cases: readonly Case[] = [
  { action: 'rerun_checks', facts: { checks: [{ ...checkOf('unit', 'failed', true), updated_at: 0 }] } },
  { action: 'resolve_by_git', facts: { mergeable: 'no' } },
  { action: 'escalate', facts: { base_sha: null } },
]

/** Kills a dispatcher at a boundary of a step, and lets another one continue. */
async function kill(t: TestContext, { action, facts }: Case, boundary: (typeof boundaries)[number]) {
  const fleet = await changeInReview(t)
  await fleet.endTurn()
  const effects: string[] = []
  const comments: string[] = []
  Object.assign(fleet.forge, {
    rerun: async () => (effects.push('rerun_checks'), { result: 'started' }),
    addLabel: async (_: string, label: string) => void effects.push(label),
    comments: async () => comments.map((body, id) => ({ id: String(id), author: 'burn', body, created_at: 1 })),
    comment: async (_: string, body: string) => (comments.push(body), { id: '1', author: 'burn', body, created_at: 1 }),
    editComment: async () => {},
  })
  const { ledger } = fleet
  const dying = await fleet.open(ledger)
  const killed = () => Promise.reject(new Error('killed'))
  Object.assign(dying.session, {
    resolveConflict: async () => (effects.push('resolve_by_git'), null),
    ledger: {
      ...ledger,
      beginStep: async (...step: Parameters<typeof ledger.beginStep>) => {
        const isMine = await ledger.beginStep(...step)
        return boundary === 'begun' ? killed() : isMine
      },
      endStep: async (...step: Parameters<typeof ledger.endStep>) => {
        if (boundary === 'acted') return killed()
        await ledger.endStep(...step)
        return killed()
      },
    },
  })
  fleet.set(facts)
  await assert.rejects(dying.cycle(), /killed/)
  const next = await fleet.open(ledger)
  Object.assign(next.session, { resolveConflict: async () => (effects.push('resolve_by_git'), null) })
  await next.cycle()
  const early = effects.length
  await fleet.pass(stepTimeout)
  for (let cycles = 0; cycles < 3; cycles++) await next.cycle()
  const steps = (await ledger.changeSteps([fleet.id])).filter((step) => step.action === action)
  const events = await ledger.events({ kinds: ['change.escalated'] })
  return { effects, early, comments, steps, events }
}

for (const each of cases)
  test(`change step ${each.action}: survives a kill at each boundary`, async (t) => {
    // After the outcome, only the call of a person has something left to do.
    for (const boundary of each.action === 'escalate' ? boundaries : boundaries.slice(0, 2)) {
      const { effects, early, comments, steps, events } = await kill(t, each, boundary)
      const name = each.action === 'escalate' ? 'needs-person' : each.action
      assert.deepEqual(
        steps.map(({ outcome, attempt }) => [outcome, attempt]),
        [['done', 1]],
        boundary,
      )
      assert.equal(effects.filter((effect) => effect === name).length, boundary === 'acted' ? 2 : 1, boundary)
      assert.equal(early, boundary === 'begun' ? 0 : 1, `${boundary}: another process waits for the timeout`)
      assert.ok(comments.length <= 1, boundary)
      if (each.action === 'escalate') assert.deepEqual([events.length, comments.length], [1, 1], boundary)
    }
  })

for (const [boundary, stopping] of [
  ['before', false],
  ['after', false],
  ['before', true],
] as const)
  test(`follow-up: arrives once after a kill ${boundary} the paste${stopping ? ', while burn stops' : ''}`, async (t) => {
    const fleet = await changeInReview(t)
    await fleet.endTurn()
    const { ledger, received } = fleet
    const before = received.length
    const dying = await fleet.open(ledger)
    const [machine] = fleet.world.machines.values()
    // The connection ends at the paste, and this dispatcher runs no further cycle.
    const moveDeliveries: typeof ledger.moveDeliveries = async (moves, ...by) => {
      if (machine !== undefined && moves.some(({ to }) => to === 'placing')) machine.breaks = boundary
      return ledger.moveDeliveries(moves, ...by)
    }
    Object.assign(dying.session, { ledger: { ...ledger, moveDeliveries } })
    fleet.set({ checks: [checkOf('unit', 'failed')] })
    await dying.cycle()
    const state = async () => (await ledger.deliveries({ about: [fleet.id] }))[0]?.state
    assert.equal(await state(), 'placing')
    await fleet.pass(leaseLength)
    const next = await fleet.open(ledger)
    if (stopping) {
      const now = fleet.clock.now()
      await ledger.takeOverDeliveries(next.session.owner, now + leaseLength, now)
      await fleet.run(deliver(fleet.fleet.machines, next.session, AbortSignal.abort(), { timeout: 0 }))
    } else for (let cycles = 0; cycles < 3; cycles++) await next.cycle()
    assert.equal(await state(), 'seen')
    assert.equal(received.length - before, 1)
    assert.deepEqual(
      (await ledger.changeSteps([fleet.id])).map(({ action, attempt }) => [action, attempt]),
      [['fix_checks', 1]],
    )
  })
