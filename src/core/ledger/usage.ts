/** The interface to usage in the ledger: tokens by worker, issue, model and hour, and the positions up to which burn has read them. */
import type { IssueRef, Time } from '../nouns.ts'
import type { LastUse } from '../model-use.ts'
import type { UsageRecord, UsageSource } from '../usage.ts'
import type { WorkerLimit } from '../usage-limit.ts'

/** The operations on usage in the ledger. */
export interface UsageLedger {
  /** Returns usage from the hour of `since` until `until`, oldest first. `issues`: only the usage for these issues. */
  usage(filter: { readonly since: Time; readonly until?: Time; readonly issues?: readonly IssueRef[] }): Promise<readonly UsageRecord[]>
  /**
   * Adds usage to the ledger, and saves the positions and the last uses of models, in one transaction. So a crash neither loses nor repeats
   * tokens. A use that is older than the saved one of its conversation changes nothing.
   */
  addUsage(records: readonly UsageRecord[], sources: readonly UsageSource[], models?: readonly LastUse[]): Promise<void>
  /** Saves the reported limits, unless the ledger has a later report of the same limit by the same worker. */
  saveUsageLimits(limits: readonly WorkerLimit[]): Promise<void>
  /** Returns the last report of each limit by each worker, in any order. */
  usageLimits(): Promise<readonly WorkerLimit[]>
  /** Returns the last use of a model in each of the newest conversations of each worker, oldest first. */
  modelUses(): Promise<readonly LastUse[]>
  /** Returns the sources of a machine with these paths. */
  usageSources(machine: string, paths: readonly string[]): Promise<readonly UsageSource[]>
  /** Returns the sources that burn could not read at the last attempt. */
  failedUsageSources(): Promise<readonly UsageSource[]>
}
