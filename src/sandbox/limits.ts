/** How many processes and how much memory a command may have: by a control group where there can be one, else by resource limits. */
import type { SandboxPolicy } from '../core/sprint.ts'
import { BurnError } from '../core/errors.ts'
import { runProcess } from '../host/exec.ts'
import { shellWord } from '../host/quote.ts'
import { INFO_FD } from './bubblewrap.ts'
import { cgroupPlaces, type CgroupPlace, type Limited } from './cgroup.ts'

export interface Limits {
  /** The words before a command that give it a group of systemd's; null where systemd gives none. */
  readonly scope: readonly string[] | null
  /** Where this program makes groups itself. */
  readonly places: readonly CgroupPlace[]
  /** Whether the shell's own limits are set. */
  readonly rlimits: { readonly processes: boolean; readonly memory: boolean }
  /** For people: what limits what, and what nothing limits. */
  readonly why: string
}

/** Beside the command's own: this program's shell and bubblewrap's two processes. */
const OWN_PROCESSES = 4
/** A bus that does not answer is given up by systemd-run itself after 25 s. */
const PROBE_MS = 30_000

type Most = Pick<SandboxPolicy, 'processes' | 'memory'>

/** What a shell limits before it runs a command. */
type Inner = Most & { readonly file_bytes: number }

/** Finds by trying what there is. Throws BurnError `sandbox_failed` if systemd takes too long: a busy machine must not have weaker limits. `counted`: whether a limit of the shell on processes counts this sandbox's alone. */
export async function findLimits(
  most: Most,
  options: { env: Readonly<Record<string, string>>; uid: number; counted: boolean; probe_ms?: number },
): Promise<Limits> {
  const scope = scopeWords(most, options.uid)
  const tried = await runProcess([...scope, 'true'], { timeout_ms: options.probe_ms ?? PROBE_MS, env: options.env })
  if (tried.code === 0)
    return { scope, places: [], rlimits: { processes: false, memory: false }, why: 'processes and memory: limited by systemd' }
  if (tried.stopped !== null) {
    const hint = 'see how loaded the machine is; the next sprint tries again'
    throw new BurnError('sandbox_failed', `systemd-run did not answer within ${(options.probe_ms ?? PROBE_MS) / 1000} s`, hint)
  }
  const places = await cgroupPlaces()
  const held = new Set(places.flatMap(({ limits }) => limits))
  const rlimits = { processes: !held.has('processes') && options.counted, memory: !held.has('memory') }
  return { scope: null, places, rlimits, why: whyOf(held, rlimits, options.uid) }
}

function whyOf(held: ReadonlySet<Limited>, rlimits: Limits['rlimits'], uid: number): string {
  const processes = held.has('processes')
    ? 'limited by a control group'
    : rlimits.processes
      ? 'limited by a resource limit'
      : `not limited (no control group can be made here${uid === 0 ? ', and a resource limit does not hold root' : ''})`
  const memory = held.has('memory') ? 'limited by a control group' : 'limited for each process, not for all together'
  return `processes: ${processes}; memory: ${memory}`
}

/** systemd's words for a group of one command. */
export function scopeWords(most: Most, uid: number): string[] {
  const properties = [`TasksMax=${most.processes + OWN_PROCESSES}`, `MemoryMax=${most.memory}`, 'MemorySwapMax=0']
  const whose = uid === 0 ? [] : ['--user']
  return ['systemd-run', ...whose, '--scope', '--quiet', '--collect', ...properties.flatMap((property) => ['-p', property]), '--']
}

/** Bytes that one process may have where only processes can be limited: V8 asks for more than a gibibyte before it runs anything. */
export function memoryOfOne({ memory }: Pick<SandboxPolicy, 'memory'>): number {
  return Math.max(memory, 2 * 2 ** 30)
}

/** What to write into a control group. */
export function groupLimits(most: Most): Readonly<Record<Limited, number>> {
  return { processes: most.processes + OWN_PROCESSES, memory: most.memory }
}

/**
 * The argv around everything: a shell that enters the groups, makes one stream of stdout and stderr, and keeps its stderr as
 * the descriptor for bubblewrap's own word.
 */
export function outerWords(groups: readonly string[], words: readonly string[]): string[] {
  const enter = groups.map((dir) => `echo $$ >${shellWord(`${dir}/cgroup.procs`)} || exit 125`)
  return ['sh', '-c', [...enter, `exec ${INFO_FD}>&2 2>&1`, 'exec "$@"'].join('\n'), 'sh', ...words]
}

/** The argv inside the walls: the shell's limits, and the command. Dash calls the number of processes -p, others -u. */
export function innerWords(most: Inner, rlimits: Limits['rlimits'], shell: string, command: string): string[] {
  const memory = rlimits.memory ? [`ulimit -d ${Math.ceil(memoryOfOne(most) / 1024)}`] : []
  const processes = rlimits.processes ? [`ulimit -u ${most.processes} 2>/dev/null || ulimit -p ${most.processes}`] : []
  // In blocks of 512 bytes, by POSIX; a system that already sets less keeps that.
  const file = `ulimit -f ${Math.ceil(most.file_bytes / 512)} 2>/dev/null`
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
