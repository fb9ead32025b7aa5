/** Turns the forge's answer to a merge or an update into the outcome of its step. */
import type { StepOutcome } from '../core/change-stages.ts'
import type { MergeResult, UpdateResult } from '../core/change-state.ts'
import type { Reason } from '../core/reasons.ts'

/** Returns the outcome of a step. `done`: the reason of a step that succeeded. An update records the new head (`branch_updated`). */
export function outcomeOf(
  answer: MergeResult | UpdateResult,
  base: string,
  done: Reason,
): { readonly outcome: StepOutcome; readonly reason: Reason } {
  if ('why' in answer) return { outcome: 'failed', reason: { code: 'merge_refused', result: answer.result, why: answer.why } }
  const sha = answer.result === 'updated' ? answer.sha : null
  return { outcome: 'done', reason: sha === null ? done : { code: 'branch_updated', base, sha } }
}
