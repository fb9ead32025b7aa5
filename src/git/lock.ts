/** A lock between processes: a file with the holder's pid. Another process removes it if the holder is gone. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { BurnError, codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError, stoppedError } from './failure.ts'
import type { Git } from './run.ts'

/** The time (ms) between two attempts to get the lock. */
const pollInterval = 50
/** The time (ms) to wait for the lock. It is longer than the clone of a large repo takes. */
const lockTimeout = 2_400_000

/**
 * Runs `act` while this process holds the lock at `path`. Throws BurnError `git_busy` if a live process keeps the lock for too long, and
 * `git_stopped` if `signal` is aborted during the wait.
 */
export async function withLock<T>(path: string, { clock, signal }: Pick<Git, 'clock' | 'signal'>, act: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${startOf(process.pid) ?? '-'} ${randomBytes(8).toString('hex')}\n`
  const end = clock.now() + lockTimeout
  while (!acquire(path, mine)) {
    const holder = read(path)
    if (holder !== null && isGone(holder)) breakLock(path, holder, mine)
    else if (clock.now() > end) {
      throw new BurnError('git_busy', `process ${holder?.split(' ')[0]} holds the lock ${path}`, 'find out what that process is doing')
    } else if (signal?.aborted === true) throw stoppedError(`the wait for ${path}`)
    else await clock.sleep(pollInterval, signal)
  }
  try {
    return await act()
  } finally {
    rmSync(path, { force: true })
  }
}

/** Creates the lock file; false if it exists. Links a complete file into place, so that no process reads a lock without its holder. */
function acquire(path: string, mine: string): boolean {
  const beside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(beside, mine, { mode: 0o600, flag: 'wx' })
    linkSync(beside, path)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw diskError(thrown)
  } finally {
    rmSync(beside, { force: true })
  }
}

/**
 * Removes the lock of a process that is gone. A second lock, held for a few system calls, keeps two processes from doing this at once. The
 * holder is read again under it, so that a new lock stays.
 */
function breakLock(path: string, seen: string, mine: string): void {
  const guard = `${path}.break`
  if (!acquire(guard, mine)) {
    const holder = read(guard)
    if (holder !== null && isGone(holder)) rmSync(guard, { force: true })
    return
  }
  try {
    if (read(path) === seen) rmSync(path, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

/** Tells whether the holder's process has ended. Pids are reused, so the start time of the process must match, too, if it is known. */
function isGone(holder: string): boolean {
  const [pid = '', start = '-'] = holder.trim().split(' ')
  if (!/^\d+$/.test(pid)) return true
  const now = startOf(Number(pid))
  if (now !== null && start !== '-') return now !== start
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (thrown) {
    return codeOf(thrown) === 'ESRCH'
  }
}

/** Returns the start time of a process, in clock ticks since boot, from /proc; null if the process is gone or the system has no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program comes first and may have brackets. The last bracket ends it.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : (fields[18] ?? null)
  } catch (thrown) {
    // There is no such process, or the system has no /proc.
    return ifCode([...noSuchPath, 'ESRCH'], null)(thrown)
  }
}
