/**
 * Compares what agents received with the usage limits of accounts: nothing from the time at which burn knows a limit until its reset, and
 * then one text for each turn that the limit cut.
 */
import type { Time, WorkerId } from '../../src/core/nouns.ts'
import type { Receipt } from '../../src/simulate/world.ts'
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import type { Trouble } from './troubles.ts'
import { machineOf } from '../../src/core/refs.ts'

const minute = 60_000
/** The time in which a dispatcher reads all screens, decides, and types. */
const cycle = 3 * minute
/** burn releases the issues of an agent that does not recover within this time after the reset. */
const recovery = 10 * minute

/** Returns true if a text tells the agent to continue a dispatch. */
const isResume = ({ text }: Receipt) => /^Go on with /m.test(text)

/** Compares all limits of a night. */
export function judgeLimits(night: Night): Judgement {
  const { troubles, fleet } = night
  const all = troubles.flatMap((trouble) => {
    const account = fleet.accounts.find(({ name }) => trouble.kind === 'account limit' && name === trouble.target)
    return account === undefined ? [] : [judgeLimit(trouble, account.workers, night)]
  })
  return {
    wrong: [...all.flatMap(({ wrong }) => wrong), ...twice(night)],
    explained: all.flatMap(({ explained }) => explained),
    compared: all.reduce((sum, { compared }) => sum + compared, 0),
  }
}

/** A turn that failed because the account was at its limit. */
interface Cut {
  readonly dispatch: string
  readonly worker: WorkerId
  readonly at: Time
}

function judgeLimit(limit: Trouble, workers: readonly WorkerId[], night: Night): Judgement {
  const { receipts, truth, until } = night
  const reset = Math.min(limit.to, until)
  const refused = workers.flatMap((worker) =>
    truth.timeline(worker, limit.at, reset).flatMap(({ state, detail, from }) => (isLimit(state, detail) && from > limit.at ? [from] : [])),
  )
  const known = workingAfter(Math.min(...refused), night) + cycle
  const own = receipts.filter(({ worker }) => workers.includes(worker))
  const early = own.filter(({ at }) => at > known && at < reset)
  const wrong = early.map(
    ({ worker, at, id }) => `${worker} got ${id} at ${iso(at)}, but ${limit.target} was at its limit until ${iso(reset)}`,
  )
  const explained: string[] = []
  const cuts = cutsOf(limit, workers, night)
  for (const cut of cuts) {
    const ends = truth.dispatches.get(cut.dispatch)!.causes.filter(({ end, at }) => end !== 'released' && at > cut.at)
    const last = Math.min(until, ...ends.map(({ at }) => at))
    const resumed = own.filter(
      (each) => each.id !== cut.dispatch && isResume(each) && each.text.includes(cut.dispatch) && each.at >= cut.at,
    )
    const texts = resumed.filter(({ at }) => at < nextFailure(cut, night))
    const text = `${cut.worker}: the turn of ${cut.dispatch} that ${limit.target} cut at ${iso(cut.at)}`
    if (texts.length > 1) wrong.push(`${text} was continued ${texts.length} times: ${texts.map(({ at }) => iso(at)).join(', ')}`)
    if (texts.length > 0 || last < reset + cycle) continue
    const why = excuse(cut, reset, night)
    if (why === null) wrong.push(`${text} was never continued`)
    else explained.push(`${text} was never continued: ${why}`)
  }
  return { wrong, explained, compared: own.length + cuts.length + 1 }
}

const isLimit = (state: string, detail: string | null) => state === 'error' && detail?.includes('429') === true

/** Returns the first time from which a dispatcher runs and all machines answer. */
function workingAfter(at: Time, { troubles }: Night): Time {
  const away = troubles.find(
    (each) => ['dispatcher', 'blackout', 'forge', 'unreachable'].includes(each.kind) && each.at <= at + cycle && each.to > at,
  )
  return away === undefined ? at : Math.max(at, away.to) + cycle
}

/** Returns the turns that failed at the limit. Texts in the queue of an agent fail right after the first one. */
function cutsOf(limit: Trouble, workers: readonly WorkerId[], { truth, until }: Night): Cut[] {
  return [...truth.dispatches.values()].flatMap(({ id, worker, causes }) => {
    const failures = causes.filter(({ why, at }) => why.includes('429') && at > limit.at && at <= Math.min(limit.to, until))
    const last = failures.at(-1)
    return worker === null || last === undefined || !workers.includes(worker) ? [] : [{ dispatch: id, worker, at: last.at }]
  })
}

/**
 * Returns the time of the next failed turn of the worker, or of the next start of its agent. After each failed turn burn tells the agent to
 * continue all issues that are in its hands.
 */
function nextFailure({ worker, at }: Cut, { truth }: Night): Time {
  const failures = (truth.states.get(worker) ?? []).filter(({ state, at: since }) => ['dead', 'error'].includes(state) && since > at)
  return Math.min(Infinity, ...failures.map((each) => each.at))
}

/** Returns why burn could not continue a turn; null if it had to. */
function excuse({ worker, at }: Cut, reset: Time, { troubles, until, world }: Night): string | null {
  if (until - reset < recovery) return 'the night ended'
  const other = troubles.find(({ kind, target, at: from, to }) => {
    const isHere = target === worker || target === machineOf(worker) || target === 'fleet'
    return kind !== 'account limit' && isHere && from < reset + recovery && to > at
  })
  if (other !== undefined) return `there was also ${other.kind}`
  return world.refusals.has(worker) ? 'the provider refused it again' : null
}

/** Returns a line for each text that an agent received twice. */
function twice({ receipts }: Night): string[] {
  const all = Map.groupBy(receipts, ({ id }) => id)
  return [...all.values()].flatMap(([first, second]) =>
    second === undefined ? [] : [`${first!.worker} got the same text twice, at ${iso(first!.at)} and ${iso(second.at)}`],
  )
}

const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
