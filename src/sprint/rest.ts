/** After trouble that every issue would meet, scheduled runs leave the backlog alone for a while: each try would cost a claim and a comment. */
import type { JobLedger } from '../core/ledger/jobs.ts'
import type { Time } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import { pauseAfter } from '../decide/backoff.ts'
import { afterFailure } from '../decide/failure.ts'

/** Milliseconds: after the first trouble, and at most. */
const pauses = { first: 60_000, longest: 3_600_000 }
const key = 'sprint_rest'

export interface Rest {
  readonly until: Time
  readonly why: string
  /** Troubles in a row. */
  readonly count: number
}

/** Null where nothing speaks against a run now. */
export async function restingUntil(ledger: Pick<JobLedger, 'remembered'>, now: Time): Promise<Rest | null> {
  const rest = await kept(ledger)
  // A clock that was set back must not make it rest for ever.
  return rest !== null && rest.until > now && rest.until - now <= pauses.longest ? rest : null
}

/** Keeps what a run came to: its last trouble that every issue would meet, or that there is none. */
export async function rememberRun(ledger: Pick<JobLedger, 'remembered' | 'remember'>, rows: readonly Sprint[], now: Time): Promise<void> {
  const before = await kept(ledger)
  const trouble = rows.findLast(({ failure }) => failure !== null && failure !== 'stopped' && afterFailure(failure).ends_run)
  if (trouble === undefined) {
    if (before !== null && rows.some(({ failure }) => failure !== 'stopped')) await ledger.remember(key, '')
    return
  }
  const count = (before?.count ?? 0) + 1
  const why = `${trouble.failure}: ${trouble.failure_text ?? ''}`
  await ledger.remember(key, JSON.stringify({ until: now + pauseAfter(count, pauses, 0), why, count }))
}

async function kept(ledger: Pick<JobLedger, 'remembered'>): Promise<Rest | null> {
  const text = await ledger.remembered(key)
  // Only `rest` writes it.
  return text === null || text === '' ? null : (JSON.parse(text) as Rest)
}
