/** Decides about all changes in review: the next step of each, the agent that gets a follow-up, and the order of merges into one base. */
import type { ChangeAction, FollowUpTarget } from '../core/actions.ts'
import type { ChangeDecision } from '../core/change-loop.ts'
import type { ReviewedChange, UnderWayState, WorkerSnapshot } from '../core/fleet-state.ts'
import type { ChangeRef } from '../core/change-state.ts'
import type { WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import { conditionOf } from '../core/change-stages.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'
import { encodeReason } from '../core/reasons.ts'
import { decideChange } from './change.ts'
import { heldBy } from './holds.ts'
import { slotsTaken, workBlockReason } from './route.ts'
import { changePolicy } from './change-policy.ts'

/** Returns one action for each change that needs a step, or whose stage or reason changed. */
export function changeActions(seen: UnderWayState): ChangeAction[] {
  const receivers = new Receivers(seen)
  // A change that burn merges at present goes first, so that it keeps its base. The oldest dispatch follows.
  const merging = ({ dispatch }: ReviewedChange) => Number(dispatch.watched?.stage === 'merging')
  const ordered = seen.reviews.toSorted((a, b) => merging(b) - merging(a) || (a.dispatch.id < b.dispatch.id ? -1 : 1))
  const bases = new Map<string, ChangeRef>()
  return ordered.flatMap((review) => {
    const { dispatch, snapshot, history } = review
    const { issue, worker, watched } = dispatch
    if (seen.closed.has(issue)) return []
    const base = `${snapshot.repo} ${snapshot.change.base}`
    const policy = changePolicy(seen.fleet, snapshot.repo)
    const decided = decideChange({ ...snapshot, base_taken_by: bases.get(base) ?? null }, history, policy, seen.now)
    if (decided.stage === 'merging') bases.set(base, snapshot.ref)
    const { decision, to } = withReceiver(decided, review, receivers)
    const isKnown = watched?.stage === decision.stage && encodeReason(watched.reason) === encodeReason(decision.reason)
    if (decision.do === 'nothing' && isKnown) return []
    return [
      { do: 'change', dispatch: dispatch.id, issue, worker, decision, snapshot, sprint: dispatch.sprint, to, reason: decision.reason },
    ]
  })
}

/** Adds the receiver to a follow-up. If nobody can get it, burn waits. */
function withReceiver(
  decision: ChangeDecision,
  review: ReviewedChange,
  receivers: Receivers,
): { readonly decision: ChangeDecision; readonly to: FollowUpTarget | null } {
  if (decision.do === 'nothing' || conditionOf[decision.do] === undefined) return { decision, to: null }
  const to = receivers.of(review)
  return 'code' in to ? { decision: { do: 'nothing', stage: 'needs_work', reason: to }, to: null } : { decision, to }
}

/** Chooses the receivers of follow-ups. A worker that got one in this cycle gets no dispatch of another worker. */
class Receivers {
  readonly #seen: UnderWayState
  readonly #workers: ReadonlyMap<WorkerId, WorkerSnapshot>
  readonly #taken: Map<WorkerId, Set<number>>

  constructor(seen: UnderWayState) {
    this.#seen = seen
    this.#workers = new Map(seen.workers.map((snapshot) => [snapshot.worker.id, snapshot]))
    this.#taken = slotsTaken(seen.dispatches)
  }

  /** Returns the receiver of a follow-up, or the reason why nobody can get it now. */
  of({ dispatch }: ReviewedChange): FollowUpTarget | Reason {
    const { worker, incarnation, sprint } = dispatch
    if (sprint) return { worker, incarnation: null, slot: null, sprint: true }
    const snapshot = this.#workers.get(worker)
    const own = { worker, slot: null, sprint: false }
    if (snapshot !== undefined && snapshot.incarnation !== null)
      return { ...own, incarnation: snapshot.incarnation === incarnation ? incarnation : null }
    if (!this.#isGone(dispatch.worker, incarnation, snapshot)) return { code: 'no_agent_for_change', worker, why: null }
    return this.#other(dispatch, snapshot) ?? { code: 'no_agent_for_change', worker, why: null }
  }

  /** A worker is gone if the spec no longer has it, or if its agent provably ended and no other agent is in its pane. */
  #isGone(worker: WorkerId, incarnation: string | null, snapshot: WorkerSnapshot | undefined): boolean {
    if (snapshot === undefined) return !this.#seen.fleet.machines.some(({ name }) => name === machineOf(worker) && this.#isUnread(name))
    if (snapshot.reading.state === 'dead') return true
    return incarnation !== null && this.#seen.ended.has(agentKey(machineOf(worker), incarnation))
  }

  /** Returns true if the command did not read this machine, so that a missing worker proves nothing. */
  #isUnread(machine: string): boolean {
    return !this.#seen.snapshots.has(machine)
  }

  /** Returns a free worker of the same lane, with a free slot. */
  #other({ worker, issue }: ReviewedChange['dispatch'], gone: WorkerSnapshot | undefined): FollowUpTarget | null {
    const repo = issue.slice(0, issue.lastIndexOf('#'))
    const held = heldBy(this.#seen.holds, this.#seen.now, this.#seen.fleet.accounts)
    for (const snapshot of this.#seen.workers) {
      const { id, lane, repos, depth } = snapshot.worker
      const isInLane = gone === undefined ? repos.includes(repo) : lane === gone.worker.lane
      if (id === worker || !isInLane || !repos.includes(repo) || snapshot.incarnation === null || this.#seen.following.has(id)) continue
      if (workBlockReason(snapshot, held.worker(id)) !== null) continue
      const taken = this.#taken.get(id) ?? new Set()
      const slot = Array.from({ length: depth }, (_, n) => n).find((n) => !taken.has(n))
      if (slot === undefined) continue
      this.#taken.set(id, taken.add(slot))
      return { worker: id, incarnation: null, slot, sprint: false }
    }
    return null
  }
}
