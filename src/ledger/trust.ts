/** Saves the hashes of approved issue texts, and the accounts that may write to a repo. */
import type { Transaction } from 'kysely'
import type { Approval } from '../core/ledger/forge.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { NewEvent } from '../core/events.ts'
import type { Tables } from './tables.ts'
import { chunks } from './sql.ts'
import { appendEvents } from './events.ts'
import { textHash } from './rows.ts'
import { saveRepo } from './issues.ts'
import { invalidateVerdicts } from './verdicts.ts'
import { writeRows } from './write-rows.ts'

/**
 * Saves the hash of each approved text, or removes the hash if the approval ended. Records an event for each. Skips issues whose revision
 * has changed. Returns the saved issues.
 */
export async function saveApprovals(trx: Transaction<Tables>, given: readonly Approval[], at: Time): Promise<IssueRef[]> {
  const saved: IssueRef[] = []
  const events: NewEvent[] = []
  for (const part of chunks(given)) {
    const refs = part.map(({ issue }) => issue)
    const rows = await trx.selectFrom('issue').select(['ref', 'title', 'body', 'revision']).where('ref', 'in', refs).execute()
    const kept = new Map(rows.map((row) => [row.ref, row]))
    const hashes = part.flatMap(({ issue, revision, approved }) => {
      const row = kept.get(issue)
      return row?.revision === revision ? [{ ref: issue, approved_hash: approved ? textHash(row) : null, approved_by: null }] : []
    })
    await writeRows(trx, { table: 'issue', columns: ['approved_hash', 'approved_by'] }, hashes)
    for (const { ref, approved_hash } of hashes) {
      saved.push(ref)
      const about = { subject: ref, issue: ref, worker: null, actor: 'burn' } as const
      if (approved_hash === null) events.push({ kind: 'issue.unapproved', ...about, payload: {} })
      else events.push({ kind: 'issue.approved', ...about, payload: { sha256: approved_hash } })
    }
  }
  await appendEvents(trx, events, at)
  return saved
}

/**
 * Saves the accounts that may write to a repo. Trust depends on these accounts: if they changed, burn judges all issues of the repo again,
 * and reads its changes again.
 */
export async function saveWriters(
  trx: Transaction<Tables>,
  { repo, writers, listed }: { readonly repo: RepoRef; readonly writers: readonly string[]; readonly listed: boolean },
  at: Time,
): Promise<void> {
  const text = JSON.stringify(writers.toSorted())
  const kept = await trx.selectFrom('repo').select('writers').where('repo', '=', repo).executeTakeFirst()
  const differ = kept !== undefined && kept.writers !== text
  if (differ) await invalidateVerdicts(trx, repo)
  const times = { rights_at: at, ...(listed ? { writers_at: at } : {}) }
  await saveRepo(trx, repo, { writers: text, ...times, ...(differ ? { changes_at: null } : {}) })
}
