/** Attempts of commands to use the kernel against the sandbox: settings, system calls, rights and terminals. Each must fail. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { opened, skipReason } from './opened.ts'

test('kernel: no setting is writable', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const { output } = await run(
    'for f in /proc/sys/kernel/* /proc/sysrq-trigger /sys/devices/system/cpu/*; do test -w "$f" && echo "$f"; done; true',
  )
  assert.equal(output, '')
})

/** System calls with their numbers on x64 and arm64, their arguments, and the errors EPERM (1) and ENOSYS (38) that commands must get. */
const refusedCalls = [
  ['io_uring_setup', [425, 425], '1, 0', 38],
  ['io_uring_enter', [426, 426], '-1, 0', 38],
  ['io_uring_register', [427, 427], '-1, 0', 38],
  ['add_key', [248, 217], '$type, $name, $name, 4, -3', 1],
  ['request_key', [249, 218], '$type, $name, 0, 0', 1],
  ['keyctl', [250, 219], '0, -3, 0', 1],
  ['unshare(CLONE_NEWUSER)', [272, 97], '0x10000000', 1],
  ['clone(CLONE_NEWUSER)', [56, 220], '0x10000011, 0, 0, 0, 0', 1],
  ['clone3', [435, 435], '0, 0', 38],
  ['setns', [308, 268], '-1, 0', 1],
  ['bpf', [321, 280], '0, 0, 0', 1],
  ['perf_event_open', [298, 241], '0, 0, -1, -1, 0', 1],
  ['userfaultfd', [323, 282], '0', 1],
  ['ioctl(TIOCSTI)', [16, 29], '0, 0x5412, 0', 1],
  ['ioctl(TIOCSTI) with high bits', [16, 29], '0, 0x100005412, 0', 1],
  ['ioctl(TIOCLINUX)', [16, 29], '0, 0x541c, 0', 1],
] as const

test('kernel: refuses system calls that builds do not need', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const column = process.arch === 'arm64' ? 1 : 0
  const calls = refusedCalls.map(
    ([name, numbers, args]) =>
      `$! = 0; $r = syscall(${numbers[column]}, ${args}); if ($r == 0 && "${name}" =~ /^clone/) { exit } print "${name}: ", $r < 0 ? $! + 0 : "done", "\n";`,
  )
  const { output } = await run(`perl -e '$| = 1; ($type, $name) = ("user", "burn"); ${calls.join(' ')}'`)
  assert.deepEqual(
    output.trim().split('\n'),
    refusedCalls.map(([name, , , errno]) => `${name}: ${errno}`),
  )
})

test('kernel: allows namespaces that need no user namespace, threads and ioctl', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const threads = 'new (require("worker_threads").Worker)("process.exit(3)", { eval: true }).on("exit", process.exit)'
  assert.equal((await run(`node -e '${threads}'`)).code, 3)
  assert.equal(
    (await run("perl -e 'syscall($ARGV[0], 0) and die $!' $([ $(uname -m) = aarch64 ] && echo 97 || echo 272); tty")).output,
    'not a tty\n',
  )
})

/** A program that opens a sandbox, and prints the keys and open files of a command inside and outside bubblewrap. */
const heir = `
  const [root, dir, own_dir, keyctl] = process.argv.slice(1)
  const { openSandbox } = await import(root + '/src/sandbox/open.ts')
  const { policy } = await import(root + '/test/sandbox/opened.ts')
  const { sandboxFacts: facts } = await import(root + '/test/support/sandbox-facts.ts')
  const { separationOf } = await import(root + '/src/sandbox/separation.ts')
  const { runProcess } = await import(root + '/src/host/exec.ts')
  const sandbox = await openSandbox(policy, { dir, read_only: [], own_dir, env: process.env, home: '/nowhere', facts })
  const stop = new AbortController().signal
  const inside = await sandbox.run('cat /proc/keys /proc/key-users; ls -l /proc/self/fd', { stop })
  const search = '($u, $n) = ("user", "burn-planted"); print syscall(' + keyctl + ', 10, -3, $u, $n, 0) > 0 ? "found" : "none"'
  const outside = async (prefix) => (await runProcess([...prefix, 'perl', '-e', search], { timeout_ms: 9000 })).stdout
  const { argv } = await separationOf({ PATH: process.env.PATH })
  console.log(JSON.stringify({ inside: inside.output, keys: [await outside([]), await outside(argv)] }))
`

test('rights: no command inherits keys or open files', { skip: skipReason }, async (t) => {
  const { base, dir } = await opened(t)
  const [keyctl, addKey] = process.arch === 'arm64' ? [219, 217] : [250, 248]
  const plant = `($u, $n) = ("user", "burn-planted"); syscall(${keyctl}, 1, 0) > 0 && syscall(${addKey}, $u, $n, $n, 12, -3) > 0 or die $!; exec @ARGV`
  const leaked = openSync(`${base}/sibling`, 'r')
  t.after(() => closeSync(leaked))
  const words = [process.execPath, '--input-type=module', '-e', heir, process.cwd(), dir, `${base}/own2`, String(keyctl)]
  const printed = execFileSync('perl', ['-e', plant, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', 'ignore', 'ignore', 'ignore', leaked],
  })
  const { inside, keys } = JSON.parse(printed) as { inside: string; keys: string[] }
  assert.doesNotMatch(inside, /sibling|keyring/)
  assert.deepEqual(keys, ['found', 'none'])
})

test('rights: no command gets more', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const status = (await run('cat /proc/self/status')).output
  assert.match(status, /^NoNewPrivs:\t1$/m)
  assert.match(status, /^CapEff:\t0+$/m)
  assert.match(status, /^CapBnd:\t0+$/m)
  const attempts = [
    'mount -t tmpfs none /etc',
    'umount /etc/shadow',
    'mknod disk b 8 0',
    'unshare -Urm sh -c "umount -l /etc/shadow && cat /etc/shadow"',
    'unshare -Urm sh -c "mount -o remount,rw /etc"',
    'nsenter -t 1 -m true',
    'chroot / true',
  ]
  for (const command of attempts) assert.notEqual((await run(command)).code, 0, command)
  assert.match((await run('grep -c nosuid /proc/mounts; grep -vc nosuid /proc/mounts')).output, /^\d+\n0\n$/)
})

test('terminal: no command can type into one', { skip: skipReason }, async (t) => {
  const { run } = await opened(t)
  const { output } = await run(
    `perl -e 'for my $t ("/dev/tty", "/proc/self/fd/0") { if (open(T, "+<", $t) && ioctl(T, 0x5412, my $c = "x")) { print "typed into $t\\n" } else { print "no: $!\\n" } }'`,
  )
  assert.doesNotMatch(output, /typed/)
})
