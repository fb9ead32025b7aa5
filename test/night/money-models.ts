/** The models that the agents of a night use, with their prices, and the accounts and budgets of the fleet. Nothing here comes from burn's code. */
import type { UsageBudget } from '../../src/core/budget.ts'
import type { DeclaredPrice } from '../../src/core/price.ts'
import type { AgentConfig, Fleet, IssueRef, Worker, WorkerId } from '../../src/core/nouns.ts'
import type { RequestTokens } from './agent-records.ts'
import { simulatedScreen } from '../../src/simulate/agent.ts'

/** A model, and what a million of its tokens cost (USD). `price`: null if nobody knows the price. */
export interface NightModel {
  readonly name: string
  readonly asked: string
  readonly answered: string
  readonly provider: string
  readonly price: RequestTokens | null
  /** True if a subscription pays. Then the price is a list price that nobody bills. */
  readonly subscription: boolean
  readonly kind: 'own' | 'aside'
}

const billed = { subscription: false, kind: 'own' } as const
const sonnet: NightModel = {
  name: 'claude-sonnet-4-5-20250929',
  asked: 'claude-sonnet-4-5',
  answered: 'claude-sonnet-4-5-20250929',
  provider: 'anthropic',
  price: { input: 3, cache_read: 0.3, cache_write: 3.75, output: 15 },
  ...billed,
}
/** The model of sub-agents of Claude Code. */
const haiku: NightModel = {
  name: 'claude-haiku-4-5-20251001',
  asked: 'claude-haiku-4-5',
  answered: 'claude-haiku-4-5-20251001',
  provider: 'anthropic',
  price: { input: 1, cache_read: 0.1, cache_write: 1.25, output: 5 },
  subscription: false,
  kind: 'aside',
}
const codex: NightModel = {
  name: 'gpt-5-codex',
  asked: 'gpt-5-codex',
  answered: '',
  provider: 'openai',
  price: { input: 1.25, cache_read: 0.125, cache_write: 0, output: 10 },
  subscription: true,
  kind: 'own',
}
const unpriced: NightModel = { name: 'hermes4:14b', asked: 'hermes4:14b', answered: '', provider: 'nous', price: null, ...billed }
const declared: NightModel = {
  name: 'house-model',
  asked: 'house-model',
  answered: '',
  provider: 'nous',
  price: { input: 1, cache_read: 0.1, cache_write: 2, output: 3 },
  ...billed,
}

/** The agents of a night, in turn. The last one records no tokens. */
const agents = [
  { kind: 'claude', models: [sonnet, haiku] },
  { kind: 'hermes', models: [unpriced] },
  { kind: 'codex', models: [codex] },
  { kind: 'hermes', models: [declared] },
  { kind: 'custom', models: [] },
] as const satisfies readonly { readonly kind: AgentConfig['kind']; readonly models: readonly NightModel[] }[]

/** The number of tokens of all attempts at an issue that the budget of an issue allows. */
export const issueBudget = 6_000_000

/**
 * Returns the fleet with agents that record tokens, lanes, accounts and budgets, and the models of each worker. `priced`: all prices are
 * known.
 */
export function withMoney(
  fleet: Fleet,
  priced: boolean,
): { readonly fleet: Fleet; readonly models: ReadonlyMap<WorkerId, readonly NightModel[]> } {
  const models = new Map<WorkerId, readonly NightModel[]>()
  let index = 0
  const workerOf = (worker: Worker, lane: string): Worker => {
    const { kind, models: all } = agents[index++ % agents.length]!
    models.set(worker.id, priced && all[0] === unpriced ? [declared] : all)
    const model = models.get(worker.id)![0]
    const config = { kind, command: [], model: model?.asked ?? null, provider: model?.provider ?? null, hooks: false, env: {} }
    const custom = kind === 'custom' ? { custom: simulatedScreen } : {}
    return { ...worker, lane, dir: `/fleet/${worker.machine}/${worker.name}`, agent: { ...config, ...custom, busy_input_mode: 'queue' } }
  }
  const machines = fleet.machines.map((machine, at) => ({
    ...machine,
    windows: machine.windows.map((window) => {
      const lane = lanes[at % lanes.length]!
      return { ...window, lane, workers: window.workers.map((worker) => workerOf(worker, lane)) }
    }),
  }))
  const of = (name: string, machine: number) =>
    (machines[machine]?.windows ?? []).flatMap(({ workers }) => workers.flatMap(({ id, agent: { kind } }) => (kind === name ? [id] : [])))
  const accounts = [
    { name: 'metered', workers: of('claude', 0) },
    { name: 'plan', workers: [...of('codex', 1), ...of('codex', 2)] },
    { name: 'house', workers: of('hermes', 2) },
  ]
  const skip_labels = [...fleet.dispatch.skip_labels, 'over-budget']
  const dispatch = { ...fleet.dispatch, skip_labels }
  const own = priced ? budgets.filter(({ issue }) => issue !== null) : budgets
  return { fleet: { ...fleet, dispatch, machines, accounts, budgets: own, prices }, models }
}

const lanes = ['bugs', 'features', 'bugs', 'docs']
const { input, output, ...cache } = declared.price!
const prices: DeclaredPrice[] = [{ model: declared.asked, price: { in: input, out: output, ...cache } }]
/** The budgets of a day are used up some hours before the day ends. */
const budgets: UsageBudget[] = [
  { scope: 'fleet', name: 'all', day: null, issue: { usd: null, tokens: issueBudget } },
  { scope: 'account', name: 'metered', day: { usd: 8, tokens: null }, issue: null },
  { scope: 'lane', name: 'docs', day: { usd: null, tokens: 100_000_000 }, issue: null },
]

/** Returns the price of a request (USD) by the price list of the night. */
export function priceOf({ price }: NightModel, tokens: RequestTokens): number | null {
  if (price === null) return null
  const parts = ['input', 'cache_read', 'cache_write', 'output'] as const
  return parts.reduce((sum, part) => sum + (tokens[part] * price[part]) / 1e6, 0)
}

/** A request that an agent made. */
export interface TrueRequest {
  readonly worker: WorkerId
  /** The name of the session in which the agent made the request. */
  readonly session: string
  readonly issue: IssueRef
  readonly model: NightModel
  readonly tokens: RequestTokens
  /** The time of the request, and that by the clock of its machine. */
  readonly at: number
  readonly stamp: number
  /** The time at which burn read the record of the request; null until then. */
  read: number | null
  /** The time to which burn must date the tokens; null until burn has read the record. */
  dated: number | null
}
