/** Compares budgets with the requests that the agents made: warnings, holds on new work, and issues that burn escalated. */
import type { UsageBudget } from '../../src/core/budget.ts'
import type { IssueRef, Time, WorkerId } from '../../src/core/nouns.ts'
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import { issuesOfRequests } from './money-issues.ts'
import { priceOf, type TrueRequest } from './money-models.ts'

const minute = 60_000
const day = 24 * 60 * minute
/** The time in which a dispatcher reads usage and acts on it. */
const cycle = 3 * minute

/** Compares all budgets of a night. */
export function judgeBudgets(night: Night): Judgement {
  const days = night.fleet.budgets.flatMap((budget) => (budget.day === null ? [] : judgeDays(budget, budget.day, night)))
  const issues = judgeIssues(night)
  return { wrong: [...days, ...issues.wrong], explained: issues.explained, compared: night.fleet.budgets.length * 4 + issues.compared }
}

/** Judges the budget of each day of UTC. */
function judgeDays(budget: UsageBudget, allowed: NonNullable<UsageBudget['day']>, night: Night): string[] {
  const { money, since, until, fleet, receipts, report, warned } = night
  const name = budget.scope === 'fleet' ? 'fleet' : `${budget.scope} ${budget.name}`
  const covered = workersOf(budget, night)
  const items = report.went_wrong.find((each) => each.class === 'budget used up')?.items ?? []
  const subjects = budget.scope === 'lane' ? windowsOf(budget.name, fleet) : [budget.name]
  const wrong: string[] = []
  for (const from of daysOf(night)) {
    const own = ofDay(money.requests, covered, from)
    const at = (part: number) => reachedAt(own, allowed, part)
    const [warning, spent] = [at(0.8), at(1)]
    const about = `the budget of ${name} on ${iso(from).slice(0, 5)}`
    const isWarned = warned.some((each) => each.subject === name && each.at >= from && each.at < from + day)
    if (isWarned && warning === Infinity) wrong.push(`${about}: burn warned, but less than 80 % was used`)
    if (!isWarned && warning < Math.min(spent, until) - cycle && isWatched(warning, night)) wrong.push(`${about}: burn did not warn`)
    const held = items.filter((item) => subjects.includes(item.subject) && item.at >= from && item.at < from + day)
    if (held.length > 0 && spent === Infinity) wrong.push(`${about}: the report says that it is used up, but it is not`)
    const first = Math.min(...held.map((item) => item.at))
    if (spent >= since && spent < until - cycle && isWatched(spent, night) && !(first <= spent + cycle))
      wrong.push(`${about}: it was used up at ${iso(spent)}, and the report has ${first === Infinity ? 'nothing' : iso(first)}`)
    if (!isWatched(spent, night)) continue
    const given = receipts.filter((each) => covered.has(each.worker) && /issue to work on: /.test(each.text))
    for (const { worker, issue, at: time } of given)
      if (time > spent + cycle && time < from + day)
        wrong.push(`${about}: ${worker} got ${issue} at ${iso(time)}, after it was used up at ${iso(spent)}`)
  }
  return wrong
}

/** Returns the names of the budgets of a day that the fleet used up, each with the time. */
export function usedBudgets(night: Night): string[] {
  return night.fleet.budgets.flatMap((budget) => {
    const { day: allowed, scope, name } = budget
    const covered = workersOf(budget, night)
    if (allowed === null) return []
    return daysOf(night).flatMap((from) => {
      const at = reachedAt(ofDay(night.money.requests, covered, from), allowed, 1)
      return at === Infinity ? [] : [`${scope} ${name} at ${iso(at)}`]
    })
  })
}

/** Returns the begin of each day of UTC that the period touches. */
function daysOf({ since, until }: Pick<Night, 'since' | 'until'>): Time[] {
  const first = Math.floor(since / day) * day
  return Array.from({ length: Math.ceil((until - first) / day) }, (_, index) => first + index * day)
}

/** Returns the requests of some workers that burn dates to a day. */
function ofDay(requests: readonly TrueRequest[], covered: ReadonlySet<WorkerId>, from: Time): TrueRequest[] {
  return requests.filter(({ worker, dated }) => covered.has(worker) && dated !== null && dated >= from && dated < from + day)
}

function workersOf({ scope, name }: UsageBudget, { fleet }: Night): ReadonlySet<WorkerId> {
  const all = fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  const members = fleet.accounts.find((account) => account.name === name)?.workers ?? []
  return new Set(
    all.flatMap(({ id, lane }) => (scope === 'fleet' || (scope === 'lane' ? lane === name : members.includes(id)) ? [id] : [])),
  )
}

const windowsOf = (lane: string, { machines }: Night['fleet']) =>
  machines.flatMap((machine) => machine.windows.flatMap((window) => (window.lane === lane ? [`${machine.name}/${window.name}`] : [])))

/** Returns the time at which burn read the requests that reach a part of a budget. */
function reachedAt(requests: readonly TrueRequest[], { usd, tokens }: NonNullable<UsageBudget['day']>, part: number): Time {
  const sums = { usd: 0, tokens: 0 }
  const sorted = requests.toSorted((a, b) => a.read! - b.read!)
  for (const { model, tokens: used, read } of sorted) {
    sums.tokens += used.input + used.cache_read + used.cache_write + used.output
    if (!model.subscription) sums.usd += priceOf(model, used) ?? 0
    if ((usd !== null && sums.usd >= usd * part) || (tokens !== null && sums.tokens >= tokens * part)) return read!
  }
  return Infinity
}

/** Returns true if a dispatcher acted within a cycle after this time. */
function isWatched(at: Time, { troubles }: Night): boolean {
  return !troubles.some((each) => ['dispatcher', 'blackout'].includes(each.kind) && each.at < at + cycle && each.to + cycle > at)
}

/** Judges the budget of issues. burn knows some tokens only of one of two issues, so an issue near its budget may go either way. */
function judgeIssues(night: Night): Judgement {
  const allowed = night.fleet.budgets.find(({ issue }) => issue !== null)?.issue?.tokens ?? Infinity
  const { money, report, since, until, truth, world, escalated } = night
  const of = issuesOfRequests(night)
  const sure = new Map<IssueRef, TrueRequest[]>()
  const possible = new Map<IssueRef, number>()
  for (const request of money.requests) {
    if (request.read === null) continue
    const issues = of(request)
    const { input, cache_read, cache_write, output } = request.tokens
    for (const issue of issues) possible.set(issue, (possible.get(issue) ?? 0) + input + cache_read + cache_write + output)
    if (issues.size === 1) sure.set(request.issue, [...(sure.get(request.issue) ?? []), request])
  }
  const listed = report.went_wrong.find((each) => each.class === 'issue over its budget')?.items ?? []
  const wrong = listed.flatMap(({ subject }) =>
    (possible.get(subject) ?? 0) >= allowed ? [] : [`${subject} is not over its budget, but the report says so`],
  )
  const explained: string[] = []
  for (const [issue, comments] of escalated) if (comments !== 1) wrong.push(`${issue} has ${comments} comments about its budget`)
  for (const [issue, requests] of sure) {
    const spent = reachedAt(requests, { usd: null, tokens: allowed }, 1)
    const isLive = [...truth.dispatches.values()].some((each) => {
      return each.issue === issue && each.claimed < spent && !each.causes.some(({ at, end }) => end !== 'released' && at < spent + cycle)
    })
    if (spent === Infinity || spent > until - cycle) continue
    const isListed = spent < since || listed.some(({ subject }) => subject === issue)
    if (isListed && escalated.has(issue)) continue
    const text = `${issue} was over its budget at ${iso(spent)}, and burn did not escalate it`
    if (!isLive) explained.push(`${text}: its work ended before burn read the tokens`)
    else if (!isWatched(spent, night)) explained.push(`${text}: no dispatcher ran`)
    else wrong.push(text)
  }
  const open = new Set([...escalated.keys()].filter((issue) => world.forge.isOpen(issue)))
  const needed = report.needs_you.filter(({ kind }) => kind === 'issue').map(({ subject }) => subject)
  for (const issue of needed) if (!open.has(issue)) wrong.push(`${issue} needs nobody, but the report says so`)
  for (const issue of open) if (!needed.includes(issue)) wrong.push(`${issue} is open and over its budget, but the report does not say so`)
  return { wrong, explained, compared: listed.length + sure.size + needed.length + escalated.size }
}

const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
