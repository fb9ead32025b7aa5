/** A delivery and the observation of its pane, for tests of the deciders. */
import type { ParsedScreen } from '../../src/core/agent.ts'
import type { Delivery, DeliveryState } from '../../src/core/lifecycle.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import type { Observation } from '../../src/decide/observation.ts'
import { deliveryLimits } from '../../src/decide/delivery-step.ts'

export const id = '0k3v9w2x4abcd'
export const limits = deliveryLimits({ limits: { ready: 1000, placed: 10_000, seen: 20_000, submit_delay: 0 } }, 'work')
/** The incarnation of the agent in the pane. */
export const me = '1.%1.10'
export const line = `[burn ${id}] Read all 2 lines of .burn/${id}.md (sha256 0123456789abcdef) and do what it says.`

/** A delivery of the text `do` to the agent `me`. */
export function delivery(state: DeliveryState, more: Partial<Delivery> = {}): Delivery {
  const base = {
    id,
    kind: 'work',
    dispatch: null,
    worker: 'm/W/A',
    text: 'do',
    typed: state === 'planned' ? null : line,
    proof: null,
    evidence: { code: 'planned' } as const,
    presses: 0,
    planned_at: 0,
    changed_at: 0,
    lease_owner: 'o',
    lease_token: 1,
    lease_until: 9,
  } as const
  return { ...base, state, incarnation: state === 'planned' ? null : me, ...more }
}

/** A parsed screen with this state and composer. */
export function screenOf(state: ReadingState, composer: ParsedScreen['composer'] = 'empty', interrupts = false): ParsedScreen {
  return {
    reading: { state, detail: null, evidence: '' },
    composer,
    composer_rows: [2, 3],
    draft: composer === 'draft' ? 'text' : '',
    interrupts,
  }
}

/** The observation of an idle agent with an empty composer. */
export function seen(more: Partial<Observation> = {}): Observation {
  return {
    reachable: true,
    incarnation: me,
    parsed: screenOf('idle'),
    in_composer: false,
    tag_in_composer: false,
    outside_since: null,
    whole: false,
    hook_report: null,
    hooked: false,
    done: false,
    idle_since: -1000,
    last_text: '',
    leftover: false,
    line,
    unwritten: null,
    stopped: null,
    attended: null,
    busy: false,
    ...more,
  }
}
