/** Saves and loads the back-offs of issues and repos. Saves which repos burn cannot read. */
import type { Transaction } from 'kysely'
import type { RepoRef, Time } from '../core/nouns.ts'
import type { BackedOff, Backoff } from '../core/ledger/backlog.ts'
import type { NewEvent } from '../core/events.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { maxRepoBackoff } from '../decide/backoff.ts'
import { repoOf } from '../core/refs.ts'
import { appendEvents } from './events.ts'
import { saveHolds, holds } from './holds.ts'
import { saveRepo } from './issues.ts'
import { unjudgedUnlessTaken } from './verdicts.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'

/**
 * Saves a back-off of an issue or a repo. The back-off of a repo is saved as a hold. If an author is given, the author's open issues in
 * that repo get the same back-off.
 */
export async function saveBackoff(trx: Transaction<Tables>, { subject, until, why, author }: Backoff, at: number): Promise<void> {
  const isIssue = subject.includes('#')
  const set = { backoff_until: until, backoff_reason: encodeReason(why), ...unjudgedUnlessTaken }
  if (author !== undefined)
    await trx
      .updateTable('issue')
      .set(set)
      .where('repo', '=', isIssue ? repoOf(subject) : subject)
      .where('author', '=', author)
      .where('state', '=', sql.lit('open'))
      .where((eb) => eb.or([eb('backoff_until', 'is', null), eb('backoff_until', '<', until)]))
      .execute()
  if (!isIssue) return saveHolds(trx, [{ scope: 'repo', name: subject, code: 'forge_refused', reason: why, until, actor: 'burn' }], at)
  await trx.updateTable('issue').set(set).where('ref', '=', subject).execute()
  const about = { subject, issue: subject, worker: null, actor: 'burn' } as const
  await appendEvents(trx, [{ kind: 'issue.rests', ...about, payload: { reason: why, until } }], at)
}

/**
 * Saves the reason why burn cannot read each of these repos; null if burn can read the repo. Records an event when a repo becomes
 * unreadable or readable.
 */
export async function saveUnread(trx: Transaction<Tables>, reasons: ReadonlyMap<RepoRef, string | null>, at: Time): Promise<void> {
  const events: NewEvent[] = []
  for (const [repo, why] of reasons) {
    const kept = await trx.selectFrom('repo').select('unreadable_since').where('repo', '=', repo).executeTakeFirst()
    const since = why === null ? null : (kept?.unreadable_since ?? at)
    await saveRepo(trx, repo, { unreadable_since: since, unreadable_reason: why })
    const was = kept?.unreadable_since ?? null
    const about = { subject: repo, issue: null, worker: null, actor: 'burn' } as const
    if (was !== null && why === null) events.push({ kind: 'repo.read', ...about, payload: {} })
    if (was === null && why !== null) events.push({ kind: 'repo.unread', ...about, payload: { why } })
  }
  await appendEvents(trx, events, at)
}

/** Returns the back-offs that apply at the time `at`. Repos come first, because the back-off of a repo applies to all of its issues. */
export async function backoffs(trx: Transaction<Tables>, at: Time): Promise<BackedOff[]> {
  const found: BackedOff[] = []
  for (const { scope, name, code, until, reason } of await holds(trx))
    if (scope === 'repo' && code === 'forge_refused' && until !== null && until > at && until <= at + maxRepoBackoff)
      found.push({ subject: name, until, why: reason })
  const issues = await trx
    .selectFrom('issue')
    .select(['ref', 'backoff_until', 'backoff_reason'])
    .where('backoff_until', 'is not', null)
    .where('backoff_until', '>', at)
    .where('state', '=', sql.lit('open'))
    .orderBy('backoff_until')
    .limit(1000)
    .execute()
  for (const { ref, backoff_until, backoff_reason } of issues)
    found.push({ subject: ref, until: backoff_until ?? at, why: decodeReason(backoff_reason ?? '') })
  return found
}
