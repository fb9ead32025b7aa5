/** How a command reaches a machine: as an argv, through nothing (local), the system's OpenSSH, or any prefix (docker exec, …). */
import { lstatSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Machine, Transport } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { shellWords } from './quote.ts'

type Ssh = Extract<Transport, { kind: 'ssh' }>

const CONNECT_TIMEOUT_S = 10
const ALIVE_INTERVAL_S = 5
const ALIVE_COUNT = 3
/** A connection nobody uses any more ends after this. */
const PERSIST_S = 120

/**
 * The argv that runs `words` on a machine. `tty`: for a person's terminal, with questions allowed. Throws BurnError
 * `control_dir` where the directory for ssh's sockets is somebody else's.
 */
export function argvOn(machine: Pick<Machine, 'transport'>, words: readonly string[], options: { tty?: boolean } = {}): string[] {
  const transport = machine.transport
  if (transport.kind === 'local') return [...words]
  if (transport.kind === 'exec') return [...transport.argv, ...words]
  return [...sshArgv(transport, options.tty ?? false), '--', transport.host, shellWords(words)]
}

/** ssh takes the first value it is given, so what the spec says comes before what is set here. */
function sshArgv(ssh: Ssh, tty: boolean): string[] {
  const settings: readonly (readonly [string, string | number])[] = [
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

/** A short path (a socket's is limited to about 100 bytes) that only this user can enter. */
function controlDir(): string {
  const { uid } = userInfo()
  const dir = `/tmp/burn-ssh-${uid}`
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const stat = lstatSync(dir)
  if (stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0) return dir
  throw new BurnError('control_dir', `${dir} is not a directory that only you can enter`, `Remove it: rm -r ${dir}`)
}
