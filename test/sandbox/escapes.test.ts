/** Attempts to escape from the sandbox, with real bubblewrap. Each must fail, and report it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { accessSync, chmodSync, constants, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { opened, putFile, secret, skipReason, type OpenedSandbox } from './opened.ts'

const unwritableNote = 'only the workspace (except .git), HOME and /tmp are writable'

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Opens a sandbox with a worktree of a bare mirror, like the workspace of a sprint. */
function openedWorktree(t: TestContext): Promise<OpenedSandbox> {
  const make = ({ dir, base }: { dir: string; base: string }) => {
    const git = (...words: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...words], { cwd: base, stdio: 'pipe' })
    putFile(join(base, 'seed/file'), 'one\n')
    git('init', '-q', '-b', 'main', 'seed')
    git('-C', 'seed', 'add', '.')
    git('-C', 'seed', 'commit', '-qm', 'first')
    git('clone', '-q', '--bare', 'seed', 'mirror.git')
    git('-C', 'mirror.git', 'worktree', 'add', '-q', '-b', 'work', dir)
  }
  return opened(t, { make, read_only: ['mirror.git'] })
}

test('sandbox: opens, and describes its limits', { skip: skipReason }, async (t) => {
  const { sandbox, run } = await opened(t)
  assert.equal(sandbox.confined, true)
  assert.match(sandbox.summary, /^in bubblewrap; processes: /)
  t.diagnostic(sandbox.summary)
  assert.deepEqual(await run('pwd; echo out; echo err >&2; exit 3'), {
    code: 3,
    signal: null,
    output: `${sandbox.dir}\nout\nerr\n`,
    stopped: null,
    notes: [],
  })
})

test('writes: the workspace, HOME and /tmp keep their files', { skip: skipReason }, async (t) => {
  const { run, dir, base } = await opened(t, { root: '/var/tmp', path: '/usr/local/bin:/usr/bin:/bin' })
  const { output, notes } = await run('echo a >a; echo b >~/b; echo c >/tmp/c; echo d >$TMPDIR/d; echo e >/dev/shm/e; echo $HOME')
  assert.equal(output, `${base}/own/home\n`)
  assert.deepEqual(notes, [])
  assert.equal((await run('cat a ~/b /tmp/c /tmp/d /dev/shm/e')).output, 'a\nb\nc\nd\ne\n')
  assert.equal(readFileSync(join(dir, 'a'), 'utf8'), 'a\n')
})

test('mounts: no link of a command redirects them', { skip: skipReason }, async (t) => {
  const { run, dir, base } = await opened(t, { root: '/tmp' })
  const name = base.slice('/tmp/'.length)
  await run(`mkdir -p /tmp/evil/workspace/.git; mv /tmp/${name} /tmp/moved; ln -s /tmp/evil /tmp/${name}`)
  assert.equal((await run('echo x >.git/config')).code, 1)
  assert.equal((await run('echo x >here')).code, 0)
  assert.equal(readFileSync(join(dir, 'here'), 'utf8'), 'x\n')
})

test('writes: fail everywhere else', { skip: skipReason }, async (t) => {
  const { run, base, home } = await opened(t)
  const { notes } = await run('echo x >/etc/burn-escaped')
  assert.deepEqual(notes, [unwritableNote])
  const paths = ['/etc/ld.so.preload', '/usr/burn-escaped', '/burn-escaped', '/opt/burn-escaped', `${home}/.cargo/bin/tool`]
  for (const path of paths) assert.notEqual((await run(`echo x >${path}`)).code, 0, path)
  // Folders below /tmp do not exist in the sandbox: the command writes these to its own /tmp.
  const missingPaths = [`${home}/.bashrc`, `${base}/sibling/file`, `${base}/own/file`]
  for (const path of missingPaths) await run(`mkdir -p ${dirname(path)}; echo x >${path}`)
  for (const path of [...paths, ...missingPaths]) assert.ok(!existsSync(path) || !/^x$/m.test(readFileSync(path, 'utf8')), path)
})

test('secrets: of the home, a sibling and the system are unreadable', { skip: skipReason }, async (t) => {
  const { run, base, home } = await opened(t, {
    env: { API_TOKEN: secret, LD_PRELOAD: '/nowhere/evil.so', BASH_ENV: '/nowhere/evil.sh', XDG_RUNTIME_DIR: '/run/user/0' },
  })
  for (const path of [
    `${home}/.ssh/id_ed25519`,
    `${home}/.hermes/auth.json`,
    `${home}/.cargo/credentials.toml`,
    `${base}/sibling/file`,
    '/etc/shadow',
  ]) {
    const { code, output } = await run(`cat ${path}`)
    assert.ok(code !== 0 && !output.includes(secret), `${path}: ${output}`)
  }
  assert.equal(
    (
      await run(
        `grep -rIs --exclude-dir=proc --exclude-dir=usr --exclude-dir=sys -e ${secret.slice(0, 6)}'[-]'${secret.slice(5)} -e ${secret} /tmp /run /var /home /root ${base}; true`,
      )
    ).output,
    '',
  )
  const { output } = await run("env; cat /proc/*/environ | tr '\\0' '\\n'")
  assert.doesNotMatch(output, new RegExp(`${secret}|LD_PRELOAD|BASH_ENV|API_TOKEN|XDG_RUNTIME_DIR`))
})

/** Creates a folder in /opt that is removed after the test. */
function folderInOpt(t: TestContext): string {
  const dir = mkdtempSync('/opt/burn-test-')
  t.after(() => rmSync(dir, { recursive: true }))
  chmodSync(dir, 0o755)
  return dir
}

const skipWithoutOpt = isWritable('/opt') ? skipReason : 'this user cannot write to /opt'

test('secrets: private files in /opt are unreadable, also for root', { skip: skipWithoutOpt }, async (t) => {
  const [packageDir, linkedDir, otherDir] = [folderInOpt(t), folderInOpt(t), folderInOpt(t)]
  for (const dir of [packageDir, linkedDir]) {
    putFile(`${dir}/bin/tool`, `#!/bin/sh\ncat ${dir}/share/text\n`, 0o755)
    putFile(`${dir}/share/text`, 'a text\n')
    putFile(`${dir}/.env`, secret, 0o600)
    putFile(`${dir}/bin/key`, secret, 0o640)
    mkdirSync(`${dir}/data`, 0o700)
    putFile(`${dir}/data/file`, secret)
  }
  const linksDir = folderInOpt(t)
  symlinkSync(`${linkedDir}/bin/tool`, join(linksDir, 'linked'))
  await listening(t, () => {}, `${packageDir}/server`)
  chmodSync(`${packageDir}/server`, 0o777)
  putFile(`${otherDir}/file`, secret)
  const { run } = await opened(t, {
    path: `${packageDir}/bin:${linksDir}:/usr/bin:/bin`,
  })
  assert.equal((await run('tool && linked')).output, 'a text\na text\n')
  const { output } = await run(`grep -rs ${secret} ${packageDir} ${linkedDir} ${otherDir}; ls ${packageDir}/data ${otherDir}`)
  assert.doesNotMatch(output, new RegExp(secret))
  assert.match(output, /No such file or directory/)
  const connect = `perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new("${packageDir}/server") ? "connected" : "refused"'`
  assert.equal((await run(connect)).output, 'refused')
  rmSync(`${packageDir}/.env`)
  assert.equal((await run('tool')).output, 'a text\n', 'a hidden file that was deleted stops no command')
})

test('programs: those of a home on the PATH can run', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  assert.equal((await run('tool && node -p 1+1')).output, 'a tool\n2\n')
})

test('processes: those outside are invisible and safe', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  assert.equal((await run(`cat /proc/${process.pid}/environ`)).code, 1)
  assert.equal((await run("cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep 'escapes.tes[t]'; true")).output, '')
  assert.notEqual((await run('kill -9 -1')).code, 0)
  assert.equal((await run('echo still here')).output, 'still here\n')
})

test('network: is off, also for abstract sockets, unless allowed', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const connections: string[] = []
  const port = (await listening(t, () => connections.push('tcp'), 0)).address() as { port: number }
  const abstract = `burn-sandbox-${process.pid}`
  await listening(t, () => connections.push('abstract'), `\0${abstract}`)
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${port.port}`
  const off = await run(connect)
  assert.notEqual(off.code, 0)
  assert.deepEqual(off.notes, ['the network is off: a command can reach only servers that it started itself'])
  const node = (to: string) => `node -e 'require("net").connect(${to}).on("connect",()=>process.exit(0)).on("error",()=>process.exit(9))'`
  assert.equal((await run(node(`"\\0${abstract}"`))).code, 9)
  assert.deepEqual(connections, [])
  assert.equal((await run(connect, { network: true })).code, 0)
  assert.equal((await run(node(`"\\0${abstract}"`), { network: true })).code, 0)
})

async function listening(t: TestContext, onConnection: () => void, address: number | string): Promise<Server> {
  const server = createServer((socket) => {
    onConnection()
    socket.on('error', () => socket.destroy())
    socket.end()
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) =>
    server.listen(typeof address === 'number' ? { port: address, host: '127.0.0.1' } : { path: address }, resolve),
  )
  return server
}

test('git: a worktree can be read, but not changed', { skip: skipReason }, async (t) => {
  const { run, dir, base } = await openedWorktree(t)
  putFile(join(dir, 'file'), 'two\n')
  const status = await run('git status --short && git log --oneline | wc -l && git diff --stat')
  assert.match(status.output, /^ M file\n1\n file \| 2/)
  const config = readFileSync(join(base, 'mirror.git/config'), 'utf8')
  const attempts = [
    'git config core.hooksPath /tmp/hooks',
    `echo evil >${base}/mirror.git/hooks/pre-commit`,
    `echo evil >${base}/mirror.git/worktrees/workspace/config.worktree`,
    'git -c user.name=a -c user.email=a@b.c commit -aqm x',
    'echo gitdir: /tmp/evil >.git',
    'rm -f .git',
    'mv .git elsewhere',
    'mkdir evil && mv -T evil .git',
    'ln -sfn /tmp/evil .git',
    'git init -q .',
    'git worktree add -q /tmp/other',
  ]
  for (const command of attempts) {
    const { code, output } = await run(command)
    assert.notEqual(code, 0, command)
    assert.match(output, /Read-only|busy|cannot overwrite|File exists|not permitted|Invalid/i, command)
  }
  assert.equal(readFileSync(join(base, 'mirror.git/config'), 'utf8'), config)
  assert.equal(existsSync(join(base, 'mirror.git/hooks/pre-commit')), false)
  assert.match(readFileSync(join(dir, '.git'), 'utf8'), /^gitdir: .*mirror\.git\/worktrees\/workspace\n$/)
})

test('git: a folder .git gets no hooks', { skip: skipReason }, async (t) => {
  const { run, dir } = await opened(t)
  const { code, notes } = await run('mkdir -p .git/hooks && echo evil >.git/hooks/pre-commit')
  assert.equal(code, 1)
  assert.deepEqual(notes, [unwritableNote])
  assert.equal(existsSync(join(dir, '.git/hooks')), false)
  assert.equal((await run('mkdir .git/hooks', { writable_git: true })).code, 0)
})
