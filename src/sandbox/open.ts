/** Opens the sandbox of a sprint: tries once what this machine can do. Without a working bubblewrap it opens only if the policy says `off`. */
import { constants } from 'node:fs'
import { access, lstat, mkdir, readdir, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sprint.ts'
import { oneLine } from '../core/text.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { bubblewrapArgv, type BubblewrapConfig } from './bubblewrap.ts'
import { runCommand, type CommandOptions, type CommandResult, type CommandSetup } from './command.ts'
import { findLimits, innerWords } from './limits.ts'
import { Quota } from './quota.ts'
import { isBelow, toolchainsOf } from './toolchains.ts'

export interface SandboxPlaces {
  /** The workspace: an absolute path. */
  readonly dir: string
  /** What commands may read beside the system and their tools: the git directory of a worktree. Absolute paths. */
  readonly read_only: readonly string[]
  /** A folder for HOME and /tmp of the commands; made where it is missing, and removed by whoever owns the sprint. */
  readonly own_dir: string
  /** The program's environment; next to nothing of it is passed on. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The person's home. */
  readonly home: string
  /** Milliseconds that bubblewrap, or systemd, may take to start its first command. */
  readonly probe_ms?: number
}

export interface Sandbox {
  /** The workspace, as its real path. */
  readonly dir: string
  readonly confined: boolean
  /** What holds commands, and what doesn't; one line for people. */
  readonly why: string
  /** Milliseconds a command may take. */
  readonly timeout: number
  /** Aborted once no command can run any more; its reason is the BurnError that says why. */
  readonly ended: AbortSignal
  run(command: string, options: CommandOptions): Promise<CommandResult>
  /** Watches what is added to the disk while an agent works, whose commands are none of ours; too much aborts `ended`. */
  withQuota<T>(work: () => Promise<T>): Promise<T>
  /**
   * Makes the workspace safe to be looked at, once nothing runs any more: removes pipes, sockets and devices, and returns their names. Throws BurnError
   * `workspace_unusable` if more was added to the disk than may be, and the reason of `ended`.
   */
  cleanWorkspace(): Promise<readonly string[]>
}

/** What is passed on of the program's environment; none of it is a secret, nor makes a program load anything. */
const passed = ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']
const fixed = { TERM: 'dumb', CI: '1', NO_COLOR: '1', PAGER: 'cat', GIT_PAGER: 'cat', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0' }
/** A loaded machine takes seconds. */
const PROBE_MS = 30_000

/**
 * Opens it, confined unless the policy says `off`. Throws BurnError `sandbox_missing` if bubblewrap is not installed, `sandbox_failed` if it is
 * installed and does not work, `sandbox_workspace` if there is no workspace. Nothing is remembered: the next sprint tries again.
 */
export async function openSandbox(policy: SandboxPolicy, places: SandboxPlaces): Promise<Sandbox> {
  const dir = await workspaceAt(places.dir)
  for (const path of [places.own_dir, ...places.read_only]) refuseInside(path, dir)
  const own = { home: `${places.own_dir}/home`, tmp: `${places.own_dir}/tmp`, shm: `${places.own_dir}/shm` }
  for (const path of Object.values(own)) await mkdir(path, { recursive: true, mode: 0o700 })
  const entries = (places.env['PATH'] ?? '').split(':').filter((entry) => entry.startsWith('/') && !isBelow(posix.normalize(entry), dir))
  const walls = policy.use === 'off' ? null : await bubblewrap(entries, { ...places, dir, own })
  const outer_env = environment({ PATH: entries.join(':') }, places.env, ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'])
  const uid = process.getuid?.() ?? -1
  const counted = walls !== null && uid !== 0 && (await countsItsOwn(policy, walls))
  const limits = await findLimits(policy, {
    env: outer_env,
    uid,
    counted,
    ...(places.probe_ms === undefined ? {} : { probe_ms: places.probe_ms }),
  })
  const why = walls === null ? 'without bubblewrap: it is switched off' : `in bubblewrap; ${limits.why}`
  const env = walls?.env ?? baseEnvironment(entries, places, own)
  const shell = (await programIn(entries, 'bash')) ?? 'sh'
  const ended = new AbortController()
  const quota = await Quota.open([dir, ...Object.values(own)], policy)
  const setting: CommandSetup = {
    policy,
    dir,
    bubblewrap: walls,
    why,
    limits,
    shell,
    outer_env,
    env,
    file_bytes: quota.file_bytes,
    ended: ended.signal,
  }
  const watched = <T>(work: () => Promise<T>) => quota.during((thrown) => ended.abort(thrown), work)
  return {
    dir,
    confined: walls !== null,
    why: walls === null ? `${why}; ${limits.why}` : why,
    timeout: policy.timeout,
    ended: ended.signal,
    run: async (command, options) => {
      ended.signal.throwIfAborted()
      try {
        return await watched(() => runCommand(setting, command, options))
      } catch (thrown) {
        // A model is told of a failed tool and would go on for all of its budget.
        if (thrown instanceof BurnError && thrown.code.startsWith('sandbox_')) ended.abort(thrown)
        throw thrown
      }
    },
    withQuota: watched,
    cleanWorkspace: async () => {
      const special = await quota.settle()
      ended.signal.throwIfAborted()
      return special
    },
  }
}

/** The codes of the system for what is not there, or that its own user may not see: no command can see it either. */
const unseen = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP']

async function workspaceAt(path: string): Promise<string> {
  const dir = await realpath(path).catch(ifCode(noSuchPath, null))
  if (dir === null || !(await lstat(dir)).isDirectory())
    throw new BurnError('sandbox_workspace', `there is no workspace at ${path}`, 'make it before its sandbox')
  const git = await lstat(`${dir}/.git`).catch(ifCode(noSuchPath, null))
  if (git?.isSymbolicLink() === true)
    throw new BurnError('sandbox_workspace', `${dir}/.git is a symbolic link`, 'make the workspace anew: git worktree add')
  return dir
}

/** What lies in a workspace can be replaced by a command, and nothing that the walls stand on may be. */
function refuseInside(path: string, dir: string): void {
  if (path.startsWith('/') && !isBelow(posix.normalize(path), dir)) return
  throw new BurnError('sandbox_workspace', `${path} lies in the workspace ${dir}`, 'name an absolute path beside it')
}

/** Returns the walls once bubblewrap has run a command behind them. */
async function bubblewrap(
  entries: readonly string[],
  places: SandboxPlaces & { readonly dir: string; readonly own: BubblewrapConfig['own'] },
): Promise<BubblewrapConfig> {
  const program = await programIn(entries, 'bwrap')
  if (program === null) throw new BurnError('sandbox_missing', 'bubblewrap is not installed', missingHint, { exit: 2 })
  const walls = await bubblewrapConfigFor(program, entries, places)
  const { code, stderr } = await tried(walls, ['true'], { PATH: entries.join(':') }, places.probe_ms)
  if (code === 0) return walls
  const words = oneLine(stderr) || `it ended with status ${code ?? 'a signal'}`
  throw new BurnError('sandbox_failed', `bubblewrap does not work here: ${words}`, failedHint(words))
}

/** Runs `words` behind the walls. Throws BurnError `sandbox_failed` if it takes too long. */
async function tried(
  walls: BubblewrapConfig,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout_ms = PROBE_MS,
): Promise<RunResult> {
  const argv = ['sh', '-c', 'exec 3>&1; exec "$@"', 'sh', ...bubblewrapArgv(walls, words)]
  const result = await runProcess(argv, { timeout_ms, env })
  if (result.stopped === null) return result
  const hint = 'see how loaded the machine is; the next sprint tries again'
  throw new BurnError('sandbox_failed', `bubblewrap did not start a command within ${timeout_ms / 1000} s`, hint)
}

async function bubblewrapConfigFor(
  program: string,
  entries: readonly string[],
  { dir, own, home, read_only, env, own_dir }: SandboxPlaces & { readonly own: BubblewrapConfig['own'] },
): Promise<BubblewrapConfig> {
  const real = await Promise.all(entries.map((entry) => realpath(entry).catch(ifCode(unseen, entry))))
  const tools = toolchainsOf([...new Set([...entries, ...real])], home, [own_dir, dir, ...read_only])
  const git = await lstat(`${dir}/.git`).catch(ifCode(noSuchPath, null))
  const resolver = await realpath('/etc/resolv.conf').catch(ifCode(noSuchPath, null))
  return {
    program,
    dir,
    git: git === null ? null : `${dir}/.git`,
    own,
    see: await seenHere(tools.see.filter((path) => !isBelow(path, dir))),
    read_only,
    hidden: (await Promise.all(['/etc', '/usr/local/etc'].map(hiddenIn))).flat(),
    resolver: resolver === null || isBelow(resolver, '/etc') ? null : resolver,
    network: false,
    env: { ...baseEnvironment(entries, { env }, own), ...tools.env },
  }
}

/** What is there and can be read: bubblewrap ends at the first thing that can't be. */
async function seenHere(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(paths.map((path) => access(path, constants.R_OK).then(() => [path], ifCode(unseen, []))))
  return found.flat()
}

/** What is not for everybody's eyes: root sees no more of a system's settings than anybody does. */
async function hiddenIn(dir: string): Promise<{ path: string; folder: boolean }[]> {
  const names = await readdir(dir).catch(ifCode(unseen, []))
  const found = names.map(async (name) => {
    const path = `${dir}/${name}`
    const stat = await lstat(path).catch(ifCode(unseen, null))
    if (stat === null || stat.isSymbolicLink()) return []
    if (stat.isDirectory()) return (stat.mode & 0o001) === 0 ? [{ path, folder: true }] : hiddenIn(path)
    return (stat.mode & 0o004) === 0 ? [{ path, folder: false }] : []
  })
  return (await Promise.all(found)).flat()
}

function baseEnvironment(
  entries: readonly string[],
  { env }: Pick<SandboxPlaces, 'env'>,
  own: BubblewrapConfig['own'],
): Record<string, string> {
  return environment({ ...fixed, PATH: entries.join(':'), HOME: own.home, TMPDIR: own.tmp }, env, passed)
}

function environment(set: Readonly<Record<string, string>>, from: SandboxPlaces['env'], names: readonly string[]): Record<string, string> {
  const taken = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))
  return { ...Object.fromEntries(taken), ...set }
}

async function programIn(entries: readonly string[], name: string): Promise<string | null> {
  for (const entry of entries) {
    const path = posix.join(entry, name)
    if (await access(path, constants.X_OK).then(() => true, ifCode(unseen, false))) return path
  }
  return null
}

/** Whether the shell's limit on processes leaves room behind the walls: older kernels count all processes of the user. */
async function countsItsOwn(policy: SandboxPolicy, walls: BubblewrapConfig): Promise<boolean> {
  const words = innerWords({ ...policy, file_bytes: policy.disk }, { processes: true, memory: false }, 'sh', '(true) && (true)')
  return (await tried(walls, words, walls.env)).code === 0
}

const missingHint =
  'install it: apt-get install bubblewrap (there is none for macOS); or write "use": "off" in "sandbox" of the spec: commands then run unconfined'

function failedHint(words: string): string {
  if (/no space left|ENOSPC|max_\S+_namespaces/i.test(words))
    return 'user namespaces are used up: raise user.max_user_namespaces, or end what holds them; the next sprint tries again'
  return 'allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), kernel.unprivileged_userns_clone=1 (Debian); in a container, allow them there'
}
