/** Reads forge and ledger, settles what is over, and says which issues a sprint may take. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Picks } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { actionsOf } from '../core/actions.ts'
import { BurnError } from '../core/errors.ts'
import { pickIssues } from '../decide/pick.ts'
import { applyApprovals, applyMoves } from '../cycle/apply.ts'
import { settle } from '../decide/settle.ts'
import { withApprovals } from '../decide/eligible.ts'
import { refresh, withIssues } from '../observe/state.ts'

export interface FoundIssues {
  readonly state: FleetState
  readonly picks: Picks
  /** Repos that could not be read, with the reason: whether there is anything to do there is not known. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

export interface FindRequest {
  readonly repos: readonly RepoRef[]
  readonly issue: IssueRef | null
  /** Whose skip list counts. */
  readonly worker: string
  /** Settles nothing. */
  readonly dryRun: boolean
}

/**
 * No machine is looked at: a sprint needs no pane, and says nothing about those that have one. Throws BurnError `forge_unread` where no repo could
 * be read.
 */
export async function findIssues({ repos, issue, worker, dryRun }: FindRequest, { session, policy }: SprintContext): Promise<FoundIssues> {
  const { ledger, clock } = session
  const looked = await refresh([], session, { served: repos, quiet: dryRun })
  const unread = looked.repos_down
  if (unread.size === repos.length) throw noneRead(unread)
  for (const what of looked.skipped) session.notify({ kind: 'forge.skipped', subject: 'forge', payload: { what } })
  const { actions, state: settled } = settle(looked)
  const open = await Promise.all(repos.map((repo) => ledger.openIssues(repo)))
  const whole = await withIssues(settled, open.flat(), session)
  const approved = withApprovals(whole.issues, session.fleet)
  if (!dryRun) {
    // A sprint types into no pane: the texts that follow from what is under way are planned by the next `burn dispatch`, which sees the same.
    await applyMoves(actionsOf(actions, 'move'), looked, session)
    await applyApprovals(approved.actions, session)
  }
  const state = { ...whole, issues: approved.issues }
  return { state, picks: pickIssues(state, policy, { repos, issue, skips: await ledger.skips(clock.now(), worker) }), unread }
}

/** Says which repos could not be read, each once while that lasts. `said`: those that were said, which is brought up to date. */
export function sayUnread(unread: ReadonlyMap<RepoRef, string>, said: Set<RepoRef>, { notify }: SprintContext['session']): void {
  for (const repo of said) if (!unread.has(repo)) said.delete(repo)
  for (const [repo, why] of unread) {
    if (!said.has(repo)) notify({ kind: 'repo.unread', subject: repo, payload: { why } })
    said.add(repo)
  }
}

function noneRead(unread: ReadonlyMap<RepoRef, string>): BurnError {
  const reasons = [...unread].map(([repo, why]) => `${repo}: ${why}`).toSorted()
  const what = reasons.length === 1 ? 'the repo could not be read' : `none of ${reasons.length} repos could be read`
  return new BurnError('forge_unread', `${what}: ${reasons.join('; ')}`, 'burn doctor says more; nothing was claimed')
}
