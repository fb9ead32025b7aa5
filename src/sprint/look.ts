/** Reads forge and ledger, settles what is over, and says which issues a sprint may take. */
import type { Dispatch } from '../core/lives.ts'
import type { IssueRef, RepoRef } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { Picks } from '../decide/pick.ts'
import type { SprintContext } from './context.ts'
import { BurnError } from '../core/errors.ts'
import { liveStates } from '../core/lives.ts'
import { pickIssues } from '../decide/pick.ts'
import { planSettle } from '../decide/settle.ts'
import { readView, withIssues } from '../observe/view.ts'

export interface Looked {
  readonly view: View
  readonly picks: Picks
  /** Repos that could not be read, with the reason: whether there is anything to do there is not known. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

export interface LookFor {
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
export async function look({ repos, issue, worker, dryRun }: LookFor, { session, policy }: SprintContext): Promise<Looked> {
  const { ledger, clock } = session
  const looked = await readView([], session, repos)
  const { repos_down: unread, skipped } = looked.forge
  if (unread.size === repos.length) throw noneRead(unread)
  for (const text of skipped) session.notify({ level: 'warn', subject: 'forge', text })
  const settled = dryRun ? [] : await ledger.moveDispatches(planSettle(looked.view, session.newId), clock.now())
  if (!dryRun) await ledger.saveChangesSeen(looked.forge.changes_at)
  const open = await Promise.all(repos.map((repo) => ledger.open(repo)))
  const view = await withIssues(without(looked.view, settled), open.flat(), session)
  const skips = await ledger.skips(clock.now(), worker)
  return { view, picks: pickIssues(view, policy, { repos, issue, skips }), unread }
}

/** Says which repos could not be read, each once while that lasts. `said`: those that were said, which is brought up to date. */
export function sayUnread(unread: ReadonlyMap<RepoRef, string>, said: Set<RepoRef>, { notify }: SprintContext['session']): void {
  for (const repo of said) if (!unread.has(repo)) said.delete(repo)
  for (const [repo, why] of unread) {
    if (!said.has(repo)) notify({ level: 'warn', subject: repo, text: `it could not be read: ${why}` })
    said.add(repo)
  }
}

function noneRead(unread: ReadonlyMap<RepoRef, string>): BurnError {
  const reasons = [...unread].map(([repo, why]) => `${repo}: ${why}`).toSorted()
  const what = reasons.length === 1 ? 'the repo could not be read' : `none of ${reasons.length} repos could be read`
  return new BurnError('forge_unread', `${what}: ${reasons.join('; ')}`, 'burn doctor says more; nothing was claimed')
}

/** As it is after what was settled: the slot of a sprint that crashed is free at once. */
function without(view: View, settled: readonly Dispatch[]): View {
  const moved = new Map(settled.map((dispatch) => [dispatch.id, dispatch]))
  const dispatches = view.dispatches.map((each) => moved.get(each.id) ?? each).filter(({ state }) => liveStates.includes(state))
  return { ...view, dispatches, sprints: view.sprints.filter(({ id }) => !moved.has(id)) }
}
