/** The types of budgets: how much money and how many tokens a part of the fleet may use. */

/** The label of issues that used more than their budget. burn gives no issue with this label to a worker. */
export const overBudgetLabel = 'over-budget'

/** The amounts that a budget allows; null for a unit without a limit. A budget is used up as soon as one of its amounts is. */
export interface Allowance {
  readonly usd: number | null
  readonly tokens: number | null
}

/** The budget of the fleet (with the name `all`), of a lane or of an account. */
export interface UsageBudget {
  readonly scope: 'fleet' | 'lane' | 'account'
  readonly name: string
  /** The budget of one day of UTC; null if the spec sets none. */
  readonly day: Allowance | null
  /** The budget of each issue, for all of its attempts; null if the spec sets none. */
  readonly issue: Allowance | null
}

/** Used money and tokens. */
export interface Spending {
  /** The cost (USD) of the tokens whose price is known and for which no subscription pays; null if there are none. */
  readonly usd: number | null
  readonly tokens: number
  /** The number of tokens whose price is unknown. */
  readonly unpriced_tokens: number
}

/** A budget, and the part of it that is used. */
export interface BudgetUse extends Pick<UsageBudget, 'scope' | 'name'> {
  readonly allowed: Allowance
  readonly spent: Spending
  /** The issue that spent it, with its live dispatch; null for the budget of a day. */
  readonly issue: { readonly ref: string; readonly dispatch: string; readonly worker: string } | null
}
