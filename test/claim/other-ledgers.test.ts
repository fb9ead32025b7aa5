/** One fleet with two ledgers, as when burn runs on another host or when a ledger was lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { elsewhereAdvice } from '../../src/decide/report.ts'
import { ownClaims } from '../../src/claim/check.ts'
import { adopt } from '../../src/operate/adopt.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { dryCycle } from '../../src/cycle/cycle.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { recheckPick } from '../../src/sprint/recheck.ts'
import { release } from '../../src/operate/issue.ts'
import { status } from '../../src/observe/state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'
import { said } from '../support/reasons.ts'

const code = (expected: string) => (thrown: unknown) => thrown instanceof BurnError && thrown.code === expected && thrown.hint !== ''
const refs = ['o/a#1', 'o/b#2', 'o/c#3']

test('another ledger: claims no issue of the first', async (t) => {
  const { open, forge, fleet, run, pass, world } = await simulatedFleet(t, issuesOf(3))
  const first = await open()
  assert.deepEqual((await first.cycle()).claimed.map(({ issue }) => issue).toSorted(), refs)
  const second = await open()
  const dry = await run(dryCycle(fleet.machines, second.session))
  assert.deepEqual(actionsOf(dry.actions, 'claim'), [], 'a dry run claims nothing either')
  const { claimed, backlog } = await second.cycle()
  assert.deepEqual([claimed, backlog.elsewhere], [[], refs])
  assert.deepEqual(
    refs.map((ref) => forge.commentsOn(ref).length),
    [1, 1, 1],
    'no second comment',
  )
  assert.equal(world.agents().flatMap(({ queue }) => queue).length, 3, 'no second prompt')
  // Later cycles report the same without reading the comments again.
  const asked = forge.requests()
  await pass(60_000)
  assert.deepEqual((await second.cycle()).backlog.elsewhere, refs)
  await pass(60_000)
  await second.cycle()
  assert.ok(forge.requests() - asked <= 2 * 3 * 2, `${forge.requests() - asked} requests`)
  assert.deepEqual((await run(status(fleet.machines, second.session))).claimed_elsewhere, refs)
  const found = await run(doctor([], second.session, () => {}))
  assert.deepEqual(
    found.filter(({ where, level }) => where === 'ledger' && level === 'warn').map(({ what, remedy }) => ({ what, remedy })),
    [elsewhereAdvice(refs)],
  )
  // The first ledger still knows its own claims.
  assert.deepEqual((await first.cycle()).backlog.elsewhere, [])
})

test('another ledger: a sprint claims none of its issues', async (t) => {
  const { open, run } = await simulatedFleet(t, issuesOf(1))
  await (await open()).cycle()
  const { session, ledger, ...second } = await open()
  const { state } = await second.cycle()
  const record = await ledger.issue('o/a#1')
  assert.ok(record !== null)
  const why = await run(
    recheckPick({ ...record, reason: { code: 'oldest', repo: record.issue.repo } }, { ...state, claims: new Map() }, session),
  )
  assert.match(said(why), /^claimed by another ledger of this fleet/)
})

test('ownClaims: returns live claims of authors who may write', () => {
  const of = (state: string, author = 'burn', fleet = 'f') => {
    const body = `<!-- burn:1 fleet=${fleet} dispatch=0k3v9w2x4abcd state=${state} -->\nHanded to ◆ **W1** · machine m1 · window LANE · lane bugs.\n`
    return ownClaims([{ id: '1', author, body, created_at: 0 }], 'f', new Set(['burn']))
  }
  assert.deepEqual(of('handed'), [{ comment_id: '1', dispatch: '0k3v9w2x4abcd', worker: 'm1/LANE/W1' }])
  assert.deepEqual([of('released'), of('handed', 'eve'), of('handed', 'burn', 'g')], [[], [], []])
})

test('adopt: keeps claims whose worker may still be working', async (t) => {
  const { open, world, run, pass } = await simulatedFleet(t, issuesOf(3))
  await (await open()).cycle()
  const second = await open()
  await second.cycle()
  const planned = await run(adopt({ dryRun: true, force: true }, second.session))
  assert.deepEqual([planned.released.map(({ issue }) => issue), planned.kept], [refs, []])
  assert.deepEqual((await second.cycle()).backlog.elsewhere, refs, 'a dry run changes nothing')
  const [busy, ...others] = world.agents().filter(({ working }) => working)
  for (const agent of others) {
    agent.die()
    agent.start(900 + Number(agent.pid))
    world.machines.get('m1')?.changed()
  }
  const { released, kept } = await run(adopt({ dryRun: false, force: false }, second.session))
  assert.deepEqual([released.length, kept.length], [2, 1])
  assert.match(kept[0]?.why ?? '', new RegExp(`${busy?.worker} may still be working on the issue \\(working\\)`))
  await pass(60_000)
  const { claimed, backlog } = await second.cycle()
  assert.deepEqual(
    claimed.map(({ issue }) => issue).toSorted(),
    released.map(({ issue }) => issue),
  )
  assert.equal(backlog.elsewhere.length, 1)
})

test('release: takes over the claim of another ledger only with force', async (t) => {
  const { open, run, forge, pass } = await simulatedFleet(t, issuesOf(1))
  await (await open()).cycle()
  const second = await open()
  await second.cycle()
  await assert.rejects(run(release('o/a#1', false, second.session)), code('other_ledger'))
  const { elsewhere, dispatches } = await run(release('o/a#1', true, second.session))
  assert.deepEqual([elsewhere.length, dispatches], [1, []])
  assert.match(forge.commentsOn('o/a#1')[0]?.body ?? '', /state=released -->\nReleased by a person/)
  await assert.rejects(run(release('o/a#1', true, second.session)), code('nothing_live'))
  await pass(60_000)
  assert.deepEqual(
    (await second.cycle()).claimed.map(({ issue }) => issue),
    ['o/a#1'],
  )
})

test('release: needs force while a change is open for review', async (t) => {
  const { open, run, forge, pass } = await simulatedFleet(t, issuesOf(1))
  const { cycle, session } = await open()
  const [dispatch] = (await cycle()).claimed
  forge.change('o/a#1', dispatch?.id ?? '', 'open')
  await pass(60_000)
  assert.deepEqual(
    (await cycle()).settled.map(({ state }) => state),
    ['review'],
  )
  await assert.rejects(run(release('o/a#1', false, session)), (thrown: unknown) => {
    return code('change_open')(thrown) && (thrown as Error).message.includes(`simulated:${dispatch?.id}`)
  })
  const { open_change, dispatches } = await run(release('o/a#1', true, session))
  assert.deepEqual([open_change, dispatches.map(({ state }) => state)], [`simulated:${dispatch?.id}`, ['released']])
})
