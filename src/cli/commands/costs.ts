/** `burn costs`: shows the tokens that agents and sprints used, and their cost. */
import type { UsageSource } from '../../core/usage.ts'
import type { CostSum, GroupCost } from '../../core/price.ts'
import type { Session } from '../../observe/session.ts'
import type { Io } from '../io.ts'
import { counted } from '../../core/text.ts'
import { groupCosts, groupings, modelOf, sumCosts, type Grouping } from '../../decide/costs.ts'
import { command, done } from '../command.ts'
import { limitLines, readLimits, type LimitsReport } from '../limit-lines.ts'
import { choice, flag, optional, timeFrom } from '../args.ts'
import { listTable, shortCount } from '../table.ts'
import { wrap } from '../wrap.ts'

/** The period that `burn costs` shows without `--since`. */
const defaultPeriod = '7d'

export const costsCommand = command({
  args: {
    by: choice('--by <what>', 'Sum tokens by this property', groupings, 'model'),
    since: optional(
      '--since <when>',
      `Time of the first hour to show, such as 2026-05-01, or its age, such as 8h or 30d (default: ${defaultPeriod})`,
    ),
    limits: flag('--limits', 'Show accounts with their holds, usage limits, and budgets with their used parts'),
  },
  examples: ['burn costs', 'burn costs --limits', 'burn costs --by issue --since 24h', 'burn costs --by day --since 30d --json'],
  notes: [
    'burn reads the tokens from the ledger. burn dispatch --cycles 0 reads the records of agents every few minutes, and so does burn job run usage.',
    'A blank cell means that the value is unknown. Days are days of UTC.',
  ],
  async run({ open, clock }, { by, since, limits }) {
    const { session } = await open()
    if (limits) return done<Costs | LimitsReport>(await readLimits(session))
    return done<Costs | LimitsReport>(await costs(session, by, timeFrom(since ?? defaultPeriod, clock.now(), -1)))
  },
  present(result, io) {
    if ('rows' in result) io.out(...costLines(result, io))
    else io.out(...limitLines(result, io.columns))
  },
})

interface Costs {
  readonly by: Grouping
  readonly since: string
  readonly rows: readonly GroupCost[]
  readonly total: CostSum
  /** The models whose price is unknown. */
  readonly unpriced_models: readonly string[]
  /** The records that burn could not read at its last attempt. */
  readonly unread: readonly Pick<UsageSource, 'machine' | 'path' | 'failure'>[]
  /** The workers whose agents record no tokens that burn can read. */
  readonly unrecorded: readonly string[]
  /** The workers that got an issue, although burn knows no tokens of them. */
  readonly without_tokens: readonly string[]
}

async function costs(session: Session, by: Grouping, since: number): Promise<Costs> {
  const { readUsage, workersWithoutTokens } = await import('../../observe/usage.ts')
  const { records, costFor, lanes, unread, unrecorded } = await readUsage(session, { since })
  const unpriced = records.filter((record) => costFor(record).cost === null && !costFor(record).subscription)
  return {
    by,
    since: new Date(since).toISOString(),
    rows: groupCosts(records, by, lanes, costFor),
    total: sumCosts(records, costFor),
    unpriced_models: [...new Set(unpriced.map((record) => modelOf(record) || 'unknown'))].toSorted(),
    unread: unread.map(({ machine, path, failure }) => ({ machine, path, failure })),
    unrecorded: unrecorded.map(({ id }) => id),
    without_tokens: await workersWithoutTokens(session, { records, since }),
  }
}

function costLines({ by, rows, total, unpriced_models, unread, unrecorded, without_tokens }: Costs, io: Io): string[] {
  const names = unpriced_models.slice(0, 3).join(', ') + (unpriced_models.length > 3 ? ', …' : '')
  const notes = [
    ...(unpriced_models.length === 0 ? [] : [`No price is known for ${names}. Set "prices" in the spec.`]),
    ...(unread.length === 0 ? [] : [unreadLine(unread)]),
    ...(unrecorded.length === 0 ? [] : [`${counted(unrecorded.length, 'worker')}: the agent records no tokens that burn can read.`]),
    ...(without_tokens.length === 0 ? [] : [`${counted(without_tokens.length, 'worker')} got issues, but burn found no tokens of them.`]),
  ]
  return [
    ...(rows.length === 0 ? ['burn has recorded no usage in this period.'] : costTable(by, rows, total, io)),
    ...notes.flatMap((note) => wrap(note, io.columns, '  ')),
  ]
}

/** Returns the table. The last row has the totals. */
function costTable(by: Grouping, rows: readonly GroupCost[], total: CostSum, io: Io): string[] {
  const head = [by.toUpperCase(), 'CALLS', 'INPUT', 'CACHED', 'OUTPUT', 'USD', 'PLAN USD', 'UNPRICED']
  const lines = [...rows.map((row) => [row.key ?? '-', ...cells(row)]), ...(rows.length > 1 ? [['total', ...cells(total)]] : [])]
  return listTable(head, lines, io, ['CALLS', 'CACHED', 'PLAN USD', 'UNPRICED', 'INPUT'])
}

function unreadLine(unread: Costs['unread']): string {
  const [first] = unread
  return `${counted(unread.length, 'record')} could not be read, so tokens are missing: ${first?.machine ?? ''}:${first?.path ?? ''}: ${first?.failure ?? ''}`
}

function cells({ calls, input, cache_read, output, cost, subscription_cost, unpriced_tokens }: CostSum): string[] {
  const money = (usd: number | null) => (usd === null ? '' : usd.toFixed(2))
  const tokens = [calls, input, cache_read, output].map((count) => (count === null ? '' : shortCount(count)))
  return [...tokens, money(cost), money(subscription_cost), unpriced_tokens === 0 ? '' : shortCount(unpriced_tokens)]
}
