/** Runs commands on a machine and returns only their own output, whatever a login shell, a banner or a profile prints around it. */
import type { Machine } from '../core/nouns.ts'
import { oneLine } from '../core/text.ts'
import { runProcess, type RunOptions, type RunResult } from './exec.ts'
import { randomHex } from './random.ts'
import { argvOn } from './transport.ts'

type On = Pick<Machine, 'transport'>

/**
 * The time (ms) that a command has after SIGTERM. burn's scripts need it to remove their temporary folders, and the profile of a login shell
 * to remove its lock: a lock of pyenv that is left behind delays each login shell of a person by a minute.
 */
const grace_ms = 2_000

/** A command that prints a unique line, the mark, on stdout and on stderr before it starts. */
export interface FramedCommand {
  readonly argv: readonly string[]
  /** The line that precedes the command's own output. Null if the command runs locally, without a shell. */
  readonly mark: string | null
}

/**
 * Returns the argv that prints a unique line, the mark, and then runs `words` on a machine. A newline before the mark ends the line that a
 * greeting may have begun, so the command's output begins on a new line. Throws BurnError `control_dir`.
 */
export function frame(machine: On, words: readonly string[]): FramedCommand {
  if (machine.transport.kind === 'local') return { argv: words, mark: null }
  const mark = newMark()
  return { argv: argvOn(machine, ['sh', '-c', `${begin} exec "$@"`, 'burn', mark, ...words]), mark }
}

/**
 * Runs a command on a machine until it ends. Returns only the command's own output. If the command was never started, stderr is that of the
 * transport, and the code is not 0. Throws BurnError `control_dir`.
 */
export async function runOn(machine: On, words: readonly string[], options: RunOptions): Promise<RunResult> {
  if (machine.transport.kind === 'local') return runProcess(words, { grace_ms, ...options })
  const mark = newMark()
  const script = `${begin} "$@"; code=$?; printf '%s' "$mark"; exit "$code"`
  const result = await runProcess(argvOn(machine, ['sh', '-c', script, 'burn', mark, ...words]), { grace_ms, ...options })
  const stdout = afterMark(result.stdout, mark)
  if (stdout === null && wasIgnored(result)) return { ...result, code: result.code || 1, stdout: '', stderr: notRun(result) }
  const end = stdout?.lastIndexOf(mark) ?? -1
  return {
    ...result,
    stdout: end === -1 ? (stdout ?? '') : (stdout ?? '').slice(0, end),
    stderr: afterMark(result.stderr, mark) ?? result.stderr,
  }
}

/** Returns the text after the line that consists of the mark; null if the text does not contain the mark. */
export function afterMark(text: string, mark: string): string | null {
  const at = text.indexOf(`${mark}\n`)
  return at === -1 ? null : text.slice(at + mark.length + 1)
}

/** The first of the positional parameters is the mark, and the others are the command. */
const begin = `mark=$1; shift; printf '%s\\n' "$mark"; printf '%s\\n' "$mark" >&2;`

function newMark(): string {
  return `burn-${randomHex(12)}`
}

/**
 * Returns true if the login shell did not run the command. A failed transport prints an error to stderr. A login shell such as `nologin`,
 * or a profile that ends the shell, prints to stdout or prints nothing.
 */
function wasIgnored({ code, stdout, stderr, stopped }: RunResult): boolean {
  return stopped === null && (code === 0 || (stderr.trim() === '' && stdout.trim() !== ''))
}

function notRun({ stdout, stderr }: RunResult): string {
  const printed = oneLine(`${stdout} ${stderr}`)
  return `its login shell did not run burn's command${printed === '' ? '' : `; the output: ${printed}`}`
}
