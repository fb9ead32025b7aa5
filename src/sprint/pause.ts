/** Pauses scheduled runs after a failure that would affect every issue, because each attempt would cost a claim and a comment. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Time } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import { backoffMs } from '../decide/backoff.ts'
import { consequenceOf } from '../decide/failure.ts'

/** The lengths (ms) of the first pause and of the longest pause. */
const pauseLengths = { first: 60_000, longest: 3_600_000 }
const valueKey = 'sprint_rest'

/** A pause of scheduled sprint runs. */
export interface Pause {
  readonly until: Time
  readonly why: string
  /** The number of consecutive runs that ended with a failure that would affect every issue. */
  readonly count: number
}

/** Returns the pause that applies at the time `now`; null if a run may start. */
export async function currentPause(ledger: Pick<JobLedger, 'loadValue'>, now: Time): Promise<Pause | null> {
  const pause = await readPause(ledger)
  // If the system clock was set back, the pause could otherwise last too long.
  return pause !== null && pause.until > now && pause.until - now <= pauseLengths.longest ? pause : null
}

/**
 * Saves a pause if the run ended with a failure that would affect every issue. Each consecutive pause is longer. If the run ended in any
 * other way, removes the pause.
 */
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
  // Only `updatePause` writes this value, so it has this type.
  return text === null || text === '' ? null : (JSON.parse(text) as Pause)
}
