/** Refreshes the fleet's state, settles dispatches that have ended, and finds the issues that a sprint may claim. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picks } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { actionsOf } from '../core/actions.ts'
import { BurnError } from '../core/errors.ts'
import { pickIssues } from '../decide/pick.ts'
import { applyApprovals, applyMoves } from '../cycle/apply.ts'
import { applyChanges } from '../cycle/changes.ts'
import { applySteering } from '../cycle/steering.ts'
import { changesOfSprints } from './reviews.ts'
import { settle } from '../decide/settle.ts'
import { withApprovals } from '../decide/eligible.ts'
import { refresh, withIssues } from '../observe/state.ts'

export interface FoundIssues {
  readonly state: FleetState
  readonly picks: Picks
  /** The repos that burn could not read, each with the reason. These repos may have more issues. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

export interface FindRequest {
  readonly repos: readonly RepoRef[]
  readonly issue: IssueRef | null
  /** The worker for which burn searches for an issue. Leaves out the issues that this worker skips. */
  readonly worker: string
  /** If true, `findIssues` changes nothing in the ledger except cached data. */
  readonly dryRun: boolean
}

/**
 * Finds the issues that a sprint may claim. Connects to no machine, because a sprint needs no pane. Throws BurnError `forge_unread` if burn
 * could read none of the repos.
 */
export async function findIssues({ repos, issue, worker, dryRun }: FindRequest, { session, policy }: SprintContext): Promise<FoundIssues> {
  const { ledger, clock } = session
  const refreshed = await refresh([], session, { served: repos, quiet: dryRun })
  const unread = refreshed.repos_down
  if (unread.size === repos.length) throw noneReadError(unread)
  for (const subject of refreshed.skipped) session.notify({ kind: 'forge.skipped', subject: 'forge', payload: { what: subject } })
  const { actions, state: settled } = settle(refreshed)
  const open = await Promise.all(repos.map((repo) => ledger.openIssues(repo)))
  const withTexts = await withIssues(settled, open.flat(), session)
  const approved = withApprovals(withTexts.issues, session.fleet)
  if (!dryRun) {
    await applySteering(actionsOf(actions, 'steer'), refreshed, session)
    // A sprint sends no messages to panes. The next `burn dispatch` plans the messages that these transitions need.
    await applyMoves(actionsOf(actions, 'move'), refreshed, session)
    await applyChanges(changesOfSprints(actions), session)
    await applyApprovals(approved.actions, session)
  }
  const state = { ...withTexts, issues: approved.issues }
  return { state, picks: pickIssues(state, policy, { repos, issue, skips: await ledger.skips(clock.now(), worker) }), unread }
}

/**
 * Reports each repo that burn cannot read, but only once until the repo becomes readable again. Updates `reported`, the set of reported
 * repos.
 */
export function reportUnread(unread: ReadonlyMap<RepoRef, string>, reported: Set<RepoRef>, { notify }: SprintContext['session']): void {
  for (const repo of reported) if (!unread.has(repo)) reported.delete(repo)
  for (const [repo, reason] of unread) {
    if (!reported.has(repo)) notify({ kind: 'repo.unread', subject: repo, payload: { why: reason } })
    reported.add(repo)
  }
}

function noneReadError(unread: ReadonlyMap<RepoRef, string>): BurnError {
  const reasons = [...unread].map(([repo, reason]) => `${repo}: ${reason}`).toSorted()
  const subject = reasons.length === 1 ? 'the repo could not be read' : `none of ${reasons.length} repos could be read`
  return new BurnError('forge_unread', `${subject}: ${reasons.join('; ')}`, 'no issue was claimed; for details: burn doctor')
}
