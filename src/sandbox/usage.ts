/** Measures the processes of a sandbox, for machines on which no control group limits them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ifCode, noSuchPath } from '../core/errors.ts'
import type { LimitHits } from './cgroup.ts'

/** Errors of processes that have ended, or that this user may not read. */
const unreadable = [...noSuchPath, 'ESRCH', 'EACCES', 'EPERM'] as const

/**
 * Returns the number of a sandbox's processes, and their memory (bytes). `first_pid`: the sandbox's first process, as this machine counts
 * processes. The memory includes swapped and shared memory. burn divides shared memory among the processes only if the sum would otherwise
 * exceed `limit` (bytes), because that takes long. A sandbox that has ended uses nothing.
 */
export async function usageOf(first_pid: number, limit: number): Promise<LimitHits> {
  // This folder shows only the processes of the sandbox, and no command can mount another one there.
  const proc = join(`/proc/${first_pid}/root`, 'proc')
  const pids = (await readdir(proc).catch(ifCode(unreadable, []))).filter((name) => /^\d+$/.test(name))
  const sum = async (file: string, keys: RegExp) => {
    const texts = await Promise.all(pids.map((pid) => readFile(`${proc}/${pid}/${file}`, 'utf8').catch(ifCode(unreadable, ''))))
    const sizes = texts.flatMap((text) => [...text.matchAll(keys)].map(([, kilobytes]) => Number(kilobytes) * 1024))
    return sizes.reduce((total, size) => total + size, 0)
  }
  const counted = await sum('status', /^(?:VmRSS|VmSwap):\s+(\d+) kB$/gm)
  const memory = counted > limit ? await sum('smaps_rollup', /^(?:Pss|SwapPss):\s+(\d+) kB$/gm) : counted
  return { processes: pids.length, memory }
}
