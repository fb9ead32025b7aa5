/** What a sandbox finds on a machine, and what it says where there is less than it wants. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { BurnError } from '../../src/core/errors.ts'
import { cgroupPlaces, placesIn } from '../../src/sandbox/cgroup.ts'
import { innerWords, scopeWords } from '../../src/sandbox/limits.ts'
import { notesOf } from '../../src/sandbox/notes.ts'
import { toolchainsOf } from '../../src/sandbox/toolchains.ts'
import { brittle, opened, policy, put, runs, secret, without, type Wanted } from './opened.ts'

/** A PATH with no bubblewrap in it. */
const tools = ['sh', 'bash', 'env', 'cat', 'sleep', 'setsid', 'git', 'grep', 'mkdir', 'touch', 'true', 'wc']
const bare = (more: Partial<Wanted> = {}): Wanted => ({
  ...more,
  make: (places) => {
    mkdirSync(join(places.base, 'tools'))
    for (const name of tools) {
      const found = (process.env['PATH'] ?? '')
        .split(':')
        .map((entry) => join(entry, name))
        .find((path) => existsSync(path))
      if (found !== undefined) symlinkSync(found, join(places.base, 'tools', name))
    }
    more.make?.(places)
  },
  env: { API_TOKEN: secret },
  first: 'tools',
  alone: true,
})

const off = { policy: { use: 'off' } } as const

test('switched off: commands run unconfined, and each result says so', async (t) => {
  const { sandbox, run, base } = await opened(t, bare(off))
  assert.equal(sandbox.confined, false)
  assert.match(sandbox.why, /^without bubblewrap: it is switched off; processes: /)
  const { code, output, notes } = await run('pwd; echo $HOME; env')
  assert.equal(code, 0)
  assert.ok(output.startsWith(`${sandbox.dir}\n${base}/own/home\n`), output)
  assert.doesNotMatch(output, new RegExp(secret))
  assert.deepEqual(notes, [
    'not confined: without bubblewrap: it is switched off',
    'the network is off by the rules, but nothing here cuts it',
  ])
})

test('without bubblewrap a command still takes what it started with it', async (t) => {
  const grouped = (await cgroupPlaces()).some(({ limits }) => limits.includes('processes'))
  const { run } = await opened(t, bare(off))
  const marker = `burn-bare-${process.pid}`
  const { output } = await run(
    `${grouped ? 'setsid' : ''} sh -c 'trap "" TERM HUP; sleep 1000; true' ${marker} >/dev/null 2>&1 & echo done`,
  )
  assert.equal(output, 'done\n')
  assert.equal(runs(marker), false)
})

test('bubblewrap that is not installed: no sandbox opens, and the hint says what to do', async (t) => {
  const missing = await opened(t, bare({ policy: { use: 'require' } })).catch((thrown: unknown) => thrown)
  assert.ok(missing instanceof BurnError)
  assert.deepEqual([missing.code, missing.exit], ['sandbox_missing', 2])
  assert.equal(missing.message, 'bubblewrap is not installed')
  assert.match(missing.hint, /apt-get install bubblewrap .*"use": "off"/)
})

const probes = {
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
}
for (const [what, { program, message, hint }] of Object.entries(probes))
  test(`${what}: no command runs unconfined, and the next sandbox tries again`, async (t) => {
    const broken = bare({
      policy: { use: 'require' },
      make: ({ base }) => put(join(base, 'tools/bwrap'), `#!/bin/sh\n${program}\n`, 0o755),
    })
    const thrown = await opened(t, broken).catch((error: unknown) => error)
    assert.ok(thrown instanceof BurnError && thrown.code === 'sandbox_failed', String(thrown))
    assert.match(thrown.message, message)
    assert.match(thrown.hint, hint)
    if (without === false) assert.equal((await opened(t, { policy: { use: 'require' } })).sandbox.confined, true)
  })

test('bubblewrap that takes too long is a failure of the machine', async (t) => {
  const slow = bare({
    policy: { use: 'require' },
    make: ({ base }) => put(join(base, 'tools/bwrap'), '#!/bin/sh\nexec sleep 1000\n', 0o755),
  })
  await assert.rejects(opened(t, { ...slow, probe_ms: 50 }), { code: 'sandbox_failed', message: /did not start a command within 0\.05 s/ })
})

test('switched off while bubblewrap works: commands run unconfined', { skip: without }, async (t) => {
  assert.match((await opened(t, off)).sandbox.why, /^without bubblewrap: it is switched off/)
})

/** Takes systemd's place: runs what it is given, in no group. */
const systemd = '#!/bin/sh\necho "$*" >>"${0%/*}/asked"\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'

function withSystemd({ dir, base }: { dir: string; base: string }): void {
  put(join(dir, '.git/config'), '[core]\n')
  put(join(base, 'bin/systemd-run'), systemd, 0o755)
}

test('a group of systemd is taken where there is one', { skip: without }, async (t) => {
  const { sandbox, run, base } = await opened(t, { first: 'bin', make: withSystemd })
  assert.equal(sandbox.why, 'in bubblewrap; processes and memory: limited by systemd')
  assert.equal((await run('echo ran; touch .git/x')).output.split('\n')[0], 'ran')
  const asked = readFileSync(join(base, 'bin/asked'), 'utf8').split('\n')
  assert.match(
    asked[1] ?? '',
    /--scope --quiet --collect -p TasksMax=68 -p MemoryMax=2147483648 -p MemorySwapMax=0 -- env -i \/\S+\/bwrap --die-with-parent/,
  )
  assert.deepEqual(scopeWords(policy, 1000).slice(0, 3), ['systemd-run', '--user', '--scope'])
})

test('a systemd that takes too long leaves no sandbox with weaker limits', async (t) => {
  const slow = bare({ ...off, make: ({ base }) => put(join(base, 'tools/systemd-run'), '#!/bin/sh\nexec sleep 1000\n', 0o755) })
  await assert.rejects(opened(t, { ...slow, probe_ms: 50 }), { code: 'sandbox_failed', message: /^systemd-run did not answer/ })
})

test('what a command left running ends with it, in no group that this program made', { skip: without }, async (t) => {
  for (const use of ['require', 'off'] as const) {
    const { run } = await opened(t, { first: 'bin', make: withSystemd, policy: { use } })
    const marker = `burn-left-${use}-${process.pid}`
    // Without walls, only what stays in the command's process group can be found again.
    const left = `${use === 'require' ? 'setsid' : ''} sh -c 'trap "" TERM HUP; sleep 1000; true' ${marker} >/dev/null 2>&1 &`
    assert.equal((await run(`${left.repeat(20)} echo done`)).output, 'done\n')
    // Killed without walls, they take a moment to go, and nobody waits for them.
    if (use === 'off') while (runs(marker)) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(runs(marker), false)
  }
})

test('a workspace must be one, and its walls must not stand in it', async (t) => {
  const gone = opened(t, { make: ({ dir }) => rmSync(dir, { recursive: true }) })
  await assert.rejects(gone, { code: 'sandbox_workspace' })
  const linked = opened(t, { make: ({ dir, base }) => symlinkSync(base, join(dir, '.git')) })
  await assert.rejects(linked, { code: 'sandbox_workspace' })
  await assert.rejects(opened(t, { read_only: ['workspace/below'] }), { code: 'sandbox_workspace' })
})

test('a command that can not be started is an error, and no result', { skip: without }, async (t) => {
  const broken = bare({ policy: { use: 'require' }, make: ({ base }) => put(join(base, 'tools/bwrap'), brittle, 0o755) })
  const { run, call, base, sandbox } = await opened(t, broken)
  assert.equal((await run('echo works')).output, 'works\n')
  put(join(base, 'tools/broken'), '')
  await assert.rejects(run('true'), { code: 'sandbox_failed' })
  assert.equal((sandbox.ended.reason as BurnError).code, 'sandbox_failed')
  assert.match((await call('run_command', { command: 'true' })).text, /^the command could not be started in its sandbox: /)
})

test('a workspace that is gone is no failure of the machine', { skip: without }, async (t) => {
  const { run, dir } = await opened(t)
  rmSync(dir, { recursive: true })
  await assert.rejects(run('true'), { code: 'sandbox_workspace' })
})

test('groups whose maker is gone are removed', async (t) => {
  const place = (await cgroupPlaces())[0]
  if (place === undefined) return t.skip('no control group can be made here')
  const orphan = join(place.dir, 'burn-4194305-left')
  mkdirSync(orphan)
  t.after(() => existsSync(orphan) && rmdirSync(orphan))
  await cgroupPlaces()
  assert.equal(existsSync(orphan), false)
})

test('groups are made at the top of what is seen, and in nobody else’s', () => {
  const mounts = [
    '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
    '41 31 0:38 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw',
  ].join('\n')
  assert.deepEqual(placesIn('8:pids:/\n4:memory:/manager/one\n9:name=systemd:/\n', mounts), [
    { dir: '/sys/fs/cgroup/pids', limits: ['processes'] },
  ])
  assert.deepEqual(placesIn('0::/user.slice/session-3.scope\n', mounts), [])
  assert.deepEqual(placesIn('0::/\n', mounts), [{ dir: '/sys/fs/cgroup/unified', limits: ['processes', 'memory'] }])
  assert.deepEqual(placesIn('', ''), [])
})

test('of a home only what the PATH needs is seen', () => {
  const home = '/home/dev'
  const see = (entries: readonly string[], never: readonly string[] = []) => toolchainsOf(entries, home, never)
  assert.deepEqual(see([`${home}/.cargo/bin`]), { see: [`${home}/.cargo/bin`, `${home}/.rustup`], env: { RUSTUP_HOME: `${home}/.rustup` } })
  assert.deepEqual(see([`${home}/.nvm/versions/node/v22/bin`]), { see: [`${home}/.nvm`], env: { NVM_DIR: `${home}/.nvm` } })
  const beside = ['bin', 'lib', 'lib64', 'libexec', 'include']
  assert.deepEqual(
    see([`${home}/tools/bin`]).see,
    beside.map((name) => `${home}/tools/${name}`),
  )
  assert.deepEqual(see([`${home}/bin`]).see, [`${home}/bin`])
  assert.deepEqual(see([home, '/home', '/', '/root', dirname(home)]).see, [])
  assert.deepEqual(see(['/srv/sprints/tools', '/srv'], ['/srv/sprints/own']).see, ['/srv/sprints/tools'])
})

test('the shell’s own limits are set where no group holds', () => {
  const script = (rlimits: { processes: boolean; memory: boolean }) => innerWords({ ...policy, file_bytes: 5000 }, rlimits, 'bash', 'x')[2]
  assert.doesNotMatch(script({ processes: false, memory: false }) ?? '', /ulimit -[dup]/)
  assert.match(
    script({ processes: true, memory: true }) ?? '',
    /ulimit -f 10 2>\/dev\/null\nulimit -d 2097152\nulimit -u 64 2>\/dev\/null \|\| ulimit -p 64/,
  )
})

test('what a group of systemd’s says is told', () => {
  const limits = { scope: ['systemd-run'], places: [], rlimits: { processes: false, memory: false }, why: '' }
  const ended = {
    policy,
    bubblewrap: {},
    why: '',
    over: null,
    limits,
    network: true,
    timeout: 1,
    hits: { processes: 0, memory: 0 },
    exceeded: false,
    code: 137,
    stopped: null,
    output: '',
  }
  assert.deepEqual(notesOf(ended), ['killed by the system; it may have wanted more than 2048 MiB of memory'])
  assert.deepEqual(notesOf({ ...ended, hits: { processes: 0, memory: 1 } }), ['killed: more than 2048 MiB of memory'])
})
