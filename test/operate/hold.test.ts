/** Holds of workers, lanes, machines, repos and the fleet, and the priority of issues, on a simulated fleet. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Fleet } from '../../src/core/nouns.ts'
import { holdTargets, holdByHand, resumeByHand } from '../../src/operate/hold.ts'
import { prioritize } from '../../src/operate/issue.ts'
import { partOf, untilDrained } from '../../src/operate/drain.ts'
import { underWayText } from '../../src/decide/under-way.ts'
import { status } from '../../src/observe/state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { said } from '../support/reasons.ts'
import { simulatedFleet } from '../support/world.ts'

const hour = 3_600_000
const why = { code: 'prose', text: 'repairs' } as const

/** Makes a simulated fleet with one machine, one window and four workers. `claims` runs a cycle and returns the claimed issues. */
async function smallFleet(t: TestContext) {
  const fleet = await simulatedFleet(t, issuesOf(6))
  const dispatcher = await fleet.open()
  const hold = (name: string, until: number | null = null, drain = false) =>
    holdByHand(holdTargets(fleet.fleet, [name]), { reason: why, until, actor: 'ann', drain }, dispatcher.session)
  return {
    ...fleet,
    ...dispatcher,
    hold,
    resume: (name: string) => resumeByHand(holdTargets(fleet.fleet, [name]), dispatcher.session),
    claims: async () => (await dispatcher.cycle()).claimed.map(({ issue }) => issue),
    report: async () => fleet.run(status(fleet.fleet.machines, dispatcher.session)),
  }
}

for (const [name, scope, text] of [
  ['m1/LANE', 'lane', 'held: repairs (lane m1/LANE)'],
  ['lane', 'lane', 'held: repairs (lane m1/LANE)'],
  ['m1', 'machine', 'held: repairs (machine m1)'],
  ['all', 'fleet', 'held: repairs (the whole fleet)'],
] as const)
  test(`hold: ${name} holds all workers of the ${scope} until resumed`, async (t) => {
    const { hold, resume, claims, report, ledger } = await smallFleet(t)
    await hold(name)
    assert.deepEqual(await claims(), [])
    const { totals, holds, machines } = await report()
    assert.equal(totals.held, 4)
    assert.deepEqual(
      holds.map((each) => [each.scope, each.code, each.actor, each.until]),
      [[scope, 'person', 'ann', null]],
    )
    assert.equal(`held: ${machines[0]?.windows[0]?.workers[0]?.hold}`, text)
    assert.match(said((await ledger.repos())[0]?.wait_reason), /held: repairs/)
    assert.equal((await resume(name)).length, 1)
    assert.equal((await claims()).length, 4)
  })

test('hold: no worker gets issues of a held repo', async (t) => {
  const { hold, resume, claims, ledger, report } = await smallFleet(t)
  await hold('a')
  const claimed = await claims()
  assert.ok(claimed.length > 0 && claimed.every((issue) => !issue.startsWith('o/a#')), claimed.join(' '))
  assert.equal(said((await ledger.repos()).find(({ repo }) => repo === 'o/a')?.wait_reason), 'held: repairs')
  assert.equal((await report()).totals.held, 0)
  await resume('a')
  assert.ok((await claims()).some((issue) => issue.startsWith('o/a#')) || claimed.length === 4)
})

test('hold: ends by itself at its time', async (t) => {
  const { hold, claims, pass, clock, report } = await smallFleet(t)
  await hold('m1', clock.now() + hour)
  assert.deepEqual(await claims(), [])
  await pass(hour)
  assert.deepEqual((await report()).holds, [])
  assert.equal((await claims()).length, 4)
})

test('hold: resuming one of two holds leaves the other', async (t) => {
  const { hold, resume, claims } = await smallFleet(t)
  await hold('m1')
  await hold('all')
  await resume('all')
  assert.deepEqual(await claims(), [])
  await resume('m1')
  assert.equal((await claims()).length, 4)
})

test('hold: a planned text waits until its lane is resumed', async (t) => {
  const { hold, resume, claims, ledger, cycle, session, clock } = await smallFleet(t)
  const state = async () => (await ledger.deliveries({ ids: ['text1'] }))[0]?.state
  await hold('m1/LANE')
  const text = { id: 'text1', kind: 'send', worker: 'm1/LANE/W1', text: 'hello' } as const
  await ledger.planDeliveries([text], session.owner, Number.MAX_SAFE_INTEGER, clock.now())
  await claims()
  assert.equal(await state(), 'planned')
  await resume('m1/LANE')
  await cycle()
  assert.ok(['submitted', 'seen'].includes((await state()) ?? ''))
})

test('drain: texts still reach their workers, but no issue does', async (t) => {
  const { hold, claims, ledger, session, clock } = await smallFleet(t)
  await hold('m1')
  await hold('m1', null, true)
  assert.deepEqual(
    (await ledger.holds()).map(({ code }) => code),
    ['drain'],
    'a drain replaces a hold',
  )
  const text = { id: 'text1', kind: 'send', worker: 'm1/LANE/W1', text: 'hello' } as const
  await ledger.planDeliveries([text], session.owner, Number.MAX_SAFE_INTEGER, clock.now())
  assert.deepEqual(await claims(), [])
  assert.notEqual((await ledger.deliveries({ ids: ['text1'] }))[0]?.state, 'planned')
})

test('drain: waits for dispatches, then for agents at work', async (t) => {
  const { fleet, hold, cycle, forge, world, clock, run, session } = await smallFleet(t)
  const { claimed } = await cycle()
  await hold('lane', null, true)
  const seen: string[] = []
  const wait = (ms: number) => {
    const end = clock.now() + ms
    const part = partOf(holdTargets(fleet, ['lane']), fleet)
    return run(
      untilDrained(part, session, new AbortController().signal, {
        isOver: () => clock.now() >= end,
        onChange: (left) => seen.push(left.map(underWayText).join('; ')),
      }),
    )
  }
  assert.deepEqual((await wait(10_000)).map(({ issue }) => issue).toSorted(), claimed.map(({ issue }) => issue).toSorted())
  for (const { id, issue } of claimed) forge.change(issue, id, 'open')
  await cycle()
  clock.at(clock.now() + 5_000, () => {
    for (const agent of world.agents()) {
      agent.die()
      agent.start(agent.pid + 1000)
    }
    world.machines.get('m1')?.changed()
  })
  assert.deepEqual(await wait(hour), [])
  assert.match(seen[0] ?? '', /^m1\/LANE\/W1 has o\/[abc]#\d; /)
  assert.match(seen[1] ?? '', /^m1\/LANE\/W1 is at work; /)
  assert.equal(seen.at(-1), '')
})

test('priority: an urgent issue precedes older ones', async (t) => {
  const { hold, resume, claims, ledger, session } = await smallFleet(t)
  await hold('all')
  await claims()
  assert.equal((await prioritize('o/b#5', 5, false, session)).priority, 5)
  const planned = await prioritize('o/c#6', 'next', true, session)
  assert.equal((await ledger.issue('o/c#6'))?.priority, 0, 'a dry run changes nothing')
  assert.deepEqual(await prioritize('o/c#6', 'next', false, session), planned)
  assert.deepEqual(planned, { issue: 'o/c#6', priority: 6, priority_before: 0, left_out: null })
  await assert.rejects(prioritize('o/c#99', 'next', false, session), { code: 'issue_unknown' })
  await resume('all')
  const claimed = await claims()
  assert.ok(claimed[0] === 'o/c#6' && claimed.includes('o/b#5'), claimed.join())
  assert.deepEqual((await prioritize('o/c#6', 0, false, session)).left_out, { code: 'taken' })
})

test('hold: refuses unknown and ambiguous names', () => {
  const windows = [{ name: 'W', lane: 'bugs', workers: [{ id: 'box/W/ANN', name: 'ANN', repos: ['o/app'] }] }]
  const machines = [
    { name: 'box', windows },
    { name: 'app', windows: [{ name: 'X', lane: 'bugs', workers: [] }] },
  ]
  const fleet = {
    machines,
    accounts: [{ name: 'max', workers: ['box/W/ANN'] }],
    repos: [],
    sprint: null,
    forge: { owner: 'o' },
  } as unknown as Fleet
  assert.deepEqual(holdTargets(fleet, ['ANN']), [{ scope: 'worker', name: 'box/W/ANN' }])
  assert.deepEqual(holdTargets(fleet, ['bugs']), [
    { scope: 'lane', name: 'box/W' },
    { scope: 'lane', name: 'app/X' },
  ])
  assert.deepEqual(holdTargets(fleet, ['max']), [{ scope: 'account', name: 'max' }])
  assert.deepEqual(holdTargets(fleet, ['o/app']), [{ scope: 'repo', name: 'o/app' }])
  assert.throws(() => holdTargets(fleet, ['app']), { code: 'name_ambiguous', exit: 2 })
  assert.throws(() => holdTargets(fleet, ['box/WW']), { code: 'name_unknown', exit: 2 })
  assert.throws(() => holdTargets(fleet, ['al']), { hint: 'did you mean all?' })
})
