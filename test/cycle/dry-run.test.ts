/** A dry run shows the actions of the next cycle without carrying them out. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ledger } from '../../src/core/ledger.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { dryCycle } from '../../src/cycle/cycle.ts'
import { holdWorker } from '../ledger/fixtures.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

const claimOf = (fleet: string) => `<!-- burn:1 fleet=${fleet} dispatch=0k3v9w2x4abcd state=claimed -->\nClaimed.`

test('dry run: ended work frees its issue and worker', async (t) => {
  const { open, forge, fleet, run, pass } = await simulatedFleet(t, issuesOf(12), { retry_after: 0 })
  const dispatcher = await open()
  const claimed = (await dispatcher.cycle()).claimed
  const [first, second] = claimed
  assert.equal(claimed.length, 4)
  forge.change(first?.issue ?? '', first?.id ?? '', 'merged')
  forge.close(second?.issue ?? '')
  await pass(60_000)
  const dry = await run(dryCycle(fleet.machines, dispatcher.session))
  assert.deepEqual(
    actionsOf(dry.actions, 'move').map(({ issue, to }) => [issue, to]),
    [first, second].map((each) => [each?.issue, 'done']),
  )
  const planned = actionsOf(dry.actions, 'claim').map(({ issue, worker }) => `${issue.ref} ${worker.id}`)
  assert.equal(planned.length, 2)
  const real = await dispatcher.cycle()
  assert.deepEqual(real.claimed.map(({ issue, worker }) => `${issue} ${worker}`).toSorted(), planned.toSorted())
})

test('dry run: a lost issue is claimed at its next attempt', async (t) => {
  const { open, world, fleet, run, pass } = await simulatedFleet(t, issuesOf(1), { retry_after: 0 })
  const dispatcher = await open()
  const [first] = (await dispatcher.cycle()).claimed
  world
    .agents()
    .find(({ worker }) => worker === first?.worker)
    ?.die()
  world.machines.get('m1')?.changed()
  await pass(60_000)
  const { actions } = await run(dryCycle(fleet.machines, dispatcher.session))
  assert.deepEqual(
    actions.flatMap((action): unknown[] => (action.do === 'move' ? [action.to] : action.do === 'claim' ? [action.attempt] : [])),
    ['lost', 2],
  )
})

/** The writes of caches, which a dry run may call. */
const caches: ReadonlySet<string | symbol> = new Set<keyof Ledger>([
  'saveIssues',
  'saveWriters',
  'saveOpenChanges',
  'saveReadings',
  'saveValue',
  'rejudgeIfRulesChanged',
])
const reads: ReadonlySet<string | symbol> = new Set<keyof Ledger>([
  'cycleView',
  'reviewView',
  'loadValue',
  'affectedWork',
  'resumeTexts',
  'candidates',
  'repos',
  'openIssueRefs',
  'countOpenIssues',
  'issue',
  'dispatches',
  'deliveries',
  'events',
  'knownAgents',
  'backoffs',
  'backlog',
])

test('dry run: writes only caches', async (t) => {
  const issues = issuesOf(8).map((issue, index) => (index === 0 ? { ...issue, author: 'mallory', labels: ['approved'] } : issue))
  const { open, forge, fleet, run, world, pass } = await simulatedFleet(t, issues, {
    trust: { authors: ['ann'], labels: ['approved'], commands: 'writers' },
  })
  const { session, ledger, cycle } = await open()
  await run(forge.comment('o/b#2', claimOf('other')))
  const called: (string | symbol)[] = []
  const watched = new Proxy(ledger, {
    get: (target, name) => {
      called.push(name)
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const kept = async () => [await ledger.events({}), await ledger.dispatches({}), await ledger.deliveries({}), await ledger.backoffs(0)]
  const dry = async () => {
    const before = await kept()
    const comments = issues.map(({ ref }) => forge.commentsOn(ref))
    const { actions } = await run(dryCycle(fleet.machines, { ...session, ledger: watched }))
    assert.deepEqual(await kept(), before)
    assert.deepEqual(
      issues.map(({ ref }) => forge.commentsOn(ref)),
      comments,
    )
    assert.deepEqual(
      called.filter((name) => !caches.has(name) && !reads.has(name)),
      [],
    )
    return actions
  }
  assert.deepEqual([...new Set((await dry()).map((action) => action.do))].toSorted(), ['approve', 'claim', 'judge', 'wait'])
  const [first] = (await cycle()).claimed
  forge.change(first?.issue ?? '', first?.id ?? '', 'open')
  for (const agent of world.agents().slice(1, 3)) agent.die()
  world.machines.get('m1')?.changed()
  await pass(60_000)
  assert.deepEqual(
    actionsOf(await dry(), 'move')
      .map(({ to }) => to)
      .toSorted(),
    ['lost', 'lost', 'review'],
  )
  assert.equal((await ledger.repos()).find(({ repo }) => repo === 'o/a')?.writers_at === null, false)
})

/** An event between two cycles. `which` chooses the issue, agent or dispatch. */
const eventArbitrary = fc.record({
  what: fc.constantFrom(
    'pass',
    'long',
    'open',
    'merge',
    'reject',
    'close',
    'die',
    'raise',
    'claimed',
    'hold',
    'resume',
    'mangle',
    'login',
    'unreachable',
    'reached',
    'unreadable',
    'readable',
  ),
  which: fc.nat({ max: 1000 }),
})
const histories = fc.record({
  issues: fc.integer({ min: 1, max: 24 }),
  shared: fc.boolean(),
  events: fc.array(eventArbitrary, { minLength: 8, maxLength: 16 }),
})

test('dry run: predicts the next cycle in random states', async (t) => {
  let compared = 0
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(histories, async ({ issues, shared, events }) => {
      const ends: (() => unknown)[] = []
      const { open, forge, world, clock, fleet, run, pass } = await simulatedFleet(
        { after: (end: unknown) => void ends.push(end as () => unknown) },
        issuesOf(issues).map((issue, index) => (index % 3 === 0 ? { ...issue, labels: ['approved'] } : issue)),
        { shared_forge: shared, idle_timeout: 30 * 60_000, trust: { authors: 'writers', labels: ['approved'], commands: 'writers' } },
      )
      const { session, ledger, cycle } = await open()
      const unreadable = new Set<string>()
      const comments = forge.comments.bind(forge)
      forge.comments = (ref) => (unreadable.has(ref) ? Promise.reject(new Error('no answer')) : comments(ref))
      const refs = issuesOf(issues).map(({ ref }) => ref)
      const pick = <T>(all: readonly T[], which: number) => all[which % Math.max(1, all.length)]
      const carryOut = async ({ what, which }: { what: string; which: number }) => {
        const ref = pick(refs, which) ?? ''
        const agent = pick(world.agents(), which)
        const dispatch = pick(await ledger.dispatches({ issue: ref }), which)
        const machine = world.machines.get('m1')
        const injected = { at: clock.now(), whom: 0, how: 0 }
        if (what === 'open' || what === 'merge' || what === 'reject')
          forge.change(ref, dispatch?.id ?? `by a person ${which}`, what === 'open' ? 'open' : what === 'merge' ? 'merged' : 'closed')
        else if (what === 'close') forge.close(ref)
        else if (what === 'die') agent?.die()
        else if (what === 'raise') machine?.bringUp()
        else if (what === 'claimed') await run(forge.comment(ref, claimOf(which % 2 === 0 ? 'other' : fleet.name)))
        else if (what === 'hold' || what === 'resume')
          await holdWorker(ledger, agent?.worker ?? '', what === 'hold' ? 'by hand' : null, clock.now())
        else if (what === 'mangle') for (const each of world.agents()) each.mangles = which % 2 === 0
        else if (what === 'login') world.injectFault({ ...injected, kind: 'login', lasts: which * 10_000 })
        else if (what === 'unreachable' && machine !== undefined) machine.reachable = false
        else if (what === 'reached' && machine !== undefined) machine.reachable = true
        else if (what === 'unreadable') unreadable.add(ref)
        else if (what === 'readable') unreadable.clear()
        machine?.changed()
        await pass(what === 'long' ? 45 * 60_000 : 60_000)
      }
      try {
        for (const event of events) {
          await carryOut(event)
          const dry = await run(dryCycle(fleet.machines, session))
          const real = await cycle()
          assert.deepEqual(dry.actions, real.actions)
          compared += 1
          for (const action of real.actions)
            seen.add(action.do === 'move' ? `move ${action.to}` : action.do === 'tell' ? action.kind : action.do)
        }
        await ledger.check()
      } finally {
        for (const end of ends) await end()
      }
    }),
    { numRuns: Number(process.env['BURN_DRY_RUNS'] ?? 4) },
  )
  t.diagnostic(`${compared} states; ${[...seen].toSorted().join(', ')}`)
})
