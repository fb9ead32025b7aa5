/** Reads which changes in review were merged or closed while no sprint is claimed, for fleets without a running `burn dispatch`. */
import type { RepoRef } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { CommentWriter } from './comment-writer.ts'
import { actionsOf, type Action, type ChangeAction } from '../core/actions.ts'
import { messageWithHint } from '../core/errors.ts'
import { repoOf, reposOf } from '../core/refs.ts'
import { applyMoves } from '../cycle/apply.ts'
import { applyChanges } from '../cycle/changes.ts'
import { applySteering } from '../cycle/steering.ts'
import { settle } from '../decide/settle.ts'
import { runJob } from '../jobs/run.ts'
import { refresh } from '../observe/state.ts'

/**
 * Reads the repos with changes in review, ends the dispatches whose change was merged or closed, and updates their comments. Reports an
 * error instead of throwing it, because the caller has other work.
 */
export async function settleReviews(comments: CommentWriter, session: Session): Promise<void> {
  await settleWith((repos) => settleIn(repos, session), comments, session)
}

async function settleWith(
  settleRepos: (repos: readonly RepoRef[]) => Promise<unknown>,
  comments: CommentWriter,
  { fleet, ledger, notify }: Session,
): Promise<void> {
  try {
    const known = new Set(reposOf(fleet))
    const reviews = await ledger.dispatches({ state: 'review' })
    const repos = [...new Set(reviews.map(({ issue }) => repoOf(issue)).filter((repo) => known.has(repo)))]
    if (repos.length > 0) await settleRepos(repos)
    await comments.writePending()
  } catch (thrown) {
    notify({ kind: 'cycle.failed', subject: 'reviews', payload: { why: messageWithHint(thrown) } })
  }
}

/** Returns the actions for changes of sprints. Only `burn dispatch` sees the panes, so it alone acts on all other changes. */
export function changesOfSprints(actions: readonly Action[]): ChangeAction[] {
  return actionsOf(actions, 'change').filter(({ sprint }) => sprint)
}

async function settleIn(repos: readonly RepoRef[], session: Session): Promise<void> {
  const refreshed = await refresh([], session, { served: repos })
  const { actions } = settle(refreshed)
  await applySteering(actionsOf(actions, 'steer'), refreshed, session)
  await applyMoves(actionsOf(actions, 'move'), refreshed, session)
  await applyChanges(changesOfSprints(actions), session)
}

/**
 * Runs `work`, and settles reviews every `dispatch.interval` until `work` ends. If several processes call this function, only one of them
 * settles reviews at a time.
 */
export async function whileSettlingReviews<T>(comments: CommentWriter, session: Session, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController()
  const period = session.fleet.dispatch.interval
  const asJob = (repos: readonly RepoRef[]) => runJob({ name: 'sprint reviews', period }, session, () => settleIn(repos, session))
  const settling = (async () => {
    for (;;) {
      await session.clock.sleep(period, ended.signal)
      if (ended.signal.aborted) return
      await settleWith(asJob, comments, session)
    }
  })()
  try {
    return await work()
  } finally {
    ended.abort()
    await settling
  }
}
