/** What a delivery's step means for the dispatch it belongs to: the same write, so that no crash comes between the two. */
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DeliveryRow } from './schema.ts'
import { isFirstText } from '../core/lifecycle.ts'
import { decodeReason } from '../core/reasons.ts'

type Moved = Pick<DeliveryRow, 'id' | 'dispatch' | 'kind' | 'state' | 'evidence' | 'incarnation'>

/** The steps of dispatches that follow from steps of their texts. */
export function dispatchMovesOf(moved: readonly Moved[]): DispatchMove[] {
  return moved.flatMap((text) => (isFirstText(text) ? first(text) : text.kind === 'follow_up' ? further(text) : []))
}

/**
 * A text that left the composer, or may have, hands its dispatch to the agent that was in the pane, also if it arrived mangled: that agent has to be told or
 * stopped before the issue is given again. One that was refused never reached anybody: its dispatch is released.
 */
function first({ id, state, evidence, incarnation }: Moved): DispatchMove[] {
  const reason = decodeReason(evidence)
  if (state === 'refused') return [{ id, from: ['claimed'], to: 'released', reason }]
  if (state !== 'submitted' && state !== 'seen' && state !== 'unknown' && state !== 'mangled') return []
  return [{ id, from: ['claimed'], to: 'handed', reason, ...(incarnation === null ? {} : { incarnation }) }]
}

/** A follow-up about a change in review has its worker at work again from the moment it is placed, so that nobody takes the slot. One that was refused reached nobody. */
function further({ id, dispatch, state, incarnation }: Moved): DispatchMove[] {
  if (dispatch === null) return []
  const agent = incarnation === null ? {} : { incarnation }
  if (state === 'placing')
    return [{ id: dispatch, from: ['review'], to: 'handed', reason: { code: 'change_needs_work', text: id }, ...agent }]
  return state === 'refused' ? [{ id: dispatch, from: ['handed'], to: 'review', reason: { code: 'change_for_review' }, handed_by: id }] : []
}
