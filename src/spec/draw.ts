/** Which workers a window has, and what they are called. */
import { nameAt } from './names.ts'

/** A worker that was recorded before, by `machine/WINDOW/NAME`. */
export interface KnownWorker {
  readonly id: string
  readonly drawn: boolean
}

/**
 * The names of a window's panes. Written names come first, in their order. Missing ones were drawn before (`known`, in the order in which
 * they were drawn) or are drawn now: the first of the registry that the machine does not use, starting at a place of the
 * window's own. So a name stays when a neighbour goes, comes or is renamed, and of a window that shrinks the last drawn goes first. `used`
 * has every name of the machine that is written or was drawn, and gets those drawn here.
 */
export function drawNames(written: readonly string[], panes: number, known: readonly string[], used: Set<string>, seed: string): string[] {
  const missing = Math.max(0, panes - written.length)
  const drawn = known.filter((name) => !written.includes(name)).slice(0, missing)
  for (let index = placeOf(seed); drawn.length < missing; index++) {
    const name = nameAt(index)
    if (used.has(name)) continue
    used.add(name)
    drawn.push(name)
  }
  return [...written, ...drawn]
}

/** Where in the registry a window begins to draw: spread, so that windows do not share their first choice. */
function placeOf(seed: string): number {
  let hash = 2166136261
  for (const char of seed) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0
  return hash % 500
}

/** Names drawn before for a window, in the order of drawing. */
export function knownNames(known: readonly KnownWorker[], machine: string, window: string): string[] {
  const prefix = `${machine}/${window}/`
  return known.filter(({ id, drawn }) => drawn && id.startsWith(prefix)).map(({ id }) => id.slice(prefix.length))
}
