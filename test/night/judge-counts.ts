/** Compares the dispatches of the report with the world's record: done, opened, failed, lost, released and the reconciliation. */
import type { IssueRef, Time, WorkerId } from '../../src/core/nouns.ts'
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import type { Cause, TrueDispatch } from './truth.ts'

const minute = 60_000
/** One cycle: the time in which burn notices what the forge and the machines show. */
const cycleTime = 2 * minute

/** Troubles during which no cycle runs, or a cycle decides nothing. */
const outage: readonly string[] = ['forge', 'dispatcher', 'blackout']

interface ReportedEnd {
  readonly end: Cause['end']
  readonly issue: IssueRef
  readonly worker: WorkerId | null
  readonly at: Time
}

/** Compares the ends of dispatches, their changes and their counts. */
export function judgeCounts(night: Night): Judgement {
  const { truth, since, until, fleet } = night
  const wrong: string[] = []
  const explained: string[] = []
  const idle = fleet.dispatch.idle_timeout ?? 0
  const all = [...truth.dispatches.values()]
  const ends = reportedEnds(night)
  const found = new Map<string, ReportedEnd>()
  for (const each of ends) {
    const dispatch = dispatchOf(all, each)
    const causes = dispatch === undefined ? [] : truth.causesOf(dispatch, idle, until)
    if (dispatch === undefined) wrong.push(`${each.issue}: the report says ${each.end}, but no agent of ${each.worker} had it`)
    else if (found.has(dispatch.id)) wrong.push(`${dispatch.id} of ${each.issue} ended twice`)
    else if (!causes.some(({ end, at }) => end === each.end && at <= each.at + cycleTime)) {
      const why = otherReason(dispatch, each, night, all)
      if (why === null) wrong.push(`${each.issue} (${dispatch.id}): ${each.end} at ${iso(each.at)}, but the world has ${shown(causes)}`)
      else explained.push(`${each.issue}: ${each.end}: ${why}`)
    }
    if (dispatch !== undefined) found.set(dispatch.id, each)
  }
  for (const dispatch of all) {
    const [first] = truth.causesOf(dispatch, idle, until)
    if (first === undefined || found.has(dispatch.id) || first.at < since - cycleTime || first.at > until) continue
    const why = excuse(dispatch, first, night)
    const text = `${dispatch.issue} (${dispatch.id}): the world has ${first.why} at ${iso(first.at)}, the report has no end`
    if (why === null) wrong.push(text)
    else explained.push(`${text}: ${why}`)
  }
  wrong.push(...judgeOpened(night, all))
  wrong.push(...judgeReconciliation(night, all, found))
  return { wrong, explained, compared: ends.length + all.length + 8 }
}

function reportedEnds({ report }: Night): ReportedEnd[] {
  const done = report.done.merged.map(({ issue, worker, at }) => ({ end: 'done' as const, issue, worker, at }))
  const bad = report.went_wrong.flatMap(({ class: name, items }) => {
    const end = /^issue (failed|lost|released)$/.exec(name)?.[1] as Cause['end'] | undefined
    return end === undefined ? [] : items.map(({ subject, worker, at }) => ({ end, issue: subject, worker, at }))
  })
  return [...done, ...bad]
}

/** Returns the dispatch of an issue and a worker that was the newest at a time. */
function dispatchOf(all: readonly TrueDispatch[], { issue, worker, at }: ReportedEnd): TrueDispatch | undefined {
  return all
    .filter((each) => each.issue === issue && (each.worker === worker || each.worker === null) && each.claimed < at)
    .toSorted((a, b) => b.claimed - a.claimed)[0]
}

/** Returns an end that burn may cause by itself; null if there is none. */
function otherReason(dispatch: TrueDispatch, { end, at }: ReportedEnd, night: Night, all: readonly TrueDispatch[]): string | null {
  const { issue, id, received, worker } = dispatch
  const others = all.filter((each) => each.issue === issue && each.id !== id && each.opened !== null && each.opened <= at)
  if (end === 'released' && others.length > 0) return 'another dispatch of the issue opened a change'
  if (end === 'released' && received === null) return 'no agent received it'
  const failed = (night.truth.states.get(worker ?? '') ?? []).some((each) => each.state === 'error' && each.at <= at)
  if (end === 'released' && failed) return 'its agent was in trouble, with the text in its queue'
  const hasFailedTurn = dispatch.causes.some(({ why, at: when }) => why.startsWith('its turn failed') && when <= at)
  if (end === 'failed' && hasFailedTurn) return 'its turn failed, and burn did not give it again'
  if (end === 'done' && others.some(({ causes }) => causes.some((cause) => cause.end === 'done'))) return 'another change closed its issue'
  return null
}

/** Returns why burn could not see the end of a dispatch; null if it could. */
function excuse({ issue, worker, opened, causes }: TrueDispatch, { at, end }: Cause, night: Night): string | null {
  const { until, troubles, fleet } = night
  const outages = troubles.filter(({ kind, to }) => outage.includes(kind) && to > at)
  const away = troubles.some(({ kind, target, to }) => kind === 'unreachable' && to > at && worker?.startsWith(`${target}/`))
  const idleFrom = at - (fleet.dispatch.idle_timeout ?? 0)
  const isUnwatched = troubles.some((each) => outage.includes(each.kind) && each.at < at && each.to + cycleTime > idleFrom)
  if (end === 'failed' && isUnwatched) return 'no cycle saw that the agent was idle'
  if (until - at < cycleTime) return 'it ended within the last cycle of the night'
  if (outages.some((each) => each.at < at && each.to > until - cycleTime)) return 'the forge or the dispatcher was away'
  if (away && end !== 'done') return 'the machine was away'
  if (end === 'released') return 'the agent recovered, and went on'
  if (end === 'lost' && opened !== null) return 'its change was open'
  const before = causes.find((cause) => cause.at < night.since)
  return before === undefined ? null : `it ended before the period (${issue})`
}

function judgeOpened({ report, truth, since, until }: Night, all: readonly TrueDispatch[]): string[] {
  const wrong: string[] = []
  const opened = report.done.opened
  for (const { issue, worker, at } of opened)
    if (!all.some((each) => each.issue === issue && each.worker === worker && each.opened !== null && each.opened <= at))
      wrong.push(`${issue}: the report says opened by ${worker}, but the forge has no change`)
  for (const dispatch of all) {
    if (!truth.wasSeenOpen(dispatch, until) || dispatch.opened! < since) continue
    const seen = truth.reads.get(dispatch.issue.slice(0, dispatch.issue.indexOf('#'))) ?? []
    const read = seen.find((at) => at >= dispatch.opened!) ?? until
    if (until - read < cycleTime) continue
    const ended = dispatch.causes.some(({ end, at }) => end !== 'done' && at <= read)
    if (!ended && !opened.some(({ issue, worker }) => issue === dispatch.issue && worker === dispatch.worker))
      wrong.push(`${dispatch.issue} (${dispatch.id}): burn saw its change open, but the report does not list it`)
  }
  return wrong
}

/** Compares the counts with the world: each dispatch that the world knows was there before, claimed in the period, or after it. */
function judgeReconciliation(
  { report, since, until }: Night,
  all: readonly TrueDispatch[],
  found: ReadonlyMap<string, ReportedEnd>,
): string[] {
  const wrong: string[] = []
  const { counts } = report
  if (!counts.balanced) wrong.push(`the counts do not agree: ${JSON.stringify(counts)}`)
  const claimed = all.filter((each) => each.claimed >= since && each.claimed < until)
  // burn claims before it writes the comment, so a claim at the border may belong to the other side.
  const border = all.filter(({ claimed: at }) => Math.abs(at - since) < cycleTime || Math.abs(at - until) < cycleTime).length
  if (Math.abs(claimed.length - counts.claimed) > border)
    wrong.push(`the world has ${claimed.length} claims, the report ${counts.claimed}, ${border} at the border`)
  for (const end of ['done', 'failed', 'lost', 'released'] as const) {
    const own = [...found.values()].filter((each) => each.end === end).length
    if (own !== counts[end]) wrong.push(`the report lists ${own} ${end}, and counts ${counts[end]}`)
  }
  const perWorker = report.workers.reduce((sum, { done }) => sum + done, 0)
  if (perWorker !== counts.done) wrong.push(`the workers have ${perWorker} done, the report ${counts.done}`)
  return wrong
}

const shown = (causes: readonly Cause[]) => causes.map(({ end, why, at }) => `${end} (${why}) at ${iso(at)}`).join(', ') || 'no end'
const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
