/** The prices of models, as the spec declares them. */

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
