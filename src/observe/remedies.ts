/** Builds shell commands that a person can run in this terminal to repair a machine. */
import type { Machine } from '../core/nouns.ts'
import type { TransportFailure } from '../host/transport-failure.ts'
import { shellWord, shellWords } from '../host/quote.ts'

/** Returns the command line that runs a shell command on a machine. It gives ssh a terminal, so that ssh can ask for a password. */
export function lineOn({ transport }: Pick<Machine, 'transport'>, command: string): string {
  if (transport.kind === 'local') return command
  if (transport.kind === 'exec') return shellWords([...transport.argv, 'sh', '-c', command])
  const options = Object.entries(transport.options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return shellWords(['ssh', '-t', ...options, ...(transport.port === null ? [] : ['-p', String(transport.port)]), transport.host, command])
}

/** Returns the remedy for a machine that burn cannot reach; '' if burn knows none. */
export function reachRemedy(machine: Pick<Machine, 'transport'>, { kind, hint }: TransportFailure): string {
  const { transport } = machine
  if (transport.kind !== 'ssh') return hint
  const { host, port } = transport
  const bare = host.slice(host.lastIndexOf('@') + 1)
  const once = lineOn(machine, 'true')
  if (kind === 'auth') return shellWords(['ssh-copy-id', ...(port === null ? [] : ['-p', String(port)]), host])
  if (kind === 'host_key') return `${once}   (and confirm the key)`
  if (kind !== 'host_key_changed') return `${hint} To test the connection: ${once}`
  return `ssh-keygen -R ${shellWord(port === null ? bare : `[${bare}]:${port}`)} && ${once}   (after you know why the host key changed)`
}
