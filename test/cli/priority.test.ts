/** `burn issue priority`, and the order of the queue in `explain` and dry runs, on a fleet that was never raised. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { testFleet, writeIssues } from '../support/fleet.ts'

interface Plan {
  readonly left_out: readonly { readonly issue: string; readonly reason: string }[]
}

test('issue priority: orders the queue, and dry runs say why', async (t) => {
  const { burn, dir } = testFleet(t, (folder, socket) => ({
    name: 't',
    socket,
    dir: join(folder, 'w'),
    forge: { kind: 'folder', path: folder },
    ledger: `sqlite:${folder}/l.db`,
    machines: { box: { windows: [{ name: 'APP', names: ['ANN'], repos: ['app'] }] } },
  }))
  writeIssues(dir, 'app', [
    { title: 'First', body: '1' },
    { title: 'Second', body: '2' },
    { title: 'Epic: all', body: '3' },
  ])
  const explained = await burn('explain', 'app#2')
  assert.match(
    explained.out,
    /^no cycle has judged this issue\. burn dispatch would not assign the issue now: the only worker .* has no running agent/m,
  )
  const dry = await burn('issue', 'priority', 'app#2', 'next', '--dry-run')
  assert.equal(dry.out, 'local/app#2 would have priority 1, and goes before all others\n')
  const order = async () =>
    (await burn('dispatch', '--dry-run', '--json'))
      .json<Plan>()
      .left_out.map(({ issue }) => issue.slice(-1))
      .join('')
  assert.equal(await order(), '123')
  const set = await burn('issue', 'priority', 'app#2', 'next', '--json')
  assert.deepEqual(set.json(), { issue: 'local/app#2', priority: 1, priority_before: 0, left_out: null })
  assert.equal((await burn('issue', 'priority', 'app#3', '1', '--json')).code, 0)
  assert.equal(await order(), '231')
  assert.equal((await burn('issue', 'priority', 'app#3', 'none')).out, 'local/app#3 has no priority. It had priority 1\n')
  const plan = await burn('dispatch', '--dry-run')
  assert.match(plan.out, /^left out: the only worker that serves local\/app cannot get work: .*\n {2}local\/app#2, local\/app#1$/m)
  assert.match(plan.out, /^left out: the title matches .* in dispatch\.skip_titles\n {2}local\/app#3$/m)
  const [unknown, wrong] = [await burn('issue', 'priority', 'app#9', 'next'), await burn('issue', 'priority', 'app#1', 'soon')]
  assert.match(unknown.err, /the ledger does not have local\/app#9 \(issue_unknown\)/)
  assert.deepEqual([unknown.code, wrong.code], [2, 2])
})
