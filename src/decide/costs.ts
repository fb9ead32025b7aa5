/** Computes the cost of usage, and sums usage by worker, lane, issue, repo, model or day. */
import type { CostSum, DeclaredPrice, GroupCost, ModelPrice } from '../core/price.ts'
import type { IssueRef, WorkerId } from '../core/nouns.ts'
import type { UsageRecord } from '../core/usage.ts'

/** The properties by which `burn costs` can sum usage. */
export const groupings = ['worker', 'lane', 'issue', 'repo', 'model', 'day'] as const
export type Grouping = (typeof groupings)[number]

/** Returns the cost of a record at the public list price (USD); null if the price is unknown. */
export type ListPrice = (record: UsageRecord) => number | null

/**
 * The cost of a record (USD). `source`: the price of the spec, the cost that the agent reported, or the list price. If a subscription pays
 * for the tokens, `cost` is their price without the subscription.
 */
export interface Cost {
  readonly cost: number | null
  readonly source: 'spec' | 'reported' | 'list' | 'unknown'
  readonly subscription: boolean
}

/** Returns the cost of usage. The spec's prices come first, then the cost that the agent reported, then the list price. */
export function recordCost(record: UsageRecord, prices: readonly DeclaredPrice[], listPrice: ListPrice): Cost {
  const declared = prices.find(({ model }) =>
    [record.model_answered, record.model_asked].some((name) => name !== '' && matches(model, name)),
  )
  const subscription = declared?.price === 'subscription' || (declared === undefined && record.subscription === true)
  if (declared !== undefined && declared.price !== 'subscription')
    return { cost: priceOf(record, declared.price), source: 'spec', subscription }
  if (record.reported_cost !== null && !subscription) return { cost: record.reported_cost, source: 'reported', subscription }
  const cost = listPrice(record)
  return { cost, source: cost === null ? 'unknown' : 'list', subscription }
}

/** The maximum number of characters of a model's name that burn compares. */
const maxName = 200

/** Returns true if the name of a model has the form of the pattern. Letter case does not matter. */
function matches(pattern: string, name: string): boolean {
  const source = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${source.join('.*')}$`, 'is').test(name.slice(0, maxName))
}

function priceOf({ input, cache_read, cache_write, output }: UsageRecord, price: ModelPrice): number {
  const sum = input * price.in + (cache_read ?? 0) * price.cache_read + (cache_write ?? 0) * price.cache_write + output * price.out
  return sum / 1_000_000
}

const nothing: CostSum = {
  calls: 0,
  input: 0,
  cache_read: 0,
  cache_write: 0,
  output: 0,
  reasoning: 0,
  cost: null,
  subscription_cost: null,
  unpriced_tokens: 0,
}

/** Returns the sum of usage. `costFor` returns the cost of one record. */
export function sumCosts(records: readonly UsageRecord[], costFor: (record: UsageRecord) => Cost): CostSum {
  return records.reduce((sum, record) => {
    const { cost, subscription } = costFor(record)
    const input = record.input + (record.cache_read ?? 0) + (record.cache_write ?? 0)
    return {
      calls: sum.calls + record.calls,
      input: sum.input + input,
      cache_read: known(sum.cache_read, record.cache_read),
      cache_write: known(sum.cache_write, record.cache_write),
      output: sum.output + record.output,
      reasoning: known(sum.reasoning, record.reasoning),
      cost: subscription ? sum.cost : withCost(sum.cost, cost),
      subscription_cost: subscription ? withCost(sum.subscription_cost, cost) : sum.subscription_cost,
      unpriced_tokens: sum.unpriced_tokens + (cost === null && !subscription ? input + record.output : 0),
    }
  }, nothing)
}

const known = (a: number | null, b: number | null) => (a === null || b === null ? null : a + b)
const withCost = (sum: number | null, cost: number | null) => (cost === null ? sum : (sum ?? 0) + cost)

/**
 * Returns usage by the keys of a grouping. The most expensive row comes first; days are in their order. `laneOf`: the lane of each worker of
 * the spec.
 */
export function groupCosts(
  records: readonly UsageRecord[],
  by: Grouping,
  laneOf: ReadonlyMap<WorkerId, string>,
  costFor: (record: UsageRecord) => Cost,
): GroupCost[] {
  const groups = Map.groupBy(records, (record) => keyOf(record, by, laneOf))
  const rows = [...groups].map(([key, group]) => ({ key, ...sumCosts(group, costFor) }))
  const tokens = ({ input, output }: CostSum) => input + output
  const costs = ({ cost, subscription_cost }: CostSum) => (cost ?? 0) + (subscription_cost ?? 0)
  const named = ({ key }: GroupCost) => key ?? ''
  if (by === 'day') return rows.toSorted((a, b) => (named(a) < named(b) ? -1 : 1))
  return rows.toSorted((a, b) => costs(b) - costs(a) || tokens(b) - tokens(a) || (named(a) < named(b) ? -1 : 1))
}

/** The costs of a period, as a report shows them. */
export interface PeriodCosts {
  readonly by_model: readonly GroupCost[]
  readonly by_lane: readonly GroupCost[]
  readonly by_issue: readonly GroupCost[]
  readonly total: CostSum
  /** The cost (USD) of each issue; an issue is missing if the price of a part is unknown, or if subscriptions pay for all of it. */
  readonly issue_costs: ReadonlyMap<IssueRef, number>
}

/** Returns the costs of a period; null if there is no usage. */
export function periodCosts(
  records: readonly UsageRecord[],
  laneOf: ReadonlyMap<WorkerId, string>,
  costFor: (record: UsageRecord) => Cost,
): PeriodCosts | null {
  if (records.length === 0) return null
  const by = (grouping: Grouping) => groupCosts(records, grouping, laneOf, costFor)
  const by_issue = by('issue')
  const known = by_issue.flatMap((sum) => {
    const cost = wholeCost(sum)
    return sum.key === null || cost === null ? [] : [[sum.key, cost] as const]
  })
  return {
    by_model: by('model'),
    by_lane: by('lane'),
    by_issue,
    total: sumCosts(records, costFor),
    issue_costs: new Map(known),
  }
}

/** Returns the money that usage cost (USD); null if the price of a part is unknown, or if subscriptions pay for all of it. */
export function wholeCost({ cost, unpriced_tokens }: CostSum): number | null {
  return unpriced_tokens > 0 ? null : cost
}

function keyOf(record: UsageRecord, by: Grouping, laneOf: ReadonlyMap<WorkerId, string>): string | null {
  const { worker, issue, hour, source } = record
  switch (by) {
    case 'worker':
      return worker || null
    case 'lane':
      return source === 'sprint' ? 'sprint' : (laneOf.get(worker) ?? null)
    case 'issue':
      return issue || null
    case 'repo':
      return issue === '' ? null : issue.slice(0, issue.lastIndexOf('#'))
    case 'model':
      return modelOf(record) || null
    case 'day':
      return new Date(hour).toISOString().slice(0, 10)
  }
}

/** Returns the model that answered, or, if it is unknown, the model that the agent asked for. */
export function modelOf({ model_answered, model_asked }: Pick<UsageRecord, 'model_answered' | 'model_asked'>): string {
  return model_answered || model_asked
}
