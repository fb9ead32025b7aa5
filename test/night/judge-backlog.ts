/** Compares the trend, the oldest change and issue, and the idle time while issues waited, with the truth. */
import type { DispatchState } from '../../src/core/lifecycle.ts'
import type { IssueRef, RepoRef, Time } from '../../src/core/nouns.ts'
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import type { TrueDispatch } from './truth.ts'
import { repoOf, reposOf } from '../../src/core/refs.ts'
import { judgeCounts } from './judge-counts.ts'
import { isLost, isOpenAt, lastKnown } from './judge-needs.ts'

const minute = 60_000
const week = 7 * 24 * 60 * minute
/** The time in which a cycle acts on what it has read, and the longest time between two samples. */
const cycleTime = 3 * minute
const sampleTime = 6 * minute

/** Compares all three. */
export function judgeBacklog(night: Night): Judgement {
  const trend = judgeTrend(night)
  const wrong = [...trend.wrong, ...judgeOldestChange(night), ...judgeOldestIssue(night), ...judgeIdle(night)]
  return { wrong, explained: [], compared: trend.compared + 4 + night.report.workers.length }
}

/**
 * The counts of a week are those of the dispatches that the night wrote before it began, and those of the night. `judgeCounts` compares the
 * counts of the night with the world.
 */
function judgeTrend(night: Night): Judgement {
  const { report, whole, past, began, until } = night
  const counts = judgeCounts({ ...night, report: whole, since: began })
  const wrong = counts.wrong.map((line) => `from the begin: ${line}`)
  const pastCount = (state: DispatchState, from: Time, to: Time) =>
    past.filter((each) => each.state === state && each.at >= from && each.at < to).length
  for (const state of ['claimed', 'done', 'failed', 'lost', 'released'] as const) {
    const [last, before] = [whole.counts[state] + pastCount(state, until - week, until), pastCount(state, until - 2 * week, until - week)]
    const shown = [report.trend.last?.[state] ?? 0, report.trend.before?.[state] ?? 0]
    if (shown[0] !== last || shown[1] !== before)
      wrong.push(`trend of ${state}: ${shown.join(' after ')}, and should be ${last} after ${before}`)
  }
  // Nobody opened a change before the night.
  const [opened, shown] = [whole.done.opened.length, report.trend.last?.review ?? 0]
  if (shown !== opened) wrong.push(`trend of review: ${shown}, and should be ${opened}`)
  return { wrong, explained: [], compared: counts.compared + 11 }
}

/** The oldest open change is the one that burn saw first. Several changes may have been seen in one cycle. */
function judgeOldestChange(night: Night): string[] {
  const { report, truth, until } = night
  const { change } = report.oldest
  const known = lastKnown(night)
  const seenAt = ({ issue, opened }: TrueDispatch) => (truth.reads.get(repoOf(issue)) ?? []).find((at) => at >= opened!) ?? Infinity
  const all = [...truth.dispatches.values()]
  const open = all.filter((each) => isOpenAt(each, until, until) && truth.wasSeenOpen(each, known) && !isLost(each))
  const oldest = Math.min(...open.map(seenAt))
  if (change === null) return oldest < known - cycleTime ? ['the report has no oldest change'] : []
  const listed = all.filter((each) => each.issue === change.issue && isOpenAt(each, known, until))
  const isRight = listed.some((each) => change.since >= each.opened! && change.since <= seenAt(each) + cycleTime)
  if (!isRight) return [`the oldest change is of ${change.issue} since ${iso(change.since)}, and the world has none`]
  return change.since > oldest + cycleTime ? [`the oldest change is since ${iso(change.since)}, but one was seen at ${iso(oldest)}`] : []
}

/** The oldest waiting issue is the first one in the list of issues that no agent has. */
function judgeOldestIssue(night: Night): string[] {
  const { report, truth, world, until, issues, fleet } = night
  const served = reposOf(fleet)
  const { waiting } = report.oldest
  const given = Map.groupBy(truth.dispatches.values(), ({ issue }) => issue)
  const isOpen = (issue: IssueRef) => world.forge.isOpen(issue) && !world.forge.labelled.has(issue)
  // burn gives an issue only three times, and some ends are known to burn alone.
  const waits = (issue: IssueRef) => isOpen(issue) && !given.has(issue)
  const first = issues.find(({ ref, repo }) => waits(ref) && repo !== scarce && served.includes(repo))
  if (waiting === null) return first === undefined ? [] : [`the report has no oldest issue, but ${first.ref} waits`]
  const listed = issues.find(({ ref }) => ref === waiting.issue)
  if (listed === undefined || !isOpen(waiting.issue)) return [`the oldest issue is ${waiting.issue}, which does not wait`]
  const isHeld = (given.get(waiting.issue) ?? []).some(({ causes, claimed }) => claimed < until - cycleTime && causes.length === 0)
  if (isHeld) return [`the oldest issue is ${waiting.issue}, but an agent has it`]
  if (waiting.since !== listed.created_at) return [`${waiting.issue} waits since ${waiting.since}, and should since ${listed.created_at}`]
  return first !== undefined && first.created_at < listed.created_at
    ? [`the oldest issue is ${waiting.issue}, but ${first.ref} is older`]
    : []
}

/** A repo with few issues, whose workers become idle without waiting issues. */
export const scarce: RepoRef = 'o/d'

/** Returns the times in which issues of the scarce repo waited for sure, and in which they may have waited. */
function waitingTimes({ truth, issues, began, until, world }: Night): { readonly sure: Time; readonly possible: readonly [Time, Time][] } {
  const own = issues.filter(({ repo }) => repo === scarce)
  const given = Map.groupBy(
    [...truth.dispatches.values()].filter(({ issue }) => repoOf(issue) === scarce),
    ({ issue }) => issue,
  )
  const firsts = own.map(({ ref }) => Math.min(...(given.get(ref) ?? []).map(({ claimed }) => claimed), until))
  const back = own.flatMap(({ ref }): [Time, Time][] => {
    const all = (given.get(ref) ?? []).toSorted((a, b) => a.claimed - b.claimed)
    const isOpen = world.forge.isOpen(ref)
    return all.flatMap(({ turnEnds, opened, causes }, index): [Time, Time][] => {
      // burn gives an issue three times.
      const next = all[index + 1]?.claimed ?? (isOpen && index < 2 ? until : undefined)
      const ends = causes.flatMap(({ end, at }) => (end === 'done' ? [] : [at]))
      const ended = Math.min(...ends, ...(opened === null ? turnEnds : []))
      return next === undefined || ended >= next ? [] : [[ended, next]]
    })
  })
  return { sure: Math.max(began, ...firsts), possible: back }
}

/**
 * Returns a function that finds the first sample after a time that counted the waiting issues; the end of the night if there is none. Until
 * that sample, the report has the earlier count. While the forge does not answer, no sample counts them.
 */
function nextCount({ truth, troubles, until }: Night): (after: Time) => Time {
  const forge = troubles.filter(({ kind }) => kind === 'forge')
  const samples = [...truth.samples.values()].flat().toSorted((a, b) => a - b)
  const counts = samples.filter((at) => forge.every((each) => at < each.at || at > each.to + cycleTime))
  return (after) => counts.find((at) => at > after) ?? until
}

/**
 * Compares the idle time while issues waited. `judgeWorkers` compares the timelines of the report with the world, so here the idle time is
 * that of the report. The other repos have more issues than the night needs, so issues always wait there.
 */
function judgeIdle(night: Night): string[] {
  const { report, since, until, fleet } = night
  const { sure, possible } = waitingTimes(night)
  const next = nextCount(night)
  const scarceWorkers = new Set(
    fleet.machines.flatMap(({ windows }) =>
      windows.flatMap(({ workers }) => workers.flatMap(({ id, repos }) => (repos.includes(scarce) ? [id] : []))),
    ),
  )
  return report.workers.flatMap(({ worker, idle_while_ready: shown, timeline }) => {
    const idle = timeline.filter(({ state }) => state === 'idle')
    const during = (from: Time, to: Time) => idle.reduce((sum, part) => sum + overlapOf(part, { from, to }), 0)
    const isScarce = scarceWorkers.has(worker)
    // The report knows no count before the first sample of the period.
    const uncounted = during(since, next(since))
    const all = during(since, until)
    const least = Math.max(0, (isScarce ? during(since, sure - sampleTime) : all) - uncounted)
    const again = possible.reduce((sum, [from, to]) => sum + during(from - cycleTime, next(to + cycleTime)), 0)
    const most = isScarce ? Math.min(all, during(since, next(sure + cycleTime)) + again) : all
    const isRight = shown !== null && shown >= least && shown <= most
    return isRight ? [] : [`${worker}: idle for ${shown} ms while issues waited, and should be from ${least} to ${most}`]
  })
}

const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)

interface Period {
  readonly from: Time
  readonly to: Time
}
const overlapOf = (a: Period, b: Period) => Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from))
