/**
 * Stops sending to an agent kind that no longer behaves as known: after an update its composer may look otherwise, and typing into the unknown would answer
 * questions and lose texts on every worker at once. Closes by itself once composers are recognised again and the last texts are some minutes old.
 */
import type { Delivery } from '../core/lives.ts'
import type { Time } from '../core/nouns.ts'
import type { Look } from '../core/agent.ts'
import { hasPassed } from '../core/elapsed.ts'
import { unprovenStates } from '../core/lives.ts'

/** So many workers of a kind, and at least half of those that live, open it: one odd pane is that pane's matter. */
const fewest = 3
/** Of so many newest texts that ended, and no older than `memory` milliseconds. */
const newest = 10
const memory = 10 * 60_000

/** The agent took its own end for the text's: that says nothing of its screen. */
const ownEnd = 'the agent it was meant for is gone'

/** Why nothing is sent to a kind; null where it behaves as known. `looks`: its live agents; `ended`: deliveries to it, newest first. */
export function breakerFor(
  kind: string,
  looks: readonly Look[],
  ended: readonly Pick<Delivery, 'state' | 'evidence' | 'changed_at'>[],
  now: Time,
): string | null {
  const strange = looks.filter(({ composer, reading }) => composer === 'absent' && reading.state === 'unknown')
  if (strange.length >= fewest && strange.length * 2 >= looks.length)
    return `the composer of ${kind} is not recognised on ${strange.length} of ${looks.length} workers (${strange[0]?.reading.evidence ?? ''})`
  const recent = ended
    .filter(({ state, evidence }) => state === 'seen' || (unprovenStates.includes(state) && evidence !== ownEnd))
    .slice(0, newest)
  const unproven = recent.filter(({ state, changed_at }) => unprovenStates.includes(state) && !hasPassed(changed_at, memory, now))
  if (unproven.length >= fewest && unproven.length * 2 >= recent.length)
    return `${unproven.length} of the last ${recent.length} texts to ${kind} could not be proven (${unproven[0]?.evidence ?? ''})`
  return null
}
