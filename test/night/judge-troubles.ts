/** Compares the troubles of the report with the truth: each trouble that a sample could see is in the report, and nothing else is. */
import type { Time, WorkerId } from '../../src/core/nouns.ts'
import type { Judgement } from './judge.ts'
import type { Night } from './night.ts'
import type { Trouble, TroubleKind } from './troubles.ts'
import { machineOf } from '../../src/core/refs.ts'

const minute = 60_000
const hour = 60 * minute

/** A trouble that the report lists. */
interface Listed {
  readonly class: string
  readonly subject: string
  readonly worker: WorkerId | null
  readonly at: Time
}

/** A trouble that the world had. `owed`: a sample or a cycle could see it. */
interface Real {
  readonly class: string
  readonly who: string
  readonly from: Time
  readonly to: Time
  /** The number of times that the report may list it: a sample within a second of a pause may have seen the pause. */
  readonly times: number
  readonly owed: boolean
}

/** Compares the sections "went wrong", "jobs" and "needs you" with the truth. */
export function judgeTroubles(night: Night): Judgement {
  const { report, until } = night
  const listed = report.went_wrong
    .filter(({ class: name }) => !name.startsWith('issue ') && name !== 'budget used up')
    .flatMap(({ class: name, items }) => items.map((item) => ({ class: name, ...item })))
  const jobs = report.jobs.map(({ job, state, from }) => ({ class: `job ${state}`, subject: job, worker: null, at: from }))
  const real = [...agentTroubles(night), ...injected(night)]
  const all: readonly Listed[] = [...listed, ...jobs]
  const matched = new Map<Real, number>()
  const wrong: string[] = []
  for (const item of all) {
    const found = real.find((each) => matches(each, item) && item.at <= each.to) ?? real.find((each) => matches(each, item))
    if (found === undefined)
      wrong.push(`the report has "${item.class}" of ${item.worker ?? item.subject} at ${iso(item.at)}, but nothing happened`)
    else matched.set(found, (matched.get(found) ?? 0) + 1)
  }
  const missing = real.filter((each) => each.owed && !matched.has(each))
  const explained = real.filter((each) => !each.owed && !matched.has(each)).map((each) => `${text(each)}: no sample saw it`)
  const open = questionsAtEnd(night)
  const asked = new Set(report.needs_you.flatMap(({ kind, subject }) => (kind === 'question' ? [subject.split(' ')[0]!] : [])))
  for (const each of missing)
    if (!(each.class === 'agent: waited for an answer' && asked.has(each.who))) wrong.push(`the report lacks ${text(each)}`)
  for (const [each, times] of matched)
    if (times > each.times && !each.class.startsWith('repo') && !each.class.startsWith('job'))
      wrong.push(`the report has ${text(each)} ${times} times`)
  for (const who of asked) if (!open.has(who)) wrong.push(`${who} has no question at the end, but the report says so`)
  for (const [who, isSeen] of open) if (isSeen && !asked.has(who)) wrong.push(`the question of ${who} is missing`)
  if (report.until !== until) wrong.push('the report has another period')
  return { wrong, explained, compared: all.length + real.length + asked.size }
}

function matches({ class: name, who, from, to }: Real, { class: listed, worker, subject, at }: Listed): boolean {
  // The silence of a dispatcher begins with its last cycle.
  if (name !== listed || at < from - (name === 'dispatcher silent' ? 2 * minute : 2000)) return false
  const isWho = who === '*' || who === (worker ?? subject) || (listed.startsWith('job') && subject.startsWith(`${who} `))
  return isWho && at <= to + 6 * minute
}

/** Returns the troubles of agents: dead, in an error, or waiting for an answer, as the world had them. */
function agentTroubles({ truth, since, until, report, troubles }: Night): Real[] {
  return report.workers.flatMap(({ worker }) => {
    const samples = truth.samples.get(machineOf(worker)) ?? []
    const own = truth.timeline(worker, since - 120 * minute, until).flatMap(({ state, detail, from, to }) => {
      const name = classOf(state, detail)
      return name === null ? [] : [{ class: name, from, to, times: 1 }]
    })
    return withoutUnseenGaps(own, samples).map(({ class: name, from, to, times }) => {
      const least = name === 'agent: waited for an answer' ? waitingKnown(from, troubles) : 0
      const isSeen = samples.some((at) => at > Math.max(from + least, since) + 1000 && at < to - 1000)
      return { class: name, who: worker, from, to, times, owed: isSeen && from >= since }
    })
  })
}

/**
 * Returns the time (ms) after which a sample must report a question: 2 minutes after a cycle saw it. While no dispatcher runs, a sample is
 * the first one that sees it.
 */
function waitingKnown(from: Time, troubles: readonly Trouble[]): number {
  const isAlone = troubles.some(
    ({ kind, at, to }) => ['dispatcher', 'blackout'].includes(kind) && at < from + 5 * minute && to + minute > from,
  )
  return isAlone ? 8 * minute : 2 * minute + 70_000
}

interface Period {
  readonly times: number
  readonly class: string
  readonly from: Time
  readonly to: Time
}

/** Joins two troubles of one class if no sample was taken between them, more than a second from both. A sample cannot tell them apart. */
function withoutUnseenGaps(periods: readonly Period[], samples: readonly Time[]): Period[] {
  const joined: Period[] = []
  for (const period of periods) {
    const last = joined.at(-1)
    const isOne = last?.class === period.class && !samples.some((at) => at > last.to + 1000 && at < period.from - 1000)
    const isClose = samples.some((at) => last !== undefined && at > last.to - 1000 && at < period.from + 1000)
    if (isOne) joined[joined.length - 1] = { ...last, to: period.to, times: last.times + Number(isClose) }
    else joined.push(period)
  }
  return joined
}

function classOf(state: string, detail: string | null): string | null {
  if (state === 'dead') return 'agent: dead'
  if (state === 'waiting') return 'agent: waited for an answer'
  if (state !== 'error') return null
  return detail?.includes('429') === true ? 'agent: rate limit' : 'agent: auth'
}

const classes: Readonly<Partial<Record<TroubleKind, string>>> = {
  unreachable: 'machine unreachable',
  forge: 'repo not read',
  dispatcher: 'dispatcher silent',
  blackout: 'dispatcher silent',
  'job missed': 'job missed',
  'job failing': 'job failing',
  disk: 'machine: disk',
  clock: 'machine: clock',
  leftover: 'machine: leftovers',
}

function injected(night: Night): Real[] {
  return night.troubles.flatMap((trouble) => {
    const name = classes[trouble.kind]
    if (name === undefined) return []
    const who = trouble.target === 'fleet' ? '*' : trouble.target.replace(' job', '')
    // A missed or failed job stays so until its next run.
    const to = name.startsWith('job') ? Math.ceil(trouble.to / hour) * hour : trouble.to
    return [{ class: name, who, from: trouble.at, to, times: 1, owed: isOwed(trouble, night) }]
  })
}

/** Returns true if burn could see the trouble: a sample of the machine, or a cycle of the dispatcher, came after its threshold. */
function isOwed({ kind, at, to, target }: Trouble, { truth, until, troubles, fleet }: Night): boolean {
  const end = Math.min(to, until)
  if (kind === 'forge')
    return (
      end - at > 3 * minute && !troubles.some((each) => each.kind !== 'forge' && each.target === 'fleet' && each.at < end && each.to > at)
    )
  const machine = target === 'fleet' ? fleet.machines[0]!.name : target.replace(' job', '')
  const due = Math.ceil(at / hour) * hour
  const from =
    kind === 'job missed'
      ? due + 30 * minute
      : kind === 'job failing'
        ? due
        : kind === 'dispatcher'
          ? at + fleet.health.dispatcher + 2 * minute
          : at
  const last = kind === 'blackout' ? to + 6 * minute : kind.startsWith('job') ? Math.min(until, Math.ceil(to / hour) * hour) : end
  return (truth.samples.get(machine) ?? []).some((sample) => {
    const isAway = troubles.some((each) => each.kind === 'unreachable' && each.target === machine && each.at <= sample && each.to >= sample)
    return sample > from + 1000 && sample < last - 1000 && (kind === 'unreachable' || !isAway)
  })
}

/** Returns the workers that wait for an answer at the end. The value is true if a sample saw the question for two minutes. */
function questionsAtEnd({ truth, report, until }: Night): Map<WorkerId, boolean> {
  return new Map(
    report.workers.flatMap(({ worker }) => {
      const last = truth.timeline(worker, 0, until).at(-1)
      const samples = truth.samples.get(machineOf(worker)) ?? []
      return last?.state === 'waiting' ? [[worker, samples.some((at) => at > last.from + 2 * minute + 70_000 && at < until)] as const] : []
    }),
  )
}

const text = ({ class: name, who, from, to }: Real) => `"${name}" of ${who} from ${iso(from)} to ${iso(to)}`
const iso = (at: Time) => new Date(at).toISOString().slice(5, 19)
