/** One turn of the loop: what to do is planned from one state of the fleet, then carried out. */
import type { Backlog } from '../core/ledger/backlog.ts'
import type { Resting } from '../core/ledger/backlog.ts'
import type { Machine } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { apply, type Applied } from './apply.ts'
import { planCycle, type CyclePlan } from './plan.ts'

/** How the fleet stands after a cycle, or as a dry run sees it. */
export interface Outlook {
  /** Issues and repos that are left alone for now. */
  readonly resting: readonly Resting[]
  readonly backlog: Backlog
}

export interface CycleResult extends CyclePlan, Applied, Outlook {}

export async function cycle(machines: readonly Machine[], session: Session, stop: AbortSignal): Promise<CycleResult> {
  const planned = await planCycle(machines, session)
  return { ...planned, ...(await apply(planned, machines, session, stop)), ...(await outlook(session)) }
}

/** The same actions, and none of them is carried out. */
export async function dryCycle(machines: readonly Machine[], session: Session): Promise<CyclePlan & Outlook> {
  return { ...(await planCycle(machines, session, { quiet: true })), ...(await outlook(session)) }
}

async function outlook({ ledger, clock }: Session): Promise<Outlook> {
  return { resting: await ledger.resting(clock.now()), backlog: await ledger.backlog() }
}
