/** Finds the backends that no sprint may use now, because a budget is used up or their account is held. */
import type { Failure } from '../core/sprint.ts'
import type { HoldLedger } from '../core/ledger/holds.ts'
import type { UsageLedger } from '../core/ledger/usage.ts'
import type { SessionPart } from '../observe/session.ts'
import { usedPart } from '../decide/budgets.ts'
import { isInForce } from '../decide/holds.ts'
import { heldName, sentence } from '../decide/wording.ts'
import { readBudgets } from '../observe/budgets.ts'

type Needed = SessionPart<Pick<HoldLedger, 'holds'> & Pick<UsageLedger, 'usage'>, 'fleet' | 'clock'>

/**
 * Returns the reason for each of the backends that no new sprint may use. `names`: the names of the backends. `lane`: the lane of the
 * worker that runs the sprint. A dispatcher may be away, so this function reads budgets itself and does not wait for a hold.
 */
export async function blockedBackends(names: readonly string[], lane: string, session: Needed): Promise<ReadonlyMap<string, Failure>> {
  const { fleet, ledger, clock } = session
  const { accounts, budgets } = fleet
  if (budgets.length === 0 && accounts.every(({ backends }) => backends === undefined)) return new Map()
  const [holds, uses] = await Promise.all([ledger.holds(), readBudgets([], session)])
  const spent = uses.filter((use) => use.issue === null && usedPart(use).part >= 1)
  return new Map(
    names.flatMap((backend): [string, Failure][] => {
      const account = accounts.find(({ backends }) => backends?.includes(backend) === true)?.name
      const budget = spent.find(({ scope, name }) => scope === 'fleet' || name === (scope === 'lane' ? lane : account))
      const hold = holds.find((each) => each.scope === 'account' && each.name === account && isInForce(each, clock.now()))
      if (budget !== undefined)
        return [[backend, { class: 'budget', reason: `the budget of ${heldName(budget.scope, budget.name)} is used up for today` }]]
      return hold === undefined
        ? []
        : [[backend, { class: 'rate_limited', reason: `${heldName('account', hold.name)} is held: ${sentence(hold.reason)}` }]]
    }),
  )
}
