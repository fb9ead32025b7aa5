import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Fleet } from '../../src/core/nouns.ts'
import { heldNamed, holdByHand, resumeByHand } from '../../src/operate/hold.ts'
import { readStatus } from '../../src/observe/state.ts'
import { statusReport } from '../../src/decide/report.ts'
import { issuesOf } from '../simulate/storm.ts'
import { said } from '../support/reasons.ts'
import { simulatedFleet } from '../support/world.ts'

const hour = 3_600_000
const why = { code: 'prose', text: 'repairs' } as const

/** A fleet with one machine, one window and four workers; `claims` runs a cycle. */
async function rigged(t: TestContext) {
  const fleet = await simulatedFleet(t, issuesOf(6))
  const desk = await fleet.open()
  const hold = (name: string, until: number | null = null) =>
    holdByHand(heldNamed(fleet.fleet, name), { reason: why, until, actor: 'ann' }, desk.session)
  return {
    ...fleet,
    ...desk,
    hold,
    resume: (name: string) => resumeByHand(heldNamed(fleet.fleet, name), desk.session),
    claims: async () => (await desk.cycle()).claimed.map(({ issue }) => issue),
    report: async () => statusReport(fleet.fleet.machines, await fleet.run(readStatus(fleet.fleet.machines, desk.session))),
  }
}

for (const [name, scope, text] of [
  ['m1/LANE', 'lane', 'held: repairs (lane m1/LANE)'],
  ['lane', 'lane', 'held: repairs (lane m1/LANE)'],
  ['m1', 'machine', 'held: repairs (machine m1)'],
  ['all', 'fleet', 'held: repairs (the whole fleet)'],
] as const)
  test(`hold: ${name} holds every worker of the ${scope} until it is resumed`, async (t) => {
    const { hold, resume, claims, report, ledger } = await rigged(t)
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

test('hold: a repo is given to nobody, and others are', async (t) => {
  const { hold, resume, claims, ledger, report } = await rigged(t)
  await hold('a')
  const given = await claims()
  assert.ok(given.length > 0 && given.every((issue) => !issue.startsWith('o/a#')), given.join(' '))
  assert.equal(said((await ledger.repos()).find(({ repo }) => repo === 'o/a')?.wait_reason), 'held: repairs')
  assert.equal((await report()).totals.held, 0)
  await resume('a')
  assert.ok((await claims()).some((issue) => issue.startsWith('o/a#')) || given.length === 4)
})

test('hold: ends by itself at its time', async (t) => {
  const { hold, claims, pass, clock, report } = await rigged(t)
  await hold('m1', clock.now() + hour)
  assert.deepEqual(await claims(), [])
  await pass(hour)
  assert.deepEqual((await report()).holds, [])
  assert.equal((await claims()).length, 4)
})

test('hold: one of two holds that is resumed leaves the other', async (t) => {
  const { hold, resume, claims } = await rigged(t)
  await hold('m1')
  await hold('all')
  await resume('all')
  assert.deepEqual(await claims(), [])
  await resume('m1')
  assert.equal((await claims()).length, 4)
})

test('hold: a text that is planned waits until its lane is resumed', async (t) => {
  const { hold, resume, claims, ledger, cycle, session, clock } = await rigged(t)
  const state = async () => (await ledger.deliveries({ ids: ['text1'] }))[0]?.state
  await hold('m1/LANE')
  const text = { id: 'text1', kind: 'send', worker: 'm1/LANE/W1', text: 'hello' } as const
  await ledger.plan([text], session.owner, Number.MAX_SAFE_INTEGER, clock.now())
  await claims()
  assert.equal(await state(), 'planned')
  await resume('m1/LANE')
  await cycle()
  assert.ok(['submitted', 'seen'].includes((await state()) ?? ''))
})

test('priority: an urgent issue is given before older ones', async (t) => {
  const { hold, resume, claims, ledger, clock } = await rigged(t)
  await hold('all')
  await claims()
  assert.equal(await ledger.prioritise('o/c#6', 5, clock.now()), true)
  await resume('all')
  const given = await claims()
  assert.equal(given[0], 'o/c#6')
})

test('hold: a name that means nothing, or two things, is refused with what to write', () => {
  const windows = [{ name: 'W', lane: 'bugs', workers: [{ id: 'box/W/ANN', name: 'ANN', repos: ['o/app'] }] }]
  const machines = [
    { name: 'box', windows },
    { name: 'app', windows: [{ name: 'X', lane: 'bugs', workers: [] }] },
  ]
  const fleet = { machines, repos: [], sprint: null, forge: { owner: 'o' } } as unknown as Fleet
  assert.deepEqual(heldNamed(fleet, 'ANN'), [{ scope: 'worker', name: 'box/W/ANN' }])
  assert.deepEqual(heldNamed(fleet, 'bugs'), [
    { scope: 'lane', name: 'box/W' },
    { scope: 'lane', name: 'app/X' },
  ])
  assert.deepEqual(heldNamed(fleet, 'o/app'), [{ scope: 'repo', name: 'o/app' }])
  assert.throws(() => heldNamed(fleet, 'app'), { code: 'hold_ambiguous', exit: 2 })
  assert.throws(() => heldNamed(fleet, 'box/WW'), { code: 'hold_unknown', exit: 2 })
})
