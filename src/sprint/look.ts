/** Reads forge and ledger, settles what is over, and says which issues a sprint may take. */
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { Picks } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { pickIssues } from '../decide/pick.ts'
import { planSettle } from '../decide/settle.ts'
import { readView, withIssues } from '../run/view.ts'

export interface Looked {
  readonly view: View
  readonly picks: Picks
}

export interface LookFor {
  readonly repos: readonly RepoRef[]
  readonly issue: IssueRef | null
  /** Whose skip list counts. */
  readonly worker: string
  /** Settles nothing. */
  readonly dryRun: boolean
}

/** No machine is looked at: a sprint needs no pane, and says nothing about those that have one. */
export async function look({ repos, issue, worker, dryRun }: LookFor, { session, policy }: SprintContext): Promise<Looked> {
  const { ledger, clock } = session
  const looked = await readView([], session, repos)
  if (!dryRun) {
    await ledger.moveDispatches(planSettle(looked.view), clock.now())
    for (const [repo, at] of looked.forge.changes_at) await ledger.saveChangesSeen(repo, at)
  }
  const open = await Promise.all(repos.map((repo) => ledger.open(repo)))
  const view = await withIssues(looked.view, open.flat(), session)
  const skips = await ledger.skips(clock.now(), worker)
  return { view, picks: pickIssues(view, policy, { repos, issue, skips }) }
}
