/** Two fleets on one forge: the first comment decides who has an issue. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { GiteaStandIn } from '../stand-ins/gitea/server.ts'
import { firstClaim } from '../../src/claim/first-claim.ts'
import { startGitea } from '../stand-ins/gitea/server.ts'
import { standIn, testFleet } from '../support/fleet.ts'

const repo = 'timmy/app'
const comment = (id: string, fleet: string, dispatch: string, state = 'claimed', author = 'ann') => ({
  id,
  author,
  body: `<!-- burn:1 fleet=${fleet} dispatch=${dispatch} state=${state} -->\nClaimed.`,
  created_at: 0,
  updated_at: 0,
})
const [ours, theirs] = ['0k3v9w2x4abcd', '0k3v9w2x4abce']

test('firstClaim: returns the live claim with the lowest comment id', () => {
  const [before, writers] = ['0k3v9w2x4abcf', new Set(['ann'])]
  const own = { fleet: 'a', dispatch: ours, known: new Set([ours, before]) }
  const first = (...comments: ReturnType<typeof comment>[]) => firstClaim(comments, own, writers)?.dispatch
  assert.equal(first(comment('9', 'a', ours), comment('10', 'b', theirs)), ours)
  assert.equal(first(comment('10', 'a', ours), comment('9', 'b', theirs)), theirs, 'ids are compared as numbers')
  assert.equal(first(comment('10', 'a', ours), comment('9', 'b', theirs, 'released')), ours, 'a released claim does not count')
  assert.equal(first(comment('10', 'a', ours), comment('9', 'b', theirs, 'claimed', 'eve')), ours, 'anybody can write a comment')
  assert.equal(first(comment('10', 'a', ours), comment('9', 'a', before)), ours, 'an older dispatch of our own ledger')
  assert.equal(first(comment('10', 'a', ours), comment('9', 'a', theirs)), theirs, 'another ledger of our fleet')
  assert.equal(first({ ...comment('9', 'b', theirs), body: `> ${comment('9', 'b', theirs).body}` }), undefined, 'a quotation')
})

function fleetOn(t: TestContext, forge: GiteaStandIn, name: string) {
  return testFleet(t, (dir, socket) => {
    writeFileSync(join(dir, 'token'), forge.token, { mode: 0o600 })
    return {
      name,
      session: 'F',
      socket,
      dir: join(dir, 'w'),
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'gitea', url: forge.url, owner: 'timmy', token: { file: join(dir, 'token') } },
      dispatch: { shared_forge: true, depth: 4 },
      agent: { ...standIn(dir, '--turn-ms', '5', '--busy-mode', 'queue'), hooks: false, busy_input_mode: 'queue' },
      machines: { box: { windows: [{ name: 'W', panes: 3, repos: ['app'] }] } },
    }
  })
}

test('two fleets: each issue on a shared forge reaches one agent', async (t) => {
  await using forge = await startGitea({
    repos: [
      { name: repo, writers: ['burn', 'ann'], issues: Array.from({ length: 8 }, (_, i) => ({ title: `issue ${i}`, author: 'ann' })) },
    ],
    latency: 20,
  })
  const fleets = ['one', 'two'].map((name) => fleetOn(t, forge, name))
  for (const word of ['up', 'christen'])
    for (const { code, err } of await Promise.all(fleets.map((fleet) => fleet.burn(word)))) assert.equal(code, 0, err)
  const runs = await Promise.all(fleets.map((fleet) => fleet.burn('dispatch', '--cycles', '2', '--interval', '0', '--json')))
  const received = fleets.flatMap((fleet) =>
    fleet.received().flatMap(({ text }) => /^You have one issue to work on: (\S+) /m.exec(text)?.[1] ?? []),
  )
  assert.deepEqual(received.toSorted(), [...new Set(received)].toSorted(), 'no agent got an issue twice')
  assert.equal(received.length, 8)
  // If both claimed an issue, the second fleet released its claim, and its comment says so.
  const bodies = [...forge.state.repo(repo).items.values()].flatMap(({ comments }) => comments.map(({ body }) => body))
  t.diagnostic(`${bodies.filter((body) => body.includes('state=released')).length} claims were released`)
  assert.equal(bodies.filter((body) => body.includes('state=handed')).length, 8)
  assert.deepEqual(forge.violations, [])
  assert.ok(runs.every(({ code }) => [0, 3].includes(code)))
})
