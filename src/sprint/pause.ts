/** After trouble that every issue would meet, scheduled runs leave the backlog alone for a while: each try would cost a claim and a comment. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Time } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import { backoffMs } from '../decide/backoff.ts'
import { consequenceOf } from '../decide/failure.ts'

/** Milliseconds: after the first trouble, and at most. */
const pauses = { first: 60_000, longest: 3_600_000 }
const key = 'sprint_rest'

export interface Pause {
  readonly until: Time
  readonly why: string
  /** Troubles in a row. */
  readonly count: number
}

/** Null where nothing speaks against a run now. */
export async function currentPause(ledger: Pick<JobLedger, 'loadValue'>, now: Time): Promise<Pause | null> {
  const rest = await readPause(ledger)
  // A clock that was set back must not make it rest for ever.
  return rest !== null && rest.until > now && rest.until - now <= pauses.longest ? rest : null
}

/** Keeps what a run came to: its last trouble that every issue would meet, or that there is none. */
export async function updatePause(ledger: Pick<JobLedger, 'loadValue' | 'saveValue'>, rows: readonly Sprint[], now: Time): Promise<void> {
  const before = await readPause(ledger)
  const trouble = rows.findLast(({ failure }) => failure !== null && failure !== 'stopped' && consequenceOf(failure).ends_run)
  if (trouble === undefined) {
    if (before !== null && rows.some(({ failure }) => failure !== 'stopped')) await ledger.saveValue(key, '')
    return
  }
  const count = (before?.count ?? 0) + 1
  const why = `${trouble.failure}: ${trouble.failure_text ?? ''}`
  await ledger.saveValue(key, JSON.stringify({ until: now + backoffMs(count, pauses, 0), why, count }))
}

async function readPause(ledger: Pick<JobLedger, 'loadValue'>): Promise<Pause | null> {
  const text = await ledger.loadValue(key)
  // Only `rest` writes it.
  return text === null || text === '' ? null : (JSON.parse(text) as Pause)
}
