/** Claims issues: a dispatch and its text for panes, all in one transaction; a dispatch and its sprint for sprints. The ledger refuses what others took. */
import type { ClaimAction } from '../core/actions.ts'
import type { Claim } from '../core/ledger/claims.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { SprintClaim } from '../core/ledger/sprints.ts'
import type { Session } from '../observe/session.ts'
import { leaseLength } from '../observe/session.ts'
import { promptFor } from './prompts.ts'

/** Claims in one transaction and returns what was won. */
export async function claimPanes(actions: readonly ClaimAction[], session: Session): Promise<readonly Dispatch[]> {
  if (actions.length === 0) return []
  // Worker by worker, so that a machine's rows lie together: all its steps are written together, too.
  const inRows = actions.toSorted((a, b) => (a.worker.id < b.worker.id ? -1 : Number(a.worker.id > b.worker.id)))
  const claims = await Promise.all(inRows.map((action) => toClaim(action, session)))
  const now = session.clock.now()
  return session.ledger.claim(claims, session.owner, now + leaseLength, now)
}

async function toClaim({ kind, issue, worker, slot, attempt, reason }: ClaimAction, session: Session): Promise<Claim> {
  const id = session.newId()
  return {
    id,
    kind,
    issue: issue.ref,
    worker: worker.id,
    slot,
    attempt,
    reason,
    text: await promptFor({ id, kind, issue, worker }, session),
  }
}

/** Returns the id of the dispatch that was won; or what was not to be had: the issue, or the worker's slot. */
export async function claimForSprint(
  claim: Omit<SprintClaim, 'id'>,
  { ledger, owner, clock, newId }: Session,
): Promise<{ readonly id: string } | 'issue' | 'worker'> {
  const id = newId()
  const now = clock.now()
  const won = await ledger.claimSprint({ ...claim, id }, owner, now + leaseLength, now)
  return won === 'won' ? { id } : won
}
