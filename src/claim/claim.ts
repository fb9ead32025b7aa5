/** Claims issues for panes and for sprints. The ledger refuses a claim if another process claimed the issue or the slot first. */
import type { ClaimAction } from '../core/actions.ts'
import type { Claim } from '../core/ledger/claims.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { SprintClaim } from '../core/ledger/sprints.ts'
import type { Session } from '../observe/session.ts'
import { leaseLength } from '../observe/session.ts'
import { promptFor } from './prompts.ts'

/** Claims issues for panes: writes dispatches and their texts in one transaction. Returns the dispatches that the ledger accepted. */
export async function claimPanes(actions: readonly ClaimAction[], session: Session): Promise<readonly Dispatch[]> {
  if (actions.length === 0) return []
  // Later steps write the rows of one machine together. Sorting by worker stores these rows next to each other in the database.
  const byWorker = actions.toSorted((a, b) => (a.worker.id < b.worker.id ? -1 : Number(a.worker.id > b.worker.id)))
  const claims = await Promise.all(byWorker.map((action) => toClaim(action, session)))
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
    assignees: issue.assignees,
    accounts: session.fleet.accounts.filter(({ workers }) => workers.includes(worker.id)).map(({ name }) => name),
    reason,
    text: await promptFor({ id, kind, issue, worker }, session),
  }
}

/**
 * Claims an issue for a sprint and returns the id of its dispatch. Returns `issue` if another process has claimed the issue, and `worker`
 * if another process has the worker's slot.
 */
export async function claimForSprint(
  claim: Omit<SprintClaim, 'id'>,
  { ledger, owner, clock, newId }: Session,
): Promise<{ readonly id: string } | 'issue' | 'worker'> {
  const id = newId()
  const now = clock.now()
  const result = await ledger.claimSprint({ ...claim, id }, owner, now + leaseLength, now)
  return result === 'won' ? { id } : result
}
