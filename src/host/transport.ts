/**
 * Builds the argv that runs a command on a machine: directly (local), with the system's OpenSSH, or with a prefix such as `docker exec`.
 */
import { lstatSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Machine, Transport } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { loginShellWords } from './quote.ts'

type Ssh = Extract<Transport, { kind: 'ssh' }>

const CONNECT_TIMEOUT_S = 10
const ALIVE_INTERVAL_S = 5
const ALIVE_COUNT = 3
/** Seconds until ssh closes a shared connection that nobody uses. */
const PERSIST_S = 120

/**
 * Returns the argv that runs `words` on a machine. With `tty` the command gets the person's terminal, and ssh may ask questions. Throws
 * BurnError `control_dir` if the directory for ssh's sockets belongs to somebody else.
 *
 * A login shell may print text before the command's output. `runOn` and `frame` remove this text.
 */
export function argvOn(machine: Pick<Machine, 'transport'>, words: readonly string[], options: { tty?: boolean } = {}): string[] {
  const transport = machine.transport
  if (transport.kind === 'local') return [...words]
  if (transport.kind === 'exec') return [...(options.tty === true ? withTerminal(transport.argv) : transport.argv), ...words]
  return [...sshArgv(transport, options.tty ?? false), '--', transport.host, loginShellWords(words)]
}

/** Container tools whose command `exec` gives the command a terminal with `-t`. */
const containerTools = /(?:^|\/)(?:docker|podman|nerdctl|kubectl)$/

/** Returns the argv of an `exec` with a terminal. The spec names the command without one, because a terminal would change the bytes of a channel. */
function withTerminal(argv: readonly string[]): string[] {
  const at = argv.some((word) => containerTools.test(word)) ? argv.indexOf('exec') + 1 : 0
  return at === 0 ? [...argv] : [...argv.slice(0, at), '-t', ...argv.slice(at)]
}

/**
 * Returns the argv that connects the standard streams of ssh with a server, as the machine sees it. It uses a connection of its own, because
 * over a shared connection ssh does not say why the server refused. Throws BurnError `control_dir`.
 */
export function forwardArgv({ transport }: Pick<Machine, 'transport'>, host: string, port: number): string[] {
  if (transport.kind !== 'ssh') throw new Error('only ssh can forward')
  const [ssh = 'ssh', ...options] = sshArgv(transport, false)
  return [ssh, '-o', 'ControlPath=none', ...options, '-W', `${host}:${port}`, '--', transport.host]
}

/**
 * Returns the argv of ssh up to the remote command. ssh uses the first value of an option, so the options of the spec come before those of
 * burn. burn sets RemoteCommand to `none`: with a RemoteCommand of the person's configuration, ssh would refuse every other command. `-T`
 * and `-t` override RequestTTY of that configuration.
 */
function sshArgv(ssh: Ssh, tty: boolean): string[] {
  const settings: readonly (readonly [string, string | number])[] = [
    ['RemoteCommand', 'none'],
    ...Object.entries(ssh.options),
    ['BatchMode', tty ? 'no' : 'yes'],
    ['ConnectTimeout', CONNECT_TIMEOUT_S],
    ['ServerAliveInterval', ALIVE_INTERVAL_S],
    ['ServerAliveCountMax', ALIVE_COUNT],
    ['ControlMaster', 'auto'],
    ['ControlPersist', PERSIST_S],
    ['ControlPath', `${controlDir()}/%C`],
  ]
  const options = settings.flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return ['ssh', tty ? '-t' : '-T', ...options, ...(ssh.port === null ? [] : ['-p', String(ssh.port)])]
}

/** Returns a directory that only this user can enter. Its path is short, because the path of a socket is limited to about 100 bytes. */
function controlDir(): string {
  const { uid } = userInfo()
  const dir = `/tmp/burn-ssh-${uid}`
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const stat = lstatSync(dir)
  if (stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0) return dir
  throw new BurnError('control_dir', `${dir} is not a directory that only you can enter`, `Remove it: rm -r ${dir}`)
}
