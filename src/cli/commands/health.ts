/** `burn health`: tells whether the fleet does its work. */
import type { HealthStatus } from '../../core/health.ts'
import type { ExitCode } from '../../core/errors.ts'
import type { HealthResult } from '../../decide/health.ts'
import type { Io } from '../io.ts'
import { judgeHealth, worstOf } from '../../decide/health.ts'
import { command, done } from '../command.ts'
import { duration, table } from '../table.ts'
import { flag } from '../args.ts'
import { printableLine, widthOf, wrap } from '../wrap.ts'

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
    io.out(...ruleLines(shown, io, now))
    io.out(...remediesOf(shown).flatMap((line) => wrap(line, io.columns, '  ')))
    io.out(summary(status, rules, io))
  },
})

type ShownRule = Pick<HealthResult, 'rule' | 'status' | 'evidence' | 'threshold' | 'remedy'> & { readonly since: string | null }

const colours = { ok: 'green', warn: 'yellow', fail: 'red', unknown: 'gray' } as const

function summary(status: HealthStatus, rules: readonly Pick<HealthResult, 'status'>[], io: Io): string {
  const count = (wanted: HealthStatus) => rules.filter((rule) => rule.status === wanted).length
  const counts = (['ok', 'warn', 'fail', 'unknown'] as const).map((each) => `${count(each)} ${each}`)
  return `${io.paint(colours[status], status)}: ${counts.join(', ')}`
}

/** Returns the lines of the rules in columns. Evidence is never cut: it names what a person must look at. */
function ruleLines(rules: readonly ShownRule[], io: Io, now: number): string[] {
  if (rules.length === 0) return []
  const cells = rules.map(({ rule, status, since }) => [
    io.paint(colours[status], status),
    rule,
    since === null ? '' : duration(now - Date.parse(since)),
  ])
  const starts = table(['STATUS', 'RULE', 'FOR'], cells, io.columns)
  const width = Math.max(...starts.map(widthOf)) + 2
  const evidence = ['EVIDENCE', ...rules.map((rule) => rule.evidence)]
  return starts.flatMap((start, row) => {
    const [first = '', ...rest] = wrap(printableLine(evidence[row] ?? ''), Math.max(20, io.columns - width))
    return [`${start}${' '.repeat(width - widthOf(start))}${first}`, ...rest.map((line) => ' '.repeat(width) + line)]
  })
}

/** Returns a line for each remedy, with the rules that share it. Only the line of a single rule has room for its threshold. */
function remediesOf(rules: readonly ShownRule[]): string[] {
  const groups = Map.groupBy(
    rules.filter(({ remedy }) => remedy !== ''),
    ({ remedy }) => remedy,
  )
  return [...groups].map(([remedy, some]) => {
    const expected = some.length === 1 ? ` (expected: ${some[0]!.threshold})` : ''
    return `${some.map(({ rule }) => rule).join(', ')}: ${remedy}${expected}`
  })
}

const isoOrNull = (time: number | null) => (time === null ? null : new Date(time).toISOString())
