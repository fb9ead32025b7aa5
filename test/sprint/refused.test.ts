/** If the forge refuses one issue or repo, that sprint ends and the run goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brainOf } from './brain.ts'
import { inside } from './inside.ts'
import { sprintRig } from './rig.ts'

const script = brainOf(() => 'plain', { conflict: () => {}, taken_branch: () => {} })
const oldIssue = { title: 'Old', body: 'In notes, please.', created_at: '2026-01-01T00:00:00Z' }
const newIssue = { title: 'Young', body: 'In notes, please.', created_at: '2026-02-01T00:00:00Z' }
const repos = ['acme/app', 'acme/lib']

test('sprint: skips an archived repo and a deleted issue', async (t) => {
  const rig = await sprintRig(t, {
    issues: [newIssue],
    also: [oldIssue, oldIssue],
    script,
    sprint: { repos: ['app', 'lib'], sandbox: { use: 'off' } },
  })
  const inProcess = await inside(t, rig)
  rig.forge.state.repo('acme/lib').archived = true
  const rows = await inProcess.run({ repos })
  assert.deepEqual(
    rows.map(({ issue, failure, outcome }) => [issue, failure, outcome]),
    [['acme/app#1', null, 'change']],
    'burn sees that the repo is archived, and claims nothing there',
  )
  const { ledger } = inProcess.context.session
  assert.equal((await ledger.issue('acme/lib#1'))?.attempts, 0)
  assert.deepEqual(await inProcess.run({ repos }), [], 'the repo backs off: burn claims nothing there, and runs are not paused')

  rig.forge.state.repo('acme/lib').archived = false
  await ledger.requeue('acme/lib#2', Date.now())
  rig.forge.trouble({ kind: 'changed', change: (json) => (rig.forge.state.remove('acme/lib', 1), json) }, /^GET .*\/lib\/issues\?/, 1)
  const next = await inProcess.run({ repos })
  assert.deepEqual(
    next.map(({ issue, failure }) => [issue, failure]),
    [['acme/lib#2', null]],
    'burn sees that the issue is gone before it claims the issue',
  )
  assert.equal((await ledger.issue('acme/lib#1'))?.attempts, 0)
})

test('sprint: deleted issues do not count as a forge outage', async (t) => {
  const rig = await sprintRig(t, {
    issues: [newIssue],
    also: [oldIssue, oldIssue, oldIssue, oldIssue],
    script,
    sprint: { repos: ['app', 'lib'], sandbox: { use: 'off' } },
  })
  const inProcess = await inside(t, rig)
  for (const number of [1, 2, 3, 4]) rig.forge.state.addComment('acme/lib', number, 'ann', 'me too')
  const remove = (json: unknown) => {
    for (const number of [1, 2, 3, 4]) rig.forge.state.remove('acme/lib', number)
    return json
  }
  rig.forge.trouble({ kind: 'changed', change: remove }, /^GET .*\/lib\/issues\?/, 1)
  const rows = await inProcess.run({ repos })
  assert.deepEqual(
    rows.map(({ issue, outcome }) => [issue, outcome]),
    [['acme/app#1', 'change']],
  )
  const backoffs = await inProcess.context.session.ledger.backoffs(Date.now())
  assert.deepEqual(
    backoffs.map(({ subject }) => subject),
    [1, 2, 3, 4].map((number) => `acme/lib#${number}`),
  )
})

test('doctor: checks the repos of sprints', async (t) => {
  const rig = await sprintRig(t, { issues: [], also: [], script, sprint: { repos: ['app', 'lib'], sandbox: { use: 'off' } } })
  rig.forge.state.repo('acme/app').archived = true
  rig.forge.state.repo('acme/lib').has_issues = false
  const { findings } = (await rig.burn('doctor', '--json')).json<{ findings: { where: string; what: string; remedy: string }[] }>()
  const repoFindings = findings.filter(({ where, what }) => where === 'forge' && what.includes('acme/'))
  assert.deepEqual(
    repoFindings.map(({ what }) => what.replace(/ and .*/, '')),
    ['the repo acme/app is archived', 'issues are disabled in acme/lib'],
  )
  for (const { remedy } of repoFindings) assert.match(remedy, /remove (?:it|the repo) from "repos" in the spec/)
})
