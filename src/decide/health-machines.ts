/** Health rules about machines: disk, memory, clock and leftover processes. */
import type { HealthFacts, HealthRule, Judged } from '../core/health.ts'
import type { Measure } from '../core/span.ts'
import { counted } from '../core/text.ts'
import { lasting, noData, ok } from './health-parts.ts'

/** The rules. */
export const machineRules: readonly HealthRule[] = [
  { name: 'machines', judge: machines },
  { name: 'disk', judge: (facts) => share(facts, 'disk', facts.settings.free_disk) },
  { name: 'memory', judge: (facts) => share(facts, 'memory', facts.settings.free_memory) },
  { name: 'clock', judge: clock },
  { name: 'leftovers', judge: leftovers },
]

function machines({ spans }: HealthFacts): Judged {
  const threshold = 'every machine answers'
  const found = spans.filter(({ kind, ended_at }) => kind === 'machine' && ended_at === null)
  if (found.length === 0) return noData(threshold)
  const away = found.filter(({ state }) => state === 'unreachable').toSorted((a, b) => a.began_at - b.began_at)
  if (away.length === 0) return ok(`${counted(found.length, 'machine')} ${found.length === 1 ? 'answers' : 'answer'}`, threshold)
  const evidence = away.map(({ subject, evidence: why }) => `${subject}: ${why}`).join('; ')
  return {
    status: away.length === found.length ? 'fail' : 'warn',
    evidence,
    threshold,
    since: away[0]!.began_at,
    remedy: 'run burn doctor',
  }
}

const nameOf = ({ subject }: Measure) => subject.replace(/^machine /, '')

function share(facts: HealthFacts, what: 'disk' | 'memory', least: number): Judged {
  const percent = (part: number) => `${Math.round(part * 100)} %`
  const threshold = `at least ${percent(least)} free`
  const known = facts.measures.flatMap((measure) => {
    const { [`${what}_total`]: total, [`${what}_free`]: free } = measure.numbers
    return total === undefined || free === undefined || total === 0 ? [] : [{ name: nameOf(measure), free: free / total }]
  })
  if (known.length === 0) return noData(threshold)
  const least_free = known.toSorted((a, b) => a.free - b.free)
  const evidence = least_free
    .slice(0, 3)
    .map(({ name, free }) => `${name}: ${percent(free)}`)
    .join(', ')
  if (least_free[0]!.free >= least) return ok(evidence, threshold)
  const remedy = what === 'disk' ? 'free disk space: burn sprint prune' : 'run fewer agents on the machine'
  return { status: least_free[0]!.free < least / 2 ? 'fail' : 'warn', evidence, threshold, since: null, remedy }
}

function clock({ measures, settings }: HealthFacts): Judged {
  const threshold = `at most ${settings.clock_offset / 1000} s from burn's clock`
  const known = measures.flatMap((measure) => {
    const offset = measure.numbers['clock_offset']
    return offset === undefined ? [] : [{ name: nameOf(measure), offset }]
  })
  if (known.length === 0) return noData(threshold)
  const bad = known.filter(({ offset }) => Math.abs(offset) > settings.clock_offset)
  const shown = (bad.length > 0 ? bad : known).map(({ name, offset }) => `${name}: ${Math.round(offset / 1000)} s`).join(', ')
  return bad.length === 0
    ? ok(shown, threshold)
    : { status: 'warn', evidence: shown, threshold, since: null, remedy: 'synchronise the clock of the machine' }
}

function leftovers({ measures, interval }: HealthFacts): Judged {
  const threshold = 'no agent process without a pane'
  const known = measures.flatMap((measure) => {
    const count = measure.numbers['leftovers']
    return count === undefined ? [] : [{ name: nameOf(measure), count, memory: measure.numbers['leftovers_memory'] ?? 0 }]
  })
  if (known.length === 0) return noData(threshold)
  const bad = known.filter(({ count }) => count > 0)
  if (bad.length === 0) return ok(`none in the last ${lasting(3 * interval)}`, threshold)
  const evidence = bad.map(({ name, count, memory }) => `${name}: ${count} with ${Math.round(memory / 1e6)} MB`).join(', ')
  return { status: 'warn', evidence, threshold, since: null, remedy: 'find them with ps, and end those that nobody needs' }
}
