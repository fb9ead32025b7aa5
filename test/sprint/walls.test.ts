/** Sprints in their sandbox: without it nothing runs, and damage by a command costs that issue an attempt. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Sprint } from '../../src/core/sprint.ts'
import type { Script } from '../stand-ins/model/replies.ts'
import { sprintDoctor } from '../../src/sprint/doctor.ts'
import { mounted } from '../support/mount.ts'
import { failingBwrap, skipReason } from '../sandbox/opened.ts'
import { inside, type InProcessSprints } from './inside.ts'
import { code, commentsOf, ended } from './judge.ts'
import { repo, sprintRig, type SprintRig } from './rig.ts'

/** Sets up sprints with a bubblewrap that works until `breakIt` is called. */
async function confined(
  t: TestContext,
  script: Script = () => ({ text: 'Done.' }),
): Promise<{ rig: SprintRig; sprints: InProcessSprints; breakIt: () => void }> {
  const rig = await sprintRig(t, { issues: [{ title: 'One' }, { title: 'Two' }], script, sprint: { sandbox: { use: 'auto' } } })
  const bin = join(rig.dir, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'bwrap'), failingBwrap, { mode: 0o755 })
  const sprints = await inside(t, { ...rig, env: { ...rig.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
  return { rig, sprints, breakIt: () => writeFileSync(join(bin, 'broken'), '') }
}

test('bubblewrap: if it does not work, burn claims nothing', { skip: skipReason }, async (t) => {
  const { rig, sprints, breakIt } = await confined(t)
  assert.match(sprints.messages.join('\n'), /"use": "auto" is deprecated and means "require"/)
  breakIt()
  await assert.rejects(sprints.run(), code('sandbox_failed'))
  const findings = await sprintDoctor(sprints.context, () => {})
  const failed = findings.filter(({ level }) => level === 'fail')
  assert.match(
    failed.map(({ what, remedy }) => `${what}. ${remedy}`).join('\n'),
    /^bubblewrap does not work here: .*user\.max_user_namespaces/,
  )
  assert.deepEqual(await sprints.context.session.ledger.sprints({}), [])
  assert.deepEqual([commentsOf(rig), rig.model.requests.length], [[], 0])
})

test('doctor: warns about a protection that the machine lacks', { skip: skipReason }, async (t) => {
  const { rig, sprints } = await confined(t)
  writeFileSync(join(rig.dir, 'bin/perl'), '#!/bin/sh\necho keyctl: Operation not permitted >&2\nexit 1\n', { mode: 0o755 })
  const warnings = (await sprintDoctor(sprints.context, () => {})).filter(({ level }) => level === 'warn')
  const gap = warnings.find(({ what }) => what.includes('keyctl'))
  assert.equal(gap?.what, 'a command inherits the session keyring and the open files of burn (keyctl: Operation not permitted)')
  assert.match(gap.remedy, /^install perl/)
  await sprints.run({ count: 1 })
  const id = (await sprints.context.session.ledger.sprints({}))[0]?.id ?? ''
  assert.match(readFileSync(join(rig.state, 'transcripts', `${id}.jsonl`), 'utf8'), /inherits the session keyring/)
})

test('bubblewrap: if it fails in a sprint, no command runs unconfined', { skip: skipReason }, async (t) => {
  const { rig, sprints, breakIt } = await confined(t, () => {
    breakIt()
    return { calls: [{ name: 'run_command', args: { command: `cat ${rig.dir}/forge.secret; touch ${rig.dir}/escaped` } }] }
  })
  const rows = await sprints.run({ count: 2 })
  assert.equal(rows.length, 1)
  await ended(rows[0], 'sandbox_failed', 'released', sprints)
  assert.match(rows[0]?.failure_text ?? '', /Creating new namespace failed/)
  assert.equal((await sprints.context.session.ledger.issue(`${repo}#1`))?.attempts, 0)
  assert.equal(existsSync(join(rig.dir, 'escaped')), false)
  assert.equal(rig.model.requests.length, 1)
})

/** Returns a script that runs its issue's command, and then ends. */
const scriptOf =
  (...each: readonly string[]): Script =>
  (messages) => {
    const issue = Number(/#(\d)/.exec(messages[0]?.content ?? '')?.[1] ?? 1)
    const call = { name: 'run_command', args: { command: each[issue - 1] ?? each[0] } }
    return messages.some(({ role }) => role === 'tool') ? { text: 'Done.' } : { calls: [call] }
  }

const unconfined = { sandbox: { use: 'off' } }
const issues = (count: number) => Array.from({ length: count }, (_, index) => ({ title: `Number ${index + 1}` }))

/** Asserts that the sprint cost its issue an attempt, and left no workspace. */
async function assertCharged(row: Sprint | undefined, reason: RegExp, rig: SprintRig, sprints: InProcessSprints): Promise<void> {
  await ended(row, 'workspace_unusable', 'failed', sprints)
  assert.match(row?.failure_text ?? '', reason)
  assert.equal((await sprints.context.session.ledger.issue(row?.issue ?? ''))?.attempts, 1)
  assert.equal(existsSync(join(rig.state, 'work', row?.id ?? '')), false)
}

const fillCommand = 'cat /dev/zero >zeros'
const agent = { kind: 'cli', agent: 'custom', command: ['sh', '-c', `cat >/dev/null; ${fillCommand}; sleep 1000`] }
for (const [actor, count, options] of [
  ['a command', 2, {}],
  ['an agent', 1, { backends: [agent] }],
] as const)
  test(`disk: ${actor} that fills it fails only its own issue`, async (t) => {
    const rig = await sprintRig(t, { issues: issues(count), script: scriptOf(fillCommand), sprint: { ...unconfined, ...options } })
    mkdirSync(rig.state, { recursive: true })
    if (!mounted(rig.state, ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', rig.state])) return t.skip('mounts are not possible here')
    try {
      const sprints = await inside(t, rig)
      const rows = await sprints.run({ count })
      assert.equal(rows.length, count)
      for (const row of rows) await assertCharged(row, /the commands reached the disk quota of \d+ MiB/, rig, sprints)
    } finally {
      spawnSync('umount', ['-l', rig.state])
    }
  })

test('workspace: files that git must not see fail the issue', async (t) => {
  const refusedCommands = [
    ['truncate -s 3G sparse', /changed files are larger than 256 MiB/],
    ['truncate -s 2M .gitignore', /\.gitignore is larger than 1 MiB/],
    ['rm -rf "$PWD"', /the workspace \S+ no longer exists/],
  ] as const
  const pipes = 'mkfifo .gitignore .gitattributes notes/.gitignore; mkdir -p sub/.git; mkfifo sub/.git/HEAD; echo fine >notes/4.md'
  const script = scriptOf(...refusedCommands.map(([command]) => command), pipes)
  const rig = await sprintRig(t, { issues: issues(4), script, sprint: unconfined, check: 'mkfifo .gitattributes' })
  const sprints = await inside(t, rig)
  const rows = await sprints.run({ count: 4 })
  for (const [index, [, reason]] of refusedCommands.entries()) await assertCharged(rows[index], reason, rig, sprints)
  assert.deepEqual([rows[3]?.failure, rows[3]?.outcome], [null, 'change'], rows[3]?.failure_text ?? '')
  assert.ok(
    sprints.updates.some(
      ({ note }) => note?.kind === 'note' && note.text.startsWith('burn removed special files (pipes, sockets and devices): '),
    ),
  )
})

/** A stand-in for git that hangs in ls-files and ignores signals. */
const stuckGit = (dir: string) => `#!/bin/sh
case "$*" in *ls-files*) trap '' TERM INT HUP; echo $$ >'${dir}/new'; mv '${dir}/new' '${dir}/git.pid'; sleep 1000; sleep 1000;; esac
PATH='${process.env['PATH'] ?? ''}' exec git "$@"
`

test('git: Ctrl-C and the time limit end one that hangs', async (t) => {
  const rig = await sprintRig(t, { issues: issues(2), script: scriptOf('echo fine >notes/1.md'), sprint: unconfined })
  const bin = join(rig.dir, 'bin')
  const started = join(bin, 'git.pid')
  mkdirSync(bin)
  writeFileSync(join(bin, 'git'), stuckGit(bin), { mode: 0o755 })
  const openSprints = () => inside(t, { ...rig, env: { ...rig.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
  const isGone = () => assert.throws(() => process.kill(Number(readFileSync(started, 'utf8')), 0), { code: 'ESRCH' })
  const stop = new AbortController()
  const watcher = watch(bin, () => void (existsSync(started) && stop.abort()))
  t.after(() => watcher.close())
  const stopped = await openSprints()
  await ended((await stopped.run({}, stop.signal))[0], 'stopped', 'released', stopped)
  isGone()
  watcher.close()
  rmSync(started)
  rig.spec({ ...unconfined, budget: { time: '8s' } })
  const lateSprints = await openSprints()
  await ended((await lateSprints.run({ now: true }))[0], 'budget', 'failed', lateSprints)
  isGone()
})
