/** Where reading a repo's issues goes on: what is newest there, on which server. */
import type { RepoRef, Time } from '../core/nouns.ts'

export interface Cursor {
  readonly url: string
  readonly repo: RepoRef
  /** The newest `updated_at` that was seen. */
  readonly newest: Time
  /** Nothing with that time, or an older one, can still come. */
  readonly settled: boolean
}

/** A change may be written a little after the time that it bears. */
const overlap_ms = 10_000
const settles_ms = 30_000

/** Null where there is none, it is not readable, or belongs to another server or repo: then everything is read again. */
export function readCursor(text: string | null, url: string, repo: RepoRef): Cursor | null {
  const [version, mark, time, server, name] = (text ?? '').split(' ')
  const newest = Number(time)
  if (version !== '1' || server !== url || name !== repo || !Number.isSafeInteger(newest)) return null
  return { url, repo, newest, settled: mark === 'settled' }
}

export function writeCursor({ url, repo, newest, settled }: Cursor): string {
  return `1 ${settled ? 'settled' : 'fresh'} ${newest} ${url} ${repo}`
}

/** From when on changes must be asked for: past the newest one where that is old, so that a quiet repo answers with nothing. */
export function sinceOf({ newest, settled }: Cursor): Time {
  return settled ? newest + 1000 : Math.max(0, newest - overlap_ms)
}

/** `date` is the server's clock when it was asked; null where it did not say. */
export function cursorAfter(
  { url, repo }: Pick<Cursor, 'url' | 'repo'>,
  times: readonly Time[],
  before: Cursor | null,
  date: Time | null,
): Cursor {
  const newest = times.reduce((latest, time) => Math.max(latest, time), before?.newest ?? 0)
  return { url, repo, newest, settled: date !== null && date - newest > settles_ms }
}
