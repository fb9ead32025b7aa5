/** burn gives no issue of a repo on which no work can succeed, and uses the default branch and the branch names of each repo. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RepoRights } from '../../src/core/ports.ts'
import { promptFor, identityFor } from '../../src/claim/prompts.ts'
import { blockingBranches } from '../../src/decide/repo-faults.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import { status } from '../../src/observe/state.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'
import { said } from '../support/reasons.ts'

const healthy: RepoRights = { exists: true, write: true, archived: false, issues: true, changes: true, default_branch: 'main' }

test('repo fault: burn claims nothing, and backs off without an attempt', async (t) => {
  const { open, forge, fleet, run, pass } = await simulatedFleet(t, issuesOf(3))
  const { session, ledger, cycle } = await open()
  let fixed = false
  let asked = 0
  session.forge.rights = async (repo) => (asked++, { ...healthy, changes: fixed || repo !== 'o/a' })
  session.forge.hasBranch = async (repo, branch) => repo === 'o/b' && branch === 'burn' && !fixed
  assert.deepEqual(
    (await cycle()).claimed.map(({ issue }) => issue),
    ['o/c#3'],
  )
  for (const issue of ['o/a#1', 'o/b#2']) {
    assert.equal((await ledger.issue(issue))?.attempts, 0)
    assert.equal(forge.commentsOn(issue).length, 0)
  }
  const backedOff = new Map((await run(status(fleet.machines, session))).backed_off.map(({ subject, why }) => [subject, said(why)]))
  assert.match(backedOff.get('o/a') ?? '', /pull requests are disabled in o\/a: enable pull requests/)
  assert.match(backedOff.get('o/b') ?? '', /o\/b has a branch "burn", so git refuses every branch below burn\/: .*"branch_prefix"/)
  const found = await run(doctor([], session, () => {}))
  assert.equal(found.filter(({ level, what }) => level === 'fail' && /o\/a|o\/b/.test(what)).length, 0, 'no machine was named')
  fixed = true
  await pass(6 * 60_000)
  assert.deepEqual((await cycle()).claimed.map(({ issue }) => issue).toSorted(), ['o/a#1', 'o/b#2'])
  const before = asked
  await pass(60_000)
  await cycle()
  assert.equal(asked, before, 'burn asks about a healthy repo once an hour')
})

test('prompt: names the default branch and the branch prefix', async (t) => {
  const { open, fleet, run } = await simulatedFleet(t, issuesOf(1), { branch_prefix: 'bots/x-' })
  const { session, ledger } = await open()
  session.forge.rights = async () => ({ ...healthy, default_branch: 'master' })
  const record = await ledger.issue('o/a#1').then((known) => known ?? run(session.forge.issue('o/a#1')).then((issue) => ({ issue })))
  assert.ok(record.issue !== null)
  const [worker] = fleet.machines[0]?.windows[0]?.workers ?? []
  assert.ok(worker !== undefined)
  const id = '0k3v9w2x4abcd'
  const prompt = await run(promptFor({ id, kind: 'work', issue: record.issue, worker }, session))
  assert.match(prompt, /Start branch bots\/x-0k3v9w2x4abcd from origin\/master/)
  assert.match(prompt, /open it for review against master/)
  assert.match(await identityFor(worker, session), /one branch \(bots\/x-<dispatch id>\)/)
})

test('blockingBranches: names each parent folder of a branch', () => {
  assert.deepEqual(blockingBranches('burn/'), ['burn'])
  assert.deepEqual(blockingBranches('a/b/c-'), ['a', 'a/b'])
  assert.deepEqual(blockingBranches('burn-'), [])
})
