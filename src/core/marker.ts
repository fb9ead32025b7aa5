/** Parses the hidden marker of a comment that burn wrote. The marker names the fleet, the dispatch and the state of the dispatch. */
import type { DispatchState } from './lifecycle.ts'
import { idPattern } from './ids.ts'

/** The parts of the marker of a comment. */
export interface Marker {
  readonly fleet: string
  /** The id of the dispatch. For a council question, the id of its first dispatch. */
  readonly dispatch: string
  readonly state: DispatchState
}

const markerPattern = /^<!-- burn:1 fleet=([A-Za-z0-9._-]{1,64}) dispatch=([0-9a-z]{13}) state=([a-z]+) -->/

/**
 * Returns the marker at the start of a comment; null if the comment does not start with one. Ignores markers further down, because they may
 * be quotations.
 */
export function markerOf(body: string): Marker | null {
  const [, fleet, dispatch, state] = markerPattern.exec(body) ?? []
  if (fleet === undefined || dispatch === undefined || !idPattern.test(dispatch)) return null
  const known = (['claimed', 'handed', 'review', 'done', 'failed', 'lost', 'released'] as const).find((name) => name === state)
  return known === undefined ? null : { fleet, dispatch, state: known }
}
