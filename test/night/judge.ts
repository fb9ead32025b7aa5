/** Compares the report and the health of a night with the truth. Each function returns one line per contradiction. */
import type { Time } from '../../src/core/nouns.ts'
import type { Night } from './night.ts'
import { judgeBacklog } from './judge-backlog.ts'
import { judgeBudgets } from './judge-budgets.ts'
import { judgeCounts } from './judge-counts.ts'
import { judgeHealthProbes } from './judge-health.ts'
import { judgeLimits } from './judge-limits.ts'
import { judgeMoney } from './judge-money.ts'
import { judgeNeeds } from './judge-needs.ts'
import { judgeTroubles } from './judge-troubles.ts'
import { machineOf } from '../../src/core/refs.ts'

const minute = 60_000

/** The result of a comparison. */
export interface Judgement {
  /** Contradictions that no rule of sampling explains. */
  readonly wrong: readonly string[]
  /** Differences that the sampling explains, each with the rule. */
  readonly explained: readonly string[]
  /** The number of compared numbers and items. */
  readonly compared: number
}

/** Compares everything. */
export function judgeNight(night: Night): Judgement {
  const judges = [
    judgeWorkers,
    judgeCounts,
    judgeTroubles,
    judgeHealthProbes,
    judgeMoney,
    judgeLimits,
    judgeBudgets,
    judgeNeeds,
    judgeBacklog,
  ]
  return joined(judges.map((judge) => judge(night)))
}

/** Returns the sum of judgements. */
export function joined(all: readonly Judgement[]): Judgement {
  return {
    wrong: all.flatMap(({ wrong }) => wrong),
    explained: all.flatMap(({ explained }) => explained),
    compared: all.reduce((sum, { compared }) => sum + compared, 0),
  }
}

/**
 * Compares the time of each worker in each state. The rule of sampling: where the worker has one state from one sample to the next, the
 * report has this state for the whole time. Where its state changed between two samples, the report has one or both of the states that the
 * two samples showed. After 15 minutes without a sample the time is unobserved.
 */
function judgeWorkers({ report, truth, since, until, fleet }: Night): Judgement {
  const wrong: string[] = []
  let compared = 0
  for (const { worker, timeline, states } of report.workers) {
    const samples = truth.samples.get(machineOf(worker)) ?? []
    const real = truth.timeline(worker, since - 60 * minute, until)
    const bounds = samples.filter((at) => at > since - 10 * minute && at <= until)
    const tolerance = new Map<string, number>()
    for (const [index, to] of bounds.entries()) {
      const from = bounds[index - 1]
      if (from === undefined || to <= since) continue
      const shown = timeline.filter((part) => part.from < to && part.to > from)
      const actual = new Set(real.filter((part) => part.from < to + 1000 && part.to > from - 1000).map(({ state }) => state))
      const isGap = to - from > 3 * fleet.telemetry.interval
      compared += 1
      const bad = shown.filter(({ state }) => !actual.has(state))
      if (bad.length > 0 && !isGap)
        wrong.push(`${worker}: the report shows ${bad[0]!.state} at ${iso(from)}, but it was ${[...actual].join(', ')}`)
      for (const state of [...actual, 'unobserved']) {
        if (actual.size > 1 || isGap) tolerance.set(state, (tolerance.get(state) ?? 0) + to - Math.max(from, since))
      }
    }
    const sums = new Map<string, number>()
    for (const { state, from, to } of truth.timeline(worker, since, until)) sums.set(state, (sums.get(state) ?? 0) + to - from)
    const edge = Math.max(until - (bounds.at(-1) ?? since), 0)
    for (const state of new Set([...sums.keys(), ...Object.keys(states)])) {
      compared += 1
      const difference = Math.abs((states[state] ?? 0) - (sums.get(state) ?? 0))
      const allowed = (tolerance.get(state) ?? 0) + edge + 2000 * bounds.length * Number(actualChanges(real) > 0)
      if (difference > allowed)
        wrong.push(
          `${worker}: ${state} differs by ${Math.round(difference / 1000)} s, and the samples allow ${Math.round(allowed / 1000)} s`,
        )
    }
  }
  return { wrong, explained: [], compared }
}

const actualChanges = (real: readonly unknown[]) => real.length - 1
const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
