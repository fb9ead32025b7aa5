/** A lock between processes: a file that names the holder's pid. If the holder has ended, another process removes the file. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { BurnError, codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError, stoppedError } from './failure.ts'
import type { Git } from './run.ts'

/** The time (ms) between two attempts to get the lock. */
const pollInterval = 50
/** The longest time (ms) to wait for the lock. It exceeds the time to clone a large repo. */
const lockTimeout = 2_400_000

/**
 * Runs `act` while this process holds the lock at `path`, and returns its result. Throws BurnError `git_busy` if a live process holds the
 * lock for longer than `lockTimeout`, and `git_stopped` if `signal` aborts during the wait.
 */
export async function withLock<T>(path: string, { clock, signal }: Pick<Git, 'clock' | 'signal'>, act: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${startOf(process.pid) ?? '-'} ${randomBytes(8).toString('hex')}\n`
  const end = clock.now() + lockTimeout
  while (!acquire(path, mine)) {
    const holder = read(path)
    if (holder !== null && isGone(holder)) breakLock(path, holder, mine)
    else if (clock.now() > end) {
      throw new BurnError(
        'git_busy',
        `process ${holder?.split(' ')[0]} holds the lock ${path}`,
        'find out why that process does not release the lock',
      )
    } else if (signal?.aborted === true) throw stoppedError(`the wait for ${path}`)
    else await clock.sleep(pollInterval, signal)
  }
  try {
    return await act()
  } finally {
    rmSync(path, { force: true })
  }
}

/**
 * Creates the lock file. Returns false if the file exists. Writes a temporary file and links it to `path`, so that no process reads a lock
 * file that names no holder.
 */
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
 * Removes the lock of a process that has ended. A second lock, held for a few system calls, prevents two processes from doing this at the
 * same time. While the function holds the second lock, it reads the first lock's holder again, so that it does not remove the lock of a new
 * holder.
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

/**
 * Tells whether the process that holds the lock has ended. Pids are reused, so the start time must match, too, if the lock file has one.
 */
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

/**
 * Returns the start time of a process from /proc, in clock ticks since boot. Returns null if the process does not exist or the system has
 * no /proc.
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The program name comes first and may contain parentheses, so the last `)` ends it.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : (fields[18] ?? null)
  } catch (thrown) {
    // The process does not exist, or the system has no /proc.
    return ifCode([...noSuchPath, 'ESRCH'], null)(thrown)
  }
}
