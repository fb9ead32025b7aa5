/** Compares what burn reported about the settings of agents with what the simulated agents did. */
import type { Time, WorkerId } from '../../src/core/nouns.ts'
import type { TrueDrift } from './drift-life.ts'
import type { DriftNight } from './drift-night.ts'
import { machineOf } from '../../src/core/refs.ts'

/** The time (ms) in which the job `watchdog` ends after the job `usage` has begun. */
const runs = 5_000

/** The result for one night. */
export interface DriftJudgement {
  /** The number of differences that the agents had, and of those that a report had to show. */
  readonly drifts: number
  readonly due: number
  /** One line for each difference that burn did not find within one cycle. */
  readonly missed: readonly string[]
  /** One line for each report without a cause. */
  readonly alarms: readonly string[]
}

/** Judges a night. A difference is due as soon as the jobs `usage` and `watchdog` ran once after the request that shows it. */
export function judgeDrift(night: DriftNight): DriftJudgement {
  const byWorker = Map.groupBy(night.drifts, ({ worker }) => worker)
  const nextRun = (worker: WorkerId, at: Time) => ((night.reads.get(machineOf(worker)) ?? []).find((read) => read > at) ?? Infinity) + runs
  const missed: string[] = []
  let due = 0
  for (const drift of night.drifts) {
    const from = nextRun(drift.worker, drift.due)
    const probes = night.probes.filter(({ at, surface }) => surface === 'ledger' && at >= from && at < Math.min(drift.fades, night.until))
    if (probes.length === 0) continue
    due += 1
    const wrong = probes.find(({ states }) => states.get(drift.worker) !== drift.state)
    if (wrong !== undefined) missed.push(`${nameOf(drift)} at ${iso(wrong.at)}: burn said ${wrong.states.get(drift.worker) ?? 'nothing'}`)
  }
  const alarms = new Map<string, string>()
  for (const { at, surface, states } of night.probes)
    for (const [worker, state] of states) {
      const causes = byWorker.get(worker) ?? []
      const isTrue = causes.some((each) => each.state === state && each.from <= at && at <= nextRun(worker, each.to))
      const line = `${worker} in ${surface}: ${state}, first at ${iso(at)}`
      if (!isTrue && !alarms.has(`${worker} ${surface} ${state}`)) alarms.set(`${worker} ${surface} ${state}`, line)
    }
  return { drifts: night.drifts.length, due, missed, alarms: [...alarms.values()] }
}

const nameOf = ({ worker, kind, state, from, to }: TrueDrift) =>
  `${worker} ${kind} (${state}) from ${iso(from)} to ${to === Infinity ? 'the end' : iso(to)}`
const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
