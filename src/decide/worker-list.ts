/** Summarises the life and the work of each worker, for `burn worker list`. Pure. */
import type { AgentRecord } from '../core/agent-record.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { Dispatch, DispatchState } from '../core/lifecycle.ts'
import type { Login } from '../core/login.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Time, Worker, WorkerId } from '../core/nouns.ts'
import type { Span } from '../core/span.ts'
import type { UsageRecord } from '../core/usage.ts'
import type { SignOfLife, WorkerSummary } from '../core/worker-life.ts'
import { sprintWorkers } from '../core/sprint.ts'
import { sumCosts, wholeCost, type Cost } from './costs.ts'
import { holdsOnWorker } from './holds.ts'
import { workUnderWay, type UnderWay } from './under-way.ts'
import { hasPane, lastSign, lifeOf, signsIn } from './worker-life.ts'
import { timelineOf } from './worker-periods.ts'

/** The facts of the list. */
export interface WorkerListFacts {
  readonly state: StatusState
  /** The start of the period of the numbers. */
  readonly since: Time
  /** The dispatches that changed in the period. */
  readonly dispatches: readonly Dispatch[]
  /** The spans that overlap the period. */
  readonly spans: readonly Span[]
  /** Usage of at least the period and of `worker.silent_after`. */
  readonly usage: readonly UsageRecord[]
  readonly costFor: (record: UsageRecord) => Cost
  /** The last use of a model in each conversation of each worker, oldest first. */
  readonly models: readonly LastUse[]
  /** The login of each worker, as far as burn has read it. */
  readonly logins: ReadonlyMap<WorkerId, Login>
  /** The times of the last commits of workers, as far as burn has read them. */
  readonly commits: ReadonlyMap<WorkerId, Time>
}

/**
 * Returns the workers of the spec in their order, then those that the spec no longer has but that have a pane, work or a hold. Pass `all` to
 * include every other worker in the ledger.
 */
export function workerSummaries(facts: WorkerListFacts, all = false): WorkerSummary[] {
  const { state, since, usage, spans } = facts
  const everyWork = workUnderWay(state, { hasWorker: () => true, hasRepo: () => true })
  const by = {
    work: Map.groupBy(everyWork, ({ worker }) => worker),
    dispatches: Map.groupBy(
      facts.dispatches.filter(({ kind }) => kind === 'work'),
      ({ worker }) => worker,
    ),
    spans: Map.groupBy(
      spans.filter(({ kind }) => kind === 'worker'),
      ({ subject }) => subject,
    ),
    usage: Map.groupBy(usage, ({ worker }) => worker),
    signs: signsIn(state),
  }
  const snapshots = new Map(state.workers.map((each) => [each.worker.id, each]))
  const models = modelsInUse(facts)
  const records = new Map(state.records.map((record) => [record.id, record]))
  const summary = (id: WorkerId, worker: Worker | null): WorkerSummary => {
    const snapshot = snapshots.get(id)
    const used = by.usage.get(id) ?? []
    const signs = [...(by.signs.get(id) ?? []), ...usageSign(used), ...commitSign(facts.commits.get(id))]
    const last_sign = lastSign(signs)
    const under_way = by.work.get(id) ?? []
    const life = lifeOf({
      reading: snapshot?.reading ?? null,
      has_pane: hasPane(id, state),
      has_agent: state.incarnations.has(id),
      started_at: state.agents.get(id)?.started_at ?? null,
      provision: records.get(id)?.provision ?? null,
      holds: holdsOnWorker(id, state.holds, state.now, state.fleet.accounts),
      under_way,
      last_sign,
      silent_after: state.fleet.worker.silent_after,
      now: state.now,
    })
    const ended = (...states: readonly DispatchState[]) =>
      (by.dispatches.get(id) ?? []).filter((each) => states.includes(each.state)).length
    const recent = used.filter(({ last_at }) => last_at >= since)
    return {
      id,
      worker,
      reading: snapshot?.reading ?? null,
      ...life,
      issues: under_way.flatMap(({ issue }) => issue ?? []),
      done: ended('done'),
      failed: ended('failed', 'lost'),
      worked: workedTime(by.spans.get(id), since, state.now),
      cost: recent.length === 0 ? null : wholeCost(sumCosts(recent, facts.costFor)),
      signs,
      last_sign,
      login: facts.logins.get(id) ?? null,
      model: models.get(id) ?? worker?.agent.model ?? null,
    }
  }
  const declared = state.fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  return [...declared.map((worker) => summary(worker.id, worker)), ...leaving(state, by.work, all).map((id) => summary(id, null))]
}

/** Returns the model that each worker's agent used last. */
function modelsInUse({ models, state }: WorkerListFacts): Map<WorkerId, string> {
  const own = models.filter(({ worker, session }) => isOwnSession(session, state.agents.get(worker)))
  return new Map(own.map(({ worker, model_answered, model_asked }) => [worker, model_answered || model_asked]))
}

/** Returns true if the conversation may be that of the worker's agent. */
function isOwnSession(session: string, agent: AgentRecord | undefined): boolean {
  const own = agent?.conversation ?? agent?.continues ?? null
  return own === null || session === '' || session === own
}

/** Returns the workers that the spec does not have. */
function leaving(state: StatusState, work: ReadonlyMap<WorkerId, readonly UnderWay[]>, all: boolean): WorkerId[] {
  const declared = new Set(state.fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id }) => id))))
  const panes = [...state.snapshots.values()].flatMap((snapshot) => (snapshot.state === 'up' ? snapshot.panes : []))
  const found = new Set([
    ...panes.flatMap(({ worker }) => worker ?? []),
    ...work.keys(),
    ...state.holds.flatMap(({ scope, code, name }) => (scope === 'worker' && code === 'retire' ? [name] : [])),
    ...(all ? state.records.map(({ id }) => id) : []),
  ])
  return [...found].filter((id) => !declared.has(id) && !id.startsWith(`${sprintWorkers}/`)).toSorted()
}

/** Returns the time (ms) for which a worker worked; null if no sample shows it. */
function workedTime(spans: readonly Span[] | undefined, since: Time, now: Time): number | null {
  if (spans === undefined) return null
  const parts = timelineOf(spans, since, now).filter(({ state }) => state === 'working')
  return parts.reduce((sum, { from, to }) => sum + to - from, 0)
}

function usageSign(used: readonly UsageRecord[]): SignOfLife[] {
  return used.length === 0 ? [] : [{ kind: 'usage', at: Math.max(...used.map(({ last_at }) => last_at)) }]
}

const commitSign = (at: Time | undefined): SignOfLife[] => (at === undefined ? [] : [{ kind: 'commit', at }])
