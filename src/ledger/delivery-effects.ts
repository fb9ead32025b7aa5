/**
 * Decides which dispatches change state because their deliveries changed state. One transaction writes both changes, so that a crash cannot
 * separate them.
 */
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DeliveryRow } from './tables.ts'
import { isFirstText } from '../core/lifecycle.ts'
import { decodeReason } from '../core/reasons.ts'

type Moved = Pick<DeliveryRow, 'id' | 'dispatch' | 'kind' | 'state' | 'evidence' | 'incarnation'>

/** Returns the transitions of dispatches that follow from these transitions of deliveries. */
export function dispatchMovesOf(moved: readonly Moved[]): DispatchMove[] {
  return moved.flatMap((text) => (isFirstText(text) ? afterPrompt(text) : text.kind === 'follow_up' ? afterFollowUp(text) : []))
}

/**
 * Once a prompt has left the composer, or may have left it, its dispatch becomes `handed` to the agent in the pane. This also applies to a
 * mangled prompt: burn must correct or stop that agent before it dispatches the issue again. A refused prompt reached no agent, so its
 * dispatch is released.
 */
function afterPrompt({ id, state, evidence, incarnation }: Moved): DispatchMove[] {
  const reason = decodeReason(evidence)
  if (state === 'refused') return [{ id, from: ['claimed'], to: 'released', reason }]
  if (state !== 'submitted' && state !== 'seen' && state !== 'unknown' && state !== 'mangled') return []
  return [{ id, from: ['claimed'], to: 'handed', reason, ...(incarnation === null ? {} : { incarnation }) }]
}

/**
 * When burn places a follow-up about a change in review, the dispatch becomes `handed` again, so that no other dispatch gets the slot. If
 * the follow-up is refused, no agent got it, and the dispatch returns to `review`.
 */
function afterFollowUp({ id, dispatch, state, incarnation }: Moved): DispatchMove[] {
  if (dispatch === null) return []
  const agent = incarnation === null ? {} : { incarnation }
  if (state === 'placing')
    return [{ id: dispatch, from: ['review'], to: 'handed', reason: { code: 'change_needs_work', text: id }, ...agent }]
  return state === 'refused' ? [{ id: dispatch, from: ['handed'], to: 'review', reason: { code: 'change_for_review' }, handed_by: id }] : []
}
