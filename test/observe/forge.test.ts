/** Reading the forge into the ledger: what is read, and with how many requests and writes. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Issue, IssueRef } from '../../src/core/nouns.ts'
import { openGitea } from '../../src/forge/gitea.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { refreshForge, relistInterval } from '../../src/observe/forge.ts'
import { VirtualClock } from '../../src/simulate/clock.ts'
import { SimulatedForge } from '../../src/simulate/forge.ts'
import { issuesOf } from '../simulate/storm.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { clock as real } from '../support/clock.ts'

const hour = 3_600_000
const day = 24 * hour

/** Sets up a simulated forge with three issues of one repo. `refresh` reads it and returns the number of writes of issues. */
async function rig(t: TestContext) {
  const given = issuesOf(9).filter(({ repo }) => repo === 'o/a')
  const clock = new VirtualClock(1_000)
  const forge = new SimulatedForge(given, ['o/a'], clock, { down: () => false, loses: () => false })
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => ledger.close())
  let writes = 0
  const counting: Ledger = { ...ledger, saveIssues: (...pages) => ((writes += 1), ledger.saveIssues(...pages)) }
  const refresh = async () => {
    const before = writes
    await refreshForge(
      ['o/a'],
      { dispatches: [], reviews: [], repos: await ledger.repos() },
      { forge, ledger: counting, clock, notify: () => {} },
    )
    return writes - before
  }
  const open = async () => (await ledger.openIssueRefs('o/a')).toSorted()
  return { given, clock, forge, refresh, open }
}

test('refresh: writes issues only if there is news', async (t) => {
  const { forge, refresh, open } = await rig(t)
  assert.equal(await refresh(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4', 'o/a#7'])
  assert.equal(await refresh(), 0)
  forge.close('o/a#4')
  assert.equal(await refresh(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#7'])
})

test('refresh: writes news that comes with the same cursor', async (t) => {
  const { forge, refresh, open } = await rig(t)
  const listed = forge.issues.bind(forge)
  let from: string | null = null
  forge.issues = async (repo) => {
    const page = await listed(repo, from)
    from = page.cursor
    return { ...page, cursor: 'the same' }
  }
  assert.deepEqual([await refresh(), await refresh()], [1, 0])
  forge.close('o/a#7')
  assert.equal(await refresh(), 1)
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4'])
})

test('refresh: asks for issues that a complete listing misses', async (t) => {
  const { given, clock, forge, refresh, open } = await rig(t)
  await refresh()
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
  assert.equal(await refresh(), 0)
  clock.at(2 * day, () => {})
  await clock.run(() => false)
  assert.equal(await refresh(), 1)
  assert.deepEqual(asked.toSorted(), ['o/a#4', 'o/a#7'])
  assert.deepEqual(await open(), ['o/a#1', 'o/a#4'])
})

test('refresh: one request per quiet repo, one more for a change', async (t) => {
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
  const refresh = async () => {
    const before = forge.requests()
    const { changes_at } = await refreshForge(
      repos,
      { dispatches: [], reviews: [], repos: await ledger.repos() },
      { forge, ledger, clock: real, notify: () => {} },
    )
    await ledger.saveChangeCursors(changes_at)
    return forge.requests() - before
  }
  // Requests for issues, open changes and writers. Writers take one request, /assignees, because the token is not an administrator's.
  assert.equal(await refresh(), 8 * 2 + 8 * 2)
  assert.equal((await ledger.openIssues()).filter(({ open_change }) => open_change === '#2').length, 8)
  assert.equal(await refresh(), 8)
  server.state.edit(repos[3] ?? '', pulls[3]?.number ?? 0, { state: 'closed' })
  assert.equal(await refresh(), 9)
  assert.equal((await ledger.openIssues()).filter(({ open_change }) => open_change === '#2').length, 7)
  // A new writer opened a change before: burn reads all open changes again.
  server.state.addPull(repos[3] ?? '', { title: 'Fixes #1', branch: 'topic', author: 'eve' })
  assert.equal(await refresh(), 9)
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, null, 'a stranger')
  await ledger.saveWriters(repos[3] ?? '', ['acme', 'burn', 'eve'], { listed: true }, real.now())
  assert.equal(await refresh(), 9)
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, '#3')
  await ledger.saveWriters(repos[3] ?? '', ['acme', 'burn'], { listed: false }, real.now())
  await refresh()
  assert.equal((await ledger.issue(`${repos[3]}#1`))?.open_change, null)
})

test('refresh: notices a renamed and a deleted label within an hour', async (t) => {
  const issues = ['urgent', 'council'].map((label) => ({ title: label, labels: [label], updated_at: '2026-01-31T10:00:00Z' }))
  const server = await startGitea({ check: false, repos: [{ name: 'acme/app', writers: ['burn'], issues }] })
  t.after(() => server.close())
  const ledger = await openLedger('sqlite::memory:', { random: Math.random })
  t.after(() => ledger.close())
  const clock = new VirtualClock(real.now())
  const forge = openGitea({ url: server.url, token: async () => server.token, clock: real, random: Math.random })
  const labels = async () => {
    await refreshForge(
      ['acme/app'],
      { dispatches: [], reviews: [], repos: await ledger.repos() },
      { forge, ledger, clock, notify: () => {} },
    )
    return (await ledger.openIssues()).map(({ issue }) => issue.labels).toSorted()
  }
  const later = async (ms: number) => {
    clock.at(clock.now() + ms, () => {})
    await clock.run(() => false)
    return labels()
  }
  assert.deepEqual(await labels(), [['council'], ['urgent']])
  server.state.renameLabel('acme/app', 'urgent', 'later')
  server.state.renameLabel('acme/app', 'council', null)
  assert.deepEqual(await later(hour / 2), [['council'], ['urgent']])
  assert.deepEqual(await later(hour / 2), [[], ['later']])
})

test('refresh: lists large repos less often, and not all together', () => {
  const intervals = (open: number) => Array.from({ length: 40 }, (_, n) => relistInterval(`acme/app${n}`, open))
  const [small, large, huge] = [intervals(1_000), intervals(2_500), intervals(1_000_000)]
  assert.ok(small.every((ms) => ms > 0.7 * hour && ms <= hour))
  assert.ok(large.every((ms) => ms > 2 * hour && ms <= 3 * hour))
  assert.ok(huge.every((ms) => ms > 18 * hour - 1 && ms <= day))
  assert.ok(new Set(small).size > 30)
})
