/** The token: git gets it only by asking burn's process. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { stageChanges } from '../../src/git/changes.ts'
import { checkMerge, push } from '../../src/git/push.ts'
import { isPushed } from '../../src/git/pushed.ts'
import { removeWorkspace } from '../../src/git/workspace.ts'
import { commitAll, committing, openRig, twoFiles, token } from './rig.ts'

test('token: is in no argv, environment or file of git', async (t) => {
  const rig = await openRig(t, twoFiles, 'http')
  const { root, dir, server } = rig
  const bin = join(root, 'bin')
  mkdirSync(bin)
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  const log = join(root, 'spawned.log')
  // Git passes its environment to its helper programs, so this log shows theirs, too.
  writeFileSync(join(bin, 'git'), `#!/bin/sh\n{ echo git "$@"; env; echo; } >>${log}\nexec ${real} "$@"\n`)
  chmodSync(join(bin, 'git'), 0o755)
  const git = { ...rig.git, env: { ...rig.git.env, PATH: `${bin}:${rig.git.env['PATH']}`, BURN_FORGE_TOKEN: token } }
  const made = await rig.workspace.call(null)
  const other = { ...rig, git }
  writeFileSync(join(made.path, 'new.txt'), 'x\n')
  await stageChanges(git, made)
  const tip = await commitAll(other.git, made, { message: 'work', committing })
  await push(git, made)
  await checkMerge(git, made, tip)
  assert.equal(await isPushed(git, made), true)
  const spawned = readFileSync(log, 'latin1')
  assert.ok(spawned.split('\ngit ').length > 8)
  assert.ok(
    server.log.some(({ authorization }) => authorization?.startsWith('Basic ')),
    'git logged in',
  )
  const basic = Buffer.from(`burn:${token}`).toString('base64')
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
  assert.ok(files.length > 20)
  for (const [where, text] of [['spawned', spawned] as const, ...files.map((path) => [path, readFileSync(path, 'latin1')] as const)])
    for (const secret of [token, basic]) assert.ok(!text.includes(secret), where)
  assert.ok(server.log.every(({ target }) => !target.includes(token)))
  await removeWorkspace(git, made, { force: false })
})

test("login: the forge's token wins over ~/.netrc", async (t) => {
  const { home, server, git, workspace } = await openRig(t, twoFiles, 'http')
  writeFileSync(join(home, '.netrc'), `machine ${new URL(server.url).hostname} login ann password tok-of-ann\n`, { mode: 0o600 })
  const made = await workspace()
  writeFileSync(join(made.path, 'new.txt'), 'x\n')
  await commitAll(git, made, { message: 'work', committing })
  await push(git, made)
  const used = new Set(server.log.flatMap(({ authorization }) => authorization ?? []))
  assert.deepEqual([...used], [`Basic ${Buffer.from(`burn:${token}`).toString('base64')}`])
})

test('login: git asks burn over HTTP only, and no other helper', async (t) => {
  const { root, git, bare, dir, home, server, workspace } = await openRig(t)
  const seen = join(root, 'asked')
  const otherHelper = join(root, 'other-helper')
  writeFileSync(otherHelper, `#!/bin/sh\necho "$@" >>${seen}\n`, { mode: 0o755 })
  writeFileSync(join(home, '.gitconfig'), `[credential]\n\thelper = ${otherHelper}\n[core]\n\thooksPath = ${root}\n`)
  await workspace()
  const { openMirror } = await import('../../src/git/mirror.ts')
  let questions = 0
  const login = { forge_url: server.url, answer: async () => `${(questions += 1)}` }
  await openMirror({ ...git, login }, { dir, repo: 'local/app', clone_url: bare })
  assert.equal(questions, 0)
  assert.throws(() => readFileSync(seen))
})
