/** What a delivery's step needs to know, from its pane as it is and its screen. */
import type { Reason } from '../core/reasons.ts'
import type { ParsedScreen } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Incarnation, Time } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { compact, compactRows, composerContent, lineChecksum, deliveryTag } from '../core/typed-line.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseHookEvent } from '../core/hook-event.ts'

/** What was seen of the pane a delivery is for. */
export interface Observation {
  /** False where the machine or the pane could not be looked at: nothing is known then. */
  readonly reachable: boolean
  /** The live agent in the pane; null where none lives there. */
  readonly incarnation: Incarnation | null
  /** How the agent that was in the pane ended; null where none is known to have. */
  readonly ended?: Reason | null
  /** Null where the screen was not captured. */
  readonly look: ParsedScreen | null
  /** The delivery's line stands in the composer, whole and alone, as far as the composer shows it. */
  readonly in_composer: boolean
  /** Its tag stands in the composer with something else: the line is on its way, or somebody types. */
  readonly tag_in_composer: boolean
  /** Since when every look has found its tag on the agent's screen outside the composer; null where it is not there. */
  readonly outside_since: Time | null
  /** The whole line is on the agent's screen outside the composer. */
  readonly whole: boolean
  /** What the agent's own hook told of: the whole line, another line under this id, its id alone, or nothing. */
  readonly told: 'text' | 'other' | 'id' | null
  /** Since when every look has found the agent doing nothing; null while it works or asks. */
  readonly idle_since: Time | null
  /** Nothing stands in the composer but a line of ours whose delivery has ended, and it is known how to take it back. */
  readonly leftover: boolean
  /** What to type for it; null until its text is written to its file. */
  readonly line: string | null
  /** Why its text could not be written to its file, and when that is tried again; null where it did not fail. */
  readonly unwritten: { readonly why: Reason; readonly again: Time } | null
  /** Why a person has this pane now; null where nobody has. */
  readonly attended: Reason | null
  /** Why nothing is sent to agents of its kind; null where they behave as known. */
  readonly stopped: Reason | null
  /** Another delivery of this worker is placing, placed or submitted: its turn may be about to start. */
  readonly busy: boolean
}

/** What the looks before this one found of a delivery. */
export type Remembered = Pick<Observation, 'outside_since' | 'idle_since' | 'line' | 'unwritten'>

/** A keystroke younger than this means that a person is at the pane, milliseconds. */
export const attendedFor = 60_000

export interface ObservationFacts {
  readonly delivery: Pick<Delivery, 'id' | 'typed'>
  /** Null where the machine is unreachable or the pane is not there. */
  readonly pane: Pane | null
  readonly server_started: number
  readonly look: ParsedScreen | null
  readonly screen: readonly string[]
  /** Rows of history above the screen: looked through for the line only, never for a state. */
  readonly above?: readonly string[]
  readonly before?: Remembered | undefined
  readonly leftover?: boolean
  /** Copy mode, where it is open, would eat the keys of a delivery (tmux ≥ 3.7). */
  readonly mode_blocks?: boolean
  /** Why the worker is held; null where it is not. */
  readonly hold: Reason | null
  readonly busy: boolean
  readonly stopped?: Reason | null
  /** False where the machine could not be reached. */
  readonly reachable: boolean
  readonly now: Time
  /** The machine's own clock: that is what it tells of keys by. */
  readonly machine_now: Time
}

export function observe(of: ObservationFacts): Observation {
  const { pane, look, now, delivery, before } = of
  const composer = look !== null && look.composer !== 'absent'
  const held = composer && look.draft !== '' ? composerContent(look.draft, delivery.id, delivery.typed) : 'nothing'
  const outside = composer ? outsideOf(of, look) : ''
  const elsewhere = outside.includes(compact(deliveryTag(delivery.id)))
  const busy = look?.reading.state === 'working' || look?.reading.state === 'waiting'
  return {
    reachable: of.reachable,
    incarnation: pane === null ? null : incarnationOf(pane, of.server_started),
    ended: pane?.dead === true ? { code: 'agent_ended', how: pane.ended } : null,
    look,
    told: pane === null ? null : toldOf(delivery, pane.signal),
    in_composer: held === 'line',
    tag_in_composer: held === 'other' || (held === 'beginning' && compact(look?.draft ?? '').includes(compact(deliveryTag(delivery.id)))),
    // Seen in what is the future now: the clock was set back, and it counts from this look on.
    outside_since: elsewhere ? Math.min(before?.outside_since ?? now, now) : null,
    whole: elsewhere && delivery.typed !== null && outside.includes(compact(delivery.typed)),
    idle_since: busy ? null : Math.min(before?.idle_since ?? now, now),
    leftover: of.leftover ?? false,
    line: before?.line ?? null,
    unwritten: before?.unwritten ?? null,
    attended: attendedBy(of),
    busy: of.busy,
    stopped: of.stopped ?? null,
  }
}

function outsideOf({ above = [], screen }: ObservationFacts, { composer_rows: [first, end] }: ParsedScreen): string {
  return compactRows([...above, ...screen.slice(0, first), '', ...screen.slice(end)])
}

/** One event that has the line outweighs others: what an agent says later may hold the tag, too. */
function toldOf({ id, typed }: ObservationFacts['delivery'], signal: string): Observation['told'] {
  const sums = (parseHookEvent(signal)?.told ?? []).flatMap((each) => (each.id === id ? [each.sum] : []))
  if (sums.length === 0) return null
  if (typed === null || sums.every((sum) => sum === null)) return 'id'
  return sums.includes(lineChecksum(typed)) ? 'text' : 'other'
}

function attendedBy({ hold, pane, mode_blocks, machine_now }: ObservationFacts): Reason | null {
  if (hold !== null) return hold
  if (pane !== null && pane.keyed_at !== null && !hasElapsed(pane.keyed_at, attendedFor, machine_now)) return { code: 'person_typing' }
  if (pane?.in_mode === true && mode_blocks === true) return { code: 'pane_scrolled' }
  return pane === null ? null : closedInputs[pane.input]
}

/** Why nothing may be typed into a pane, by where its input goes. */
export const closedInputs: Readonly<Record<Pane['input'], Reason | null>> = {
  open: null,
  synchronized: { code: 'input_synchronized' },
  disabled: { code: 'input_disabled' },
}
