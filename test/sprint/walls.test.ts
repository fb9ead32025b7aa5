/** The walls of sprints: closed if they do not work, and what a command does is charged to its attempt. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Script } from '../stand-ins/model/replies.ts'
import { sprintDoctor } from '../../src/sprint/doctor.ts'
import { mounted } from '../support/mount.ts'
import { brittle, without } from '../sandbox/opened.ts'
import { inside, type Inside } from './inside.ts'
import { code, commentsOf, ended } from './judge.ts'
import { repo, sprintRig, type SprintRig } from './rig.ts'

/** Sprints in bubblewrap, which works until `breakIt` is called. */
async function confined(
  t: TestContext,
  script: Script = () => ({ text: 'Done.' }),
): Promise<{ rig: SprintRig; sprints: Inside; breakIt: () => void }> {
  const rig = await sprintRig(t, { issues: [{ title: 'One' }, { title: 'Two' }], script, sprint: { sandbox: { use: 'auto' } } })
  const bin = join(rig.dir, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'bwrap'), brittle, { mode: 0o755 })
  const sprints = await inside(t, { ...rig, env: { ...rig.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
  return { rig, sprints, breakIt: () => writeFileSync(join(bin, 'broken'), '') }
}

test('bubblewrap that does not work: nothing is claimed, and "auto" is deprecated', { skip: without }, async (t) => {
  const { rig, sprints, breakIt } = await confined(t)
  assert.match(sprints.said.join('\n'), /"use": "auto" is deprecated and means "require"/)
  breakIt()
  await assert.rejects(sprints.run(), code('sandbox_failed'))
  const findings = await sprintDoctor(sprints.context, () => {})
  const failed = findings.filter(({ level }) => level === 'fail')
  assert.match(failed.map(({ what, mend }) => `${what}. ${mend}`).join('\n'), /^bubblewrap does not work here: .*user\.max_user_namespaces/)
  assert.deepEqual(await sprints.context.session.ledger.sprints({}), [])
  assert.deepEqual([commentsOf(rig), rig.model.requests.length], [[], 0])
})

test('bubblewrap that stops working in a sprint: no command runs unconfined, no attempt is counted', { skip: without }, async (t) => {
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

/** A model whose first answer is a command, and whose second one ends. The command gets the number of its issue as `$n`. */
const commands =
  (command: string): Script =>
  (messages) =>
    messages.some(({ role }) => role === 'tool')
      ? { text: 'Done.' }
      : { calls: [{ name: 'run_command', args: { command: `n=${/#(\d)/.exec(messages[0]?.content ?? '')?.[1] ?? ''}; ${command}` } }] }

const off = { sandbox: { use: 'off' } }
const twoIssues = [{ title: 'One' }, { title: 'Two' }]

/** Its commands, or its agent, are to blame: an attempt is counted, the next issue is done, and nothing of it stays on the disk. */
async function charged(rig: SprintRig, sprints: Inside, reason: RegExp): Promise<void> {
  const rows = await sprints.run({ count: 2 })
  assert.deepEqual(
    rows.map(({ failure }) => failure),
    ['workspace_unusable', 'workspace_unusable'],
    rows[0]?.failure_text ?? '',
  )
  await ended(rows[0], 'workspace_unusable', 'failed', sprints)
  assert.match(rows[0]?.failure_text ?? '', reason)
  assert.equal((await sprints.context.session.ledger.issue(`${repo}#1`))?.attempts, 1)
  assert.deepEqual(readdirSync(join(rig.state, 'work')), [])
}

const fill = 'cat /dev/zero >zeros'
const agent = { kind: 'cli', agent: 'custom', command: ['sh', '-c', `cat >/dev/null; ${fill}; sleep 1000`] }
for (const [who, more] of [
  ['a command', {}],
  ['an agent', { backends: [agent] }],
] as const)
  test(`${who} that fills the disk fails its own issue`, async (t) => {
    const rig = await sprintRig(t, { issues: twoIssues, script: commands(fill), sprint: { ...off, ...more } })
    mkdirSync(rig.state, { recursive: true })
    if (!mounted(rig.state, ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', rig.state])) return t.skip('nothing can be mounted here')
    try {
      await charged(rig, await inside(t, rig), /its commands added \d+ MiB to the disk/)
    } finally {
      spawnSync('umount', ['-l', rig.state])
    }
  })

const refused = {
  'a sparse file of 3 GB': ['truncate -s 3G sparse', /more than 256 MiB, which is no change/],
  'rules for git that have no end': ['truncate -s 2M .gitignore', /\.gitignore is larger than 1 MiB/],
  'a workspace that is gone': ['rm -rf "$PWD"', /the workspace \S+ is gone/],
} as const
for (const [what, [command, reason]] of Object.entries(refused))
  test(`${what}: refused before git reads it`, async (t) => {
    const rig = await sprintRig(t, { issues: twoIssues, script: commands(command), sprint: off })
    await charged(rig, await inside(t, rig), reason)
  })

test('pipes in the place of what git reads stop nothing, and the rest is a change', async (t) => {
  const pipes =
    'rm -f .gitignore; mkfifo .gitignore .gitattributes notes/.gitignore; mkdir -p sub/.git; mkfifo sub/.git/HEAD; echo fine >notes/$n.md'
  const rig = await sprintRig(t, { issues: twoIssues, script: commands(pipes), sprint: off, check: 'mkfifo .gitattributes' })
  const sprints = await inside(t, rig)
  const [row] = await sprints.run()
  assert.deepEqual([row?.failure, row?.outcome], [null, 'change'], row?.failure_text ?? '')
  assert.ok(sprints.news.some(({ note }) => note?.kind === 'note' && note.text.startsWith('pipes, sockets and devices were removed: ')))
})

/** A git that waits for ever once it is asked for the files of a workspace, and ends by no signal that can be ignored. */
const stuck = (dir: string) => `#!/bin/sh
case "$*" in *ls-files*) trap '' TERM INT HUP; echo $$ >'${dir}/git.pid'; sleep 1000; sleep 1000;; esac
PATH='${process.env['PATH'] ?? ''}' exec git "$@"
`
for (const why of ['budget', 'stopped'] as const)
  test(`a git that is stuck ends with its sprint: ${why}`, async (t) => {
    const time = why === 'budget' ? { budget: { time: '4s' } } : {}
    const rig = await sprintRig(t, { issues: twoIssues, script: commands('echo fine >notes/1.md'), sprint: { ...off, ...time } })
    const bin = join(rig.dir, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'git'), stuck(bin), { mode: 0o755 })
    const sprints = await inside(t, { ...rig, env: { ...rig.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` } })
    const stop = new AbortController()
    const started = join(bin, 'git.pid')
    const watching = why === 'budget' ? undefined : setInterval(() => void (existsSync(started) && stop.abort()), 20)
    const [row] = await sprints.run({}, stop.signal)
    clearInterval(watching)
    await ended(row, why, why === 'budget' ? 'failed' : 'released', sprints)
    assert.throws(() => process.kill(Number(readFileSync(started, 'utf8')), 0), { code: 'ESRCH' })
  })
