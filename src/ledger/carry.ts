/** What a delivery's step means for the dispatch it carries: the same write, so that no crash comes between the two. */
import type { DispatchMove } from '../core/ledger/claims.ts'
import type { DeliveryRow } from './schema.ts'
import { decodeReason } from '../core/reasons.ts'

/**
 * A text that left the composer, or may have, hands its dispatch to the agent that was in the pane, also if it arrived mangled: that agent has to be told or
 * stopped before the issue is given again. One that was refused never reached anybody: its dispatch is released.
 */
export function carried(moved: readonly Pick<DeliveryRow, 'id' | 'kind' | 'state' | 'evidence' | 'incarnation'>[]): DispatchMove[] {
  return moved.flatMap(({ id, kind, state, evidence, incarnation }): DispatchMove[] => {
    if (kind !== 'work' && kind !== 'council') return []
    const reason = decodeReason(evidence)
    if (state === 'refused') return [{ id, from: ['claimed'], to: 'released', reason }]
    if (state !== 'submitted' && state !== 'seen' && state !== 'unknown' && state !== 'mangled') return []
    return [{ id, from: ['claimed'], to: 'handed', reason, ...(incarnation === null ? {} : { incarnation }) }]
  })
}
