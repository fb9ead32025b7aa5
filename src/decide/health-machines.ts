/** Health rules about machines: disk, memory, clock and leftover processes. */
import type { HealthFacts, HealthRule, Judged } from '../core/health.ts'
import { counted } from '../core/text.ts'
import { lasting, machineNumbers, noData, ok, okIfComplete, presentSpans } from './health-parts.ts'
import { unreachableText } from './wording.ts'

/** The rules. */
export const machineRules: readonly HealthRule[] = [
  { name: 'machines', judge: machines },
  { name: 'disk', judge: (facts) => share(facts, 'disk', facts.settings.free_disk) },
  { name: 'memory', judge: (facts) => share(facts, 'memory', facts.settings.free_memory) },
  { name: 'clock', judge: clock },
  { name: 'leftovers', judge: leftovers },
]

function machines(facts: HealthFacts): Judged {
  const threshold = 'every machine answers'
  const found = presentSpans(facts, 'machine')
  if (found.length === 0) return noData(threshold)
  const away = found.filter(({ state }) => state === 'unreachable').toSorted((a, b) => a.began_at - b.began_at)
  if (away.length === 0) return ok(`${counted(found.length, 'machine')} ${found.length === 1 ? 'answers' : 'answer'}`, threshold)
  const evidence = away.map(({ subject, evidence: why }) => unreachableText(subject, why)).join('; ')
  return {
    status: away.length === found.length ? 'fail' : 'warn',
    evidence,
    threshold,
    since: away[0]!.began_at,
    remedy: 'run burn doctor',
  }
}

function share(facts: HealthFacts, what: 'disk' | 'memory', least: number): Judged {
  const percent = (part: number) => `${Math.round(part * 100)} %`
  const threshold = `at least ${percent(least)} free`
  const { known, unknown } = machineNumbers(facts, ({ [`${what}_total`]: total, [`${what}_free`]: free }) =>
    total === undefined || free === undefined || total === 0 ? undefined : free / total,
  )
  const sorted = known.toSorted((a, b) => a.value - b.value)
  const [lowest] = sorted
  if (lowest === undefined) return noData(threshold)
  const evidence = sorted
    .slice(0, 3)
    .map(({ name, value }) => `${name}: ${percent(value)} free`)
    .join(', ')
  if (lowest.value >= least) return okIfComplete(evidence, threshold, unknown)
  const remedy = what === 'disk' ? 'free disk space: burn sprint prune' : 'run fewer agents on the machine'
  return { status: lowest.value < least / 2 ? 'fail' : 'warn', evidence, threshold, since: null, remedy }
}

function clock(facts: HealthFacts): Judged {
  const { clock_offset: most } = facts.settings
  const threshold = `at most ${most / 1000} s from burn's clock`
  const { known, unknown } = machineNumbers(facts, (numbers) => numbers['clock_offset'])
  if (known.length === 0) return noData(threshold)
  const bad = known.filter(({ value }) => Math.abs(value) > most)
  const shown = (bad.length > 0 ? bad : known).map(({ name, value }) => `${name}: ${offset(value)}`).join(', ')
  return bad.length === 0
    ? okIfComplete(shown, threshold, unknown)
    : { status: 'warn', evidence: shown, threshold, since: null, remedy: 'synchronise the clock of the machine' }
}

/** Returns an offset of a clock in words. `ms`: the machine's clock minus burn's clock. */
function offset(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds === 0 ? '0 s' : `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
}

function leftovers(facts: HealthFacts): Judged {
  const threshold = 'no agent process without a pane'
  const { known, unknown } = machineNumbers(facts, (numbers) => numbers['leftovers'])
  if (known.length === 0) return noData(threshold)
  const bad = known.filter(({ value }) => value > 0)
  if (bad.length === 0) return okIfComplete(`none in the last ${lasting(3 * facts.interval)}`, threshold, unknown)
  const memory = new Map(machineNumbers(facts, (numbers) => numbers['leftovers_memory']).known.map(({ name, value }) => [name, value]))
  const size = (name: string) => (memory.has(name) ? ` with ${Math.round(memory.get(name)! / 1e6)} MB` : '')
  const evidence = bad.map(({ name, value }) => `${name}: ${counted(value, 'process', 'processes')}${size(name)}`).join(', ')
  return { status: 'warn', evidence, threshold, since: null, remedy: 'find them with ps, and end those that nobody needs' }
}
