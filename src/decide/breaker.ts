/**
 * Stops sending to an agent kind that no longer behaves as known: after an update its composer may look otherwise, and typing into the unknown would answer
 * questions and lose texts on every worker at once. Closes by itself once composers are recognised again and the last texts are some minutes old.
 */
import type { Reason } from '../core/reasons.ts'
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

/** Why nothing is sent to a kind; null where it behaves as known. `looks`: its live agents; `ended`: deliveries to it, newest first. */
export function breakerFor(
  kind: string,
  looks: readonly Look[],
  ended: readonly Pick<Delivery, 'state' | 'evidence' | 'changed_at'>[],
  now: Time,
): Reason | null {
  const strange = looks.filter(({ composer, reading }) => composer === 'absent' && reading.state === 'unknown')
  if (strange.length >= fewest && strange.length * 2 >= looks.length)
    return { code: 'composer_strange', kind, strange: strange.length, of: looks.length, evidence: strange[0]?.reading.evidence ?? '' }
  const recent = ended
    // The agent exited, so the text was lost with it: that says nothing about its screen.
    .filter(({ state, evidence }) => state === 'seen' || (unprovenStates.includes(state) && evidence.code !== 'agent_gone'))
    .slice(0, newest)
  const unproven = recent.filter(({ state, changed_at }) => unprovenStates.includes(state) && !hasPassed(changed_at, memory, now))
  const [last] = unproven
  if (last !== undefined && unproven.length >= fewest && unproven.length * 2 >= recent.length)
    return { code: 'texts_unproven', kind, unproven: unproven.length, of: recent.length, last: last.evidence }
  return null
}
