/** Runs git commands. No other file starts git. */
import type { Clock } from '../core/ports.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { gitArgv, gitEnv, isAtForge, settingsEnv, type GitPlace, type GitSetting } from './command.ts'
import { gitError, stoppedError } from './failure.ts'

/** The dependencies of functions that run git. */
export interface Git {
  /** The environment of burn's process. Git inherits only a few of its variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** burn's login at the forge; null if the forge has no token. */
  readonly login: ForgeLogin | null
  readonly clock: Clock
  /** A file with git settings of the user that burn's git reads; undefined if there is none. */
  readonly config?: string
  /** If this signal aborts, burn stops running git commands and no longer waits for locks. */
  readonly signal?: AbortSignal
}

/** The login that git uses for every URL of the forge. */
export interface ForgeLogin {
  readonly forge_url: string
  /** Answers git's requests for a login, in the format of gitcredentials. An empty answer provides no login. */
  readonly answer: (question: string) => Promise<string>
  /** Returns the settings for commands that contact the forge. They may contain secrets, so git gets them in its environment. */
  readonly settings?: () => Promise<readonly GitSetting[]>
}

/** The options of a git command. */
export interface GitRun {
  readonly at: GitPlace | null
  /** Set if the command contacts a remote. At a URL of the forge, git uses no other login than burn's. */
  readonly network?: { readonly url: string }
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** curl would send the login in `~/.netrc` before git could ask burn. */
const withoutNetrc = { HOME: '/dev/null' }

/** The time limits (ms) of local commands and of commands that contact a remote. */
const localTimeout = 300_000
const networkTimeout = 1_800_000

/**
 * Runs a git command and returns its result, even if the command fails. File names may be any bytes, so stdin and stdout are `latin1`
 * strings. Convert them with `decodeUtf8` and `encodeUtf8`.
 */
export async function runGit(git: Git, args: readonly string[], { at, network, input, env }: GitRun): Promise<RunResult> {
  const login = network !== undefined && git.login !== null && isAtForge(network.url, git.login.forge_url) ? git.login : null
  const settings = (await login?.settings?.()) ?? []
  const argv = gitArgv(args, at, login !== null)
  const config = git.config === undefined ? {} : { GIT_CONFIG_GLOBAL: git.config }
  return runProcess(argv, {
    env: gitEnv(git.env, { ...config, ...settingsEnv(settings), ...env, ...(login === null ? {} : withoutNetrc) }),
    // Paths on stdin are relative to this folder. burn tells git where the repository is, so git does not search for it here.
    cwd: at?.work_tree ?? '/',
    input: Buffer.from(input ?? '', 'latin1'),
    encoding: 'latin1',
    ...(login === null ? {} : { onQuestion: login.answer }),
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

/** Returns a copy of the dependencies without the abort signal, for cleanup that must finish. */
export function withoutSignal({ signal: _signal, ...git }: Git): Git {
  return git
}

/** Returns the error for a failed git command. */
export function gitFailure(args: readonly string[], { stdout, stderr, stopped, code }: RunResult): Error {
  if (stopped === 'stop') return stoppedError(`git ${args[0] ?? ''}`)
  const cause =
    stopped === 'timeout' ? 'fatal: Operation timed out\n' : stopped === 'too_much' ? 'fatal: git printed too much output\n' : ''
  const output = `${cause}${stderr}${args[0] === 'push' ? stdout : ''}`
  return gitError(
    `git ${args[0] ?? ''}`,
    output === '' ? `fatal: git ended with ${code === null ? 'a signal' : `exit code ${code}`}` : output,
  )
}

/** Decodes a `latin1` string of UTF-8 bytes, as git prints them, to text. */
export function decodeUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Encodes text as a `latin1` string of UTF-8 bytes, which `runGit` expects. */
export function encodeUtf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
