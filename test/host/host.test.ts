/** Tests child processes, transports, quoting and secrets with real programs and a real sshd. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Transport } from '../../src/core/nouns.ts'
import { BurnError } from '../../src/core/errors.ts'
import { streamProcess, runProcess } from '../../src/host/exec.ts'
import { explainTransportFailure } from '../../src/host/transport-failure.ts'
import { shellWords } from '../../src/host/quote.ts'
import { readSecret } from '../../src/host/secrets.ts'
import { withProcessContext } from '../../src/host/process-context.ts'
import { argvOn } from '../../src/host/transport.ts'
import { scratch } from '../support/fleet.ts'
import { startSshd } from '../support/sshd.ts'

const limit = { timeout_ms: 10_000 }
const word = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.string({
      unit: fc.constantFrom("'", '"', '\\', '$', '`', '!', '*', '~', ';', '&', '|', '=', ' ', '\n', '\t', '-', '#', 'a', '€'),
      maxLength: 20,
    }),
  )
  .map((text) => text.replaceAll('\0', '').toWellFormed())
// A process for many words costs as much as a process for a few.
const words = fc.array(word, { minLength: 1, maxLength: 60 })
const echo = (texts: readonly string[]) => ['printf', '%s\\0', ...texts]
const echoed = (stdout: string) => stdout.split('\0').slice(0, -1)

test('shellWords: a POSIX shell reads the words back unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(words, async (texts) => {
      assert.deepEqual(echoed((await runProcess(['sh', '-c', shellWords(echo(texts))], limit)).stdout), texts)
    }),
    { numRuns: 8 },
  )
  assert.throws(() => shellWords(['a\0b']), { code: 'bad_argument' })
})

test('argvOn: words arrive unchanged over ssh and through a prefix', async (t) => {
  const prefix: Transport = { kind: 'exec', argv: ['env', 'A=b'] }
  await fc.assert(
    fc.asyncProperty(words, async (texts) => {
      assert.deepEqual(echoed((await runProcess(argvOn({ transport: prefix }, echo(texts)), limit)).stdout), texts)
    }),
    { numRuns: 4 },
  )
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('there is no sshd on this machine')
  const ssh: Transport = { kind: 'ssh', host: sshd.host, port: sshd.port, options: sshd.options }
  await fc.assert(
    fc.asyncProperty(words, async (texts) => {
      assert.deepEqual(echoed((await runProcess(argvOn({ transport: ssh }, echo(texts)), limit)).stdout), texts)
    }),
    { numRuns: 5 },
  )
  assert.equal((await runProcess(argvOn({ transport: ssh }, ['sh', '-c', 'exit 7']), limit)).code, 7)
})

test('explainTransportFailure: tells the ssh failures apart', async (t) => {
  const sshd = await startSshd(t)
  if (sshd === null) return t.skip('there is no sshd on this machine')
  const dir = scratch(t)
  writeFileSync(join(dir, 'none'), '')
  const { code } = await runProcess(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'other')], limit)
  assert.equal(code, 0)
  const { stdout: other } = await runProcess(['cat', join(dir, 'other.pub')], limit)
  writeFileSync(join(dir, 'wrong'), `[127.0.0.1]:${sshd.port} ${other}`)
  const kindOf = async (transport: Partial<Extract<Transport, { kind: 'ssh' }>>, options: Readonly<Record<string, string>> = {}) => {
    const whole: Transport = {
      kind: 'ssh',
      host: sshd.host,
      port: sshd.port,
      ...transport,
      options: { ...sshd.options, ControlPath: 'none', ...options },
    }
    const { code: exit, stderr } = await runProcess(argvOn({ transport: whole }, ['true']), limit)
    return exit === 0 ? 'worked' : explainTransportFailure(stderr, exit).kind
  }
  assert.equal(await kindOf({}), 'worked')
  assert.equal(await kindOf({}, { UserKnownHostsFile: join(dir, 'none'), GlobalKnownHostsFile: join(dir, 'none') }), 'host_key')
  assert.equal(await kindOf({}, { UserKnownHostsFile: join(dir, 'wrong'), GlobalKnownHostsFile: join(dir, 'none') }), 'host_key_changed')
  assert.equal(await kindOf({}, { IdentityFile: join(dir, 'other'), IdentityAgent: 'none' }), 'auth')
  assert.equal(await kindOf({ port: 1 }), 'refused')
  assert.equal(await kindOf({ host: 'no.such.host.invalid' }), 'no_host')
})

test('argvOn: gives a command in a container a terminal', () => {
  const argvOf = (...argv: string[]) => argvOn({ transport: { kind: 'exec', argv } }, ['tmux'], { tty: true }).join(' ')
  assert.equal(argvOf('docker', '--context', 'vps', 'exec', '-i', 'box'), 'docker --context vps exec -t -i box tmux')
  assert.equal(argvOf('sudo', '/usr/bin/podman', 'exec', '-i', 'box'), 'sudo /usr/bin/podman exec -t -i box tmux')
  assert.equal(argvOf('env', 'A=exec'), 'env A=exec tmux')
  assert.equal(
    argvOn({ transport: { kind: 'exec', argv: ['docker', 'exec', '-i', 'box'] } }, ['tmux']).join(' '),
    'docker exec -i box tmux',
  )
})

test('explainTransportFailure: names the state of a container', () => {
  const reasons = {
    'the container is paused': 'Error response from daemon: cannot create exec session as container 9475 is paused',
    'the container is stopped or paused': 'Error: can only create exec sessions on running containers: container state improper',
    'the container is stopped': 'Error response from daemon: container 9475 is not running',
    'the container is restarting': 'Error response from daemon: Container 9475 is restarting, wait until the container is running',
    'no container has the name that the spec gives': 'Error: no container with name or ID "box" found: no such container',
    'the container engine does not answer': 'Cannot connect to the Docker daemon at tcp://127.0.0.1:9. Is the docker daemon running?',
    'docker has no context with this name':
      'Failed to initialize: unable to resolve docker endpoint: context "al": context not found: open',
    // From here on, the container runs or its engine is not reached.
    'a command is missing on the machine': 'Error: runc: exec failed: exec: "tmux": executable file not found in $PATH: OCI runtime …',
    'the machine refused the ssh connection':
      'error during connect: Get "http://…": command [ssh -- al docker system dial-stdio] has exited with exit status 255: stderr=ssh: connect to host al port 22: Connection refused',
  }
  for (const [reason, stderr] of Object.entries(reasons)) assert.equal(explainTransportFailure(stderr, 1).reason, reason)
  assert.match(explainTransportFailure('error: unable to upgrade connection: container not found ("box")', 1).reason, /^no container/)
})

test('runProcess: reports timeout, too much output, and a missing program', async () => {
  const hung = await runProcess(['sh', '-c', 'sleep 1000 & echo $!; wait'], { timeout_ms: 300 })
  assert.equal(hung.stopped, 'timeout')
  assert.notEqual(
    (await runProcess(['sh', '-c', `kill -0 ${hung.stdout.trim()} && ! grep -q '^State:.Z' /proc/${hung.stdout.trim()}/status`], limit))
      .code,
    0,
    'its child was killed, too',
  )
  const loud = await runProcess(['sh', '-c', 'yes'], { ...limit, max_bytes: 10_000 })
  assert.equal(loud.stopped, 'too_much')
  const missing = await runProcess(['no-such-program'], limit)
  assert.equal(missing.code, 127)
  assert.equal(explainTransportFailure(missing.stderr, missing.code).kind, 'no_command')
  assert.equal((await runProcess(['cat'], { ...limit, input: 'x'.repeat(1_000_000) })).stdout.length, 1_000_000)
})

test('runProcess: lets a program clean up, then kills it', async () => {
  const script = 'trap "echo cleaned; exit 0" TERM; echo ready; sleep 1000 & wait'
  const cleaned = await runProcess(['sh', '-c', script], { timeout_ms: 500, grace_ms: 60_000 })
  assert.deepEqual([cleaned.code, cleaned.stopped, cleaned.stdout], [null, 'timeout', 'ready\ncleaned\n'])
  const stubborn = await runProcess(['sh', '-c', 'trap "" TERM; sleep 1000; sleep 1000'], { timeout_ms: 300, grace_ms: 200 })
  assert.deepEqual([stubborn.signal, stubborn.stopped], ['SIGKILL', 'timeout'])
})

test('readSecret: reads file, environment and command; refuses unsafe sources', async (t) => {
  const home = scratch(t)
  const file = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(home, name), text)
    chmodSync(join(home, name), mode)
    return { file: `~/${name}` }
  }
  mkdirSync(join(home, 'folder'), { mode: 0o700 })
  const read = (source: Parameters<typeof readSecret>[0]) => readSecret(source, { home, env: { TOKEN: 'from-env' } })
  assert.equal(await read(file('good', 'hunter2\n')), 'hunter2')
  assert.equal(await read({ env: 'TOKEN' }), 'from-env')
  assert.equal(await read({ command: ['printf', 'from-command'] }), 'from-command')
  const refused = [
    [file('open', 'hunter2', 0o644), 'secret_exposed'],
    [file('empty', '\n'), 'secret_empty'],
    [file('lines', 'hunter2\nhunter2'), 'secret_malformed'],
    [{ file: '~/missing' }, 'secret_missing'],
    [{ file: '~/folder' }, 'secret_unreadable'],
    [{ env: 'NOT_SET' }, 'secret_empty'],
    [{ command: ['sh', '-c', 'echo hunter2; echo hunter2 >&2; exit 1'] }, 'secret_command'],
    [{ command: ['no-such-program'] }, 'secret_command'],
  ] as const
  for (const [source, code] of refused) {
    await assert.rejects(read(source), (thrown) => {
      assert.ok(thrown instanceof BurnError, String(thrown))
      assert.equal(thrown.code, code)
      assert.ok(!`${thrown.message} ${thrown.hint} ${thrown.stack}`.includes('hunter2'), 'the error does not contain the secret')
      return true
    })
  }
})

test('withProcessContext: concurrent work has its own environment and directory', async (t) => {
  const [one, two] = [scratch(t), scratch(t)]
  const here = (cwd: string, name: string) =>
    withProcessContext({ env: { PATH: process.env['PATH'], NAME: name }, cwd }, async () => {
      await runProcess(['true'], { timeout_ms: 5000 })
      return (await runProcess(['sh', '-c', 'echo "$NAME $HOME"; pwd -P'], { timeout_ms: 5000 })).stdout
    })
  assert.deepEqual(await Promise.all([here(one, 'a'), here(two, 'b')]), [`a \n${realpathSync(one)}\n`, `b \n${realpathSync(two)}\n`])
})

/** Blocks this process for that many milliseconds, as a loaded machine may. */
const block = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

test('runProcess: keeps output that was unread when the program ended', async () => {
  const ended = runProcess(['sh', '-c', 'sleep 0.4; echo kept'], limit)
  const streamed = streamProcess(['echo', 'first'], {
    ...limit,
    stop: new AbortController().signal,
    // The other program ends meanwhile, and Node learns of its exit before it reads its output.
    onStdout: () => {
      block(800)
      setImmediate(() => block(400))
      return true
    },
  })
  // Output and exit of this program arrive together.
  block(200)
  assert.deepEqual([(await ended).stdout, (await streamed).code], ['kept\n', 0])
})
