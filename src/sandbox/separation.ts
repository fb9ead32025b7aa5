/**
 * Separates a command from what it would inherit from burn's process: the session keyring, and files that the program which started burn
 * left open. No option of bubblewrap does this, and Node cannot make system calls, so a line of Perl does.
 */
import { oneLine } from '../core/text.ts'
import { runProcess } from '../host/exec.ts'
import type { Gap } from './gaps.ts'

export interface Separation {
  /** The argv prefix that runs a command with a new session keyring and without inherited files; empty if this is not possible here. */
  readonly argv: readonly string[]
  readonly gaps: readonly Gap[]
}

/** The separation of commands that run without bubblewrap. */
export const unseparated: Separation = { argv: [], gaps: [] }

/** The numbers of the system calls, from asm/unistd.h. */
const keyctl: Readonly<Record<string, number>> = { x64: 250, arm64: 219 }
const closeRange = 436

const probeTimeout_ms = 10_000

/** Tests whether commands can be separated, and returns how. `env` is the environment of the test. */
export async function separationOf(env: Readonly<Record<string, string>>): Promise<Separation> {
  // The first call is KEYCTL_JOIN_SESSION_KEYRING without a name.
  const script = [
    `syscall(${keyctl[process.arch] ?? -1}, 1, 0) >= 0 or die "keyctl: $!\\n"`,
    `syscall(${closeRange}, 3, 0xffffffff, 0) == 0 or die "close_range: $!\\n"`,
    'exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"',
  ].join('; ')
  const argv = ['perl', '-e', script, '--']
  const { code, stderr } = await runProcess([...argv, 'true'], { timeout_ms: probeTimeout_ms, env })
  if (code === 0) return { argv, gaps: [] }
  const reason = oneLine(stderr) || 'perl does not work'
  const what = `a command inherits the session keyring and the open files of burn (${reason})`
  return { argv: [], gaps: [{ what, remedy: 'install perl; in a container, allow the system calls keyctl and close_range' }] }
}
