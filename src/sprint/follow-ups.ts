/** Finds the follow-ups about changes of sprints, and takes one for this process. */
import type { SprintFollowUp } from '../core/ledger/changes.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { SprintContext } from './context.ts'
import type { Claimed } from './sprint.ts'
import { repoOf } from '../core/refs.ts'
import { leaseLength } from '../observe/session.ts'
import { noUsage } from './work.ts'

/** Returns the follow-ups that wait for a sprint in these repos, oldest first. */
export async function waitingFollowUps(
  repos: readonly RepoRef[],
  { session }: Pick<SprintContext, 'session'>,
): Promise<readonly SprintFollowUp[]> {
  return (await session.ledger.sprintFollowUps()).filter(({ issue }) => repos.includes(repoOf(issue)))
}

/** Takes a follow-up as this worker. Returns null if another process took it first, or if burn no longer knows the issue. */
export async function takeFollowUp(
  followUp: SprintFollowUp,
  worker: string,
  state: FleetState,
  { session, host }: Pick<SprintContext, 'session' | 'host'>,
): Promise<Claimed | null> {
  const { ledger, owner, clock } = session
  const record = await ledger.issue(followUp.issue)
  if (record === null) return null
  const [earlier] = await ledger.sprints({ ids: [followUp.dispatch] })
  const now = clock.now()
  if (!(await ledger.continueSprint(followUp, { worker, host, owner, until: now + leaseLength }, now))) return null
  const reason = { code: 'change_needs_work', text: followUp.action } as const
  const picked = { issue: record.issue, attempt: record.attempts + 1, reason, revision: record.revision }
  return { id: followUp.dispatch, worker, picked, state, follow_up: followUp, spent: earlier ?? noUsage }
}
