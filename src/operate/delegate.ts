/** `burn issue delegate`: assigns unassigned issues to agents on the forge, outside of the loop. */
import type { DelegateAction } from '../core/actions.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { DoneDelegation } from '../claim/delegate.ts'
import type { Session } from '../observe/session.ts'
import { actionsOf } from '../core/actions.ts'
import { BurnError } from '../core/errors.ts'
import { applyDelegations } from '../claim/delegate.ts'
import { planDelegations } from '../claim/plan-delegations.ts'
import { recordBackoff } from '../claim/refusal.ts'
import { unreadableClaims } from '../decide/assign.ts'
import { withApprovals } from '../decide/eligible.ts'
import { runJobAlone } from '../jobs/run.ts'
import { refresh } from '../observe/state.ts'

/** The result of `delegate`. */
export interface DelegateResult {
  /** The steps that burn decided. */
  readonly planned: readonly DelegateAction[]
  /** The steps that took effect; empty after a dry run. */
  readonly done: readonly DoneDelegation[]
  /** Repos that burn could not read, with the reasons. */
  readonly unread: ReadonlyMap<RepoRef, string>
}

/**
 * Reads new issues of these repos, and assigns issues to agents. With `dryRun` it changes nothing but caches. Returns null if another process
 * does so at this moment. Throws BurnError `job_disabled` if the spec has no key `delegation`.
 */
export async function delegate(
  repos: readonly RepoRef[],
  dryRun: boolean,
  session: Session,
  stop: AbortSignal,
): Promise<DelegateResult | null> {
  const { fleet } = session
  if (fleet.delegation === null) {
    const message = 'the spec has no "delegation", so burn assigns no issue to an agent'
    throw new BurnError('job_disabled', message, 'declare agents under "delegation" in the spec; burn spec docs explains the key', {
      exit: 2,
    })
  }
  if (dryRun) return { ...(await plan(repos, true, session)), done: [] }
  const ran = await runJobAlone('delegate', session, async () => {
    const planned = await plan(repos, false, session)
    return { ...planned, done: await applyDelegations(planned.planned, session, stop) }
  })
  return ran.ran ? ran.result : null
}

async function plan(repos: readonly RepoRef[], dryRun: boolean, session: Session) {
  const { fleet, ledger, clock } = session
  const refreshed = await refresh([], session, { served: repos, quiet: dryRun })
  if (!dryRun && fleet.dispatch.trust.labels.length > 0) {
    const open = await Promise.all(repos.map((repo) => ledger.openIssues(repo)))
    await ledger.saveApprovals(withApprovals(open.flat(), fleet).actions, clock.now())
  }
  const { actions, state } = await planDelegations(refreshed, session, repos)
  if (!dryRun) {
    await ledger.noteEvents(actionsOf(actions, 'note'), clock.now())
    for (const { backoff } of unreadableClaims(state)) if (backoff !== null) await recordBackoff(backoff, session)
  }
  return { planned: actionsOf(actions, 'delegate'), unread: refreshed.repos_down }
}
