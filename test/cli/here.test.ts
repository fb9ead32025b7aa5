/** `--here`: a machine that nobody can reach runs burn itself, with the shared ledger. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standIn, testFleet, until, writeIssues } from '../support/fleet.ts'
import { endServer } from '../support/tmux.ts'

interface Cycle {
  readonly claimed: readonly { readonly issue: string; readonly worker: string }[]
  readonly deliveries: readonly { readonly state: string }[]
}

test('--here: an unreachable machine dispatches for itself with the shared ledger', async (t) => {
  const fleet = testFleet(t, (dir, socket) => {
    t.after(() => endServer(`${socket}-far`))
    const window = (name: string, repo: string) => ({ windows: [{ name, panes: 1, names: [name], repos: [repo] }] })
    return {
      name: 'f',
      session: 'F',
      socket,
      dir: `${dir}/w`,
      ledger: `sqlite:${dir}/l.db`,
      forge: { kind: 'folder', path: dir, owner: 'me' },
      agent: { ...standIn(dir, '--turn-ms', '50', '--busy-mode', 'queue'), hooks: false, busy_input_mode: 'queue' },
      machines: {
        near: window('NEAR', 'app'),
        // Nothing listens on this port, as for a laptop behind a router.
        far: { host: '127.0.0.1', ssh: { port: 1 }, socket: `${socket}-far`, ...window('FAR', 'lib') },
      },
    }
  })
  writeIssues(fleet.dir, 'app', [{ title: 'one', body: 'do it' }])
  writeIssues(fleet.dir, 'lib', [{ title: 'two', body: 'do it' }])
  assert.equal((await fleet.burn('up')).code, 3)
  for (const word of ['up', 'christen']) {
    const { code, err } = await fleet.burn(word, 'far', '--here', 'far')
    assert.equal(code, 0, err)
  }
  assert.equal((await fleet.burn('christen', 'near')).code, 0)

  const near = await fleet.burn('dispatch', '--json')
  assert.equal(near.code, 3)
  assert.deepEqual(
    near.json<Cycle>().claimed.map(({ issue, worker }) => `${issue} ${worker}`),
    ['me/app#1 near/NEAR/NEAR'],
    'an unreachable machine gets no issue',
  )
  const far = await fleet.burn('dispatch', '--machine', 'far', '--here', 'far', '--json')
  assert.equal(far.code, 0, far.err)
  assert.deepEqual(
    far.json<Cycle>().claimed.map(({ issue, worker }) => `${issue} ${worker}`),
    ['me/lib#1 far/FAR/FAR'],
  )
  assert.deepEqual(
    far.json<Cycle>().deliveries.map(({ state }) => state),
    ['seen'],
  )
  await until('each agent has its own issue', () => fleet.received().filter(({ text }) => text.includes('You have one issue')).length === 2)

  const nowhere = await fleet.burn('status', '--here', 'fahr')
  assert.equal(nowhere.code, 2)
  assert.match(nowhere.err, /did you mean far\?/)
})
