/** Which workers a window has, and what they are called. */
import { nameAt, names } from './names.ts'
import { hashOf } from './spread.ts'

/** A worker that was recorded before, by `machine/WINDOW/NAME`. */
export interface KnownWorker {
  readonly id: string
  readonly drawn: boolean
}

/**
 * The names of a window's panes. Written names come first, in their order. Missing ones were drawn before (`known`, in the order in which
 * they were drawn) or are drawn now: the first of the registry that nobody in the fleet has or had, starting at a place
 * that follows from `seed`. So a name stays when a neighbour goes, comes or is renamed, and of a window that shrinks the last drawn goes first. `used`
 * has every name of the fleet that is written or was recorded, and gets those drawn here.
 */
export function drawNames(
  { written, panes, known }: { readonly written: readonly string[]; readonly panes: number; readonly known: readonly string[] },
  used: Set<string>,
  seed: string,
): string[] {
  const missing = Math.max(0, panes - written.length)
  const drawn = known.filter((name) => !written.includes(name)).slice(0, missing)
  for (let index = hashOf(seed) % names.length; drawn.length < missing; index++) {
    const name = nameAt(index)
    if (used.has(name)) continue
    used.add(name)
    drawn.push(name)
  }
  return [...written, ...drawn]
}

/** Names drawn before for a window, in the order of drawing. */
export function knownNames(known: readonly KnownWorker[], machine: string, window: string): string[] {
  const prefix = `${machine}/${window}/`
  return known.filter(({ id, drawn }) => drawn && id.startsWith(prefix)).map(({ id }) => id.slice(prefix.length))
}
