/** `burn health`: tells whether the fleet does its work. */
import type { HealthStatus } from '../../core/health.ts'
import type { ExitCode } from '../../core/errors.ts'
import type { HealthResult } from '../../decide/health.ts'
import type { Io } from '../io.ts'
import { judgeHealth, worstOf } from '../../decide/health.ts'
import { command, done } from '../command.ts'
import { duration, table } from '../table.ts'
import { flag } from '../args.ts'
import { wrap } from '../wrap.ts'

/** The exit codes of monitoring plug-ins, such as those of Nagios. */
const exits: Readonly<Record<HealthStatus, ExitCode>> = { ok: 0, warn: 1, fail: 2, unknown: 3 }

export const healthCommand = command({
  args: { all: flag('-a, --all', 'Also show the rules that are ok') },
  examples: ['burn health', 'burn health --all', 'burn health --json'],
  notes: [
    'burn judges the samples in the ledger and makes no request. burn dispatch --cycles 0 takes samples, and so does burn job run collect.',
    'Exit codes, as monitoring plug-ins have them: 0 ok, 1 a warning, 2 a failure, 3 unknown, or the spec or the ledger cannot be read.',
  ],
  errorExit: 3,
  async run({ open }) {
    const { readHealthFacts } = await import('../../observe/health.ts')
    const facts = await readHealthFacts((await open()).session)
    const rules = judgeHealth(facts)
    const status = worstOf(rules)
    return done({ status, rules: rules.map((rule) => ({ ...rule, since: isoOrNull(rule.since) })) }, exits[status])
  },
  present({ status, rules }, io, { all }, now) {
    const shown = all ? rules : rules.filter((rule) => rule.status !== 'ok')
    const rows = shown.map(({ rule, status: each, evidence, since }) => [
      io.paint(colours[each], each),
      rule,
      since === null ? '' : duration(now - Date.parse(since)),
      evidence,
    ])
    if (rows.length > 0) io.out(...table(['STATUS', 'RULE', 'SINCE', 'EVIDENCE'], rows, io.columns, ['SINCE']))
    io.out(...remediesOf(shown).flatMap((line) => wrap(line, io.columns)))
    io.out(summary(status, rules, io))
  },
})

const colours = { ok: 'green', warn: 'yellow', fail: 'red', unknown: 'gray' } as const

function summary(status: HealthStatus, rules: readonly Pick<HealthResult, 'status'>[], io: Io): string {
  const count = (wanted: HealthStatus) => rules.filter((rule) => rule.status === wanted).length
  const counts = (['ok', 'warn', 'fail', 'unknown'] as const).map((each) => `${count(each)} ${each}`)
  return `${io.paint(colours[status], status)}: ${counts.join(', ')}`
}

/** Returns a line for each remedy, with the rules that share it. Only the line of a single rule has room for its threshold. */
function remediesOf(rules: readonly Pick<HealthResult, 'rule' | 'threshold' | 'remedy'>[]): string[] {
  const groups = Map.groupBy(
    rules.filter(({ remedy }) => remedy !== ''),
    ({ remedy }) => remedy,
  )
  return [...groups].map(([remedy, [first, ...more]]) =>
    more.length === 0
      ? `${first!.rule}: expected ${first!.threshold}. ${sentenceOf(remedy)}`
      : `${[first!, ...more].map(({ rule }) => rule).join(', ')}: ${sentenceOf(remedy)}`,
  )
}

const sentenceOf = (remedy: string) => `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`
const isoOrNull = (time: number | null) => (time === null ? null : new Date(time).toISOString())
