/**
 * Limits the processes and the memory of commands, with a control group if one can be created, otherwise with resource limits (`ulimit`).
 */
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { BurnError } from '../core/errors.ts'
import { runProcess } from '../host/exec.ts'
import { shellWord } from '../host/quote.ts'
import { INFO_FD } from './bubblewrap.ts'
import { findCgroupParents, type CgroupParent, type Resource } from './cgroup.ts'
import type { Gap } from './gaps.ts'

export interface Limits {
  /** The argv prefix with which systemd creates a control group for the command; null if systemd cannot create one. */
  readonly scope: readonly string[] | null
  /** The folders in which burn itself creates control groups. */
  readonly cgroup_parents: readonly CgroupParent[]
  /** The resource limits that the shell sets with `ulimit`. */
  readonly rlimits: { readonly processes: boolean; readonly memory: boolean }
  /** The limits that burn enforces itself: it measures the command several times a second, and kills it. */
  readonly measured: Readonly<Record<Resource, boolean>>
  /** One line that tells people how each limit is enforced, or that the limit is not enforced. */
  readonly summary: string
  /** The limits that do not hold on this machine. */
  readonly gaps: readonly Gap[]
}

/** The number of processes in the group besides the command's own, such as burn's shell and the two processes of bubblewrap. */
const ownProcesses = 4
/** Longer than 25 s, because systemd-run itself waits that long for a bus that does not answer. */
const probeTimeout_ms = 30_000

type ResourceLimits = Pick<SandboxPolicy, 'processes' | 'memory'>

/** The limits that the shell inside bubblewrap sets before it runs a command. */
type InnerLimits = ResourceLimits & { readonly file_bytes: number }

/**
 * Tests which limits this machine supports, and returns them. Throws BurnError `sandbox_failed` if systemd does not answer, because
 * commands must not get weaker limits on a busy machine. `confined` tells whether commands run in bubblewrap. `counts_own` tells whether the
 * shell's process limit counts only the processes of this sandbox.
 */
export async function findLimits(
  max: ResourceLimits,
  options: { env: Readonly<Record<string, string>>; uid: number; confined: boolean; counts_own: boolean; probe_ms?: number },
): Promise<Limits> {
  const scope = scopeArgv(max, options.uid)
  const trial = await runProcess([...scope, 'true'], { timeout_ms: options.probe_ms ?? probeTimeout_ms, env: options.env })
  if (trial.code === 0)
    return {
      scope,
      cgroup_parents: [],
      rlimits: { processes: false, memory: false },
      measured: { processes: false, memory: false },
      summary: 'processes and memory: limited by systemd',
      gaps: [],
    }
  if (trial.stopped !== null) {
    const hint = 'check the load of the machine; the next sprint tries systemd again'
    throw new BurnError('sandbox_failed', `systemd-run did not answer within ${(options.probe_ms ?? probeTimeout_ms) / 1000} s`, hint)
  }
  const parents = await findCgroupParents()
  const limitedByGroup = new Set(parents.flatMap(({ limits }) => limits))
  const rlimits = { processes: !limitedByGroup.has('processes') && options.counts_own, memory: !limitedByGroup.has('memory') }
  const measured = {
    processes: options.confined && !limitedByGroup.has('processes') && !rlimits.processes,
    memory: options.confined && !limitedByGroup.has('memory'),
  }
  const found = { limitedByGroup, rlimits, measured }
  return {
    scope: null,
    cgroup_parents: parents,
    rlimits,
    measured,
    summary: summaryOf(found, options.uid),
    gaps: gapsOf(found, options.uid),
  }
}

interface FoundLimits extends Pick<Limits, 'rlimits' | 'measured'> {
  readonly limitedByGroup: ReadonlySet<Resource>
}

function gapsOf({ limitedByGroup, rlimits, measured }: FoundLimits, uid: number): Gap[] {
  const remedy =
    uid === 0
      ? 'run burn on a machine with systemd, or in a container that has its own control group'
      : 'let systemd limit commands: loginctl enable-linger; or run burn in a container that has its own control group'
  const unlimited = [
    ...(limitedByGroup.has('memory')
      ? []
      : measured.memory
        ? ['the memory of a command can exceed its limit for a moment: burn measures the total, and then kills the command']
        : ['the memory of a command is limited per process, but not in total, and without shared memory']),
    ...(limitedByGroup.has('processes') || rlimits.processes
      ? []
      : measured.processes
        ? ['a command can exceed its number of processes for a moment: burn counts them, and then kills the command']
        : ['the number of processes of a command is not limited']),
  ]
  return unlimited.map((what) => ({ what, remedy }))
}

function summaryOf({ limitedByGroup, rlimits, measured }: FoundLimits, uid: number): string {
  const processes = limitedByGroup.has('processes')
    ? 'limited by a control group'
    : rlimits.processes
      ? 'limited by a resource limit'
      : measured.processes
        ? 'counted by burn'
        : `not limited (no control group can be created here${uid === 0 ? ', and resource limits do not apply to root' : ''})`
  const memory = limitedByGroup.has('memory')
    ? 'limited by a control group'
    : measured.memory
      ? 'limited per process, and measured by burn in total'
      : 'limited per process, not in total'
  return `processes: ${processes}; memory: ${memory}`
}

/** Returns the argv prefix that runs a command in a new control group of systemd. */
export function scopeArgv(max: ResourceLimits, uid: number): string[] {
  const properties = [`TasksMax=${max.processes + ownProcesses}`, `MemoryMax=${max.memory}`, 'MemorySwapMax=0']
  const manager = uid === 0 ? [] : ['--user']
  return ['systemd-run', ...manager, '--scope', '--quiet', '--collect', ...properties.flatMap((property) => ['-p', property]), '--']
}

/**
 * Returns the memory limit (bytes) of one process, for machines that cannot limit the total. The limit is at least 2 GiB, because V8
 * reserves more than 1 GiB when it starts.
 */
export function memoryPerProcess({ memory }: Pick<SandboxPolicy, 'memory'>): number {
  return Math.max(memory, 2 * 2 ** 30)
}

/** Returns the limits of a control group, including the sandbox's own processes. */
export function groupLimits(max: ResourceLimits): Readonly<Record<Resource, number>> {
  return { processes: max.processes + ownProcesses, memory: max.memory }
}

/**
 * Returns the outermost argv: a shell that enters the control groups, makes the given redirections and redirects stderr to stdout. It keeps
 * the original stderr as the file descriptor to which bubblewrap writes its report.
 */
export function outerArgv(groups: readonly string[], redirections: readonly string[], argv: readonly string[]): string[] {
  const enterGroups = groups.map((dir) => `echo $$ >${shellWord(`${dir}/cgroup.procs`)} || exit 125`)
  return ['sh', '-c', [...enterGroups, ['exec', `${INFO_FD}>&2 2>&1`, ...redirections].join(' '), 'exec "$@"'].join('\n'), 'sh', ...argv]
}

/**
 * Returns the argv that runs inside bubblewrap: a shell that sets its own limits and then runs the command. The option for the process
 * limit is `-p` in dash, and `-u` in other shells.
 */
export function innerArgv(max: InnerLimits, rlimits: Limits['rlimits'], command: readonly string[]): string[] {
  const memory = rlimits.memory ? [`ulimit -d ${Math.ceil(memoryPerProcess(max) / 1024)}`] : []
  const processes = rlimits.processes ? [`ulimit -u ${max.processes} 2>/dev/null || ulimit -p ${max.processes}`] : []
  // POSIX counts blocks of 512 bytes. If the system has a lower limit, `ulimit` fails, and the lower limit stays in force.
  const file = `ulimit -f ${Math.ceil(max.file_bytes / 512)} 2>/dev/null`
  return ['sh', '-c', ['ulimit -c 0', file, ...memory, ...processes, `exec ${INFO_FD}>&-`, 'exec "$@"'].join('\n'), 'sh', ...command]
}
