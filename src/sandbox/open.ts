/**
 * Opens the sandbox of a sprint, and tests which features this machine supports. If bubblewrap does not work, opens the sandbox only if the
 * policy says `off`.
 */
import { constants } from 'node:fs'
import { access, lstat, mkdir, realpath, writeFile } from 'node:fs/promises'
import { posix } from 'node:path'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sprint.ts'
import { oneLine } from '../core/text.ts'
import { runProcess, type RunResult } from '../host/exec.ts'
import { bubblewrapArgv, filterRedirection, type BubblewrapConfig } from './bubblewrap.ts'
import { runCommand, type CommandOptions, type CommandResult, type CommandSetup } from './command.ts'
import { findHidden, inaccessible } from './hidden.ts'
import type { Gap } from './gaps.ts'
import { findLimits, innerArgv } from './limits.ts'
import { Quota } from './quota.ts'
import { seccompFilter } from './seccomp.ts'
import { separationOf, unseparated } from './separation.ts'
import { isBelow, linkedPackages, toolchainsOf } from './toolchains.ts'

export interface SandboxOptions {
  /** The absolute path of the workspace's folder. */
  readonly dir: string
  /** Other absolute paths that commands may read, such as the git directory of a worktree. */
  readonly read_only: readonly string[]
  /** The repository that commands see, and the file that they see as `.git`. Default: the workspace's own `.git`. */
  readonly git?: { readonly git_dir: string; readonly link: string }
  /** The folder that contains the commands' HOME and /tmp. The sandbox creates it if it is missing. The caller removes it. */
  readonly own_dir: string
  /** burn's environment. Commands inherit only a few of its variables, none of which is a secret. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory of the user who runs burn. */
  readonly home: string
  /** The timeout (ms) of each command that tests bubblewrap or systemd. */
  readonly probe_ms?: number
}

export interface Sandbox {
  /** The path of the workspace, with symbolic links resolved. */
  readonly dir: string
  readonly confined: boolean
  /** One line that tells people how commands are confined and limited. */
  readonly summary: string
  /** The protections that this machine lacks; empty if it has all. */
  readonly gaps: readonly Gap[]
  /** The timeout (ms) of a command. */
  readonly timeout: number
  /** Aborts when the sandbox allows no further commands. Its reason is a BurnError. */
  readonly ended: AbortSignal
  /** Runs a shell command. Throws the same errors as `runCommand`. After `ended` has aborted, throws its reason. */
  run(command: string, options: CommandOptions): Promise<CommandResult>
  /**
   * Runs `work`, and watches the disk quota while it runs. Use it for an agent, which runs its commands without the sandbox. Aborts `ended`
   * if the quota is exceeded.
   */
  withQuota<T>(work: () => Promise<T>): Promise<T>
  /**
   * Makes the workspace safe to read after all commands have ended: removes named pipes, sockets and devices, and returns their names.
   * Throws BurnError `workspace_unusable` if the disk quota is exceeded. If `ended` has aborted, throws its reason.
   */
  cleanWorkspace(): Promise<readonly string[]>
}

/** The variables that commands inherit from burn's environment. None of them is a secret or makes a program load code. */
const passedVariables = ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']
const fixedEnvironment = {
  TERM: 'dumb',
  CI: '1',
  NO_COLOR: '1',
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
}
/** This timeout is long, because a busy machine may take seconds to start bubblewrap. */
const probeTimeout_ms = 30_000

/**
 * Opens a sandbox with bubblewrap, unless the policy says `off`. Throws BurnError `sandbox_missing` if bubblewrap is not installed,
 * `sandbox_failed` if it does not work, and `sandbox_workspace` if the workspace does not exist. Each call tests bubblewrap again, so a
 * failure does not affect the next sprint.
 */
export async function openSandbox(policy: SandboxPolicy, options: SandboxOptions): Promise<Sandbox> {
  const dir = await resolveWorkspace(options.dir)
  for (const path of [options.own_dir, ...options.read_only, ...Object.values(options.git ?? {})]) assertOutside(path, dir)
  const own = { home: `${options.own_dir}/home`, tmp: `${options.own_dir}/tmp`, shm: `${options.own_dir}/shm` }
  for (const path of Object.values(own)) await mkdir(path, { recursive: true, mode: 0o700 })
  const entries = (options.env['PATH'] ?? '').split(':').filter((entry) => entry.startsWith('/') && !isBelow(posix.normalize(entry), dir))
  const config = policy.use === 'off' ? null : await findBubblewrap(entries, { ...options, dir, own })
  const outer_env = environment({ PATH: entries.join(':') }, options.env, ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'])
  const uid = process.getuid?.() ?? -1
  const counts_own = config !== null && uid !== 0 && (await countsOwnProcesses(policy, config))
  const limits = await findLimits(policy, {
    env: outer_env,
    uid,
    counts_own,
    ...(options.probe_ms === undefined ? {} : { probe_ms: options.probe_ms }),
  })
  const separation = config === null ? unseparated : await separationOf(outer_env)
  const gaps = [...limits.gaps, ...separation.gaps]
  const summary = config === null ? 'without bubblewrap ("off" in the spec)' : `in bubblewrap; ${limits.summary}`
  const env = config?.env ?? baseEnvironment(entries, options, own)
  const shell = (await findProgram(entries, 'bash')) ?? 'sh'
  const ended = new AbortController()
  const quota = await Quota.open([dir, ...Object.values(own), ...(options.git === undefined ? [] : [options.git.git_dir])], policy)
  const setup: CommandSetup = {
    policy,
    dir,
    bubblewrap: config,
    git_dir: config === null || config.git === null ? null : (options.git?.git_dir ?? config.git),
    summary,
    limits,
    separation,
    shell,
    outer_env,
    env,
    file_bytes: quota.file_bytes,
    ended: ended.signal,
  }
  const withQuota = <T>(work: () => Promise<T>) => quota.watch((thrown) => ended.abort(thrown), work)
  return {
    dir,
    confined: config !== null,
    summary: config === null ? `${summary}; ${limits.summary}` : summary,
    gaps,
    timeout: policy.timeout,
    ended: ended.signal,
    run: async (command, options) => {
      ended.signal.throwIfAborted()
      try {
        return await withQuota(() => runCommand(setup, command, options))
      } catch (thrown) {
        // The model sees only that a tool failed, and would continue until its budget is used up. So burn ends the sandbox.
        if (thrown instanceof BurnError && thrown.code.startsWith('sandbox_')) ended.abort(thrown)
        throw thrown
      }
    },
    withQuota,
    cleanWorkspace: async () => {
      const special = await quota.countAndClean()
      ended.signal.throwIfAborted()
      return special
    },
  }
}

async function resolveWorkspace(path: string): Promise<string> {
  const dir = await realpath(path).catch(ifCode(noSuchPath, null))
  if (dir === null || !(await lstat(dir)).isDirectory())
    throw new BurnError('sandbox_workspace', `the workspace ${path} does not exist`, 'create it before its sandbox')
  const git = await lstat(`${dir}/.git`).catch(ifCode(noSuchPath, null))
  if (git?.isSymbolicLink() === true)
    throw new BurnError('sandbox_workspace', `${dir}/.git is a symbolic link`, 'create the workspace again: git worktree add')
  return dir
}

/** Throws if a path is inside the workspace. A command could replace such a path, and so redirect a mount of the sandbox. */
function assertOutside(path: string, dir: string): void {
  if (path.startsWith('/') && !isBelow(posix.normalize(path), dir)) return
  throw new BurnError('sandbox_workspace', `${path} is inside the workspace ${dir}`, 'use an absolute path outside the workspace')
}

/** Returns a configuration of bubblewrap that has successfully run a test command. */
async function findBubblewrap(
  entries: readonly string[],
  options: SandboxOptions & { readonly dir: string; readonly own: BubblewrapConfig['own'] },
): Promise<BubblewrapConfig> {
  const program = await findProgram(entries, 'bwrap')
  if (program === null) throw new BurnError('sandbox_missing', 'bubblewrap is not installed', missingHint, { exit: 2 })
  const config = await bubblewrapConfigFor(program, entries, options)
  const { code, stderr } = await runConfined(config, ['true'], { PATH: entries.join(':') }, options.probe_ms)
  if (code === 0) return config
  const reason = oneLine(stderr) || (code === null ? 'a signal ended bubblewrap' : `exit code ${code}`)
  throw new BurnError('sandbox_failed', `bubblewrap does not work here: ${reason}`, failedHint(reason))
}

/** Runs a command in bubblewrap. Throws BurnError `sandbox_failed` if the command exceeds the timeout. */
async function runConfined(
  config: BubblewrapConfig,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout_ms = probeTimeout_ms,
): Promise<RunResult> {
  const argv = ['sh', '-c', `exec 3>&1 ${filterRedirection(config)}; exec "$@"`, 'sh', ...bubblewrapArgv(config, command)]
  const result = await runProcess(argv, { timeout_ms, env })
  if (result.stopped === null) return result
  const hint = 'check the load of the machine; the next sprint tries bubblewrap again'
  throw new BurnError('sandbox_failed', `bubblewrap did not start a command within ${timeout_ms / 1000} s`, hint)
}

async function bubblewrapConfigFor(
  program: string,
  entries: readonly string[],
  { dir, own, home, read_only, env, own_dir, git: commandRepo }: SandboxOptions & { readonly own: BubblewrapConfig['own'] },
): Promise<BubblewrapConfig> {
  const realEntries = await Promise.all(entries.map((entry) => realpath(entry).catch(ifCode(inaccessible, entry))))
  const tools = toolchainsOf([...new Set([...entries, ...realEntries, ...(await linkedPackages(entries))])], home, [
    own_dir,
    dir,
    ...read_only,
  ])
  const readable = await readablePaths(tools.readable.filter((path) => !isBelow(path, dir)))
  // The distribution's own folders have no secrets. In a home, only folders of tools are readable, and they can be private as a whole.
  const searched = ['/etc', '/usr/local', ...readable.filter((path) => !isBelow(path, home) && !isBelow(path, '/usr'))]
  const git = await lstat(`${dir}/.git`).catch(ifCode(noSuchPath, null))
  const resolver = await realpath('/etc/resolv.conf').catch(ifCode(noSuchPath, null))
  return {
    program,
    dir,
    git: git === null ? null : (commandRepo?.link ?? `${dir}/.git`),
    writable_git: null,
    own,
    readable,
    read_only,
    hidden: await findHidden(searched, { env: { PATH: entries.join(':') }, timeout_ms: probeTimeout_ms }),
    resolver: resolver === null || isBelow(resolver, '/etc') ? null : resolver,
    filter: await writeFilter(own_dir),
    network: false,
    env: { ...baseEnvironment(entries, { env }, own), ...tools.env },
  }
}

/** Writes the seccomp filter into a folder that commands do not see, and returns its path. Throws BurnError `sandbox_failed`. */
async function writeFilter(own_dir: string): Promise<string> {
  const filter = seccompFilter(process.arch)
  if (filter === null) {
    const hint = 'run sprints on a machine with an x64 or arm64 processor'
    throw new BurnError('sandbox_failed', `burn has no seccomp filter for the processor type ${process.arch}`, hint)
  }
  const path = `${own_dir}/seccomp.bpf`
  await writeFile(path, filter, { mode: 0o600 })
  return path
}

/** Returns the paths that burn can read. Leaves out all other paths, because bubblewrap fails if it cannot mount a path. */
async function readablePaths(paths: readonly string[]): Promise<string[]> {
  const readable = await Promise.all(paths.map((path) => access(path, constants.R_OK).then(() => [path], ifCode(inaccessible, []))))
  return readable.flat()
}

function baseEnvironment(
  entries: readonly string[],
  { env }: Pick<SandboxOptions, 'env'>,
  own: BubblewrapConfig['own'],
): Record<string, string> {
  return environment({ ...fixedEnvironment, PATH: entries.join(':'), HOME: own.home, TMPDIR: own.tmp }, env, passedVariables)
}

function environment(set: Readonly<Record<string, string>>, from: SandboxOptions['env'], names: readonly string[]): Record<string, string> {
  const inherited = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))
  return { ...Object.fromEntries(inherited), ...set }
}

async function findProgram(entries: readonly string[], name: string): Promise<string | null> {
  for (const entry of entries) {
    const path = posix.join(entry, name)
    if (await access(path, constants.X_OK).then(() => true, ifCode(inaccessible, false))) return path
  }
  return null
}

/** Tells whether the shell's process limit counts only the processes of this sandbox. Older kernels count all processes of the user. */
async function countsOwnProcesses(policy: SandboxPolicy, config: BubblewrapConfig): Promise<boolean> {
  const command = innerArgv({ ...policy, file_bytes: policy.disk }, { processes: true, memory: false }, 'sh', '(true) && (true)')
  return (await runConfined(config, command, config.env)).code === 0
}

const missingHint =
  'install bubblewrap: apt-get install bubblewrap (not available on macOS); or set "use": "off" in "sandbox" of the spec to run commands unconfined'

function failedHint(reason: string): string {
  if (/no space left|ENOSPC|max_\S+_namespaces/i.test(reason))
    return 'no user namespace is left: raise user.max_user_namespaces, or end processes that use user namespaces; the next sprint tries again'
  if (/seccomp/i.test(reason)) return 'use a kernel with CONFIG_SECCOMP_FILTER, and a current bubblewrap; in a container, allow seccomp'
  return 'allow user namespaces: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), kernel.unprivileged_userns_clone=1 (Debian); in a container, change the settings of the container'
}
