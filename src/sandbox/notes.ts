/** What the sandbox says of a command: a line for each thing that it refused or ended. */
import type { SandboxPolicy } from '../core/sprint.ts'
import type { Hits } from './cgroup.ts'
import { memoryOfOne, type Limits } from './limits.ts'

export interface EndedCommand {
  readonly policy: SandboxPolicy
  readonly bubblewrap: unknown
  readonly why: string
  readonly limits: Limits
  readonly network: boolean
  readonly timeout: number
  readonly hits: Hits
  /** Why no command may run any more; null while they may. */
  readonly over: string | null
  /** Whether it was ended for the number of its processes. */
  readonly exceeded: boolean
  readonly code: number | null
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
  readonly output: string
}

const unreachable =
  /network is unreachable|could not resolve|name resolution|name or service not known|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|connection refused|no such host/i
const unwritable = /read-only file system|EROFS/i
const no_room = /file size limit exceeded|file too large|EFBIG/i
const no_memory = /cannot allocate memory|out of memory|MemoryError|bad_alloc|ENOMEM/i
const no_process = /resource temporarily unavailable|EAGAIN|can't fork|cannot fork/i

/** The lines, the worst first. */
export function notesOf(ended: EndedCommand): string[] {
  const { policy, bubblewrap: walls, network, hits, stopped, output, limits } = ended
  const confined = walls !== null
  const red = ended.code !== 0
  const memory = mebibytes(policy.memory)
  const lines: readonly (readonly [boolean, string])[] = [
    [!confined, `not confined: ${ended.why}`],
    [!confined && !network, 'the network is off by the rules, but nothing here cuts it'],
    [stopped === 'timeout', `killed: it took longer than ${ended.timeout / 1000} s`],
    [stopped === 'too_much' && !ended.exceeded, 'killed: it wrote more than anybody could read'],
    [stopped === 'stop' && !ended.exceeded, `killed: ${ended.over ?? 'the sprint was stopped'}`],
    [ended.exceeded, `killed: more than ${policy.processes} processes`],
    [!ended.exceeded && hits.processes > 0, `more than ${policy.processes} processes were refused`],
    [hits.memory > 0, `killed: more than ${memory} of memory`],
    [
      limits.scope !== null && ended.code === 137 && hits.memory === 0,
      `killed by the system; it may have wanted more than ${memory} of memory`,
    ],
    [limits.rlimits.memory && red && no_memory.test(output), `a process can have ${mebibytes(memoryOfOne(policy))} of memory, and no more`],
    [limits.rlimits.processes && red && no_process.test(output), `a command can have ${policy.processes} processes, and no more`],
    [confined && !network && red && unreachable.test(output), 'the network is off: only what the same command started can be reached'],
    [red && no_room.test(output), 'the file is larger than all that a sprint may add to the disk'],
    [confined && unwritable.test(output), 'only the workspace (not its .git), HOME and /tmp can be written'],
  ]
  return lines.flatMap(([holds, line]) => (holds ? [line] : []))
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
