/** Trust right before a claim: whether the text is the approved one, and whether its author may still write. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { Session } from './session.ts'
import { hasPassed } from '../core/elapsed.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { approvalsDue } from '../decide/eligible.ts'
import { mapBounded } from '../core/bounded.ts'

/** How long an answer about a repo's writers is good for a claim, milliseconds. */
const rightsKept = 60_000
const reposAtOnce = 8

/** Approves texts that are seen with a trusted label first, forgets approvals whose label is gone, and returns the records as they are then. */
export async function approveSeen(issues: readonly IssueRecord[], { fleet, ledger, clock }: Session): Promise<readonly IssueRecord[]> {
  const due = approvalsDue(issues, fleet)
  if (due.length === 0) return issues
  const saved = new Set(await ledger.saveApprovals(due, clock.now()))
  const approved = new Map(due.map((each) => [each.issue, each.approved]))
  return issues.map((record) => {
    const now = saved.has(record.issue.ref) ? approved.get(record.issue.ref) : undefined
    return now === undefined ? record : { ...record, approval: now ? 'current' : null }
  })
}

/**
 * Asks who may still write to these repos, at most once a repo and minute. Returns the view with the answers; the same view if nobody lost a right. A repo
 * that can't be asked is missing from its writers, so that nothing of it is claimed.
 */
export async function withRights(repos: readonly RepoRef[], view: View, session: Session): Promise<View> {
  const { fleet, forge, ledger, clock, notify } = session
  if (fleet.dispatch.trust.authors !== 'writers' || repos.length === 0) return view
  const records = new Map((await ledger.repos()).map((record) => [record.repo, record]))
  const writers = new Map(view.writers)
  let changed = false
  await mapBounded([...new Set(repos)], reposAtOnce, async (repo) => {
    const record = records.get(repo)
    const known = record?.writers ?? null
    if (known === null) return
    let still = known
    try {
      if (record?.rights_at == null || hasPassed(record.rights_at, rightsKept, clock.now())) {
        const answered = new Set(await forge.writers(repo, known))
        still = known.filter((login) => answered.has(login))
        await ledger.confirmWriters(repo, still, clock.now())
      }
    } catch (thrown) {
      if (isLedgerFailure(thrown)) throw thrown
      notify({ level: 'warn', subject: repo, text: `nothing of it is claimed: who may write could not be asked: ${messageOf(thrown)}` })
      changed = writers.delete(repo) || changed
      return
    }
    const before = view.writers.get(repo)
    if (before === undefined || (before.size === still.length && still.every((login) => before.has(login)))) return
    writers.set(repo, new Set(still))
    changed = true
  })
  return changed ? { ...view, writers } : view
}
