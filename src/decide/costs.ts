/** Computes the cost of usage, and sums usage by worker, lane, issue, repo, model or day. */
import type { DeclaredPrice, ModelPrice } from '../core/price.ts'
import type { WorkerId } from '../core/nouns.ts'
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

/** Usage with its cost. */
export interface CostSum {
  readonly calls: number
  /** All input tokens, with those that were read from or written to a cache. */
  readonly input: number
  /** The part of `input` that was read from a cache; null if an agent does not report it. */
  readonly cache_read: number | null
  readonly cache_write: number | null
  readonly output: number
  /** The part of `output` that was reasoning; null if an agent does not report it. */
  readonly reasoning: number | null
  /** The cost (USD) of the tokens whose price is known and for which no subscription pays; null if there are none. */
  readonly cost: number | null
  /** The list price (USD) of the tokens for which a subscription pays; null if there are none, or if their price is unknown. */
  readonly subscription_cost: number | null
  /** The number of tokens whose price is unknown. */
  readonly unpriced_tokens: number
}

/** One row of `burn costs`. `key` is null for usage that belongs to no issue, or to no single worker. */
export interface GroupCost extends CostSum {
  readonly key: string | null
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
export function modelOf({ model_answered, model_asked }: UsageRecord): string {
  return model_answered || model_asked
}
