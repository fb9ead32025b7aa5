/**
 * Finds the issues to which burn may attribute a request. Records have the prompt of each request, so its issue is exact. Only rows of Hermes
 * sum up all requests since burn read them last: if these belong to several prompts, burn splits the tokens between them.
 */
import type { IssueRef, Time, WorkerId } from '../../src/core/nouns.ts'
import type { TrueRequest } from './money-models.ts'
import type { Night } from './night.ts'
import type { TrueDispatch } from './truth.ts'

const minute = 60_000
const hour = 60 * minute

/** Returns a function that returns the issues of a request. The empty text stands for no issue. */
export function issuesOfRequests(night: Night): (request: TrueRequest) => ReadonlySet<IssueRef> {
  const { truth, money, fleet } = night
  const given = Map.groupBy(truth.dispatches.values(), (each) => each.worker ?? '')
  // burn takes the requests an hour after the end of a dispatch for those of a person.
  const ends = new Map<string, Time>()
  for (const { worker, issue, causes } of truth.dispatches.values()) {
    const name = `${worker} ${issue}`
    ends.set(name, Math.min(ends.get(name) ?? Infinity, ...causes.map((cause) => cause.at)))
  }
  const own = ({ worker, issue, at, dated }: TrueRequest): IssueRef[] => {
    // A text without work, such as a notice, may belong to the issue that it is about.
    if (issue === '') return ['', ...receivedBefore(given.get(worker) ?? [], at)]
    return (ends.get(`${worker} ${issue}`) ?? Infinity) < (dated ?? at) - hour ? [issue, ''] : [issue]
  }
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const summed = new Set(workers.flatMap(({ id, agent: { kind } }) => (kind === 'hermes' ? [id] : [])))
  const read = readTogether(night)
  const rows = Map.groupBy(
    money.requests.filter(({ worker }) => summed.has(worker)),
    (request) => rowOf(request, read(request)),
  )
  return (request) => {
    const together = summed.has(request.worker) ? rows.get(rowOf(request, read(request)))! : [request]
    return new Set(together.flatMap(own))
  }
}

/** Returns the name of the row, and of its reading, with the tokens of a request. */
const rowOf = ({ worker, session, model }: TrueRequest, read: Time | null) => `${worker} ${session} ${model.name} ${read}`

/** Returns a function that returns the time at which burn counted a request. A process that is killed after it read a row may not have saved it. */
function readTogether({ troubles, money }: Night): (request: TrueRequest) => Time | null {
  const kills = troubles.filter(({ kind }) => kind === 'dispatcher' || kind === 'blackout').map(({ at }) => at)
  const readings = new Map<WorkerId, Time[]>()
  for (const [worker, own] of Map.groupBy(money.requests, (request) => request.worker))
    readings.set(worker, [...new Set(own.flatMap(({ read }) => read ?? []))])
  return ({ worker, read }) => {
    const isKilled = read !== null && kills.some((at) => at >= read - minute && at <= read + minute)
    return isKilled ? (readings.get(worker)!.find((at) => at > read) ?? read) : read
  }
}

/** Returns the issues that an agent received before a time. */
const receivedBefore = (own: readonly TrueDispatch[], at: Time) =>
  own.flatMap(({ issue, received }) => (received !== null && received <= at ? [issue] : []))
