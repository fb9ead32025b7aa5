/**
 * Finds the issues to which burn may attribute a request. Session files have the prompt of each request, so its issue is exact. Rows of
 * Hermes have no prompts: samples show every few minutes which issue an agent has.
 */
import type { IssueRef, Time, WorkerId } from '../../src/core/nouns.ts'
import type { TrueRequest } from './money-models.ts'
import type { Night } from './night.ts'
import type { Cause, TrueDispatch } from './truth.ts'
import { machineOf, repoOf } from '../../src/core/refs.ts'

const minute = 60_000
const hour = 60 * minute

/** A dispatch, and the time between which burn may notice that its work has ended. */
interface Known {
  readonly issue: IssueRef
  readonly received: Time
  readonly endsFrom: Time
  readonly endsUntil: Time
}

/** Returns a function that returns the issues of a request. The empty text stands for no issue. */
export function issuesOfRequests(night: Night): (request: TrueRequest) => ReadonlySet<IssueRef> {
  const { truth } = night
  const known = new Map<WorkerId, Known[]>()
  for (const [worker, own] of Map.groupBy([...truth.dispatches.values()], (each) => each.worker ?? ''))
    known.set(worker, knownOf(own, night))
  const given = Map.groupBy(truth.dispatches.values(), (each) => each.worker ?? '')
  // burn takes the requests an hour after the end of a dispatch for those of a person.
  const ends = new Map<string, Time>()
  for (const { worker, issue, causes } of truth.dispatches.values()) {
    const name = `${worker} ${issue}`
    ends.set(name, Math.min(ends.get(name) ?? Infinity, ...causes.map((cause) => cause.at)))
  }
  const workers = night.fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const recorded = new Set(workers.flatMap(({ id, agent: { kind } }) => (kind === 'claude' || kind === 'codex' ? [id] : [])))
  return ({ worker, issue, at: made, dated, read }) => {
    // A text without work, such as a notice, may belong to the issue that it is about.
    if (recorded.has(worker) && issue === '') return new Set(['', ...receivedBefore(given.get(worker) ?? [], made)])
    if (recorded.has(worker)) return new Set((ends.get(`${worker} ${issue}`) ?? Infinity) < made - hour ? [issue, ''] : [issue])
    const samples = truth.samples.get(machineOf(worker)) ?? []
    const times = [dated ?? made, ...datedAgain({ worker, read }, night)]
    return new Set([issue, ...times.flatMap((at) => issuesAt(at, known.get(worker) ?? [], samples))])
  }
}

/** Returns the issues that samples may show at a time, and the empty text if they may show none. */
function issuesAt(at: Time, all: readonly Known[], samples: readonly Time[]): IssueRef[] {
  const before = samples.findLast((time) => time <= at) ?? -Infinity
  const after = samples.find((time) => time > at) ?? Infinity
  const found = all.filter(({ received, endsUntil }, index) => {
    const isNext = all.slice(0, index).every((earlier) => earlier.endsFrom <= after)
    return received <= after && endsUntil >= before && isNext
  })
  const isSure = found.some(({ received, endsFrom }) => received <= Math.min(at, before) - minute && endsFrom > at)
  return [...found.map((each) => each.issue), ...(isSure ? [] : [''])]
}

/** A process that is killed after it read a request may not have saved it. Then the next reading dates it together with later requests. */
function datedAgain({ worker, read }: Pick<TrueRequest, 'worker' | 'read'>, { troubles, money }: Night): Time[] {
  const isKilled = troubles.some(
    ({ kind, at }) => ['dispatcher', 'blackout'].includes(kind) && read !== null && at >= read - minute && at <= read + minute,
  )
  const next = money.requests.find((each) => isKilled && each.worker === worker && each.read !== null && each.read > read!)
  return next === undefined ? [] : [next.dated ?? next.at]
}

/** Returns the dispatches of one worker in the order in which its agent received them. */
function knownOf(own: readonly TrueDispatch[], { truth, fleet, until }: Night): Known[] {
  const idle = fleet.dispatch.idle_timeout ?? 0
  const sorted = own.filter(({ received }) => received !== null).toSorted((a, b) => a.received! - b.received!)
  return sorted.map((dispatch, index) => {
    const causes = truth.causesOf(dispatch, idle, until)
    // burn continues a failed turn. It may miss that an agent was idle after a turn, or that a change was closed.
    const isEnd = ({ why }: Cause) => !why.startsWith('its turn') && (why !== 'its change was closed' || truth.wasSeenOpen(dispatch, until))
    const failed = Math.min(...causes.filter((cause) => !isEnd(cause)).map(({ at }) => at))
    // A later change in review shows that the agent has finished the earlier prompts.
    const opened = sorted.slice(index).flatMap((each) => (truth.wasSeenOpen(each, until) ? [each.opened!] : []))
    const ended = Math.min(...opened, ...causes.filter(isEnd).map(({ at }) => at))
    const reads = truth.reads.get(repoOf(dispatch.issue)) ?? []
    const seen = reads.find((at) => at > ended) ?? Infinity
    const turnEnds = sorted.slice(index).flatMap((each) => each.turnEnds)
    return {
      issue: dispatch.issue,
      received: dispatch.received!,
      endsFrom: Math.min(ended, failed, ...turnEnds),
      endsUntil: seen + 2 * minute,
    }
  })
}

/** Returns the issues that an agent received before a time. */
const receivedBefore = (own: readonly TrueDispatch[], at: Time) =>
  own.flatMap(({ issue, received }) => (received !== null && received <= at ? [issue] : []))
