/**
 * Opens the sandbox of a sprint, and tests which features this machine supports. If bubblewrap does not work, opens the sandbox only if the
 * policy says `off`. Sandboxes share the facts about the machine (`facts.ts`), but each one tests its own bubblewrap.
 */
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { posix } from 'node:path'
import { BurnError, ifCode, noSuchPath } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { runCommand, type CommandOptions, type CommandResult, type CommandSetup } from './command.ts'
import { countsOwnProcesses, findBubblewrap } from './find-bubblewrap.ts'
import type { Gap } from './gaps.ts'
import { findLimits } from './limits.ts'
import type { SandboxFacts } from './facts.ts'
import { findProgram } from '../host/find-program.ts'
import { baseEnvironment, environment, type SandboxOptions } from './options.ts'
import { Quota } from './quota.ts'
import { separationOf, unseparated } from './separation.ts'
import { isBelow } from './toolchains.ts'

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
  const config = policy.use === 'off' ? null : await findBubblewrap(policy, entries, { ...options, dir, own })
  const outer_env = environment({ PATH: entries.join(':') }, options.env, ['XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'])
  const uid = process.getuid?.() ?? -1
  const counts_own = config !== null && uid !== 0 && (await countsOwnProcesses(policy, config))
  const { facts, probe_ms } = options
  const probe = { env: outer_env, uid, confined: config !== null, counts_own, ...(probe_ms === undefined ? {} : { probe_ms }) }
  const limits = await facts.limits.get(JSON.stringify([policy, probe]), () => findLimits(policy, probe))
  const separation = config === null ? unseparated : await facts.separation.get(JSON.stringify(outer_env), () => separationOf(outer_env))
  const gaps = [...limits.gaps, ...separation.gaps]
  const summary = config === null ? 'without bubblewrap ("off" in the spec)' : `in bubblewrap; ${limits.summary}`
  const env = config?.env ?? baseEnvironment(entries, options, own)
  const shell = (await findProgram('bash', entries.join(':'))) ?? 'sh'
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
  return sandboxOf(setup, gaps, quota, { ended, facts })
}

function sandboxOf(
  setup: CommandSetup,
  gaps: readonly Gap[],
  quota: Quota,
  { ended, facts }: { readonly ended: AbortController; readonly facts: SandboxFacts },
): Sandbox {
  const withQuota = <T>(work: () => Promise<T>) => quota.watch((thrown) => ended.abort(thrown), work)
  return {
    dir: setup.dir,
    confined: setup.bubblewrap !== null,
    summary: setup.bubblewrap === null ? `${setup.summary}; ${setup.limits.summary}` : setup.summary,
    gaps,
    timeout: setup.policy.timeout,
    ended: ended.signal,
    run: async (command, options) => {
      ended.signal.throwIfAborted()
      try {
        return await withQuota(() => runCommand(setup, command, options))
      } catch (thrown) {
        // The model sees only that a tool failed, and would continue until its budget is used up. So burn ends the sandbox.
        if (thrown instanceof BurnError && thrown.code.startsWith('sandbox_')) {
          facts.forget()
          ended.abort(thrown)
        }
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
