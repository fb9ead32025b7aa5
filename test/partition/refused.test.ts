/**
 * Refusals of a forge: an archived repo, an author who blocked the account, a deleted issue, a token without rights. None may hold a slot.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { IssueSeed } from '../stand-ins/gitea/state.ts'
import { explain } from '../../src/observe/explain.ts'
import { markerOf } from '../../src/core/marker.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock } from '../support/clock.ts'
import { standIn, until } from '../support/fleet.ts'
import { openRig } from './rig.ts'
import { because, said } from '../support/reasons.ts'

const minute = 60_000

/** Starts a window of two workers with two slots each, for repos in `timmy/`. The test moves the clock ahead. */
async function fleetOn(t: TestContext, repos: Readonly<Record<string, readonly IssueSeed[]>>, scopes: Record<string, string[]> = {}) {
  const seeds = Object.entries(repos).map(([name, issues]) => ({ name: `timmy/${name}`, writers: ['burn', 'ann', 'bob'], issues }))
  const forge = await startGitea({ repos: seeds, check: false, scopes })
  t.after(() => forge.close())
  const ahead = { ms: 0 }
  const rig = await openRig(
    t,
    (dir) => {
      writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
      return {
        forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
        dispatch: { depth: 2 },
        agent: { ...standIn(dir, '--turn-ms', '50'), hooks: false },
        machines: { box: { windows: [{ name: 'W', panes: 2, repos: Object.keys(repos) }] } },
      }
    },
    { now: () => clock.now() + ahead.ms, sleep: (ms, signal) => clock.sleep(ms, signal) },
  )
  const state = async (issue: string) => (await rig.dispatches(issue))[0]?.state ?? null
  const claimed = async () => (await rig.session.ledger.view()).dispatches.filter((each) => each.state === 'claimed')
  return { forge, rig, ahead, state, claimed }
}

const issues = (count: number, author = 'ann') =>
  Array.from({ length: count }, (_, n) => ({ title: `issue ${n}`, author, created_at: '2026-01-01T00:00:00Z' }))
const young = (count: number, author = 'ann') => issues(count, author).map((each) => ({ ...each, created_at: '2026-02-01T00:00:00Z' }))

test('refused: refused issues hold no slot; healthy ones are done', async (t) => {
  const { forge, rig, ahead, state, claimed } = await fleetOn(t, {
    app: issues(6),
    lib: [...issues(9, 'bob'), ...issues(2)],
    docs: young(2),
  })
  await rig.start()
  forge.state.repo('timmy/app').archived = true
  forge.state.block('bob', 'burn')
  const listed = new Set(['timmy/docs#1', 'timmy/docs#2', 'timmy/lib#11'])
  const gone = 'timmy/lib#10'
  forge.trouble({ kind: 'changed', change: (json) => (forge.state.remove('timmy/lib', 10), json) }, /^GET .*\/lib\/issues\?/, 1)
  await until('every healthy issue is handed', async () => {
    await rig.cycle()
    return (await Promise.all([...listed].map(state))).every((each) => each === 'handed')
  })
  assert.deepEqual(await claimed(), [])
  assert.equal(await state('timmy/app#1'), null, 'burn sees that the repo is archived, and claims nothing')
  assert.equal(await state(gone), null, 'burn sees that the issue is gone, and claims nothing')
  assert.equal(await state('timmy/lib#1'), 'released')
  for (const issue of ['timmy/lib#1', gone]) assert.equal((await rig.session.ledger.issue(issue))?.attempts, 0)
  const backedOff = new Map((await rig.status()).backed_off.map(({ subject, why }) => [subject, why]))
  assert.match(said(backedOff.get('timmy/app')), /archived/)
  assert.match(said(backedOff.get('timmy/lib#1')), /bob may have blocked burn's account/)
  assert.match(said(backedOff.get(gone)), /no longer has/)
  assert.equal(await state('timmy/lib#9'), null, 'burn tries no more issues of an author who blocked the account')
  assert.deepEqual(
    [...backedOff.keys()].toSorted(),
    ['timmy/app', gone, ...Array.from({ length: 9 }, (_, n) => `timmy/lib#${n + 1}`)].toSorted(),
  )

  const written = () => forge.log.filter(({ method, target }) => method === 'POST' && /comments/.test(target)).length
  const before = written()
  const dispatched = await rig.fleet.burn('dispatch')
  assert.equal(dispatched.code, 3, dispatched.err)
  assert.match(dispatched.err, /timmy\/app is backed off until \d{4}-.*archived/)
  assert.equal(written(), before, 'a backed-off issue is not claimed')
  const [doctor, explained] = await Promise.all([rig.fleet.burn('doctor'), rig.fleet.burn('explain', 'app#5')])
  assert.match(doctor.out, /timmy\/app is archived/)
  assert.match(doctor.out, /timmy\/lib#1 is backed off until/)
  assert.match(explained.out, /timmy\/app is backed off until \d{4}-.*archived/)

  forge.state.repo('timmy/app').archived = false
  forge.state.close('timmy/docs', 1)
  ahead.ms = 6 * minute
  await until('the repo is given out again', async () => {
    await rig.cycle()
    return (await state('timmy/app#1')) === 'handed'
  })
})

test('refused: a read-only token holds no slot; writing resumes work', async (t) => {
  const scopes: Record<string, string[]> = { 'stand-in-token': ['read:issue', 'read:repository'] }
  const { rig, ahead, state, claimed } = await fleetOn(t, { app: issues(3) }, scopes)
  await rig.start()
  const { settled } = await rig.cycle()
  assert.deepEqual(
    settled.map(({ state: to }) => to),
    ['released', 'released', 'released'],
  )
  assert.deepEqual(await claimed(), [])
  assert.match(
    said((await rig.status()).backed_off[0]?.why),
    /the token may not write comments in timmy\/app: .*give the token write:issue/,
  )
  assert.deepEqual((await rig.cycle()).claimed, [])
  delete scopes['stand-in-token']
  ahead.ms = 2 * minute
  await until('they are given', async () => (await rig.cycle(), (await state('timmy/app#3')) === 'handed'))
})

test('refused: gives up a failing comment, and retries edits rarely', async (t) => {
  const { forge, rig, ahead, state, claimed } = await fleetOn(t, { app: issues(1), docs: young(3) })
  await rig.start()
  forge.trouble({ kind: 'status', status: 500 }, /^POST .*\/app\/.*comments/)
  await rig.cycle()
  assert.equal(await state('timmy/app#1'), 'claimed')
  assert.equal(await state('timmy/docs#1'), 'handed')
  ahead.ms = 14 * minute
  await rig.cycle()
  assert.equal(await state('timmy/app#1'), 'claimed')
  ahead.ms = 15 * minute
  await rig.cycle()
  assert.equal(await state('timmy/app#1'), 'released')
  assert.deepEqual(await claimed(), [])

  const saysOf = (number: number) => forge.state.issue('timmy/docs', number).comments.map(({ body }) => markerOf(body)?.state)
  await rig.session.ledger.saveBackoff(
    { subject: 'timmy/docs#3', until: Date.now() + 60 * minute, why: because('a limit of the model') },
    Date.now(),
  )
  forge.state.close('timmy/docs', 3)
  await rig.cycle()
  assert.deepEqual(saysOf(3), ['done'], 'an issue that is backed off for another reason is edited')
  forge.state.repo('timmy/docs').archived = true
  for (const number of [1, 2]) forge.state.close('timmy/docs', number)
  const edits = () => forge.log.filter(({ method, target }) => method === 'PATCH' && target.includes('/docs/')).length
  const before = edits()
  for (let count = 0; count < 4; count++) await rig.cycle()
  assert.equal(edits() - before, 2, 'each is tried once, then the repo is backed off')
  forge.state.repo('timmy/docs').archived = false
  ahead.ms = 21 * minute
  await rig.cycle()
  assert.deepEqual(saysOf(1), ['done'])
})

test('unread: commands show unread repos with time and reason', async (t) => {
  const { forge, rig } = await fleetOn(t, { app: issues(1), docs: issues(1) })
  await rig.cycle()
  forge.trouble({ kind: 'status', status: 404 }, /\/timmy\/app(\/|$)/)
  const some = await rig.fleet.burn('dispatch')
  assert.equal(some.code, 3)
  assert.match(some.err, /timmy\/app: .*404/)
  const { unread } = await rig.status()
  assert.deepEqual(
    unread.map(({ repo }) => repo),
    ['timmy/app'],
  )
  assert.match(unread[0]?.why ?? '', /404/)
  const [status, known] = await Promise.all([rig.fleet.burn('status'), rig.fleet.burn('explain', 'app#1')])
  assert.equal(status.code, 3)
  assert.match(status.out, /timmy\/app .*not read for .*404/)
  assert.equal(known.code, 3)
  assert.match(known.err, /timmy\/app has been unreadable since \d{4}-.*404/)
  await assert.rejects(explain('timmy/app#2', rig.session), /the ledger does not have timmy\/app#2: timmy\/app has been unreadable since/)
  forge.trouble({ kind: 'status', status: 404 })
  assert.equal((await rig.fleet.burn('dispatch', '--dry-run')).code, 1)
  forge.calm()
  await rig.cycle()
  assert.deepEqual((await rig.status()).unread, [])
})
