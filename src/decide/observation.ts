/** Derives the facts that decide the next step of a delivery from its pane and its screen. */
import type { Reason } from '../core/reasons.ts'
import type { ParsedScreen } from '../core/agent.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Incarnation, Time } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { compact, compactRows, composerContent, lineChecksum, deliveryTag } from '../core/typed-line.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseHookEvent } from '../core/hook-event.ts'

/** One observation of the pane that a delivery is for. */
export interface Observation {
  /** False if burn could not read the machine or the pane. In that case the other fields have no information. */
  readonly reachable: boolean
  /** The live agent in the pane; null if there is none. */
  readonly incarnation: Incarnation | null
  /** How the agent that was in the pane ended; null if burn knows of no agent that ended there. */
  readonly ended?: Reason | null
  /** The parsed screen; null if burn did not capture it. */
  readonly parsed: ParsedScreen | null
  /** True if the visible part of the composer shows the delivery's whole line and nothing else. */
  readonly in_composer: boolean
  /** True if the composer holds the delivery's tag but not exactly its line: the line is still arriving, or a person is typing. */
  readonly tag_in_composer: boolean
  /**
   * The time since which every observation has found the delivery's tag on the screen outside the composer; null if the tag is not there.
   */
  readonly outside_since: Time | null
  /** True if the whole line is on the screen outside the composer. */
  readonly whole: boolean
  /** True if the delivery is a command of the agent program, and the screen shows that the agent has carried it out. */
  readonly done: boolean
  /** The report of the agent's hook: the whole line, another line under this id, only the id, or nothing (null). */
  readonly hook_report: 'text' | 'other' | 'id' | null
  /** True if a hook of this pane's agent has reported an event, so that a report about the delivery's text can follow. */
  readonly hooked: boolean
  /** The time since which every observation has found the agent neither working nor waiting; null while the agent works or waits. */
  readonly idle_since: Time | null
  /** The id of the last text that burn typed into the pane; empty if there is none. */
  readonly last_text: string
  /** True if the composer holds only the line of an ended delivery, and burn knows the keys that delete it. */
  readonly leftover: boolean
  /** The line to type, or the line that burn recorded before it typed; null until burn has written the text to its file. */
  readonly line: string | null
  /** The reason that burn could not write the text to its file, and the time of the next attempt; null if no write failed. */
  readonly unwritten: { readonly why: Reason; readonly again: Time } | null
  /** The reason that burn may not type, because a person uses this pane or its input is closed; null if burn may type. */
  readonly attended: Reason | null
  /** The reason that burn sends nothing to this worker; null if burn may send. */
  readonly stopped: Reason | null
  /** True if another delivery of this worker is `placing`, `placed` or `submitted`, so that a turn may be about to start. */
  readonly busy: boolean
}

/** The results of earlier observations of a delivery that the next observation needs. */
export type Remembered = Pick<Observation, 'outside_since' | 'idle_since' | 'line' | 'unwritten'>

/** burn assumes that a person uses a pane for this time (ms) after the last keystroke. */
export const attendedFor = 60_000

/** The facts that an observation is derived from. */
export interface ObservationFacts {
  readonly delivery: Pick<Delivery, 'id' | 'typed'>
  /** Null if the machine is unreachable or the pane does not exist. */
  readonly pane: Pane | null
  readonly server_started: number
  readonly parsed: ParsedScreen | null
  readonly screen: readonly string[]
  /** Rows of history above the screen. burn searches them for the line, but reads no agent state from them. */
  readonly above?: readonly string[]
  readonly before?: Remembered | undefined
  readonly leftover?: boolean
  /** True if an open copy mode would receive the keys of a delivery (tmux 3.7 or newer). */
  readonly mode_blocks?: boolean
  /** True if the screen shows that the agent has carried out the command of the delivery. */
  readonly done?: boolean
  /** The reason of the hold on the worker; null if there is no hold. */
  readonly hold: Reason | null
  readonly busy: boolean
  readonly stopped?: Reason | null
  /** False if burn could not reach the machine. */
  readonly reachable: boolean
  readonly now: Time
  /** The time by the machine's clock, which also gives the times of keystrokes. */
  readonly machine_now: Time
}

/** Returns the observation of a delivery's pane. */
export function observe(of: ObservationFacts): Observation {
  const { pane, parsed, now, delivery, before } = of
  const composer = parsed !== null && parsed.composer !== 'absent'
  const held = composer && parsed.draft !== '' ? composerContent(parsed.draft, delivery.id, delivery.typed) : 'nothing'
  const outside = composer ? textOutsideComposer(of, parsed) : ''
  const isOutside = outside.includes(compact(deliveryTag(delivery.id)))
  const busy = parsed?.reading.state === 'working' || parsed?.reading.state === 'waiting'
  return {
    reachable: of.reachable,
    incarnation: pane === null ? null : incarnationOf(pane, of.server_started),
    ended: pane?.dead === true ? { code: 'agent_ended', how: pane.ended } : null,
    parsed,
    hook_report: pane === null ? null : hookReport(delivery, pane.signal),
    hooked: pane !== null && parseHookEvent(pane.signal) !== null,
    in_composer: held === 'line',
    tag_in_composer: held === 'other' || (held === 'beginning' && compact(parsed?.draft ?? '').includes(compact(deliveryTag(delivery.id)))),
    done: of.done ?? false,
    // If the stored time is in the future, the clock was set back. Then the time of this observation replaces it.
    outside_since: isOutside ? Math.min(before?.outside_since ?? now, now) : null,
    whole: isOutside && delivery.typed !== null && outside.includes(compact(delivery.typed)),
    idle_since: busy ? null : Math.min(before?.idle_since ?? now, now),
    last_text: pane?.last_text ?? '',
    leftover: of.leftover ?? false,
    line: before?.line ?? delivery.typed,
    unwritten: before?.unwritten ?? null,
    attended: attendedReason(of),
    busy: of.busy,
    stopped: of.stopped ?? null,
  }
}

function textOutsideComposer({ above = [], screen }: ObservationFacts, { composer_rows: [first, end] }: ParsedScreen): string {
  return compactRows([...above, ...screen.slice(0, first), '', ...screen.slice(end)])
}

/** If one event has the whole line, that event decides: later events can contain the tag without the line. */
function hookReport({ id, typed }: ObservationFacts['delivery'], signal: string): Observation['hook_report'] {
  const checksums = (parseHookEvent(signal)?.deliveries ?? []).flatMap((each) => (each.id === id ? [each.sum] : []))
  if (checksums.length === 0) return null
  if (typed === null || checksums.every((sum) => sum === null)) return 'id'
  return checksums.includes(lineChecksum(typed)) ? 'text' : 'other'
}

function attendedReason({ hold, pane, mode_blocks, machine_now }: ObservationFacts): Reason | null {
  if (hold !== null) return hold
  if (pane !== null && pane.keyed_at !== null && !hasElapsed(pane.keyed_at, attendedFor, machine_now)) return { code: 'person_typing' }
  if (pane?.in_mode === true && mode_blocks === true) return { code: 'pane_scrolled' }
  return pane === null ? null : closedInputs[pane.input]
}

/**
 * Returns true if a composer holds only the line of this delivery, or the beginning of the line. An agent that is interrupted before its
 * first output may put the line back. Such a text is not a draft of a person.
 */
export function isOwnLine(draft: string, delivery: Pick<Delivery, 'id' | 'typed'>): boolean {
  const content = composerContent(draft, delivery.id, delivery.typed)
  return content === 'line' || content === 'beginning'
}

/** The reason that burn types nothing into a pane, by the state of the pane's input; null if burn may type. */
export const closedInputs: Readonly<Record<Pane['input'], Reason | null>> = {
  open: null,
  synchronized: { code: 'input_synchronized' },
  disabled: { code: 'input_disabled' },
}
