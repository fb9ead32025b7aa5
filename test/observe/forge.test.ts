import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Issue, IssueRef } from '../../src/core/nouns.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { refreshForge } from '../../src/observe/forge.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { SimulatedForge } from '../../src/simulate/forge.ts'
import { issuesOf } from '../simulate/storm.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock as real } from '../support/clock.ts'

const day = 24 * 3_600_000

/** A forge with three issues of one repo, read into a ledger that counts what is written of issues. */
async function rig(t: TestContext) {
  const given = issuesOf(9).filter(({ repo }) => repo === 'o/a')
  const clock = new VirtualClock(1_000)
  const forge = new SimulatedForge(given, ['o/a'], clock, { down: () => false, loses: () => false })
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => ledger.close())
  let writes = 0
  const counting: Ledger = { ...ledger, saveIssues: (...pages) => ((writes += 1), ledger.saveIssues(...pages)) }
  const look = async () => {
    const before = writes
    await refreshForge(['o/a'], { dispatches: [], reviews: [], repos: await ledger.repos() }, { forge, ledger: counting, clock })
    return writes - before
  }
  const open = async () => (await ledger.openIssueRefs('o/a')).toSorted()
  return { given, clock, forge, look, open }
}

test('a look at a repo writes its issues where there is news, and nothing where there is none', async (t) => {
  const { forge, look, open } = await rig(t)
  assert.equal(await look(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4', 'o/a#7'])
  assert.equal(await look(), 0)
  forge.close('o/a#4')
  assert.equal(await look(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#7'])
})

test('news that comes with the same cursor is written', async (t) => {
  const { forge, look, open } = await rig(t)
  const listed = forge.issues.bind(forge)
  let from: string | null = null
  forge.issues = async (repo) => {
    const page = await listed(repo, from)
    from = page.cursor
    return { ...page, cursor: 'the same' }
  }
  assert.deepEqual([await look(), await look()], [1, 0])
  forge.close('o/a#7')
  assert.equal(await look(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4'])
})

test('what a complete listing misses is asked for: one that is there stays open, one that is gone is closed', async (t) => {
  const { given, clock, forge, look, open } = await rig(t)
  await look()
  const listed = forge.issues.bind(forge)
  forge.issues = async (repo, cursor) => {
    const page = await listed(repo, cursor)
    return { ...page, issues: page.issues.filter(({ number }) => number === 1) }
  }
  const asked: IssueRef[] = []
  forge.issue = async (ref): Promise<Issue | null> => {
    asked.push(ref)
    return ref === 'o/a#4' ? (given.find((issue) => issue.ref === ref) ?? null) : null
  }
  assert.equal(await look(), 0)
  clock.at(2 * day, () => {})
  await clock.run(() => false)
  assert.equal(await look(), 1)
  assert.deepEqual(asked.toSorted(), ['o/a#4', 'o/a#7'])
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4'])
})

test('eight quiet repos are eight requests a cycle, and news of a change is one more for its repo', async (t) => {
  const old = { created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-31T10:00:00Z' }
  const repos = Array.from({ length: 8 }, (_, n) => `acme/app${n}`)
  const server = await startGitea({ repos: repos.map((name) => ({ name, writers: ['burn'], issues: [{ title: 'work', ...old }] })) })
  t.after(() => server.close())
  const pulls = repos.map((name) =>
    Object.assign(server.state.addPull(name, { title: 'work', body: 'Fixes #1', branch: 'topic' }), { updated: 1_769_853_600 }),
  )
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => ledger.close())
  const forge = openGitea({ url: server.url, token: async () => server.token, clock: real, random: Math.random })
  const look = async () => {
    const before = forge.requests()
    const { changes_at } = await refreshForge(
      repos,
      { dispatches: [], reviews: [], repos: await ledger.repos() },
      { forge, ledger, clock: real },
    )
    await ledger.saveChangesSeen(changes_at)
    return forge.requests() - before
  }
  // Issues, open changes, and who may write: /assignees and no more, since the token administers nothing.
  assert.equal(await look(), 8 * 2 + 8 * 2)
  assert.equal((await ledger.openIssues()).filter(({ open_change }) => open_change === '#2').length, 8)
  assert.equal(await look(), 8)
  server.state.edit(repos[3] ?? '', pulls[3]?.number ?? 0, { state: 'closed' })
  assert.equal(await look(), 9)
  assert.equal((await ledger.openIssues()).filter(({ open_change }) => open_change === '#2').length, 7)
  // Somebody who may write now opened one before: all that are open are read again.
  server.state.addPull(repos[3] ?? '', { title: 'Fixes #1', branch: 'topic', author: 'eve' })
  assert.equal(await look(), 9)
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, null, 'a stranger')
  await ledger.saveWriters(repos[3] ?? '', ['acme', 'burn', 'eve'], { listed: true }, real.now())
  assert.equal(await look(), 9)
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, '#3')
  await ledger.saveWriters(repos[3] ?? '', ['acme', 'burn'], { listed: false }, real.now())
  await look()
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, null)
})
