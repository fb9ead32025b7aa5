/** Writes the notes on a command's result, one for each limit that the sandbox enforced. */
import type { SandboxPolicy } from '../core/sandbox-policy.ts'
import { counted } from '../core/text.ts'
import type { LimitHits } from './cgroup.ts'
import { memoryPerProcess, type Limits } from './limits.ts'

export interface EndedCommand {
  readonly policy: SandboxPolicy
  readonly bubblewrap: unknown
  readonly summary: string
  readonly limits: Limits
  readonly network: boolean
  /** The hosts, each with its port, that the command's proxy refused. */
  readonly refused_hosts: readonly string[]
  readonly timeout: number
  readonly hits: LimitHits
  /** Why the sandbox allows no further commands; null if it allows further commands. */
  readonly end_reason: string | null
  /** Whether burn killed the command because it reached the limit of processes or memory. */
  readonly exceeded: boolean
  readonly code: number | null
  readonly stopped: 'timeout' | 'too_much' | 'stop' | null
  readonly output: string
}

const networkError =
  /network is unreachable|could not resolve|name resolution|name or service not known|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ECONNREFUSED|connection refused|no such host/i
const readOnlyError = /read-only file system|EROFS/i
const fileSizeError = /file size limit exceeded|file too large|EFBIG/i
const memoryError = /cannot allocate memory|out of memory|MemoryError|bad_alloc|ENOMEM/i
const processError = /resource temporarily unavailable|EAGAIN|can't fork|cannot fork/i

/** Returns the notes on a command, the most important ones first. */
export function notesOf(command: EndedCommand): string[] {
  const { policy, bubblewrap, network, hits, stopped, output, limits } = command
  const isConfined = bubblewrap !== null
  const hasFailed = command.code !== 0
  const memoryLimit = mebibytes(policy.memory)
  const notes: readonly (readonly [boolean, string])[] = [
    [!isConfined, `not confined: ${command.summary}`],
    [!isConfined && !network, 'the spec turns the network off, but commands can use the network, because bubblewrap is off'],
    [stopped === 'timeout', `killed: the command took longer than ${command.timeout / 1000} s`],
    [stopped === 'too_much' && !command.exceeded, 'killed: the command printed too much output'],
    [stopped === 'stop' && !command.exceeded, `killed: ${command.end_reason ?? 'the sprint was stopped'}`],
    [
      command.exceeded && hits.processes > 0,
      `killed: the command reached the limit of ${counted(policy.processes, 'process', 'processes')}`,
    ],
    [!command.exceeded && hits.processes > 0, `the command reached the limit of ${counted(policy.processes, 'process', 'processes')}`],
    [hits.memory > 0, `killed: the command used more than ${memoryLimit} of memory`],
    [
      limits.scope !== null && command.code === 137 && hits.memory === 0,
      `killed by the system, probably because the command needed more than ${memoryLimit} of memory`,
    ],
    [
      limits.rlimits.memory && hasFailed && memoryError.test(output),
      `a process can use at most ${mebibytes(memoryPerProcess(policy))} of memory`,
    ],
    [
      limits.rlimits.processes && hasFailed && processError.test(output),
      `a command can have at most ${counted(policy.processes, 'process', 'processes')}`,
    ],
    [command.refused_hosts.length > 0, `the spec does not allow these hosts: ${command.refused_hosts.join(', ')}`],
    [
      isConfined && !network && hasFailed && networkError.test(output),
      'the network is off: a command can reach only servers that it started itself',
    ],
    [hasFailed && fileSizeError.test(output), 'the file is larger than the disk quota of the sprint'],
    [isConfined && readOnlyError.test(output), 'only the workspace (except .git), HOME and /tmp are writable'],
  ]
  return notes.flatMap(([applies, note]) => (applies ? [note] : []))
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`
}
