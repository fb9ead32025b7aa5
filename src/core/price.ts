/** The prices of models, as the spec declares them, and sums of costs. */

/** Prices in US dollars per million tokens. */
export interface ModelPrice {
  readonly in: number
  readonly out: number
  /** The prices of input that was read from or written to a cache. */
  readonly cache_read: number
  readonly cache_write: number
}

/** One entry of the spec's `prices`. */
export interface DeclaredPrice {
  /** The name of a model. `*` stands for any characters. */
  readonly model: string
  /** `subscription`: a subscription pays for the tokens of the model. */
  readonly price: ModelPrice | 'subscription'
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
