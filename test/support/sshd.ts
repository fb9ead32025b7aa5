/** Starts private ssh servers for tests. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'

/** A running ssh server. */
export interface Sshd {
  readonly host: string
  readonly port: number
  /** The `ssh.options` of a machine in the spec. */
  readonly options: Readonly<Record<string, string>>
  /** Kills the server with all connections. */
  cut(): void
  /** Restarts the server, on the same port with the same keys. */
  start(): Promise<void>
  /** Suspends the server and its connections with SIGSTOP: they stay open, but do not answer. */
  freeze(): void
  thaw(): void
  close(): Promise<void>
}

/** The network that a server listens on: loopback, or a network namespace. */
export interface Network {
  readonly address: string
  /** The argv prefix that runs a command in that network. */
  readonly inside: readonly string[]
}

/** A person whose login shell the server imitates. Without one, it is /bin/sh with an empty home. */
export interface Login {
  readonly shell: string
  readonly home: string
  /** Shell commands that run before the login shell, such as an echo. */
  readonly before?: string
}

/** Returns the command that sshd is configured to run for each client. It runs the client's command in the login shell, as sshd would. */
function forced({ shell, home, before = ':' }: Login): string {
  return `${before}; exec env -u XDG_CONFIG_HOME HOME=${home} SHELL=${shell} ${shell} -c "$SSH_ORIGINAL_COMMAND"`
}

const loopback: Network = { address: '127.0.0.1', inside: [] }

const places = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd']

/** Starts an ssh server. Returns null if this machine has none, so that the test can be skipped. */
export async function startSshd(
  t: Pick<TestContext, 'after'>,
  { address, inside }: Network = loopback,
  login: Login | null = null,
): Promise<Sshd | null> {
  const program = places.find((path) => existsSync(path))
  if (program === undefined) return null
  const dir = mkdtempSync(join(tmpdir(), 'burn-sshd-'))
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)])
  mkdirSync(join(dir, 'home'))
  const port = await freePort()
  writeFileSync(join(dir, 'authorized'), readFileSync(join(dir, 'user.pub')), { mode: 0o600 })
  writeFileSync(join(dir, 'known'), `[${address}]:${port} ${readFileSync(join(dir, 'host.pub'), 'utf8')}`)
  writeFileSync(
    join(dir, 'config'),
    [
      `ListenAddress ${address}`,
      `Port ${port}`,
      `HostKey ${dir}/host`,
      `AuthorizedKeysFile ${dir}/authorized`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin yes',
      'MaxSessions 200',
      'MaxStartups 200',
      'PidFile none',
      // The default is safe from quantum computers, and takes ten times the CPU time.
      'KexAlgorithms curve25519-sha256',
      // bash increments SHLVL at its start, and reads the user's ~/.bashrc for ssh commands only if SHLVL is 1. That file may be slow.
      'SetEnv SHLVL=1',
      `ForceCommand ${forced(login ?? { shell: '/bin/sh', home: join(dir, 'home') })}`,
      '',
    ].join('\n'),
  )
  // If sshd runs as root, it needs this directory. Usually the system service of sshd creates it.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  let child: ChildProcess | null = null
  const start = async () => {
    const [first = program, ...words] = [...inside, program, '-D', '-e', '-f', join(dir, 'config')]
    const server = spawn(first, words, { stdio: ['ignore', 'ignore', 'pipe'] })
    child = server
    let stderr = ''
    server.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    for (let tries = 0; !(await answers(address, port)); tries++) {
      if (tries > 100 || server.exitCode !== null) throw new Error(`sshd does not answer: ${stderr}`)
      await sleep(50)
    }
  }
  const signal = (name: NodeJS.Signals) => {
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null)
      for (const pid of withDescendants(child.pid)) kill(pid, name)
  }
  const cut = () => {
    signal('SIGKILL')
    child?.stderr?.destroy()
  }
  const close = async () => {
    const ended = child === null || child.exitCode !== null || child.signalCode !== null ? null : once(child, 'exit')
    cut()
    await ended
    rmSync(dir, { recursive: true, force: true })
  }
  t.after(close)
  await start()
  return {
    cut,
    start,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    host: `${userInfo().username}@${address}`,
    port,
    options: {
      IdentityFile: join(dir, 'user'),
      IdentitiesOnly: 'yes',
      UserKnownHostsFile: join(dir, 'known'),
      StrictHostKeyChecking: 'yes',
      ControlPersist: '5',
    },
    close,
  }
}

/** Returns the ids of a process and its descendants. sshd has a process for each connection, which does not end with the server. */
function withDescendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number))
  const children = rows.flatMap(([child = 0, parent]) => (parent === pid ? [child] : []))
  return [...children.flatMap(withDescendants), pid]
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
