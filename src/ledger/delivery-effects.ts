/**
 * Decides which dispatches move because their deliveries moved. Both are written in one transaction, so that no crash can separate them.
 */
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DeliveryRow } from './schema.ts'
import { isFirstText } from '../core/lifecycle.ts'
import { decodeReason } from '../core/reasons.ts'

type Moved = Pick<DeliveryRow, 'id' | 'dispatch' | 'kind' | 'state' | 'evidence' | 'incarnation'>

/** Returns the transitions of dispatches that follow from moved deliveries. */
export function dispatchMovesOf(moved: readonly Moved[]): DispatchMove[] {
  return moved.flatMap((text) => (isFirstText(text) ? afterPrompt(text) : text.kind === 'follow_up' ? afterFollowUp(text) : []))
}

/**
 * A prompt that left the composer, or may have, hands its dispatch to the agent in the pane. This is so even if it arrived mangled: burn
 * must correct or stop that agent before it dispatches the issue again. A refused prompt reached no agent, so its dispatch is released.
 */
function afterPrompt({ id, state, evidence, incarnation }: Moved): DispatchMove[] {
  const reason = decodeReason(evidence)
  if (state === 'refused') return [{ id, from: ['claimed'], to: 'released', reason }]
  if (state !== 'submitted' && state !== 'seen' && state !== 'unknown' && state !== 'mangled') return []
  return [{ id, from: ['claimed'], to: 'handed', reason, ...(incarnation === null ? {} : { incarnation }) }]
}

/**
 * A follow-up about a change in review makes its worker busy when it is placed, so that no other dispatch takes the slot. If it is refused,
 * it reached no agent, and the dispatch returns to review.
 */
function afterFollowUp({ id, dispatch, state, incarnation }: Moved): DispatchMove[] {
  if (dispatch === null) return []
  const agent = incarnation === null ? {} : { incarnation }
  if (state === 'placing')
    return [{ id: dispatch, from: ['review'], to: 'handed', reason: { code: 'change_needs_work', text: id }, ...agent }]
  return state === 'refused' ? [{ id: dispatch, from: ['handed'], to: 'review', reason: { code: 'change_for_review' }, handed_by: id }] : []
}
