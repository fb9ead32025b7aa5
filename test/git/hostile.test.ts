/** Hostile workspaces: files and settings that try to make git run a program while burn reads, commits, pushes and removes them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { stageChanges } from '../../src/git/changes.ts'
import { gitArgv, gitEnv } from '../../src/git/command.ts'
import { checkMerge, push } from '../../src/git/push.ts'
import { isPushed } from '../../src/git/pushed.ts'
import { removeWorkspace } from '../../src/git/workspace.ts'
import { branchIn, gitAs, plainGit } from '../stand-ins/gitea/git.ts'
import { commitAll, committing, openRig } from './rig.ts'

const attributes = '* filter=evil diff=evil merge=evil ident text=auto\n*.txt working-tree-encoding=UTF-8\n[attr]binary filter=evil\n'

/** Returns a configuration with all settings that make git run a command. */
function evilConfig(command: string): string {
  const sections = [
    `[core]\n\trepositoryformatversion = 0\n\tfsmonitor = ${command}\n\thooksPath = hooks\n\tpager = ${command}\n\teditor = ${command}\n\tsshCommand = ${command}`,
    `[filter "evil"]\n\tclean = ${command}\n\tsmudge = ${command}\n\tprocess = ${command}\n\trequired = true`,
    `[diff]\n\texternal = ${command}`,
    `[diff "evil"]\n\tcommand = ${command}\n\ttextconv = ${command}`,
    `[merge "evil"]\n\tdriver = ${command}`,
    `[commit]\n\tgpgSign = true`,
    `[gpg]\n\tprogram = ${command}`,
    `[credential]\n\thelper = !${command}`,
    `[remote "origin"]\n\turl = ext::${command}\n\tuploadpack = ${command}\n\treceivepack = ${command}`,
    `[include]\n\tpath = ../more`,
    `[alias]\n\tstatus = !${command}`,
  ]
  return `${sections.join('\n')}\n`
}

/** Creates a repository whose settings and hooks run the command. `committed` tells whether it has a commit. */
function evilRepo(path: string, command: string, committed: boolean): void {
  mkdirSync(path, { recursive: true })
  gitAs(path, 'init', '--quiet')
  writeFileSync(join(path, 'inner.txt'), 'inner\n')
  if (committed) {
    gitAs(path, 'add', '-A')
    gitAs(path, 'commit', '--quiet', '-m', 'inner')
  }
  arm(join(path, '.git'), command)
}

function arm(git_dir: string, command: string): void {
  writeFileSync(join(git_dir, 'config'), evilConfig(command))
  mkdirSync(join(git_dir, 'hooks'), { recursive: true })
  for (const hook of [
    'pre-commit',
    'post-commit',
    'commit-msg',
    'pre-push',
    'post-checkout',
    'post-index-change',
    'reference-transaction',
    'fsmonitor-watchman',
    'pre-auto-gc',
  ])
    writeFileSync(join(git_dir, 'hooks', hook), `#!/bin/sh\n${command}\n`, { mode: 0o755 })
}

async function hostileWorkspace(t: TestContext) {
  const rig = await openRig(t, { 'a.txt': 'one\ntwo\n', 'lib/b.txt': 'b\n', 'tracked/c.txt': 'c\n' })
  const pwned = join(rig.root, 'pwned')
  const command = `sh -c 'echo x >>${pwned}'`
  const made = await rig.workspace()
  const ran = () => existsSync(pwned)
  return { ...rig, made, command, pwned, ran }
}

/** Does everything that a sprint does with a workspace. */
async function publish({ git, made }: Pick<Awaited<ReturnType<typeof hostileWorkspace>>, 'git' | 'made'>): Promise<string> {
  await stageChanges(git, made)
  assert.equal(await isPushed(git, made), false)
  await checkMerge(git, made, await commitAll(git, made, { message: 'work', committing }))
  const tip = await push(git, made)
  await isPushed(git, made)
  return tip
}

function filesOf(bare: string, tip: string): string[] {
  const lines = gitAs(bare, 'ls-tree', '-r', '-z', tip).split('\0').filter(Boolean)
  return lines.map((line) => `${line.slice(0, 6)} ${line.slice(line.indexOf('\t') + 1)}`)
}

test('nested .git: git never runs in it', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, command, ran, pwned, bare } = hostile
  unlinkSync(join(made.path, '.git'))
  evilRepo(made.path, command, true)
  writeFileSync(join(made.path, '.gitattributes'), attributes)
  spawnSync('git', ['status'], { cwd: made.path, env: plainGit })
  assert.ok(ran(), 'the trap works: a plain git in the folder runs the command')
  rmSync(pwned)
  for (const name of ['HEAD.lock', 'index.lock', 'packed-refs']) writeFileSync(join(made.path, '.git', name), 'what')
  const tip = await publish(hostile)
  assert.equal(ran(), false)
  assert.deepEqual(filesOf(bare, tip), [
    '100644 .gitattributes',
    '100644 a.txt',
    '100644 inner.txt',
    '100644 lib/b.txt',
    '100644 tracked/c.txt',
  ])
})

test('links: git follows neither a .git file nor symbolic links', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, command, root, ran, bare } = hostile
  evilRepo(join(root, 'elsewhere'), command, true)
  writeFileSync(join(made.path, '.git'), `gitdir: ${join(root, 'elsewhere/.git')}\n`)
  writeFileSync(join(root, 'outside'), attributes)
  symlinkSync(join(root, 'outside'), join(made.path, '.gitattributes'))
  symlinkSync(join(root, 'outside'), join(made.path, '.gitmodules'))
  symlinkSync('/etc/passwd', join(made.path, 'index'))
  rmSync(join(made.path, 'lib'), { recursive: true })
  symlinkSync(root, join(made.path, 'lib'))
  const tip = await publish(hostile)
  assert.equal(ran(), false)
  assert.deepEqual(filesOf(bare, tip), ['120000 .gitattributes', '100644 a.txt', '120000 index', '120000 lib', '100644 tracked/c.txt'])
})

test('nested repositories: are left out and reported, and never run', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, command, ran, bare, git } = hostile
  evilRepo(join(made.path, 'with commits'), command, true)
  evilRepo(join(made.path, 'deep/without'), command, false)
  evilRepo(join(made.path, 'tracked'), command, true)
  unlinkSync(join(made.path, 'a.txt'))
  evilRepo(join(made.path, 'a.txt'), command, true)
  mkdirSync(join(made.path, 'only-looks-so/.git'), { recursive: true })
  writeFileSync(join(made.path, 'only-looks-so/.git/config'), evilConfig(command))
  writeFileSync(join(made.path, 'only-looks-so/x.txt'), 'x\n')
  const { left_out, files } = await stageChanges(git, made)
  assert.deepEqual(left_out.toSorted(), ['a.txt', 'deep/without', 'with commits'])
  assert.deepEqual(files.map(({ path }) => path).toSorted(), ['a.txt', 'only-looks-so/x.txt', 'tracked/inner.txt'])
  const tip = await publish(hostile)
  assert.equal(ran(), false)
  assert.deepEqual(filesOf(bare, tip), [
    '100644 lib/b.txt',
    '100644 only-looks-so/x.txt',
    '100644 tracked/c.txt',
    '100644 tracked/inner.txt',
  ])
  assert.equal(await isPushed(git, made), false, 'the left-out files are not pushed')
})

test("mirror: an agent's configuration and hooks have no effect", async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, command, ran, bare } = hostile
  writeFileSync(join(made.path, '.gitattributes'), attributes)
  arm(made.mirror.path, command)
  const tip = await publish(hostile)
  assert.equal(ran(), false)
  assert.ok(filesOf(bare, tip).includes('100644 .gitattributes'))
})

test('submodule: git does not run in it', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { bare, git, made: first, command, ran, workspace } = hostile
  const link = `commit refs/heads/main\ncommitter ada <ada@example.com> now\ndata 0\nfrom refs/heads/main^0\nM 160000 ${first.base_commit} sub\ndone\n`
  const imported = spawnSync('git', ['--git-dir', bare, 'fast-import', '--quiet', '--done', '--date-format=now'], {
    env: plainGit,
    input: link,
  })
  assert.equal(imported.status, 0)
  const made = await workspace(2)
  const sub = join(made.path, 'sub')
  gitAs(made.path, 'clone', '--quiet', '--no-checkout', bare, 'sub')
  gitAs(sub, 'checkout', '--quiet', first.base_commit)
  arm(join(sub, '.git'), command)
  // The submodule is at the recorded commit. To check whether it is clean, git would have to run in it.
  assert.deepEqual(await stageChanges(git, made), { files: [], left_out: [], empty: true })
  writeFileSync(join(made.path, 'new.txt'), 'x\n')
  const tip = await publish({ git, made })
  assert.equal(ran(), false)
  assert.ok(filesOf(bare, tip).includes('160000 sub'))
  assert.equal(gitAs(bare, 'rev-parse', `${tip}:sub`), first.base_commit)
})

test('names: options, patterns and commands are taken as file names', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, ran, bare } = hostile
  const names = [
    '-rf',
    '--force',
    '--upload-pack=sh',
    'new\nline',
    'tab\there',
    ' ',
    ':(exclude)*',
    '*',
    '$(touch pwned)',
    '"',
    "'",
    '\\',
    'a b/-x',
    'HEAD',
    'ü',
  ]
  for (const name of names) {
    mkdirSync(join(made.path, name, '..'), { recursive: true })
    writeFileSync(join(made.path, name), `${name}\n`)
  }
  spawnSync('mkfifo', [join(made.path, 'pipe')])
  const refused = ['.git ', 'GIT~1', '.gitmodules']
  for (const name of refused) symlinkSync('x', join(made.path, name))
  assert.deepEqual((await stageChanges(hostile.git, made)).left_out.toSorted(), refused.toSorted())
  const tip = await publish(hostile)
  assert.equal(ran(), false)
  const found = filesOf(bare, tip).map((line) => line.slice(7))
  assert.deepEqual(found.toSorted(), [...names, 'a.txt', 'lib/b.txt', 'tracked/c.txt'].toSorted())
  assert.equal(branchIn(bare, 'HEAD'), null)
})

test('PATH: programs in the workspace are not run', async (t) => {
  const hostile = await hostileWorkspace(t)
  const { made, git, pwned, ran } = hostile
  for (const name of ['git', 'git-remote-http', 'sh', 'ssh'])
    writeFileSync(join(made.path, name), `#!/bin/sh\necho x >>${pwned}\n`, { mode: 0o755 })
  const relative = { ...git, env: { ...git.env, PATH: `.::${git.env['PATH']}` } }
  await publish({ made, git: relative })
  assert.equal(ran(), false)
})

test("commits: the agent's own commits, branches and index hide no work", async (t) => {
  const { bare, git, made } = await hostileWorkspace(t)
  const inside = (...args: string[]) => gitAs(made.path, ...args)
  writeFileSync(join(made.path, 'mine.txt'), 'mine\n')
  inside('add', '-A')
  inside('commit', '--quiet', '-m', 'by the agent')
  const theirs = inside('rev-parse', 'HEAD')
  assert.equal((await stageChanges(git, made)).files.length, 1)
  assert.equal(await commitAll(git, made, { message: 'no further changes', committing }), theirs)
  inside('checkout', '--quiet', '--detach')
  writeFileSync(join(made.path, 'more.txt'), 'more\n')
  inside('add', 'more.txt')
  inside('update-index', '--assume-unchanged', 'a.txt')
  writeFileSync(join(made.path, 'a.txt'), 'hidden\n')
  const tip = await commitAll(git, made, { message: 'the rest', committing })
  assert.equal(gitAs(bare, '--git-dir', made.mirror.path, 'rev-parse', `${tip}^`), theirs)
  assert.equal(await push(git, made), tip)
  assert.deepEqual(filesOf(bare, tip).length, 5)
  assert.equal(gitAs(bare, 'show', `${tip}:a.txt`), 'hidden')
  inside('checkout', '--quiet', '--orphan', 'other')
  inside('commit', '--quiet', '--allow-empty', '-m', 'rootless')
  inside('update-ref', `refs/heads/${made.branch}`, 'HEAD')
  const again = await commitAll(git, made, { message: 'on the base commit', committing })
  assert.equal(gitAs(bare, '--git-dir', made.mirror.path, 'rev-parse', `${again}^`), made.base_commit)
})

test('removeWorkspace: removes unreadable folders and follows no links', async (t) => {
  const { root, git, made } = await hostileWorkspace(t)
  mkdirSync(join(made.path, 'closed/inner'), { recursive: true })
  writeFileSync(join(made.path, 'closed/inner/x'), 'x\n')
  mkdirSync(join(root, 'precious'))
  writeFileSync(join(root, 'precious/x'), 'x\n')
  symlinkSync(join(root, 'precious'), join(made.path, 'link'))
  chmodSync(join(made.path, 'closed'), 0o000)
  await removeWorkspace(git, made, { force: true })
  assert.equal(lstatSync(made.path, { throwIfNoEntry: false }), undefined)
  assert.equal(readFileSync(join(root, 'precious/x'), 'utf8'), 'x\n')
})

test('gitEnv: passes only the variables that git needs', () => {
  const env = gitEnv({
    PATH: '/bin:rel:.::/usr/bin',
    HOME: '/h',
    BURN_TOKEN: 's',
    GIT_DIR: '/x',
    GIT_CONFIG_COUNT: '1',
    GIT_EXTERNAL_DIFF: 'x',
    GIT_TRACE_CURL: '1',
    LD_PRELOAD: 'x',
    EDITOR: 'x',
    SSH_ASKPASS: 'x',
    https_proxy: 'p',
  })
  for (const name of [
    'BURN_TOKEN',
    'GIT_DIR',
    'GIT_CONFIG_COUNT',
    'GIT_EXTERNAL_DIFF',
    'GIT_TRACE_CURL',
    'LD_PRELOAD',
    'EDITOR',
    'SSH_ASKPASS',
  ])
    assert.equal(env[name], undefined, name)
  assert.deepEqual([env['PATH'], env['HOME'], env['https_proxy'], env['GIT_TERMINAL_PROMPT']], ['/bin:/usr/bin', '/h', 'p', '0'])
  const argv = gitArgv(['status'], { git_dir: '/m', work_tree: '/w' }, true)
  assert.ok(argv.indexOf('credential.helper=') < argv.findIndex((word) => word.startsWith('credential.helper=!')))
  assert.deepEqual(argv.slice(-3), ['--git-dir=/m', '--work-tree=/w', 'status'])
})
