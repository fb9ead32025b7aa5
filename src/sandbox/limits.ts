/** Limits the processes and the memory of commands: by a control group if one can be created, otherwise by resource limits. */
import type { SandboxPolicy } from '../core/sprint.ts'
import { BurnError } from '../core/errors.ts'
import { runProcess } from '../host/exec.ts'
import { shellWord } from '../host/quote.ts'
import { INFO_FD } from './bubblewrap.ts'
import { findCgroupParents, type CgroupParent, type Resource } from './cgroup.ts'

export interface Limits {
  /** The argv before a command that has systemd create its group; null if systemd can't. */
  readonly scope: readonly string[] | null
  /** The folders in which burn creates groups itself. */
  readonly cgroup_parents: readonly CgroupParent[]
  /** The resource limits that the shell sets (`ulimit`). */
  readonly rlimits: { readonly processes: boolean; readonly memory: boolean }
  /** For people: the mechanism of each limit, or that there is none. */
  readonly summary: string
}

/** Processes in the group beside the command's own: burn's shell and bubblewrap's two. */
const ownProcesses = 4
/** Longer than the 25 s after which systemd-run itself gives up on a bus that does not answer. */
const probeTimeout_ms = 30_000

type ResourceLimits = Pick<SandboxPolicy, 'processes' | 'memory'>

/** The limits that the shell sets before it runs a command. */
type InnerLimits = ResourceLimits & { readonly file_bytes: number }

/**
 * Finds the limits that this machine supports, by trying them. Throws BurnError `sandbox_failed` if systemd does not answer: a busy machine
 * must not get weaker limits. `counts_own`: the shell's process limit counts only the processes of this sandbox.
 */
export async function findLimits(
  max: ResourceLimits,
  options: { env: Readonly<Record<string, string>>; uid: number; counts_own: boolean; probe_ms?: number },
): Promise<Limits> {
  const scope = scopeArgv(max, options.uid)
  const trial = await runProcess([...scope, 'true'], { timeout_ms: options.probe_ms ?? probeTimeout_ms, env: options.env })
  if (trial.code === 0)
    return { scope, cgroup_parents: [], rlimits: { processes: false, memory: false }, summary: 'processes and memory: limited by systemd' }
  if (trial.stopped !== null) {
    const hint = 'check the load of the machine; the next sprint tries again'
    throw new BurnError('sandbox_failed', `systemd-run did not answer within ${(options.probe_ms ?? probeTimeout_ms) / 1000} s`, hint)
  }
  const parents = await findCgroupParents()
  const limitedByGroup = new Set(parents.flatMap(({ limits }) => limits))
  const rlimits = { processes: !limitedByGroup.has('processes') && options.counts_own, memory: !limitedByGroup.has('memory') }
  return { scope: null, cgroup_parents: parents, rlimits, summary: summaryOf(limitedByGroup, rlimits, options.uid) }
}

function summaryOf(limitedByGroup: ReadonlySet<Resource>, rlimits: Limits['rlimits'], uid: number): string {
  const processes = limitedByGroup.has('processes')
    ? 'limited by a control group'
    : rlimits.processes
      ? 'limited by a resource limit'
      : `not limited (no control group can be created here${uid === 0 ? ', and resource limits do not apply to root' : ''})`
  const memory = limitedByGroup.has('memory') ? 'limited by a control group' : 'limited per process, not in total'
  return `processes: ${processes}; memory: ${memory}`
}

/** Returns the argv that runs a command in a new group of systemd. */
export function scopeArgv(max: ResourceLimits, uid: number): string[] {
  const properties = [`TasksMax=${max.processes + ownProcesses}`, `MemoryMax=${max.memory}`, 'MemorySwapMax=0']
  const manager = uid === 0 ? [] : ['--user']
  return ['systemd-run', ...manager, '--scope', '--quiet', '--collect', ...properties.flatMap((property) => ['-p', property]), '--']
}

/**
 * Returns the memory limit of one process (bytes), for machines that can't limit the total. V8 reserves more than a gibibyte at its start.
 */
export function memoryPerProcess({ memory }: Pick<SandboxPolicy, 'memory'>): number {
  return Math.max(memory, 2 * 2 ** 30)
}

/** Returns the limits of a control group. */
export function groupLimits(max: ResourceLimits): Readonly<Record<Resource, number>> {
  return { processes: max.processes + ownProcesses, memory: max.memory }
}

/**
 * Returns the outermost argv: a shell that enters the groups and joins stdout and stderr. It keeps the original stderr as the descriptor on
 * which bubblewrap reports.
 */
export function outerArgv(groups: readonly string[], argv: readonly string[]): string[] {
  const enterGroups = groups.map((dir) => `echo $$ >${shellWord(`${dir}/cgroup.procs`)} || exit 125`)
  return ['sh', '-c', [...enterGroups, `exec ${INFO_FD}>&2 2>&1`, 'exec "$@"'].join('\n'), 'sh', ...argv]
}

/**
 * Returns the argv inside of bubblewrap: a shell that sets its limits and runs the command. The process limit is `-p` in dash, and `-u` in
 * other shells.
 */
export function innerArgv(max: InnerLimits, rlimits: Limits['rlimits'], shell: string, command: string): string[] {
  const memory = rlimits.memory ? [`ulimit -d ${Math.ceil(memoryPerProcess(max) / 1024)}`] : []
  const processes = rlimits.processes ? [`ulimit -u ${max.processes} 2>/dev/null || ulimit -p ${max.processes}`] : []
  // POSIX counts blocks of 512 bytes. A lower limit of the system stays in force.
  const file = `ulimit -f ${Math.ceil(max.file_bytes / 512)} 2>/dev/null`
  return [
    'sh',
    '-c',
    ['ulimit -c 0', file, ...memory, ...processes, `exec ${INFO_FD}>&-`, 'exec "$@"'].join('\n'),
    'sh',
    shell,
    '-c',
    command,
  ]
}
