/** What `burn status` says, from one state of the fleet. Its JSON is a promise: keys are added, never changed. */
import type { StatusState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { HoldCode } from '../core/ledger/holds.ts'
import type { Delivery, DeliveryState, Proof } from '../core/lifecycle.ts'
import type { Reason } from '../core/reasons.ts'
import type { SprintStage } from '../core/sprint.ts'
import type { HoldScope, IssueRef, Machine, ReadingState, RepoRef, WorkerId } from '../core/nouns.ts'
import { keysOf } from '../core/json.ts'
import { slotStates } from '../core/lifecycle.ts'
import { reposOf } from '../core/refs.ts'
import { heldBy, isInForce } from './holds.ts'
import { isStale } from './dispatch-moves.ts'
import { holdText } from './wording.ts'

export const readingStates: readonly ReadingState[] = ['working', 'idle', 'waiting', 'starting', 'error', 'dead', 'unreachable', 'unknown']

/** Workers by state, and what they hold. */
export type Totals = Record<ReadingState, number> & {
  workers: number
  live_dispatches: number
  in_review: number
  stale: number
  held: number
}

export interface WorkerReport {
  readonly id: WorkerId
  readonly role: string
  readonly state: ReadingState
  readonly detail: string | null
  /** ISO 8601: since when it was seen in this state. */
  readonly since: string
  readonly evidence: string
  readonly live_dispatches: number
  readonly hold: string | null
  /** What it asks, with its choices; null where it asks nothing. */
  readonly question: string | null
  /** Those of its live dispatches, oldest first. */
  readonly texts: readonly TextReport[]
  /**
   * Why nothing is sent to it, whatever it does: it takes its issues itself, its kind does not behave as known, or it is in trouble; null
   * where something may be.
   */
  readonly stopped: Reason | null
}

/** What is known of the text that gave a worker an issue. */
export interface TextReport {
  readonly issue: IssueRef
  readonly dispatch: string
  readonly state: DeliveryState
  /** `text`: the whole of it was compared with what the agent recorded; `id`: only its id was found; null where it is not seen. */
  readonly proof: Proof | null
  readonly evidence: Reason
}

export interface WindowReport {
  readonly name: string
  readonly lane: string
  readonly workers: readonly WorkerReport[]
  readonly totals: Totals
}

export interface MachineReport {
  readonly name: string
  readonly reachable: boolean
  /** Why it can't be reached; null where it can. */
  readonly reason: string | null
  /** What a person can do about it; null where nothing is known. */
  readonly remedy: string | null
  readonly windows: readonly WindowReport[]
  /** Workers with panes here that the spec no longer has. */
  readonly retiring: readonly WorkerId[]
  readonly totals: Totals
}

/** A sprint that has not ended: what is done without a pane. */
export interface SprintReport {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly stage: SprintStage
  /** ISO 8601. */
  readonly since: string
}

/** An issue or a repo that is left alone for a while. */
export interface BackoffReport {
  readonly subject: IssueRef | RepoRef
  /** ISO 8601. */
  readonly until: string
  readonly why: Reason
}

/** Something that gets nothing, and who said so. */
export interface HoldReport {
  readonly scope: HoldScope
  readonly name: string
  readonly code: HoldCode
  /** ISO 8601; null until somebody resumes it. */
  readonly until: string | null
  readonly why: Reason
  readonly actor: string
}

export interface UnreadReport {
  readonly repo: RepoRef
  /** ISO 8601. */
  readonly since: string
  readonly why: string
}

export interface StatusReport {
  readonly machines: readonly MachineReport[]
  readonly sprints: readonly SprintReport[]
  readonly backed_off: readonly BackoffReport[]
  /** All that is held now: workers, lanes, machines, repos, the fleet. */
  readonly holds: readonly HoldReport[]
  /** Repos of the spec that the forge did not let burn read when it last tried: what is said of their issues may be old. */
  readonly unread: readonly UnreadReport[]
  readonly totals: Totals
  /** Open issues that are not given, because another ledger of this fleet has a live claim on them. At most 1,000. */
  readonly claimed_elsewhere: readonly IssueRef[]
}

/** `shown`: the machines, windows and workers to report on. */
export function statusReport(shown: readonly Machine[], state: StatusState): StatusReport {
  const facts = workerFacts(state)
  const machines = shown.map((machine): MachineReport => {
    const sight = state.snapshots.get(machine.name)
    const windows = machine.windows.map((window): WindowReport => {
      const all = window.workers.map(({ id }) => facts.get(id)).filter((each) => each !== undefined)
      return {
        name: window.name,
        lane: window.lane,
        workers: all.map(({ report }) => report),
        totals: sum(all.map(({ totals }) => totals)),
      }
    })
    return {
      name: machine.name,
      reachable: sight !== undefined && sight.state !== 'unreachable',
      reason: sight?.state === 'unreachable' ? sight.reason : null,
      remedy: sight?.state === 'unreachable' ? (sight.remedy ?? null) : null,
      windows,
      retiring: sight?.state === 'up' ? sight.panes.flatMap(({ retiring, worker }) => (retiring && worker !== null ? [worker] : [])) : [],
      totals: sum(windows.map(({ totals }) => totals)),
    }
  })
  const sprints = state.sprints.map(({ id, issue, worker, stage, started_at }) => {
    return { id, issue, worker, stage, since: new Date(started_at).toISOString() }
  })
  const backed_off = state.backed_off.map(({ subject, until, why }) => ({ subject, until: new Date(until).toISOString(), why }))
  const totals = sum(machines.map((machine) => machine.totals))
  const ours = reposOf(state.fleet)
  const unread = state.repos.flatMap(({ repo, unread }) => {
    return unread === null || !ours.includes(repo) ? [] : [{ repo, since: new Date(unread.since).toISOString(), why: unread.why }]
  })
  const holds = state.holds.flatMap(({ scope, name, code, until, reason, actor }) => {
    const to = until === null ? null : new Date(until).toISOString()
    return isInForce({ code, until }, state.now) ? [{ scope, name, code, until: to, why: reason, actor }] : []
  })
  return { machines, sprints, backed_off, holds, unread, totals, claimed_elsewhere: state.elsewhere }
}

function noTotals(): Totals {
  // One entry for each state.
  const states = Object.fromEntries(readingStates.map((state) => [state, 0])) as Record<ReadingState, number>
  return { workers: 0, ...states, live_dispatches: 0, in_review: 0, stale: 0, held: 0 }
}

function sum(parts: readonly Totals[]): Totals {
  const total = noTotals()
  for (const part of parts) for (const key of keysOf(total)) total[key] += part[key]
  return total
}

function textsOf(dispatches: readonly LiveDispatch[], deliveries: ReadonlyMap<string, Delivery>): TextReport[] {
  return dispatches.flatMap(({ id, issue }) => {
    const delivery = deliveries.get(id)
    if (delivery === undefined) return []
    const { state, proof, evidence } = delivery
    return [{ issue, dispatch: id, state, proof, evidence }]
  })
}

function workerFacts(state: StatusState): Map<WorkerId, { report: WorkerReport; totals: Totals }> {
  const { fleet, now, workers, states } = state
  const stale_after = fleet.dispatch.stale_after
  const holds = heldBy(state.holds, now)
  const held = Map.groupBy(state.dispatches, ({ worker }) => worker)
  const deliveries = new Map(state.texts.map((delivery) => [delivery.id, delivery]))
  return new Map(
    workers.map((sight) => {
      const { worker, reading, look, stopped } = sight
      const dispatches = held.get(worker.id) ?? []
      const live = dispatches.filter((d) => d.kind === 'work' && slotStates.includes(d.state)).length
      const since = states.get(worker.id)?.since ?? now
      const totals = noTotals()
      totals.workers = 1
      totals[reading.state] = 1
      totals.live_dispatches = live
      totals.in_review = dispatches.filter((d) => d.state === 'review').length
      totals.stale = dispatches.filter((d) => isStale(d, stale_after, now)).length
      const hold = holds.worker(worker.id)
      totals.held = hold === null ? 0 : 1
      const report: WorkerReport = {
        id: worker.id,
        role: worker.role,
        state: reading.state,
        detail: reading.detail,
        since: new Date(since).toISOString(),
        evidence: reading.evidence,
        live_dispatches: live,
        hold: hold?.code === 'held' ? holdText(hold) : null,
        question: reading.state === 'waiting' ? (look?.question ?? null) : null,
        texts: textsOf(dispatches, deliveries),
        stopped: stopped ?? null,
      }
      return [worker.id, { report, totals }]
    }),
  )
}

/** What is said of it once, and how to go on; null if there is no such claim. */
export function elsewhereAdvice(issues: readonly IssueRef[]): { readonly what: string; readonly remedy: string } | null {
  const [first] = issues
  if (first === undefined) return null
  const many = issues.length === 1 ? '1 issue has a live claim' : `${issues.length} issues have live claims`
  return {
    what: `this fleet has another ledger, or had one that is lost: ${many} that this ledger does not know (${first}${issues.length > 1 ? ', …' : ''}); they are not given`,
    remedy:
      'write the place of the other ledger under "ledger" in the spec; if it is lost, "burn ledger release-claims --dry-run" shows which claims to release',
  }
}
