/** Builds the report of `burn status` from one state of the fleet. Its JSON is stable: keys may be added, but not changed. */
import { counted } from '../core/text.ts'
import type { NeedsYou } from '../core/period-report.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { HoldCode } from '../core/ledger/holds.ts'
import type { DriftReport } from '../core/drift.ts'
import type { Delivery, DeliveryState, Proof } from '../core/lifecycle.ts'
import type { Reason } from '../core/reasons.ts'
import type { SprintStage } from '../core/sprint.ts'
import type { HoldScope, IssueRef, Machine, ReadingState, RepoRef, WorkerId } from '../core/nouns.ts'
import { keysOf } from '../core/json.ts'
import { slotStates } from '../core/lifecycle.ts'
import { reposOf } from '../core/refs.ts'
import { heldBy, isInForce } from './holds.ts'
import { needs, type NeedFacts, type AskedQuestion } from './needs.ts'
import { isStale } from './dispatch-moves.ts'
import { holdText } from './wording.ts'
import { workerCondition, type WorkerCondition } from './worker-condition.ts'

/** All states of a reading, in the order of the report. */
export const readingStates: readonly ReadingState[] = ['working', 'idle', 'waiting', 'starting', 'error', 'dead', 'unreachable', 'unknown']

/** The number of workers in each state, and the number of their dispatches. */
export type Totals = Record<ReadingState, number> & {
  workers: number
  live_dispatches: number
  in_review: number
  stale: number
  held: number
}

/** One worker of the report. */
export interface WorkerReport {
  readonly id: WorkerId
  readonly role: string
  readonly state: ReadingState
  readonly detail: string | null
  /** The time at which burn first saw the worker in this state, in ISO 8601. */
  readonly since: string
  /** False if the state may have begun long before `since`, because burn did not watch the worker. */
  readonly start_seen: boolean
  readonly evidence: string
  /** The meaning of the state; null if the state says everything. */
  readonly condition: WorkerCondition | null
  readonly live_dispatches: number
  /** The issues of the live dispatches that take a slot of the worker. */
  readonly issues: readonly IssueRef[]
  readonly hold: string | null
  /** The agent's question, with its choices; null if the agent asks no question. */
  readonly question: string | null
  /** The texts that gave the worker its live dispatches, oldest first. */
  readonly texts: readonly TextReport[]
  /**
   * The reason that burn sends nothing to the worker; null if burn may send. Possible reasons: the worker runs `burn worker loop`, the
   * circuit breaker of its agent kind is open, or the worker is in trouble.
   */
  readonly stopped: Reason | null
  /** The difference between the settings of the agent and those that it should have; null if burn knows of none. `since` in ISO 8601. */
  readonly drift: (Pick<DriftReport, 'state' | 'text' | 'remedy'> & { readonly since: string }) | null
}

/** The text that gave an issue to a worker. */
export interface TextReport {
  readonly issue: IssueRef
  readonly dispatch: string
  readonly state: DeliveryState
  /** `text`: burn compared the whole line; `id`: burn found only the id; null if the state is not `seen`. */
  readonly proof: Proof | null
  readonly evidence: Reason
}

/** One window of the report. */
export interface WindowReport {
  readonly name: string
  readonly lane: string
  readonly workers: readonly WorkerReport[]
  readonly totals: Totals
}

/** One machine of the report. */
export interface MachineReport {
  readonly name: string
  readonly reachable: boolean
  /** The reason that the machine is unreachable; null if it is reachable. */
  readonly reason: string | null
  /** The remedy, for people; null if none is known. */
  readonly remedy: string | null
  readonly windows: readonly WindowReport[]
  /** Workers that are no longer in the spec, but have a pane on this machine. */
  readonly retiring: readonly WorkerId[]
  readonly totals: Totals
}

/** A sprint that has not ended. */
export interface SprintReport {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly stage: SprintStage
  /** ISO 8601. */
  readonly since: string
}

/** An issue or a repo that burn backs off from. */
export interface BackoffReport {
  readonly subject: IssueRef | RepoRef
  /** ISO 8601. */
  readonly until: string
  readonly why: Reason
}

/** A hold that is in force. */
export interface HoldReport {
  readonly scope: HoldScope
  readonly name: string
  readonly code: HoldCode
  /** The end of the hold in ISO 8601; null if it lasts until `burn resume`. */
  readonly until: string | null
  readonly why: Reason
  readonly actor: string
}

/** A repo that burn could not read. */
export interface UnreadReport {
  readonly repo: RepoRef
  /** ISO 8601. */
  readonly since: string
  readonly why: string
}

/** Something that needs a person. `since` is in ISO 8601. */
export type NeedReport = Omit<NeedsYou, 'since'> & { readonly since: string | null }

/** The report of `burn status`. */
export interface StatusReport {
  readonly machines: readonly MachineReport[]
  readonly sprints: readonly SprintReport[]
  readonly backed_off: readonly BackoffReport[]
  /** All holds in force: of workers, lanes, machines, repos and the fleet. */
  readonly holds: readonly HoldReport[]
  /** Repos of the spec that burn could not read at its last attempt. The report about their issues may be outdated. */
  readonly unread: readonly UnreadReport[]
  readonly totals: Totals
  /** The list of `burn report`, without the rules of `burn health`. */
  readonly needs_you: readonly NeedReport[]
  /** Open issues that burn does not give, because another ledger of this fleet has a live claim on them. At most 1,000. */
  readonly claimed_elsewhere: readonly IssueRef[]
}

/** Returns the report. `shown`: the machines, windows and workers to report on. `facts`: the issues and changes that may need a person. */
export function statusReport(shown: readonly Machine[], state: StatusState, facts: NeedFacts): StatusReport {
  const reports = workerReports(state)
  const machines = shown.map((machine): MachineReport => {
    const snapshot = state.snapshots.get(machine.name)
    const windows = machine.windows.map((window): WindowReport => {
      const all = window.workers.map(({ id }) => reports.get(id)).filter((each) => each !== undefined)
      return {
        name: window.name,
        lane: window.lane,
        workers: all.map(({ report }) => report),
        totals: sum(all.map(({ totals }) => totals)),
      }
    })
    return {
      name: machine.name,
      reachable: snapshot !== undefined && snapshot.state !== 'unreachable',
      reason: snapshot?.state === 'unreachable' ? snapshot.reason : null,
      remedy: snapshot?.state === 'unreachable' ? (snapshot.remedy ?? null) : null,
      windows,
      retiring:
        snapshot?.state === 'up' ? snapshot.panes.flatMap(({ retiring, worker }) => (retiring && worker !== null ? [worker] : [])) : [],
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
    const end = until === null ? null : new Date(until).toISOString()
    return isInForce({ code, until }, state.now) ? [{ scope, name, code, until: end, why: reason, actor }] : []
  })
  const needs_you = needs(facts, questionsOf(workersIn(machines), state), []).map(({ since, ...need }): NeedReport => {
    return { ...need, since: since === null ? null : new Date(since).toISOString() }
  })
  return { machines, sprints, backed_off, holds, unread, totals, needs_you, claimed_elsewhere: state.elsewhere }
}

/** Returns the questions that wait for an answer for as long as a sample would need to report them. */
function questionsOf(workers: readonly WorkerReport[], { fleet, now }: StatusState): AskedQuestion[] {
  const waiting = workers.filter(({ state, since }) => state === 'waiting' && now - Date.parse(since) >= fleet.telemetry.waiting_after)
  return waiting.map(({ id, issues, question, evidence, since }) => {
    return { worker: id, issue: issues[0] ?? null, text: question ?? evidence, since: Date.parse(since) }
  })
}

function noTotals(): Totals {
  // The cast is safe: the object has an entry for each state.
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

function workerReports(state: StatusState): Map<WorkerId, { report: WorkerReport; totals: Totals }> {
  const { fleet, now, workers, states } = state
  const stale_after = fleet.dispatch.stale_after
  const holds = heldBy(state.holds, now, fleet.accounts)
  const held = Map.groupBy(state.dispatches, ({ worker }) => worker)
  const deliveries = new Map(state.texts.map((delivery) => [delivery.id, delivery]))
  return new Map(
    workers.map((snapshot) => {
      const { worker, reading, parsed, stopped } = snapshot
      const dispatches = held.get(worker.id) ?? []
      const issues = dispatches.flatMap(({ kind, state: at, issue }) => (kind === 'work' && slotStates.includes(at) ? [issue] : []))
      const live = issues.length
      const condition = workerCondition(snapshot, live, state)
      const { since, start_seen = true } = states.get(worker.id) ?? { since: now }
      const drift = state.drifts.get(worker.id)
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
        start_seen,
        evidence: reading.evidence,
        condition,
        live_dispatches: live,
        issues,
        hold: hold?.code === 'held' ? holdText(hold) : null,
        question: reading.state === 'waiting' ? (parsed?.question ?? null) : null,
        texts: textsOf(dispatches, deliveries),
        stopped: stopped ?? null,
        drift: drift === undefined ? null : { ...drift, since: new Date(drift.since).toISOString() },
      }
      return [worker.id, { report, totals }]
    }),
  )
}

/** Returns all workers of the report. */
export function workersIn(machines: readonly MachineReport[]): WorkerReport[] {
  return machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
}

/** Returns whether burn has started none of these workers. */
export function noneStarted(workers: readonly WorkerReport[]): boolean {
  return workers.length > 0 && workers.every(({ condition }) => condition === 'not_started')
}

/** Returns the warning about claims of another ledger of this fleet, and the remedy; null if there are none. */
export function elsewhereAdvice(issues: readonly IssueRef[]): { readonly what: string; readonly remedy: string } | null {
  const [first] = issues
  if (first === undefined) return null
  const many = `${counted(issues.length, 'issue')} ${issues.length === 1 ? 'has a live claim' : 'have live claims'}`
  return {
    what: `this fleet has, or had, another ledger: ${many} there, but not in this ledger (${first}${issues.length > 1 ? ', …' : ''}), so burn does not give ${issues.length > 1 ? 'these issues' : 'this issue'}`,
    remedy:
      'write the location of the other ledger under "ledger" in the spec; if it is lost, "burn ledger release-claims --dry-run" shows which claims to release',
  }
}
