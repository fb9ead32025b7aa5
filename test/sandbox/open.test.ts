/** Opening a sandbox: the tools and limits that a machine has, and the errors if something is missing. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { Cgroup, cgroupParentsIn, findCgroupParents } from '../../src/sandbox/cgroup.ts'
import { innerArgv, scopeArgv } from '../../src/sandbox/limits.ts'
import { notesOf } from '../../src/sandbox/notes.ts'
import { toolchainsOf } from '../../src/sandbox/toolchains.ts'
import { failingBwrap, opened, policy, putFile, isRunning, secret, skipReason, type SetupOptions } from './opened.ts'

/** The programs of a PATH without bubblewrap. */
const tools = ['sh', 'bash', 'env', 'cat', 'find', 'sleep', 'setsid', 'git', 'grep', 'mkdir', 'touch', 'true', 'wc']
const withoutBubblewrap = (options: Partial<SetupOptions> = {}): SetupOptions => ({
  ...options,
  make: (paths) => {
    mkdirSync(join(paths.base, 'tools'))
    for (const name of tools) {
      const program = (process.env['PATH'] ?? '')
        .split(':')
        .map((entry) => join(entry, name))
        .find((path) => existsSync(path))
      if (program !== undefined) symlinkSync(program, join(paths.base, 'tools', name))
    }
    options.make?.(paths)
  },
  env: { API_TOKEN: secret },
  first_path: 'tools',
  no_other_path: true,
})

const switchedOff = { policy: { use: 'off' } } as const

test('off: commands run unconfined, and each result says so', async (t) => {
  const { sandbox, run, base } = await opened(t, withoutBubblewrap(switchedOff))
  assert.equal(sandbox.confined, false)
  assert.match(sandbox.summary, /^without bubblewrap \("off" in the spec\); processes: /)
  const { code, output, notes } = await run('pwd; echo $HOME; env')
  assert.equal(code, 0)
  assert.ok(output.startsWith(`${sandbox.dir}\n${base}/own/home\n`), output)
  assert.doesNotMatch(output, new RegExp(secret))
  assert.deepEqual(notes, [
    'not confined: without bubblewrap ("off" in the spec)',
    'the spec turns the network off, but commands can use the network, because bubblewrap is off',
  ])
})

test('off: the end of a command still kills its processes', async (t) => {
  const hasGroups = (await findCgroupParents()).some(({ limits }) => limits.includes('processes'))
  const { run } = await opened(t, withoutBubblewrap(switchedOff))
  const marker = `burn-bare-${process.pid}`
  const { output } = await run(
    `${hasGroups ? 'setsid' : ''} sh -c 'trap "" TERM HUP; sleep 1000; true' ${marker} >/dev/null 2>&1 & echo done`,
  )
  assert.equal(output, 'done\n')
  assert.equal(isRunning(marker), false)
})

test('require: without bubblewrap no sandbox opens, and a hint helps', async (t) => {
  const missing = await opened(t, withoutBubblewrap({ policy: { use: 'require' } })).catch((error: unknown) => error)
  assert.ok(missing instanceof BurnError)
  assert.deepEqual([missing.code, missing.exit], ['sandbox_missing', 2])
  assert.equal(missing.message, 'bubblewrap is not installed')
  assert.match(missing.hint, /apt-get install bubblewrap .*"use": "off"/)
})

const failingProbes = {
  'user namespaces are used up': {
    program: 'echo "bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)" >&2; exit 1',
    message: /bubblewrap does not work here: bwrap: Creating new namespace failed: .*ENOSPC/,
    hint: /user\.max_user_namespaces/,
  },
  'user namespaces are forbidden': {
    program: 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1',
    message: /bubblewrap does not work here: bwrap: setting up uid map: Permission denied/,
    hint: /sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/,
  },
  'the kernel refuses the seccomp filter': {
    program: 'echo "bwrap: prctl(PR_SET_SECCOMP): Invalid argument" >&2; exit 1',
    message: /bubblewrap does not work here: bwrap: prctl\(PR_SET_SECCOMP\): Invalid argument/,
    hint: /CONFIG_SECCOMP_FILTER/,
  },
}
for (const [what, { program, message, hint }] of Object.entries(failingProbes))
  test(`require: no command runs unconfined if ${what}`, async (t) => {
    const broken = withoutBubblewrap({
      policy: { use: 'require' },
      make: ({ base }) => putFile(join(base, 'tools/bwrap'), `#!/bin/sh\n${program}\n`, 0o755),
    })
    const error = await opened(t, broken).catch((error: unknown) => error)
    assert.ok(error instanceof BurnError && error.code === 'sandbox_failed', String(error))
    assert.match(error.message, message)
    assert.match(error.hint, hint)
    if (skipReason === false) assert.equal((await opened(t, { policy: { use: 'require' } })).sandbox.confined, true)
  })

test('require: reports a bubblewrap that takes too long', async (t) => {
  const slow = withoutBubblewrap({
    policy: { use: 'require' },
    make: ({ base }) => putFile(join(base, 'tools/bwrap'), '#!/bin/sh\nexec sleep 1000\n', 0o755),
  })
  await assert.rejects(opened(t, { ...slow, probe_ms: 50 }), { code: 'sandbox_failed', message: /did not start a command within 0\.05 s/ })
})

test('off: commands run unconfined even if bubblewrap works', { skip: skipReason }, async (t) => {
  assert.match((await opened(t, switchedOff)).sandbox.summary, /^without bubblewrap \("off" in the spec\)/)
})

/** A stand-in for systemd-run: logs its arguments and runs the command without a group. */
const systemdRun = '#!/bin/sh\necho "$*" >>"${0%/*}/asked"\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'

function withSystemd({ dir, base }: { dir: string; base: string }): void {
  putFile(join(dir, '.git/config'), '[core]\n')
  putFile(join(base, 'bin/systemd-run'), systemdRun, 0o755)
}

test('limits: systemd creates the group if it can', { skip: skipReason }, async (t) => {
  const { sandbox, run, base } = await opened(t, { first_path: 'bin', make: withSystemd })
  assert.equal(sandbox.summary, 'in bubblewrap; processes and memory: limited by systemd')
  assert.equal((await run('echo ran; touch .git/x')).output.split('\n')[0], 'ran')
  const calls = readFileSync(join(base, 'bin/asked'), 'utf8').split('\n')
  assert.match(
    calls[1] ?? '',
    /--scope --quiet --collect -p TasksMax=68 -p MemoryMax=2147483648 -p MemorySwapMax=0 -- env -i \/\S+\/bwrap --die-with-parent/,
  )
  assert.deepEqual(scopeArgv(policy, 1000).slice(0, 3), ['systemd-run', '--user', '--scope'])
})

test('limits: if systemd does not answer, no sandbox opens', async (t) => {
  const slow = withoutBubblewrap({
    ...switchedOff,
    make: ({ base }) => putFile(join(base, 'tools/systemd-run'), '#!/bin/sh\nexec sleep 1000\n', 0o755),
  })
  await assert.rejects(opened(t, { ...slow, probe_ms: 50 }), { code: 'sandbox_failed', message: /^systemd-run did not answer/ })
})

test('end: kills background processes without a group of burn', { skip: skipReason }, async (t) => {
  for (const use of ['require', 'off'] as const) {
    const { run } = await opened(t, { first_path: 'bin', make: withSystemd, policy: { use } })
    const marker = `burn-left-${use}-${process.pid}`
    // Without bubblewrap, burn finds only processes that stay in the command's process group.
    const background = `${use === 'require' ? 'setsid' : ''} sh -c 'trap "" TERM HUP; sleep 1000; true' ${marker} >/dev/null 2>&1 &`
    assert.equal((await run(`${background.repeat(20)} echo done`)).output, 'done\n')
    // Without bubblewrap, burn does not wait for the killed processes to exit.
    if (use === 'off') while (isRunning(marker)) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(isRunning(marker), false)
  }
})

test('workspace: must exist, and must not contain the read-only folders', async (t) => {
  const missing = opened(t, { make: ({ dir }) => rmSync(dir, { recursive: true }) })
  await assert.rejects(missing, { code: 'sandbox_workspace' })
  const withLink = opened(t, { make: ({ dir, base }) => symlinkSync(base, join(dir, '.git')) })
  await assert.rejects(withLink, { code: 'sandbox_workspace' })
  await assert.rejects(opened(t, { read_only: ['workspace/below'] }), { code: 'sandbox_workspace' })
})

test('run: throws if a command cannot start', { skip: skipReason }, async (t) => {
  const broken = withoutBubblewrap({
    policy: { use: 'require' },
    make: ({ base }) => putFile(join(base, 'tools/bwrap'), failingBwrap, 0o755),
  })
  const { run, call, base, sandbox } = await opened(t, broken)
  assert.equal((await run('echo works')).output, 'works\n')
  putFile(join(base, 'tools/broken'), '')
  await assert.rejects(run('true'), { code: 'sandbox_failed' })
  assert.equal((sandbox.ended.reason as BurnError).code, 'sandbox_failed')
  assert.match((await call('run_command', { command: 'true' })).text, /^burn could not start the command in its sandbox: /)
})

test('run: no command runs without the seccomp filter', { skip: skipReason }, async (t) => {
  const { run, base, dir } = await opened(t)
  rmSync(join(base, 'own/seccomp.bpf'))
  await assert.rejects(run('touch ran'), { code: 'sandbox_failed', message: /cannot open .*seccomp\.bpf/ })
  assert.equal(existsSync(join(dir, 'ran')), false)
})

test('run: a missing workspace has its own error code', { skip: skipReason }, async (t) => {
  const { run, dir } = await opened(t)
  rmSync(dir, { recursive: true })
  await assert.rejects(run('true'), { code: 'sandbox_workspace' })
})

test('cgroup: removes groups of gone processes of its PID namespace', async (t) => {
  const place = (await findCgroupParents())[0]
  if (place === undefined) return t.skip('no control group can be created here')
  const namespaces = [statSync('/proc/self/ns/pid').ino, 1]
  const groups = namespaces.map((namespace) => join(place.dir, `burn-${namespace}-4194305-left`))
  for (const group of groups) {
    mkdirSync(group)
    t.after(() => existsSync(group) && rmdirSync(group))
  }
  await findCgroupParents()
  assert.deepEqual(
    groups.map((group) => existsSync(group)),
    [false, true],
  )
})

test('cgroup: closes a group that another program removed', async (t) => {
  const parents = await findCgroupParents()
  if (parents.length === 0) return t.skip('no control group can be created here')
  const group = await Cgroup.create(parents, { processes: 9, memory: 1e9 })
  for (const dir of group.dirs) rmdirSync(dir)
  await group.close()
})

test('cgroup: creates groups only at the top of a hierarchy', () => {
  const mounts = [
    '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
    '41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw',
  ].join('\n')
  assert.deepEqual(cgroupParentsIn('8:pids:/\n4:memory:/manager/one\n9:name=systemd:/\n', mounts), [
    { dir: '/sys/fs/cgroup/pids', limits: ['processes'] },
  ])
  assert.deepEqual(cgroupParentsIn('0::/user.slice/session-3.scope\n', mounts), [])
  assert.deepEqual(cgroupParentsIn('0::/\n', mounts), [{ dir: '/sys/fs/cgroup/unified', limits: ['processes', 'memory'] }])
  assert.deepEqual(cgroupParentsIn('', ''), [])
})

test('toolchains: show only the folders that the PATH needs', () => {
  const home = '/home/dev'
  const readableFor = (entries: readonly string[], never: readonly string[] = []) => toolchainsOf(entries, home, never)
  assert.deepEqual(readableFor([`${home}/.cargo/bin`]), {
    readable: [`${home}/.cargo/bin`, `${home}/.rustup`],
    env: { RUSTUP_HOME: `${home}/.rustup` },
  })
  assert.deepEqual(readableFor([`${home}/.nvm/versions/node/v22/bin`]), { readable: [`${home}/.nvm`], env: { NVM_DIR: `${home}/.nvm` } })
  const folders = ['bin', 'lib', 'lib64', 'libexec', 'include']
  assert.deepEqual(
    readableFor([`${home}/tools/bin`]).readable,
    folders.map((name) => `${home}/tools/${name}`),
  )
  assert.deepEqual(readableFor([`${home}/bin`]).readable, [`${home}/bin`])
  assert.deepEqual(readableFor([home, '/home', '/', '/root', dirname(home)]).readable, [])
  assert.deepEqual(readableFor(['/srv/sprints/tools', '/srv'], ['/srv/sprints/own']).readable, ['/srv/sprints/tools'])
})

test('limits: the shell sets them if no group does', () => {
  const script = (rlimits: { processes: boolean; memory: boolean }) =>
    innerArgv({ ...policy, file_bytes: 5000 }, rlimits, ['bash', '-c', 'x'])[2]
  assert.doesNotMatch(script({ processes: false, memory: false }) ?? '', /ulimit -[dup]/)
  assert.match(
    script({ processes: true, memory: true }) ?? '',
    /ulimit -f 10 2>\/dev\/null\nulimit -d 2097152\nulimit -u 64 2>\/dev\/null \|\| ulimit -p 64/,
  )
})

test('notes: report the limits of a group of systemd', () => {
  const limits = {
    scope: ['systemd-run'],
    cgroup_parents: [],
    rlimits: { processes: false, memory: false },
    measured: { processes: false, memory: false },
    summary: '',
    gaps: [],
  }
  const ended = {
    policy,
    bubblewrap: {},
    summary: '',
    end_reason: null,
    limits,
    network: true,
    refused_hosts: [],
    timeout: 1,
    hits: { processes: 0, memory: 0 },
    exceeded: false,
    code: 137,
    stopped: null,
    output: '',
  }
  assert.deepEqual(notesOf(ended), ['killed by the system, probably because the command needed more than 2048 MiB of memory'])
  assert.deepEqual(notesOf({ ...ended, hits: { processes: 0, memory: 1 } }), ['killed: the command used more than 2048 MiB of memory'])
})
