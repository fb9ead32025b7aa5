/** Faults of repos that burn finds before a sprint claims an issue, so that no model works for a push that is refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Finding } from '../../src/doctor/findings.ts'
import { branchIn, commitTo, gitAs } from '../stand-ins/gitea/git.ts'
import { brainOf } from './brain.ts'
import { repo, secrets, sprintRig, type RigOptions, type SprintRig } from './rig.ts'

const script = brainOf(() => 'plain', { conflict: () => {}, taken_branch: () => {} })
const issue = { title: 'Write it down', body: 'In notes, please.' }

const rigOf = (t: TestContext, options: Partial<RigOptions> = {}) =>
  sprintRig(t, { issues: [issue], script, sprint: { sandbox: { use: 'off' } }, ...options })

/** Runs a sprint, which must claim nothing because of a fault of the repo. Returns the reason. */
async function unusableIn(rig: SprintRig): Promise<string> {
  const ran = await rig.burn('sprint', 'run', '--now', '--json')
  const { sprints, unusable = [] } = ran.json<{ sprints: unknown[]; unusable?: { repo: string; why: string }[] }>()
  assert.deepEqual([sprints, unusable.map((each) => each.repo), ran.code], [[], [repo], 3], ran.out + ran.err)
  assert.equal(await rig.ledger(async (ledger) => (await ledger.issue(`${repo}#1`))?.attempts), 0)
  assert.deepEqual(
    [rig.model.requests.length, rig.forge.state.issue(repo, 1).comments.length],
    [0, 0],
    'no model worked, and burn wrote nothing',
  )
  return unusable[0]?.why ?? ''
}

/** Returns the findings of `burn doctor` about git and sprints that are not ok. */
async function faultsIn(rig: SprintRig): Promise<Finding[]> {
  const { findings } = (await rig.burn('doctor', '--json')).json<{ findings: Finding[] }>()
  return findings.filter(({ what, level }) => what.includes(repo) && level !== 'ok')
}

async function opensChange(rig: SprintRig): Promise<string> {
  const rows = await rig.run('--now')
  assert.deepEqual(
    rows.map(({ outcome, failure_text }) => [outcome, failure_text]),
    [['change', null]],
  )
  return rig.changes().get(1)?.[0]?.branch ?? ''
}

const hookOf = (bare: string, script: string) => {
  writeFileSync(join(bare, 'hooks/pre-receive'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bare, 'hooks/pre-receive'), 0o755)
}
const knownAuthors = `while read -r old new ref; do
  git log -1 --format='%ae %ce' "$new" | grep -q '^fleet@example.com fleet@example.com$' || { echo 'unknown author' >&2; exit 1; }
done`

test('preflight: a hook refuses the author; the author is a setting', async (t) => {
  const rig = await rigOf(t)
  hookOf(rig.bare, knownAuthors)
  assert.match(await unusableIn(rig), /unknown author: .*pre-receive hook declined/)
  const [fault] = await faultsIn(rig)
  assert.match(fault?.what ?? '', /unknown author/)
  const key = join(rig.dir, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  rig.spec({ author: 'The Fleet <fleet@example.com>', sign_off: true, signing_key: key, sandbox: { use: 'off' } })
  assert.deepEqual(await faultsIn(rig), [])
  assert.deepEqual(gitAs(rig.bare, 'for-each-ref', '--format=%(refname)'), 'refs/heads/main', 'the test of the push left no branch')
  const branch = await opensChange(rig)
  const shown = gitAs(rig.bare, 'cat-file', 'commit', branch)
  assert.match(shown, /^author The Fleet <fleet@example\.com> .*\ncommitter The Fleet <fleet@example\.com> /m)
  assert.match(shown, /^gpgsig -----BEGIN SSH SIGNATURE-----$/m)
  assert.match(shown, /^Burn-Sprint: .*\n(?:.*\n)?Signed-off-by: The Fleet <fleet@example\.com>$/m)
  rig.spec({ author: 'Nobody <nobody@example.com>', sandbox: { use: 'off' } })
  assert.deepEqual((await rig.burn('sprint', 'run', '--json')).json<{ sprints: unknown[] }>().sprints, [], 'a new setting is checked')
  rig.spec({ author: 'The Fleet <fleet@example.com>', signing_key: join(rig.dir, 'none'), sandbox: { use: 'off' } })
  assert.match((await faultsIn(rig))[0]?.remedy ?? '', /signing_key/)
})

test('preflight: the token lacks write:repository', async (t) => {
  const scopes: Record<string, string[]> = { [secrets.forge]: ['read:repository', 'read:issue', 'write:issue'] }
  const rig = await rigOf(t, { by: 'http', scopes })
  assert.match(await unusableIn(rig), /the token may not open changes in acme\/app.*write:repository/)
  assert.match((await faultsIn(rig)).map(({ what }) => what).join('\n'), /may not open changes/)
  delete scopes[secrets.forge]
  await opensChange(rig)
})

test('preflight: the account may only read', async (t) => {
  const rig = await rigOf(t, { by: 'http' })
  const { writers } = rig.forge.state.repo(repo)
  writers.delete('burn')
  assert.match(await unusableIn(rig), /the token may not write to acme\/app/)
  const answer = (json: unknown) => ({ ...(json as object), permissions: { push: true } })
  rig.forge.trouble({ kind: 'changed', change: answer }, /^GET \/api\/v1\/repos\/acme\/app$/)
  assert.match(await unusableIn(rig), /User permission denied for writing/)
})

test('preflight: git has no login for the clone URL', async (t) => {
  const rig = await rigOf(t)
  const other = await rigOf(t, { by: 'http' })
  const clone_url = `${other.forge.url}/acme/app.git`
  const file = rig.env['BURN_SPEC'] ?? ''
  const spec = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, JSON.stringify({ ...spec, repos: { app: { clone_url } } }))
  rmSync(join(rig.state, 'mirrors'), { recursive: true })
  assert.match(await unusableIn(rig), /could not read Username|Authentication failed/)
})

test('preflight: another user owns the repository', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can give a repository to another user')
  const rig = await rigOf(t)
  chownSync(rig.bare, 12345, 12345)
  assert.match(await unusableIn(rig), /dubious ownership/)
  assert.match((await faultsIn(rig))[0]?.remedy ?? '', /git config --global --add safe\.directory/)
  writeFileSync(join(rig.env['HOME'] ?? '', '.gitconfig'), `[safe]\n\tdirectory = ${rig.bare}\n[core]\n\thooksPath = /nowhere\n`)
  await opensChange(rig)
})

test('sprint: works on a SHA-256 repo with another default branch', async (t) => {
  const rig = await rigOf(t, { by: 'http' })
  rig.forge.state.repo(repo).default_branch = 'trunk'
  rmSync(rig.bare, { recursive: true })
  gitAs(rig.dir, 'init', '--quiet', '--bare', '--object-format=sha256', '-b', 'trunk', rig.bare)
  commitTo(rig.bare, 'trunk', { 'notes/0.md': 'fine\n' }, null)
  const branch = await opensChange(rig)
  assert.equal(branchIn(rig.bare, branch)?.length, 64)
  assert.equal(rig.forge.state.issue(repo, 2).pull?.base, 'trunk')
})

test('sprint: a repo without pull requests costs no attempt', async (t) => {
  const rig = await rigOf(t)
  rig.forge.state.repo(repo).has_pull_requests = false
  const ran = await rig.burn('sprint', 'run', '--json')
  assert.deepEqual(ran.json<{ sprints: unknown[] }>().sprints, [])
  const [backoff] = await rig.ledger((ledger) => ledger.backoffs(Date.now()))
  assert.deepEqual([backoff?.subject, rig.model.requests.length], [repo, 0])
  assert.match((await faultsIn(rig))[0]?.what ?? '', /pull requests are disabled/)
})

test('sprint: a refused push counts if the change is the cause', async (t) => {
  const closing = { close: () => {} }
  const events = { conflict: () => {}, taken_branch: () => closing.close() }
  const rig = await rigOf(t, { issues: [issue, issue], script: brainOf((n) => (n === 2 ? 'taken_branch' : 'plain'), events) })
  const refuse = (paths: string) => `while read -r old new ref; do
  git diff --name-only main "$new" | grep -q ${paths} && { echo 'too large' >&2; exit 1; }
done
exit 0`
  hookOf(rig.bare, refuse('notes/'))
  const [first] = await rig.run('--issue', 'app#1')
  assert.deepEqual([first?.failure, first?.outcome], ['push_refused', 'failed'])
  rmSync(join(rig.bare, 'hooks/pre-receive'))
  closing.close = () => hookOf(rig.bare, 'echo "no pushes today" >&2; exit 1')
  const [second] = await rig.run('--issue', 'app#2')
  assert.deepEqual([second?.failure, second?.outcome], ['repo_unusable', 'given_back'])
  assert.match(second?.failure_text ?? '', /no pushes today/)
  const attempts = (ref: string) => rig.ledger(async (ledger) => (await ledger.issue(ref))?.attempts)
  assert.deepEqual([await attempts(`${repo}#1`), await attempts(`${repo}#2`)], [1, 0])
  const before = rig.model.requests.length
  await rig.burn('sprint', 'run', '--json')
  assert.equal(rig.model.requests.length, before, 'the next run claims nothing')
  assert.ok(readdirSync(join(rig.state, 'work')).length > 0, 'the work stays')
})
