/** `burn costs --limits`: accounts with their holds, the usage limits that agents reported, and budgets with their used parts. */
import type { Spending, Allowance, UsageBudget } from '../core/budget.ts'
import type { HoldScope, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { Session } from '../observe/session.ts'
import { usedPart } from '../decide/budgets.ts'
import { isInForce } from '../decide/holds.ts'
import { heldName, sentence } from '../decide/wording.ts'
import { readBudgets } from '../observe/budgets.ts'
import { loginLimits, type ShownLimit } from '../decide/usage-limits.ts'
import { duration, shortCount, table } from './table.ts'
import { wrap } from './wrap.ts'

/** A hold on new work because of a limit. */
interface LimitHold {
  readonly scope: HoldScope
  readonly name: string
  readonly until: string | null
  readonly reason: Reason
}

/** The limits of the fleet now. */
export interface LimitsReport {
  readonly accounts: readonly { readonly name: string; readonly workers: readonly WorkerId[]; readonly hold: LimitHold | null }[]
  /** The limits that agents reported: the newest report of each limit of each login. */
  readonly limits: readonly (Pick<ShownLimit, 'account' | 'worker' | 'name' | 'used'> & {
    readonly resets_at: string | null
    readonly reported_at: string
    /** The time (ms) until the reset; negative if the reset has passed; null if the agent does not report it. */
    readonly left: number | null
    /** The age of the report (ms). */
    readonly age: number
  })[]
  readonly budgets: readonly (Pick<UsageBudget, 'scope' | 'name'> & {
    /** The issue of the budget; null for the budget of a day. */
    readonly issue: string | null
    readonly allowed: Allowance
    readonly spent: Spending
    /** The used part: 1 if the budget is used up. */
    readonly used: number
  })[]
  /** The holds because a budget is used up. */
  readonly holds: readonly LimitHold[]
}

/** Reads the limits of the fleet. Throws BurnError `ledger_*`. */
export async function readLimits(session: Session): Promise<LimitsReport> {
  const { fleet, ledger, clock } = session
  const view = await ledger.view()
  const holds = view.holds.filter((hold) => isInForce(hold, clock.now()))
  const shown = ({ scope, name, until, reason }: (typeof holds)[number]): LimitHold => {
    return { scope, name, until: until === null ? null : new Date(until).toISOString(), reason }
  }
  const uses = await readBudgets(view.dispatches, session)
  const now = clock.now()
  const reported = loginLimits(await ledger.usageLimits(), fleet.accounts, now)
  return {
    accounts: fleet.accounts.map(({ name, workers }) => {
      const hold = holds.find((each) => each.scope === 'account' && each.name === name)
      return { name, workers, hold: hold === undefined ? null : shown(hold) }
    }),
    limits: reported.map(({ resets_at, at, ...limit }) => ({
      ...limit,
      resets_at: resets_at === null ? null : new Date(resets_at).toISOString(),
      reported_at: new Date(at).toISOString(),
      left: resets_at === null ? null : resets_at - now,
      age: now - at,
    })),
    budgets: uses.map((use) => {
      const { scope, name, issue, allowed, spent } = use
      return { scope, name, issue: issue?.ref ?? null, allowed, spent, used: usedPart(use).part }
    }),
    holds: holds.filter(({ code }) => code === 'budget').map(shown),
  }
}

/** Returns the limits as text. `columns`: the width of the terminal. */
export function limitLines({ accounts, limits, budgets, holds }: LimitsReport, columns: number): string[] {
  const states = accounts.map(({ name, workers, hold }) => {
    return [name, String(workers.length), hold === null ? 'no hold' : `held until ${hold.until ?? 'burn resume'}: ${sentence(hold.reason)}`]
  })
  const money = (usd: number | null) => (usd === null ? '' : usd.toFixed(2))
  const tokens = (count: number | null) => (count === null ? '' : shortCount(count))
  // Agents may have used tokens that they do not record, so the table has no 0 for an issue.
  const counted = budgets.filter(({ issue, spent }) => issue === null || spent.tokens > 0)
  const rest = budgets.length - counted.length
  const rows = counted.map(({ scope, name, issue, allowed, spent, used }) => {
    const amounts = [money(spent.usd), money(allowed.usd), tokens(spent.tokens), tokens(allowed.tokens)]
    return [heldName(scope, name), issue ?? 'today', `${Math.floor(used * 100)} %`, ...amounts]
  })
  const left = (ms: number | null) => (ms === null ? '' : ms <= 0 ? 'has reset' : duration(ms))
  const reports = limits.map(({ account, worker, name, used, left: ms, age }) => {
    return [account ?? worker, name, used === null ? '' : `${Math.floor(used)}%`, left(ms), `${duration(age)} ago`]
  })
  const unpriced = Math.max(0, ...budgets.map(({ spent }) => spent.unpriced_tokens))
  return [
    ...(accounts.length === 0 ? ['The spec declares no accounts.'] : table(['ACCOUNT', 'WORKERS', 'STATE'], states, columns)),
    ...(reports.length === 0
      ? ['No agent has reported its usage limits.']
      : table(['LOGIN', 'LIMIT', 'USED', 'RESETS IN', 'REPORTED'], reports, columns)),
    ...(rows.length === 0
      ? ['No budget applies now.']
      : table(['BUDGET', 'PERIOD', 'USED', 'USD', 'OF USD', 'TOKENS', 'OF TOKENS'], rows, columns, ['TOKENS', 'OF TOKENS', 'PERIOD'])),
    ...(rest > 0 ? [`burn knows of no tokens of ${rest === 1 ? '1 other issue' : `${rest} other issues`} with a budget.`] : []),
    ...(unpriced > 0 ? [`The price of ${shortCount(unpriced)} tokens is unknown. They count as tokens, not as money.`] : []),
    ...holds.flatMap(({ scope, name, until, reason }) =>
      wrap(`${heldName(scope, name)} gets no new work until ${until ?? 'burn resume'}: ${sentence(reason)}`, columns, '  '),
    ),
  ]
}
