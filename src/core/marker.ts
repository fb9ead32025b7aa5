/** The hidden marker of a comment: it names the fleet, the dispatch and the dispatch's state. */
import type { DispatchState } from './lifecycle.ts'
import { idPattern } from './ids.ts'

/** The parts of a marker. */
export interface Marker {
  readonly fleet: string
  /** The dispatch's id; for a council, the id of the first of its dispatches. */
  readonly dispatch: string
  readonly state: DispatchState
}

const markerPattern = /^<!-- burn:1 fleet=([A-Za-z0-9._-]{1,64}) dispatch=([0-9a-z]{13}) state=([a-z]+) -->/

/**
 * Returns the marker at the start of a comment; null if there is none. A marker further down does not count, because it may be a quotation.
 */
export function markerOf(body: string): Marker | null {
  const [, fleet, dispatch, state] = markerPattern.exec(body) ?? []
  if (fleet === undefined || dispatch === undefined || !idPattern.test(dispatch)) return null
  const known = (['claimed', 'handed', 'review', 'done', 'failed', 'lost', 'released'] as const).find((name) => name === state)
  return known === undefined ? null : { fleet, dispatch, state: known }
}
