/**
 * Compares usage with budgets. If the budget of a day is used up, burn gives no new work until the day ends; running work ends normally. An
 * issue over its budget is escalated to people. Days are days of UTC.
 */
import type { EndHoldAction, EscalateAction, HoldAction, NoteAction } from '../core/actions.ts'
import type { Allowance, UsageBudget, BudgetUse, Spending } from '../core/budget.ts'
import type { UnderWayState } from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { Account, Fleet, IssueRef, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { UsageRecord } from '../core/usage.ts'
import { sprintLane } from '../core/sprint.ts'
import { sumCosts, type Cost } from './costs.ts'

const day = 24 * 3_600_000
/** burn warns when this part of a budget is used. */
const warnAt = 0.8

/** Returns the start of the day of UTC. */
export const dayStart = (now: Time) => Math.floor(now / day) * day

/** The usage that counts for budgets. */
export interface CountedUsage {
  readonly today: readonly UsageRecord[]
  /** All usage for the issues of the live dispatches. */
  readonly issues: readonly UsageRecord[]
  readonly dispatches: readonly Pick<LiveDispatch, 'id' | 'kind' | 'issue' | 'worker'>[]
  readonly costFor: (record: UsageRecord) => Cost
}

/** Returns each budget with its used part. An issue occurs once for each budget that applies to its worker. */
export function budgetUses({ budgets: all, machines, accounts }: Fleet, { today, issues, dispatches, costFor }: CountedUsage): BudgetUse[] {
  const lanes = new Map(workersIn(machines).map(({ id, lane }) => [id, lane]))
  const accountOf = accountIndex(accounts)
  const covers = ({ scope, name }: UsageBudget, user: UsedBy) =>
    scope === 'fleet' || (scope === 'lane' ? (lanes.get(user.worker) ?? sprintLane(user.worker)) : accountOf(user)) === name
  const spentOn = Map.groupBy(issues, ({ issue }) => issue)
  const spending = (records: readonly UsageRecord[]) => spendingOf(records, costFor)
  return all.flatMap((budget): BudgetUse[] => {
    const { scope, name, day: allowed, issue: each } = budget
    const users = (issue: IssueRef, worker: WorkerId): readonly UsedBy[] => [
      { source: 'pane', worker, agent: '' },
      ...(spentOn.get(issue) ?? []).filter((record) => record.worker === worker),
    ]
    const own = dispatches.filter(
      ({ kind, issue, worker }) => each !== null && kind === 'work' && users(issue, worker).some((user) => covers(budget, user)),
    )
    return [
      ...(allowed === null
        ? []
        : [{ scope, name, allowed, spent: spending(today.filter((record) => covers(budget, record))), issue: null }]),
      ...own.flatMap(({ id: dispatch, issue: ref, worker }) =>
        each === null ? [] : [{ scope, name, allowed: each, spent: spending(spentOn.get(ref) ?? []), issue: { ref, dispatch, worker } }],
      ),
    ]
  })
}

type UsedBy = Pick<UsageRecord, 'source' | 'worker' | 'agent'>

/** Returns a function that finds the account of a user of tokens. The login of a sprint is that of its backend. */
export function accountIndex(accounts: readonly Account[]): (user: UsedBy) => string | undefined {
  const workers = new Map(accounts.flatMap(({ name, workers: ids }) => ids.map((id) => [id, name] as const)))
  const backends = new Map(accounts.flatMap(({ name, backends: names = [] }) => names.map((each) => [each, name] as const)))
  return ({ source, worker, agent }) => (source === 'sprint' ? backends.get(agent) : undefined) ?? workers.get(worker)
}

const workersIn = (machines: Fleet['machines']): Worker[] => machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))

function spendingOf(records: readonly UsageRecord[], costFor: (record: UsageRecord) => Cost): Spending {
  const { cost, input, output, unpriced_tokens } = sumCosts(records, costFor)
  return { usd: cost, tokens: input + output, unpriced_tokens }
}

/** Returns the used part of a budget, such as 0.8, and the amount that decides. An unknown price counts as no money. */
export function usedPart({ allowed, spent }: { readonly allowed: Allowance; readonly spent: Spending }): UsedPart {
  const parts = (['usd', 'tokens'] as const).flatMap((unit): UsedPart[] => {
    const most = allowed[unit]
    return most === null ? [] : [{ part: (spent[unit] ?? 0) / most, unit, spent: spent[unit] ?? 0, allowed: most }]
  })
  return parts.toSorted((a, b) => b.part - a.part)[0] ?? { part: 0, unit: 'tokens', spent: 0, allowed: 0 }
}

interface UsedPart {
  readonly part: number
  readonly unit: 'usd' | 'tokens'
  readonly spent: number
  readonly allowed: number
}

type BudgetAction = HoldAction | EndHoldAction | NoteAction | EscalateAction

/** Returns the holds, warnings and escalations that follow from the used budgets. */
export function budgets(seen: UnderWayState): BudgetAction[] {
  const found = seen.budgets.map((use) => ({ use, ...usedPart(use) })).toSorted((a, b) => b.part - a.part)
  const days = found.filter(({ use }) => use.issue === null)
  // The list begins with the largest part, so the first entry of an issue decides.
  const issues = [...new Map(found.toReversed().map((each) => [each.use.issue?.ref, each])).values()].filter(
    ({ use }) => use.issue !== null,
  )
  return [
    ...holdsFor(
      days.filter(({ part }) => part >= 1),
      seen,
    ),
    ...days.filter(({ part }) => part >= warnAt && part < 1).map((each) => warning(each, dayStart(seen.now))),
    ...issues.filter(({ part }) => part >= warnAt && part < 1).map((each) => warning(each, 0)),
    ...issues.flatMap((each) => (each.part >= 1 ? escalation(each) : [])),
  ]
}

type Found = UsedPart & { readonly use: BudgetUse }

function reasonOf({ use: { scope, name, issue }, unit, spent, allowed }: Found): Reason {
  return { code: 'budget_spent', scope, name, issue: issue?.ref ?? null, unit, spent, allowed }
}

/** Returns the holds to begin, and the holds to end because their budget is not used up. */
function holdsFor(spent: readonly Found[], { holds, fleet, now }: UnderWayState): (HoldAction | EndHoldAction)[] {
  const wanted = new Map(
    spent.flatMap((each) => targetsOf(each.use, fleet).map((target) => [keyOf(target), { ...target, reason: reasonOf(each) }] as const)),
  )
  const own = new Map(holds.filter(({ code }) => code === 'budget').map((hold) => [keyOf(hold), hold]))
  const ends = [...own].flatMap(([key, { scope, name, code, reason, created_at: before }]): EndHoldAction[] =>
    wanted.has(key) ? [] : [{ do: 'end_hold', scope, name, code, reason, before }],
  )
  const until = dayStart(now) + day
  const begins = [...wanted].flatMap(([key, target]): HoldAction[] => {
    const hold = own.get(key)
    if (hold?.until != null && hold.until > now) return []
    return [{ do: 'hold', ...target, code: 'budget', until, before: hold?.created_at ?? null }]
  })
  return [...ends, ...begins]
}

type Target = Pick<Hold, 'scope' | 'name'>
const keyOf = ({ scope, name }: Target) => `${scope} ${name}`

/** Returns the targets of the holds of a budget. A hold on a lane is one hold per window. */
function targetsOf({ scope, name }: BudgetUse, { machines }: Fleet): Target[] {
  if (scope !== 'lane') return [{ scope, name }]
  return machines.flatMap((machine) =>
    machine.windows.flatMap((window) => (window.lane === name ? [{ scope, name: `${machine.name}/${window.name}` }] : [])),
  )
}

function warning(found: Found, since: Time): NoteAction {
  const { scope, name, issue } = found.use
  const subject = issue?.ref ?? (scope === 'fleet' ? scope : `${scope} ${name}`)
  const about = { subject, issue: issue?.ref ?? null, worker: issue?.worker ?? null, actor: 'burn' as const }
  return { do: 'note', event: { kind: 'budget.warned', ...about, payload: { reason: reasonOf(found) } }, since }
}

function escalation(found: Found): EscalateAction[] {
  const { issue } = found.use
  return issue === null
    ? []
    : [{ do: 'escalate', issue: issue.ref, dispatch: issue.dispatch, worker: issue.worker, reason: reasonOf(found) }]
}
