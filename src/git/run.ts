/** Runs git commands. No other file does. */
import type { Clock } from '../core/ports.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { gitArgv, gitEnv, type GitPlace } from './command.ts'
import { gitError, stoppedError } from './failure.ts'

/** The dependencies of git commands. */
export interface Git {
  /** The environment of burn's process. Git gets only a few of its variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Answers git's requests for a login, in the format of gitcredentials; an empty answer gives none. Null if git may not ask. */
  readonly login: ((question: string) => Promise<string>) | null
  readonly clock: Clock
  /** Stops running commands and waits for locks. */
  readonly signal?: AbortSignal
}

/** The options of a git command. */
export interface GitRun {
  readonly at: GitPlace | null
  /** Set if the command contacts the remote. `login` tells whether git may ask for a login. */
  readonly network?: { readonly login: boolean }
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** The time limits (ms) of commands without and with the network. */
const localTimeout = 300_000
const networkTimeout = 1_800_000

/**
 * Runs a git command and returns its result, also if it fails. Names of files are bytes, so stdin and stdout are `latin1`. `decodeUtf8` and
 * `encodeUtf8` convert them.
 */
export function runGit(git: Git, args: readonly string[], { at, network, input, env }: GitRun): Promise<RunResult> {
  const login = network?.login === true ? git.login : null
  const argv = gitArgv(args, at, login !== null)
  return runProcess(argv, {
    env: gitEnv(git.env, env),
    // Paths on stdin are relative to this folder. Git never searches a folder for its repository.
    cwd: at?.work_tree ?? '/',
    input: Buffer.from(input ?? '', 'latin1'),
    encoding: 'latin1',
    ...(login === null ? {} : { onQuestion: login }),
    timeout_ms: network === undefined ? localTimeout : networkTimeout,
    ...(git.signal === undefined ? {} : { signal: git.signal }),
  })
}

/** Runs a git command and returns its stdout. Throws BurnError `git_*` if it fails. */
export async function gitOutput(git: Git, args: readonly string[], options: GitRun): Promise<string> {
  const result = await runGit(git, args, options)
  if (result.code === 0) return result.stdout
  throw gitFailure(args, result)
}

/** Returns the same dependencies without the signal, for cleanup that must finish. */
export function withoutSignal({ env, login, clock }: Git): Git {
  return { env, login, clock }
}

/** Returns the error for a command that failed. */
export function gitFailure(args: readonly string[], { stdout, stderr, stopped, code }: RunResult): Error {
  if (stopped === 'stop') return stoppedError(`git ${args[0] ?? ''}`)
  const cause = stopped === 'timeout' ? 'fatal: Operation timed out\n' : stopped === 'too_much' ? 'fatal: its output was too long\n' : ''
  const output = `${cause}${stderr}${args[0] === 'push' ? stdout : ''}`
  return gitError(
    `git ${args[0] ?? ''}`,
    output === '' ? `fatal: it ended with ${code === null ? 'a signal' : `exit code ${code}`}` : output,
  )
}

/** Decodes git's output from `latin1` bytes to text. */
export function decodeUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Encodes text as the `latin1` bytes that `runGit` takes. */
export function encodeUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
