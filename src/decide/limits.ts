/**
 * Decides when burn gives nothing to the workers of an account, because the account reached its usage limit. One worker at the limit is
 * enough: the other workers of the account would meet the same limit.
 */
import type { EndHoldAction, HoldAction } from '../core/actions.ts'
import type { Account, Fleet, Time, WorkerId } from '../core/nouns.ts'
import type { UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { Failure } from '../core/sprint.ts'
import { accountIndex } from './budgets.ts'
import { longestWait, rateLimitReset } from './rate-limit-reset.ts'
import { workerTrouble } from './trouble.ts'

const minute = 60_000
/** The pauses (ms) of an account whose reset time is unknown: the first one, and the longest. Each pause is twice the pause before. */
const pauses = { first: 5 * minute, longest: 60 * minute }
/** If an agent meets the limit within this time (ms) after a pause, the next pause is longer. */
const sameLimitTime = 20 * minute
/** After a turn of this length (ms), an agent has proved that its account accepts requests again. */
const provenAfter = 2 * minute

/** A worker at the usage limit of its account. */
interface Limited {
  readonly worker: WorkerId
  readonly evidence: string
  readonly since: Time
  /** The time at which the provider accepts requests again; null if the agent does not tell. */
  readonly reset: Time | null
}

/** Returns the holds on accounts that begin or end now. */
export function limits(seen: UnderWayState): (HoldAction | EndHoldAction)[] {
  const { accounts } = seen.fleet
  if (accounts.length === 0) return []
  const snapshots = new Map(seen.workers.map((snapshot) => [snapshot.worker.id, snapshot]))
  return accounts.flatMap((account) => {
    const limited = account.workers.flatMap((id) => limitOf(snapshots.get(id), seen) ?? [])
    const hold = limitHold(account, seen.holds)
    const action = begin(account, limited, hold, seen.now) ?? end(limited, hold, seen)
    return action === null ? [] : [action]
  })
}

/** A sprint whose backend refused a request because of a usage limit. */
export interface LimitedSprint {
  readonly worker: WorkerId
  /** The name of the backend. */
  readonly backend: string
  readonly failure: Failure
}

/**
 * Returns the hold on the account of a sprint's backend; null if the backend has no account, or if the present hold covers the limit. Other
 * sprints and panes of the account would meet the same limit.
 */
export function sprintLimit(
  { worker, backend, failure: { reason: evidence, wait_ms } }: LimitedSprint,
  { accounts, holds, now }: Pick<Fleet, 'accounts'> & { readonly holds: readonly Hold[]; readonly now: Time },
): HoldAction | null {
  const name = accountIndex(accounts)({ source: 'sprint', worker, agent: backend })
  const account = accounts.find((each) => each.name === name)
  if (account === undefined) return null
  const asked = wait_ms === undefined || wait_ms > longestWait ? null : now + wait_ms
  return begin(account, [{ worker, evidence, since: now, reset: asked ?? rateLimitReset(evidence, now) }], limitHold(account, holds), now)
}

const limitHold = (account: Account, holds: readonly Hold[]) =>
  holds.find(({ scope, name, code }) => scope === 'account' && name === account.name && code === 'limit')

function limitOf(snapshot: WorkerSnapshot | undefined, seen: UnderWayState): Limited | null {
  const trouble = snapshot === undefined ? null : workerTrouble(snapshot, seen.states.get(snapshot.worker.id)?.since ?? seen.now)
  if (snapshot === undefined || trouble?.kind !== 'rate limit' || wasJustResumed(snapshot.worker.id, seen)) return null
  return { worker: snapshot.worker.id, evidence: trouble.evidence, since: trouble.since, reset: trouble.reset }
}

/** The time (ms) after a resume text in which the screen of the agent may still show the failed turn. */
const startOfTurn = 60_000

/** Returns true if burn told the agent to continue so lately that the limit on its screen may be the one before the text. */
function wasJustResumed(worker: WorkerId, { dispatches, resumes, now }: UnderWayState): boolean {
  const own = dispatches.filter((dispatch) => dispatch.worker === worker)
  return own.some(({ id }) => resumes.get(id)?.some(({ planned_at }) => now - planned_at < startOfTurn) === true)
}

/** Returns the hold that begins or becomes longer; null if the present hold covers all workers at the limit. */
function begin({ name }: Account, limited: readonly Limited[], hold: Hold | undefined, now: Time): HoldAction | null {
  const ended = hold?.until ?? 0
  const fresh = limited.filter(({ since, reset }) => (now < ended ? (reset ?? 0) > ended : since >= ended))
  const known = fresh.filter(({ reset }) => reset !== null && reset > now).toSorted((a, b) => (b.reset ?? 0) - (a.reset ?? 0))
  const first = known[0] ?? fresh.find(({ reset }) => reset === null)
  if (first === undefined) return null
  const { worker, evidence, reset, since } = first
  const pause = reset === null ? pauseAfter(hold, since) : null
  const until = reset ?? now + (pause ?? 0)
  const reason = { code: 'limit_reached', worker, evidence, pause } as const
  return { do: 'hold', scope: 'account', name, code: 'limit', reason, until, before: hold?.created_at ?? null }
}

/** Returns the next pause of an account whose reset time is unknown (ms). `since`: the time at which an agent met the limit. */
function pauseAfter(hold: Hold | undefined, since: Time): number {
  const last = hold?.reason.code === 'limit_reached' ? hold.reason.pause : null
  if (last === null || since - (hold?.until ?? 0) > sameLimitTime) return pauses.first
  return Math.min(pauses.longest, last * 2)
}

/**
 * Returns the end of a hold; null if the hold stays. The hold ends if no worker shows the limit any longer, and its time has passed or the
 * worker that met the limit works again.
 */
function end(limited: readonly Limited[], hold: Hold | undefined, { states, now }: UnderWayState): EndHoldAction | null {
  if (hold === undefined) return null
  const { scope, name, code, reason, created_at: before } = hold
  const state = reason.code === 'limit_reached' ? states.get(reason.worker) : undefined
  const works = state?.state === 'working' && state.since > before && now - state.since >= provenAfter
  const isOver = limited.length === 0 && (works || now >= (hold.until ?? Infinity))
  return isOver ? { do: 'end_hold', scope, name, code, reason, before } : null
}
