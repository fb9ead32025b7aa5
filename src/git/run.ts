/** The one executor of git's commands. */
import type { Clock } from '../core/ports.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { gitArgv, gitEnv, type GitPlace } from './command.ts'
import { gitError, stoppedError } from './failure.ts'

/** What git needs from the world. */
export interface Git {
  /** The process's environment; git gets little of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Answers git's question for a login, in the words of gitcredentials, or with nothing; null: none is asked. */
  readonly login: ((question: string) => Promise<string>) | null
  readonly clock: Clock
  /** Ends each command that runs, and each wait for a lock. */
  readonly signal?: AbortSignal
}

export interface GitRun {
  readonly at: GitPlace | null
  /** The remote is asked, and may want a login. */
  readonly network?: { readonly login: boolean }
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

const local_ms = 300_000
const network_ms = 1_800_000

/**
 * Runs git to its end, whatever that is. Names of files are bytes: stdin and stdout are read and written as `latin1`, and `readable` makes
 * a text of them.
 */
export function runGit(git: Git, words: readonly string[], { at, network, input, env }: GitRun): Promise<RunResult> {
  const login = network?.login === true ? git.login : null
  const argv = gitArgv(words, at, login !== null)
  return runProcess(argv, {
    env: gitEnv(git.env, env),
    // Names on stdin are read from here on; no folder is asked which repo it belongs to.
    cwd: at?.work_tree ?? '/',
    input: Buffer.from(input ?? '', 'latin1'),
    encoding: 'latin1',
    ...(login === null ? {} : { onQuestion: login }),
    timeout_ms: network === undefined ? local_ms : network_ms,
    ...(git.signal === undefined ? {} : { signal: git.signal }),
  })
}

/** The same for what must succeed: gives stdout. Throws BurnError `git_*`. */
export async function gitOutput(git: Git, words: readonly string[], options: GitRun): Promise<string> {
  const result = await runGit(git, words, options)
  if (result.code === 0) return result.stdout
  throw gitFailure(words, result)
}

/** The same git without its signal: for what puts things back. */
export function toTheEnd({ env, login, clock }: Git): Git {
  return { env, login, clock }
}

/** What a command's end says. */
export function gitFailure(words: readonly string[], { stdout, stderr, stopped, code }: RunResult): Error {
  if (stopped === 'stop') return stoppedError(`git ${words[0] ?? ''}`)
  const late = stopped === 'timeout' ? 'fatal: Operation timed out\n' : stopped === 'too_much' ? 'fatal: it said too much\n' : ''
  const said = `${late}${stderr}${words[0] === 'push' ? stdout : ''}`
  return gitError(`git ${words[0] ?? ''}`, said === '' ? `fatal: it ended with ${code ?? 'a signal'}` : said)
}

/** Bytes, as git gives them, as people read them. */
export function decodeUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

export function encodeUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
