/**
 * Decides whether the fleet does its work. Each rule judges facts from the ledger, and its result has evidence. A rule without data is
 * `unknown`, never `ok`.
 */
import type { HealthFacts, HealthRule, HealthStatus, Judged } from '../core/health.ts'
import { machineRules } from './health-machines.ts'
import { workRules } from './health-work.ts'
import { loopRules } from './health-loop.ts'

/** All rules, in the order of the report. */
export const healthRules: readonly HealthRule[] = [...loopRules, ...workRules, ...machineRules]

/** The result of one rule. */
export interface HealthResult extends Judged {
  readonly rule: string
}

/** Returns the result of each rule. */
export function judgeHealth(facts: HealthFacts): HealthResult[] {
  return healthRules.map(({ name, judge }) => ({ rule: name, ...judge(facts) }))
}

/** Returns the status of the fleet: the worst status of its rules. `warn` is worse than `unknown`. */
export function worstOf(results: readonly Pick<HealthResult, 'status'>[]): HealthStatus {
  const order: readonly HealthStatus[] = ['fail', 'warn', 'unknown']
  return order.find((status) => results.some((each) => each.status === status)) ?? 'ok'
}
