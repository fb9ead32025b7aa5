/** Compares the tokens and the money of the report and of `burn costs` with the requests that the agents made. */
import type { Time } from '../../src/core/nouns.ts'
import type { CostSum, GroupCost } from '../../src/core/price.ts'
import type { Judgement } from './judge.ts'
import type { TrueRequest } from './money-models.ts'
import type { Night } from './night.ts'
import { repoOf } from '../../src/core/refs.ts'
import { issuesOfRequests } from './money-issues.ts'
import { priceOf } from './money-models.ts'

const hour = 3_600_000

/** The true sums of some requests. */
interface Sums {
  calls: number
  tokens: number
  cached: number
  output: number
  usd: number
  plan: number
  unpriced: number
}

/** Compares the costs of a night. */
export function judgeMoney(night: Night): Judgement {
  const { report, money, fleet, since, until } = night
  const from = Math.floor(since / hour) * hour
  const all = money.requests.filter(({ dated }) => dated !== null && hourOf(dated) >= from && hourOf(dated) < until)
  const { costs } = report
  if (costs === null) return { wrong: all.length === 0 ? [] : ['the report has no costs'], explained: [], compared: 1 }
  const lanes = new Map(fleet.machines.flatMap(({ windows }) => windows.flatMap((w) => w.workers.map(({ id, lane }) => [id, lane]))))
  const exact: [string, readonly GroupCost[], (request: TrueRequest) => string][] = [
    ['report by model', costs.by_model, ({ model }) => model.name],
    ['report by lane', costs.by_lane, ({ worker }) => lanes.get(worker)!],
    ['costs by model', night.costs.get('model')!, ({ model }) => model.name],
    ['costs by lane', night.costs.get('lane')!, ({ worker }) => lanes.get(worker)!],
    ['costs by worker', night.costs.get('worker')!, ({ worker }) => worker],
    ['costs by day', night.costs.get('day')!, ({ dated }) => new Date(hourOf(dated!)).toISOString().slice(0, 10)],
  ]
  const wrong = exact.flatMap(([name, found, keyOf]) => compareRows(name, found, Map.groupBy(all, keyOf)))
  const issues = issuesOfRequests(night)
  for (const [name, found, cut] of [
    ['report by issue', costs.by_issue, String],
    ['costs by issue', night.costs.get('issue')!, String],
    ['costs by repo', night.costs.get('repo')!, (issue: string) => (issue === '' ? '' : repoOf(issue))],
  ] as const)
    wrong.push(...compareBounds(name, found, all, (request) => new Set([...issues(request)].map(cut))))
  wrong.push(...compare('report total', costs.total, sumOf(all)))
  wrong.push(...judgePerMerged(night, sumOf(all)))
  const unrecorded = [...money.models.values()].filter((models) => models.length === 0).length
  if (costs.unrecorded !== unrecorded) wrong.push(`${costs.unrecorded} workers record no tokens, and should be ${unrecorded}`)
  if (costs.unread !== 0) wrong.push(`${costs.unread} records could not be read`)
  wrong.push(...judgeIssueCosts(night))
  const shared = all.filter((request) => issues(request).size > 1).length
  const explained =
    shared === 0 ? [] : [`${shared} of ${all.length} requests: one row has the tokens of several prompts, or a text was no work`]
  return { wrong, explained, compared: exact.reduce((sum, [, found]) => sum + found.length * 7, 0) + costs.by_issue.length * 14 + 10 }
}

const hourOf = (at: Time) => Math.floor(at / hour) * hour

function sumOf(requests: readonly TrueRequest[]): Sums {
  const sum: Sums = { calls: 0, tokens: 0, cached: 0, output: 0, usd: 0, plan: 0, unpriced: 0 }
  for (const { model, tokens } of requests) {
    const { input, cache_read, cache_write, output } = tokens
    const price = priceOf(model, tokens)
    sum.calls += 1
    sum.tokens += input + cache_read + cache_write + output
    sum.cached += cache_read
    sum.output += output
    if (price === null) sum.unpriced += input + cache_read + cache_write + output
    else if (model.subscription) sum.plan += price
    else sum.usd += price
  }
  return sum
}

function foundSums({ calls, input, cache_read, output, cost, subscription_cost, unpriced_tokens }: CostSum): Sums {
  const money = { usd: cost ?? 0, plan: subscription_cost ?? 0, unpriced: unpriced_tokens }
  return { calls, tokens: input + output, cached: cache_read ?? NaN, output, ...money }
}

const keys = ['calls', 'tokens', 'cached', 'output', 'usd', 'plan', 'unpriced'] as const

function compare(name: string, found: CostSum, real: Sums): string[] {
  const shown = foundSums(found)
  const blanks = [
    ...(found.cost !== null && real.usd === 0 ? [`${name}: burn says that it cost ${found.cost} USD, and nobody was billed`] : []),
    ...(found.cost === null && real.usd > 0 ? [`${name}: the money is blank, and should be ${real.usd}`] : []),
  ]
  return [
    ...blanks,
    ...keys.flatMap((key) => (isSame(shown[key], real[key]) ? [] : [`${name}: ${key} is ${shown[key]}, and should be ${real[key]}`])),
  ]
}

/** Returns true if two sums agree. Sums of money differ in the last digits. */
const isSame = (one: number, other: number) => Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(other))

function compareRows(name: string, found: readonly GroupCost[], real: ReadonlyMap<string, readonly TrueRequest[]>): string[] {
  const rows = new Map(found.map((row) => [row.key ?? '', row]))
  const missing = [...real.keys()].filter((key) => !rows.has(key)).map((key) => `${name}: ${key} is missing`)
  return [...missing, ...found.flatMap((row) => compare(`${name} ${row.key}`, row, sumOf(real.get(row.key ?? '') ?? [])))]
}

/** Compares rows with bounds: the requests that belong to the row for sure, and those that may belong to it. */
function compareBounds(
  name: string,
  found: readonly GroupCost[],
  all: readonly TrueRequest[],
  keysOf: (request: TrueRequest) => ReadonlySet<string>,
): string[] {
  const sure = new Map<string, TrueRequest[]>()
  const possible = new Map<string, TrueRequest[]>()
  for (const request of all) {
    const own = keysOf(request)
    for (const key of own) {
      possible.set(key, [...(possible.get(key) ?? []), request])
      if (own.size === 1) sure.set(key, [...(sure.get(key) ?? []), request])
    }
  }
  const rows = new Map(found.map((row) => [row.key ?? '', row]))
  const wrong = [...sure.keys()].filter((key) => !rows.has(key)).map((key) => `${name}: ${key} is missing`)
  for (const [key, row] of rows) {
    const [least, most, shown] = [sumOf(sure.get(key) ?? []), sumOf(possible.get(key) ?? []), foundSums(row)]
    const part = keys.find((each) => shown[each] < least[each] - 1e-6 || shown[each] > most[each] + 1e-6)
    if (part !== undefined) wrong.push(`${name} ${key}: ${part} is ${shown[part]}, and should be from ${least[part]} to ${most[part]}`)
  }
  const sum = found.map(foundSums).reduce((total, each) => total + each.tokens, 0)
  if (sum !== sumOf(all).tokens) wrong.push(`${name}: the rows have ${sum} tokens, and should have ${sumOf(all).tokens}`)
  return wrong
}

/** Compares the money per merged change. burn counts the changes that it saw as merged in the period. */
function judgePerMerged({ report, truth }: Night, { usd, unpriced }: Sums): string[] {
  const isMerged = ({ issue, worker }: { readonly issue: string; readonly worker: string }) =>
    [...truth.dispatches.values()].some((each) => {
      return each.issue === issue && each.worker === worker && each.causes.some(({ why }) => why === 'its change was merged')
    })
  const merged = report.done.merged.filter(isMerged).length
  const real = unpriced > 0 || usd === 0 || merged === 0 ? null : usd / merged
  const shown = report.costs?.per_merged ?? null
  const isRight = real === null || shown === null ? real === shown : isSame(shown, real)
  return isRight ? [] : [`money per merged change is ${shown}, and should be ${real}`]
}

/** The cost of each merged or opened change is that of its issue. It is blank if the price of a part is unknown. */
function judgeIssueCosts({ report }: Night): string[] {
  const rows = new Map(report.costs?.by_issue.map((row) => [row.key, row]))
  return [...report.done.merged, ...report.done.opened].flatMap(({ issue, cost }) => {
    const row = rows.get(issue)
    const real = row === undefined || row.unpriced_tokens > 0 ? null : row.cost
    return cost === real ? [] : [`${issue}: its change cost ${cost}, and should cost ${real}`]
  })
}
