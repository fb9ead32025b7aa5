/** Pauses scheduled runs after trouble that would affect every issue, because each attempt would cost a claim and a comment. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Time } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import { backoffMs } from '../decide/backoff.ts'
import { consequenceOf } from '../decide/failure.ts'

/** The first and the longest pause (ms). */
const pauseLengths = { first: 60_000, longest: 3_600_000 }
const valueKey = 'sprint_rest'

/** A pause of all sprint runs. */
export interface Pause {
  readonly until: Time
  readonly why: string
  /** The number of runs in a row that ended in trouble. */
  readonly count: number
}

/** Returns the pause that still applies; null if a run may start. */
export async function currentPause(ledger: Pick<JobLedger, 'loadValue'>, now: Time): Promise<Pause | null> {
  const pause = await readPause(ledger)
  // If the clock was set back, the pause must not last forever.
  return pause !== null && pause.until > now && pause.until - now <= pauseLengths.longest ? pause : null
}

/** Saves a longer pause if the run ended in trouble that would affect every issue. Removes the pause after any other result. */
export async function updatePause(ledger: Pick<JobLedger, 'loadValue' | 'saveValue'>, rows: readonly Sprint[], now: Time): Promise<void> {
  const previous = await readPause(ledger)
  const trouble = rows.findLast(({ failure }) => failure !== null && failure !== 'stopped' && consequenceOf(failure).ends_run)
  if (trouble === undefined) {
    if (previous !== null && rows.some(({ failure }) => failure !== 'stopped')) await ledger.saveValue(valueKey, '')
    return
  }
  const count = (previous?.count ?? 0) + 1
  const why = `${trouble.failure}: ${trouble.failure_text ?? ''}`
  await ledger.saveValue(valueKey, JSON.stringify({ until: now + backoffMs(count, pauseLengths, 0), why, count }))
}

async function readPause(ledger: Pick<JobLedger, 'loadValue'>): Promise<Pause | null> {
  const text = await ledger.loadValue(valueKey)
  // Only `updatePause` writes this value, so it has that type.
  return text === null || text === '' ? null : (JSON.parse(text) as Pause)
}
