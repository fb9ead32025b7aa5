/** Compares the health rules with the truth: each stall is found within its threshold and one sample, and nothing else is found. */
import type { Time, WorkerId } from '../../src/core/nouns.ts'
import type { Judgement } from './judge.ts'
import type { Night, Probe } from './night.ts'
import type { Trouble, TroubleKind } from './troubles.ts'
import { machineOf, repoOf } from '../../src/core/refs.ts'

const minute = 60_000
const hour = 60 * minute

/** Returns the time at which burn sees that a turn began: when it reads the change that the turn before opened. */
function borderSeen(worker: WorkerId, began: Time, truth: Night['truth']): Time {
  const before = [...truth.dispatches.values()]
    .filter((each) => each.worker === worker && each.opened !== null && each.opened <= began)
    .toSorted((a, b) => b.opened! - a.opened!)[0]
  if (before === undefined) return began
  const read = (truth.reads.get(repoOf(before.issue)) ?? []).find((at) => at > before.opened!)
  return Math.max(began, read ?? Infinity)
}

/** The rule that finds a kind of trouble, and the time after which it must (ms). */
function ruleOf(
  { kind, at, to, target }: Trouble,
  { fleet, troubles, money, truth }: Night,
): { readonly rule: string; readonly from: Time } | null {
  const { health } = fleet
  const due = Math.ceil(at / hour) * hour
  const tokensMissing = (worker: WorkerId) => {
    const began = money.muted.find((each) => each.worker === worker && each.at >= at && each.at < to)?.at ?? Infinity
    const seen = (truth.samples.get(machineOf(worker)) ?? []).find((each) => each > borderSeen(worker, began, truth) + 1000) ?? Infinity
    const isKnown = money.requests.some((each) => each.worker === worker && each.read !== null && each.read < seen)
    return isKnown ? (money.reads.get(machineOf(worker))!.find((each) => each >= seen + health.no_tokens) ?? Infinity) : Infinity
  }
  // After a time without samples the age of a state is unknown, so it begins again.
  const gap = troubles.find((each) => each.kind === 'blackout' && each.at < to && each.to > at)
  const known = Math.max(at, gap?.to ?? 0)
  // An idle agent hangs from its next turn on.
  const turnFrom = truth.timeline(target, at, to).find(({ state }) => state === 'working')?.from ?? Infinity
  const rules: Partial<Record<TroubleKind, readonly [string, Time]>> = {
    dead: ['workers', at],
    question: ['questions', known + health.waiting],
    hang: ['turns', Math.max(known, turnFrom) + health.turn],
    mute: ['tokens', tokensMissing(target)],
    unreachable: ['machines', at],
    forge: ['forge', at + 2 * minute],
    dispatcher: ['dispatcher', at + health.dispatcher],
    blackout: ['dispatcher', at + health.dispatcher],
    'job missed': ['jobs', due + 30 * minute],
    'job failing': ['jobs', due],
    disk: ['disk', at],
    clock: ['clock', at],
    leftover: ['leftovers', at],
  }
  const [rule, from] = rules[kind] ?? []
  return rule === undefined || from === undefined || from === Infinity ? null : { rule, from }
}

/** Compares the probes of a night. */
export function judgeHealthProbes(night: Night): Judgement {
  const wrong = [
    ...night.troubles.flatMap((trouble) => found(trouble, night)),
    ...night.probes.flatMap((probe) => falseAlarms(probe, night)),
  ]
  return { wrong, explained: [], compared: night.troubles.length + night.probes.length * 18 }
}

/** Returns a line if a probe after the threshold and one sample does not show the trouble. */
function found(trouble: Trouble, night: Night): string[] {
  const wanted = ruleOf(trouble, night)
  if (wanted === null) return []
  const { rule, from } = wanted
  const { truth, probes, until, troubles, fleet } = night
  const name = trouble.target.replace(' job', '')
  const machine = name === 'fleet' ? fleet.machines[0]!.name : name.includes('/') ? machineOf(name) : name
  const samples = (truth.samples.get(machine) ?? []).filter((at) => at > from + 1000 && at < Math.min(trouble.to, until))
  const isHidden = (at: Time) =>
    troubles.some((each) => each !== trouble && each.at <= at + minute && each.to >= at - 20 * minute && hides(each, machine))
  const first = ['dispatcher', 'forge'].includes(rule) ? from : samples.find((at) => !isHidden(at))
  if (first === undefined) return []
  return probes.flatMap(({ at, results }) => {
    const result = results.find((each) => each.rule === rule)!
    if (at <= first + 1000 || at >= Math.min(trouble.to, until) || isHidden(at)) return []
    const names = result.evidence.includes('more') || name === 'fleet' || result.evidence.includes(name)
    if ((result.status === 'warn' || result.status === 'fail') && names) return []
    return [
      `health: ${rule} is ${result.status} (${result.evidence}) at ${iso(at)}, but ${trouble.kind} of ${trouble.target} began at ${iso(trouble.at)}`,
    ]
  })
}

const hides = ({ kind, target }: Trouble, machine: string) =>
  kind === 'blackout' || kind === 'dispatcher' || (kind === 'unreachable' && target === machine) || (kind === 'forge' && machine === 'm1')

/** The kinds of troubles that explain a rule that is not ok. */
const causes: Readonly<Record<string, readonly TroubleKind[]>> = {
  dispatcher: ['dispatcher', 'blackout'],
  forge: ['forge'],
  jobs: ['job missed', 'job failing'],
  workers: ['dead', 'limit', 'login', 'unreachable'],
  idle: ['forge', 'dispatcher', 'blackout', 'unreachable', 'limit', 'account limit', 'login'],
  // A simulated agent at its limit works until the end of its turn, but gets no answer.
  tokens: ['mute', 'hang', 'limit', 'account limit', 'login'],
  turns: ['hang', 'question', 'unreachable', 'dispatcher', 'blackout'],
  questions: ['question'],
  limits: ['limit', 'account limit'],
  attempts: ['hopeless', 'dead', 'login'],
  machines: ['unreachable'],
  disk: ['disk'],
  clock: ['clock'],
  leftovers: ['leftover'],
}
/** Some states outlast their trouble: an agent in an error recovers with its next turn, and failed attempts stay. */
const after: Readonly<Partial<Record<TroubleKind, number>>> = {
  limit: 4 * hour,
  'account limit': 4 * hour,
  login: 4 * hour,
  hopeless: 24 * hour,
  dead: 24 * hour,
  'job failing': hour,
  'job missed': hour,
}

function falseAlarms({ at, results }: Probe, { troubles, truth, fleet }: Night): string[] {
  return results.flatMap(({ rule, status, evidence }) => {
    if (status === 'ok' || status === 'unknown') return []
    const kinds = causes[rule] ?? []
    // The border between two queued turns is invisible if the first one opened no change.
    if (rule === 'turns') {
      const named = [...truth.states.keys()].filter((worker) => new RegExp(`${worker}\\b`).test(evidence))
      const short = named.filter((worker) => worksSince(worker, at, truth) > at - fleet.health.turn + minute)
      return short.length === 0 ? [] : [`health: turns is ${status} at ${iso(at)}, but ${short.join(', ')} paused`]
    }
    const isReal = troubles.some(
      (each) => kinds.includes(each.kind) && each.at <= at && each.to + (after[each.kind] ?? 0) + 25 * minute >= at,
    )
    return isReal ? [] : [`health: ${rule} is ${status} at ${iso(at)} without a cause: ${evidence}`]
  })
}

/** Returns the time since which a worker has worked, without a pause that a sample saw. */
function worksSince(worker: WorkerId, at: Time, truth: Night['truth']): Time {
  const samples = truth.samples.get(machineOf(worker)) ?? []
  const seen = (from: Time, to: Time) => samples.some((each) => each > from && each < to)
  let since = at
  for (const { state, from, to } of truth.timeline(worker, 0, at).toReversed()) {
    if (state !== 'working' && seen(from, to)) break
    since = from
  }
  return since
}

const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
