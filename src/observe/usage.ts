/** Reads usage from the ledger, with its cost, and with the records that burn could not read. */
import type { Time, Worker, WorkerId } from '../core/nouns.ts'
import type { UsageRecord, UsageSource } from '../core/usage.ts'
import type { SessionPart } from './session.ts'
import type { ClaimLedger } from '../core/ledger/claims.ts'
import type { UsageLedger } from '../core/ledger/usage.ts'
import { sprintLane } from '../core/sprint.ts'
import { recordCost, type Cost } from '../decide/costs.ts'

/** Usage of a period. */
export interface PeriodUsage {
  readonly records: readonly UsageRecord[]
  readonly costFor: (record: UsageRecord) => Cost
  readonly lanes: ReadonlyMap<string, string>
  /** The records of agents that burn could not read at its last attempt. */
  readonly unread: readonly UsageSource[]
  /** The workers whose agents record no tokens that burn can read. */
  readonly unrecorded: readonly Worker[]
}

/** Returns the usage from the hour of `since` until `until`. Throws BurnError `ledger_*`. */
export async function readUsage(
  { fleet, ledger, kindOf }: SessionPart<UsageLedger, 'fleet' | 'kindOf'>,
  period: { readonly since: Time; readonly until?: Time },
): Promise<PeriodUsage> {
  // The table of list prices is large, and most commands need no price.
  const { listPrice } = await import('../llm/prices.ts')
  const [records, unread] = await Promise.all([ledger.usage(period), ledger.failedUsageSources()])
  const priced = new Map(records.map((record) => [record, recordCost(record, fleet.prices, listPrice)]))
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  const sprints = records.flatMap(({ worker }) =>
    [sprintLane(worker)].flatMap((lane) => (lane === undefined ? [] : [[worker, lane] as const])),
  )
  return {
    records,
    costFor: (record) => priced.get(record) ?? recordCost(record, fleet.prices, listPrice),
    lanes: new Map([...sprints, ...workers.map(({ id, lane }) => [id, lane] as const)]),
    unread,
    unrecorded: workers.filter(({ agent }) => kindOf(agent).usage === undefined),
  }
}

/**
 * Returns the workers whose agents got an issue in the period, although burn knows no tokens of them in it. Their records may be in a place
 * that burn does not know. burn leaves out prompts of the last minutes, and workers that share one record.
 */
export async function workersWithoutTokens(
  { fleet, ledger, kindOf, clock }: SessionPart<ClaimLedger, 'fleet' | 'kindOf' | 'clock'>,
  { records, since }: { readonly records: readonly UsageRecord[]; readonly since: Time },
): Promise<readonly WorkerId[]> {
  const end = clock.now() - 2 * fleet.telemetry.interval
  const handed = (await ledger.dispatches({ since })).filter(({ handed_at: at }) => at !== null && at >= since && at < end)
  const busy = new Set(handed.map(({ worker }) => worker))
  const known = new Set(records.map(({ worker }) => worker))
  const shared = new Set(records.filter(({ worker }) => worker === '').map(({ agent }) => agent))
  const workers = fleet.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return workers.flatMap(({ id, agent }) => {
    const { usage, kind } = kindOf(agent)
    return usage !== undefined && busy.has(id) && !known.has(id) && !shared.has(kind) ? [id] : []
  })
}
