/** Runs one command in the sandbox, enforces its limits, and finally kills all of its processes. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { BurnError, ifCode, messageOf } from '../core/errors.ts'
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { oneLine } from '../core/text.ts'
import { streamProcess, type StreamResult } from '../host/exec.ts'
import { bubblewrapArgv, filterRedirection, type BubblewrapConfig } from './bubblewrap.ts'
import { Cgroup, groupOf, hitsIn, type LimitHits, type Resource } from './cgroup.ts'
import { groupLimits, innerArgv, outerArgv, type Limits } from './limits.ts'
import { notesOf } from './notes.ts'
import { KeptOutput } from './output.ts'
import { openProxy, proxiedArgv, proxyMounts, type Proxy } from './proxy.ts'
import type { Separation } from './separation.ts'
import { usageOf } from './usage.ts'

export interface CommandOptions {
  readonly stop: AbortSignal
  /** The timeout (ms). The timeout of the policy is the upper limit. */
  readonly timeout?: number
  /** Overrides the policy's `network`. */
  readonly network?: boolean
  /** The only hosts that the command can reach, through a proxy (see `openProxy`). In a sandbox this overrides `network`. */
  readonly hosts?: readonly string[]
  /** Makes the repository of the workspace writable. Set only for commands of the operator, never for a command of a model. */
  readonly writable_git?: boolean
}

export interface CommandResult {
  /** The exit code; null if a signal or burn ended the command. */
  readonly code: number | null
  readonly signal: string | null
  /** Stdout and stderr, in the order in which they arrived. If the output is too long, its middle is left out. */
  readonly output: string
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
  /** Messages from the sandbox: the limits that it enforced and, if it killed the command, the reason. */
  readonly notes: readonly string[]
}

/** The settings that all commands share. They are determined once, when the sandbox opens. */
export interface CommandSetup {
  readonly policy: SandboxPolicy
  readonly dir: string
  /** The configuration of bubblewrap; null if commands run unconfined. */
  readonly bubblewrap: BubblewrapConfig | null
  /** The repository that commands with `writable_git` may change; null if there is none. */
  readonly git_dir: string | null
  /** One line that tells people how commands are confined. */
  readonly summary: string
  readonly limits: Limits
  readonly separation: Separation
  readonly shell: string
  /** The environment of the processes outside bubblewrap. */
  readonly outer_env: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  /** The maximum size of one file (bytes). */
  readonly file_bytes: number
  /** Aborts when the sandbox allows no further commands. Its reason is an Error. */
  readonly ended: AbortSignal
}

/** The time (ms) between two checks of a running command's limits. */
const POLL_MS = 200
/** The time (ms) to wait for the last processes to exit after burn kills them. */
const EXIT_MS = 5000

/**
 * Runs a shell command in the workspace. Throws BurnError `sandbox_failed` if the command could not be started, and `bad_argument` if the
 * command contains a NUL character. If the command itself fails, the result has its exit code.
 */
export async function runCommand(setup: CommandSetup, command: string, options: CommandOptions): Promise<CommandResult> {
  if (command.includes('\0')) throw new BurnError('bad_argument', 'the command contains a NUL character', 'remove this character')
  const group = await Cgroup.create(setup.limits.cgroup_parents, groupLimits(setup.policy)).catch((thrown: Error) => {
    throw startError(`burn could not create its control group (${thrown.message})`)
  })
  const output = new KeptOutput(setup.policy.output)
  try {
    await using proxy =
      options.hosts === undefined || setup.bubblewrap === null ? null : await openProxy(options.hosts).catch(throwProxyError)
    const argv = commandArgv(setup, { groups: group.dirs, proxy }, command, options)
    const { result, hits, exceeded } = await runWatched(setup, { group, argv }, options, output)
    if (setup.bubblewrap !== null) await waitForLastProcess(result, output, setup.dir)
    const stopped = exceeded ? 'too_much' : result.stopped
    const { code, signal } = stopped === null ? result : { code: null, signal: 'SIGKILL' }
    const network = proxy !== null || networkOf(setup, options)
    const timeout = timeoutOf(setup, options)
    const text = output.text()
    const end_reason = setup.ended.aborted ? messageOf(setup.ended.reason) : null
    const refused_hosts = [...(proxy?.refused ?? [])]
    const notes = notesOf({ ...setup, refused_hosts, end_reason, network, timeout, hits, exceeded, code, stopped, output: text })
    return { code, signal, output: text, stopped, notes }
  } finally {
    await group.close()
  }
}

/** Returns the argv that runs a command inside bubblewrap with its limits. */
export function commandArgv(
  setup: CommandSetup,
  { groups, proxy }: { readonly groups: readonly string[]; readonly proxy: Proxy | null },
  command: string,
  options: CommandOptions,
): string[] {
  const { policy, limits, bubblewrap } = setup
  const shell = [setup.shell, '-c', command]
  const words = proxy === null ? shell : proxiedArgv(shell)
  const inner = innerArgv({ ...policy, file_bytes: setup.file_bytes }, limits.rlimits, words)
  const unconfined = () => [...Object.entries(setup.env).map(([name, value]) => `${name}=${value}`), ...inner]
  const network = networkOf(setup, options)
  const mounts = proxy === null ? [] : proxyMounts(proxy)
  const argv =
    bubblewrap === null
      ? unconfined()
      : bubblewrapArgv({ ...bubblewrap, mounts, network, writable_git: options.writable_git === true ? setup.git_dir : null }, inner)
  // A confined command can read the environment of bubblewrap's process, so that environment must be empty.
  const redirections = bubblewrap === null ? [] : [filterRedirection(bubblewrap)]
  return [...setup.separation.argv, ...outerArgv(groups, redirections, [...(limits.scope ?? []), 'env', '-i', ...argv])]
}

function networkOf({ policy, bubblewrap }: CommandSetup, { network, hosts }: CommandOptions): boolean {
  return hosts !== undefined && bubblewrap !== null ? false : (network ?? policy.network)
}

function throwProxyError(thrown: Error): never {
  throw startError(`burn could not open the proxy for the command (${thrown.message})`)
}

function timeoutOf({ policy }: CommandSetup, options: CommandOptions): number {
  return Math.min(policy.timeout, options.timeout ?? policy.timeout)
}

/**
 * Runs a command. Kills it if it reaches the process limit, because a fork bomb would otherwise run for ever. Without a control group, also
 * kills it if its processes together exceed the memory limit.
 */
async function runWatched(
  setup: CommandSetup,
  { group, argv }: { readonly group: Cgroup; readonly argv: readonly string[] },
  options: CommandOptions,
  output: KeptOutput,
): Promise<{ result: StreamResult; hits: LimitHits; exceeded: boolean }> {
  const exceeded = new AbortController()
  let pid: number | null = null
  let reported = ''
  let hits: LimitHits = { processes: 0, memory: 0 }
  const readHits = async () => {
    const dirs = setup.limits.scope === null ? group.dirs : await scopeOf(pid)
    const [current, excess] = await Promise.all([hitsIn(dirs), excessOf(firstPidIn(reported), setup)])
    const most = (of: Resource) => Math.max(hits[of], current[of], excess[of])
    hits = { processes: most('processes'), memory: most('memory') }
    if (hits.processes + excess.memory > 0) exceeded.abort()
  }
  const stop = AbortSignal.any([options.stop, setup.ended])
  const { scope, measured } = setup.limits
  const hasLimits = scope !== null || group.dirs.length > 0 || measured.processes || measured.memory
  let reading: Promise<void> | null = null
  const read = () => void (reading ??= readHits().finally(() => (reading = null)))
  const polling = hasLimits ? setInterval(read, POLL_MS) : undefined
  try {
    const result = await streamProcess(argv, {
      timeout_ms: timeoutOf(setup, options),
      stop: AbortSignal.any([stop, exceeded.signal]),
      onStdout: (chunk) => output.add(chunk),
      onStderr: (chunk) => {
        if (reported.length < 4096) reported += chunk.toString('latin1')
      },
      started: (id) => {
        pid = id
      },
      env: setup.outer_env,
      cwd: setup.dir,
    })
    if (hasLimits) await readHits()
    return { result, hits, exceeded: result.stopped === 'stop' && !stop.aborted }
  } finally {
    clearInterval(polling)
  }
}

/** Returns 1 for each limit that burn enforces itself and that the processes of a sandbox exceed now, otherwise 0. */
async function excessOf(first_pid: number | null, { policy, limits: { measured } }: CommandSetup): Promise<LimitHits> {
  if (first_pid === null || !(measured.processes || measured.memory)) return { processes: 0, memory: 0 }
  const max = groupLimits(policy)
  const usage = await usageOf(first_pid, max.memory)
  const hit = (of: Resource) => Number(measured[of] && usage[of] > max[of])
  return { processes: hit('processes'), memory: hit('memory') }
}

/** Returns the pid of the sandbox's first process, which bubblewrap reports; null if it has not reported the process. */
function firstPidIn(report: string): number | null {
  const pid = /"child-pid": *(\d+)/.exec(report)?.[1]
  return pid === undefined ? null : Number(pid)
}

/** Returns the control group that systemd created for the command, as a list; empty while there is none. */
async function scopeOf(pid: number | null): Promise<string[]> {
  if (pid === null) return []
  const [own, commandGroup] = await Promise.all([groupOf(process.pid), groupOf(pid)])
  return commandGroup === null || commandGroup === own ? [] : [commandGroup]
}

/**
 * Waits until the sandbox's first process has exited. The kernel removes this process after all others, so no process of the sandbox is
 * left then.
 */
async function waitForLastProcess(result: StreamResult, output: KeptOutput, dir: string): Promise<void> {
  const firstPid = firstPidIn(result.stderr)
  if (firstPid === null && result.stopped === null) {
    if (!existsSync(dir))
      throw new BurnError(
        'sandbox_workspace',
        `the workspace ${dir} no longer exists`,
        'run the next sprint, which creates a new workspace',
      )
    throw startError(oneLine(output.text()) || oneLine(result.stderr))
  }
  if (firstPid === null) return
  for (let waited = 0; waited < EXIT_MS; waited += 1) {
    const stat = await readFile(`/proc/${firstPid}/stat`, 'utf8').catch(ifCode(['ENOENT', 'ESRCH'], null))
    if (stat === null || /\) [ZX] /.test(stat)) return
    await sleep(1)
  }
}

function startError(reason: string): BurnError {
  return new BurnError('sandbox_failed', `burn could not start the command in its sandbox: ${reason}`, 'run burn doctor')
}
