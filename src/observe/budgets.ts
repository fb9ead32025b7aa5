/** Reads the usage that counts for the budgets of the spec. */
import type { BudgetUse } from '../core/budget.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { UsageLedger } from '../core/ledger/usage.ts'
import type { SessionPart } from './session.ts'
import { budgetUses, dayStart, type CountedUsage } from '../decide/budgets.ts'
import { recordCost } from '../decide/costs.ts'

/** Returns each budget of the spec with its used part; none if the spec has no budgets. */
export async function readBudgets(
  dispatches: CountedUsage['dispatches'],
  { fleet, ledger, clock }: SessionPart<Pick<UsageLedger, 'usage'>, 'fleet' | 'clock'>,
): Promise<readonly BudgetUse[]> {
  const { budgets, prices } = fleet
  if (budgets.length === 0) return []
  const wanted = budgets.some(({ issue }) => issue !== null)
    ? [...new Set(dispatches.map(({ issue }: Pick<LiveDispatch, 'issue'>) => issue))]
    : []
  const [today, issues] = await Promise.all([
    ledger.usage({ since: dayStart(clock.now()) }),
    wanted.length === 0 ? [] : ledger.usage({ since: 0, issues: wanted }),
  ])
  const isPriced = budgets.some(({ day, issue }) => day?.usd != null || issue?.usd != null)
  // The table of prices is large, so burn loads it only if a budget is in money.
  const listPrice = isPriced ? (await import('../llm/prices.ts')).listPrice : () => null
  return budgetUses(fleet, { today, issues, dispatches, costFor: (record) => recordCost(record, prices, listPrice) })
}
