/** Decides whether burn may restart the agent of a worker now, must wait, or refuses. Pure. */
import type { Delivery } from '../core/lifecycle.ts'
import type { Reading, Time } from '../core/nouns.ts'
import type { ParsedScreen } from '../core/agent.ts'
import type { Pane } from '../core/panes.ts'
import type { UnderWay } from './under-way.ts'
import { pastingStates } from '../core/lifecycle.ts'

/**
 * When burn restarts an agent. `idle`: as soon as no turn runs. `drain`: as soon as nothing is under way; the worker gets no new work
 * meanwhile. `now`: at once; burn interrupts the running turn.
 */
export type RestartMode = 'idle' | 'drain' | 'now'

/** The facts about a worker that burn restarts. */
export interface RestartFacts {
  readonly reading: Reading
  /** The time since which the reading has its state. */
  readonly since: Time
  /** The pane of the worker; null if it has none. */
  readonly pane: Pick<Pane, 'made' | 'in_mode'> | null
  /** True if an agent of burn runs in the pane. */
  readonly has_agent: boolean
  /** The composer of the agent; absent if burn did not read the screen. */
  readonly composer?: ParsedScreen['composer']
  /** True if the draft in the composer is a text that burn typed, and not one of a person. */
  readonly own_draft?: boolean
  /** The delivery that burn is typing, or whose line left the composer without proof yet; absent if there is none. */
  readonly delivery?: Pick<Delivery, 'state' | 'changed_at'>
  /** The work of the worker that is under way; absent if there is none. */
  readonly under_way?: UnderWay
  /** True if the worker runs `burn worker loop`. */
  readonly looping: boolean
  readonly now: Time
}

/** The decision. `why`: a phrase that follows the name of the worker. */
export type RestartStep =
  | { readonly do: 'begin' }
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'refuse'; readonly why: string; readonly hint: string }

/** Maximum time (ms) that burn waits for a text that it is typing, or for a screen that it does not recognise. */
const patience = 60_000

const wait = (why: string): RestartStep => ({ do: 'wait', why })
const refuse = (why: string, hint: string): RestartStep => ({ do: 'refuse', why, hint })

/** Returns whether burn may restart the agent of a worker. Without a live agent, burn starts one at once. */
export function restartStep(facts: RestartFacts, mode: RestartMode, name: string): RestartStep {
  const { reading, pane, has_agent, looping } = facts
  if (reading.state === 'unreachable') return refuse(`can't be reached: ${reading.evidence}`, 'Run: burn doctor')
  if (looping) return refuse('runs burn worker loop, which burn does not end', 'end the loop in its pane (Ctrl-C)')
  if (pane === null) return refuse('has no pane', `Run: burn up`)
  if (!pane.made) return refuse('has a pane that burn did not create', 'restart its agent by hand in the pane')
  if (!has_agent) return { do: 'begin' }
  return textStep(facts, mode, name) ?? turnStep(facts, mode, name)
}

/** Returns the step if a text is in the composer or on its way; null if there is none. */
function textStep({ composer, own_draft, delivery, now }: RestartFacts, mode: RestartMode, name: string): RestartStep | null {
  const isPasting = delivery !== undefined && pastingStates.includes(delivery.state)
  if (isPasting) {
    const isStuck = now - delivery.changed_at >= patience
    return mode === 'now' || isStuck
      ? refuse('gets a text from burn at this moment', `try again in a moment. To look at the pane: burn attach ${name}`)
      : wait('gets a text from burn')
  }
  if (composer === 'draft' && own_draft !== true)
    return refuse("has a person's draft in its composer", `send or delete the draft: burn attach ${name}`)
  return delivery !== undefined && mode !== 'now' ? wait('got a text from burn, and burn waits for the proof') : null
}

function turnStep({ reading, since, pane, under_way, now }: RestartFacts, mode: RestartMode, name: string): RestartStep {
  if (mode === 'now') return { do: 'begin' }
  const { state, evidence } = reading
  if (pane?.in_mode === true) return wait('has a pane in which a person is scrolling')
  if (state === 'unknown' && now - since >= patience)
    return refuse(`has a screen that burn does not recognise (${evidence})`, `to restart it at once: burn restart ${name} --now`)
  if (state === 'waiting') return wait(`waits for an answer. Run: burn answer ${name}`)
  if (state !== 'idle' && state !== 'error') return wait(`is ${state}`)
  return mode === 'drain' && under_way !== undefined ? wait(under_way.what) : { do: 'begin' }
}
