/** One process at a time: a lock file with its holder's pid, which another process breaks once that one is gone. */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { BurnError, codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError, stoppedError } from './failure.ts'
import type { Git } from './run.ts'

const wait_ms = 50
/** Longer than a clone of a large repo takes. */
const lockTimeoutMs = 2_400_000

/** Does it while nobody else does anything under that lock. Throws BurnError `git_busy` if a living process keeps it too long, `git_stopped` on `signal`. */
export async function withLock<T>(path: string, { clock, signal }: Pick<Git, 'clock' | 'signal'>, act: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${startOf(process.pid) ?? '-'} ${randomBytes(8).toString('hex')}\n`
  const end = clock.now() + lockTimeoutMs
  while (!take(path, mine)) {
    const holder = read(path)
    if (holder !== null && isGone(holder)) breakLock(path, holder, mine)
    else if (clock.now() > end) {
      throw new BurnError('git_busy', `${path} is held by process ${holder?.split(' ')[0]}`, 'see what that process is doing')
    } else if (signal?.aborted === true) throw stoppedError(`the wait for ${path}`)
    else await clock.sleep(wait_ms, signal)
  }
  try {
    return await act()
  } finally {
    rmSync(path, { force: true })
  }
}

/** Whole or not at all: nobody ever reads a lock without its holder. */
function take(path: string, mine: string): boolean {
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

/** Only whoever has the second lock removes another's, and looks again first: a lock that is new by now stays. Held for a few system calls. */
function breakLock(path: string, seen: string, mine: string): void {
  const guard = `${path}.break`
  if (!take(guard, mine)) {
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

/** A pid is given again: where the system tells when a process began, that must agree too. */
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

/** When a process began, in ticks since the machine did; null where that is not told, or it is gone. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name before it may hold anything, but no later bracket.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? 'ended' : (fields[18] ?? null)
  } catch (thrown) {
    // No such process, or no such file system here.
    return ifCode([...noSuchPath, 'ESRCH'], null)(thrown)
  }
}
