/** The pure step of a delivery: what to do next with one text for one pane, from what the ledger says and what was seen. */
import type { PaneAgent } from '../core/agent.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../core/lifecycle.ts'
import type { Time } from '../core/nouns.ts'
import type { Observation } from './observation.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { followUpKinds } from '../core/lifecycle.ts'

/** Milliseconds, but `presses`: how often Enter is pressed at most. */
export interface DeliveryLimits {
  /** How long it may wait for its pane before it is refused, so that the issue can be given elsewhere. */
  readonly planned: number
  readonly placed: number
  readonly seen: number
  /** How long a text must have been in the composer before Enter counts. */
  readonly submit_delay: number
  /** Pause before Enter is pressed again. */
  readonly press: number
  readonly presses: number
}

/**
 * `write`: write its text to its file, then look again: what was seen before is too old to type by. `place`: write `placing` with the seen
 * incarnation, then place under tmux's own check of that incarnation. `submit`: write its `to` with `presses` + 1, then press Enter.
 * `move`: write the state. `abandon`: write `unknown`, then take the line out of the composer. `take_back`: take a line whose delivery has
 * ended out of the composer. `wait`: look again; `until` is when time alone changes the answer, null where only the pane can.
 */
export type DeliveryStep =
  | { readonly do: 'write' }
  | { readonly do: 'place' }
  | { readonly do: 'submit'; readonly to: 'placed' | 'submitted' }
  | { readonly do: 'wait'; readonly reason: Reason; readonly until: Time | null }
  | { readonly do: 'move'; readonly to: DeliveryState; readonly evidence: Reason; readonly proof?: Proof }
  | { readonly do: 'abandon'; readonly evidence: Reason }
  | { readonly do: 'take_back' }

/**
 * Minimum time (ms) that the tag must be visible outside the composer to count as proof: a frame that is half drawn has the composer of the
 * old one below that of the new one.
 */
const steady = 500

/** The agent's own limits, and those that are the same for all. An identity waits only until its agent should be ready. */
export function deliveryLimits({ limits }: Pick<PaneAgent, 'limits'>, kind: DeliveryKind): DeliveryLimits {
  const planned = kind === 'identity' ? limits.ready : patient.has(kind) ? 24 * 3_600_000 : 15 * 60_000
  return { planned, ...placing(limits), press: 3_000, presses: 3 }
}

/** Only the agent that has the dispatch can get these: nothing is gained by giving them up soon. */
const patient: ReadonlySet<DeliveryKind> = new Set([...followUpKinds, 'command'])

const placing = ({ placed, seen, submit_delay }: PaneAgent['limits']) => ({ placed, seen, submit_delay })
const wait = (reason: Reason, until: Time | null = null): DeliveryStep => ({ do: 'wait', reason, until })
const move = (to: DeliveryState, evidence: Reason): DeliveryStep => ({ do: 'move', to, evidence })

export function nextStep(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  switch (delivery.state) {
    case 'planned':
      return stepPlanned(delivery, seen, limits, now)
    case 'placing':
    case 'placed':
    case 'submitted':
      return stepActive(delivery, seen, limits, now)
    case 'unknown':
      return received(delivery, seen, now) ?? (isLeft(delivery, seen) ? { do: 'take_back' } : wait({ code: 'settled_later' }))
    case 'seen':
    case 'refused':
    case 'mangled':
      return wait({ code: 'has_ended' })
  }
}

/** What proves that the very agent it was meant for has it, or has another text under its id. Null where nothing does. */
function received(delivery: Delivery, seen: Observation, now: Time): DeliveryStep | null {
  const { told, whole, outside_since: elsewhere } = seen
  if (!seen.reachable || seen.incarnation === null || seen.incarnation !== delivery.incarnation) return null
  const proven = (proof: Proof, evidence: Reason): DeliveryStep => ({ do: 'move', to: 'seen', proof, evidence })
  if (told === 'text') return proven('text', { code: 'hook_text' })
  const onScreen = elsewhere !== null && !seen.in_composer
  const isSteady = elsewhere !== null && now - elsewhere >= steady
  if (onScreen && whole && (delivery.presses > 0 || isSteady)) return proven('text', { code: 'screen_text' })
  if (told === 'other') return move('mangled', { code: 'hook_other' })
  if (told === 'id') return proven('id', { code: 'hook_id' })
  return onScreen && isSteady ? proven('id', { code: 'screen_id' }) : null
}

/** Its line was abandoned in the composer of the agent that it was meant for, and nobody is about to use it. */
function isLeft(delivery: Delivery, seen: Observation): boolean {
  const { reachable, incarnation, leftover, in_composer, tag_in_composer: beside, attended, look } = seen
  if (!reachable || incarnation === null || incarnation !== delivery.incarnation || attended !== null) return false
  return leftover && (in_composer || beside) && look !== null && look.reading.state !== 'waiting'
}

function stepPlanned(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const until = delivery.planned_at + limits.planned
  const { in_composer, tag_in_composer: beside, outside_since: elsewhere, told } = seen
  const reason = whyNotPlace(delivery, seen, now)
  // The ledger may have lost its last moments: what is on the screen already is followed, never placed a second time.
  if (seen.reachable && (in_composer || beside || elsewhere !== null || told !== null)) return move('placing', { code: 'id_there' })
  // No agent will come by itself, and an agent that was started anew knows nothing of this: the issue can go elsewhere.
  if (seen.reachable && seen.incarnation === null) return move('refused', seen.ended ?? { code: 'no_agent' })
  if (seen.reachable && isForAnother(delivery, seen)) return move('refused', forAnother)
  if (hasElapsed(delivery.planned_at, limits.planned, now))
    return move('refused', { code: 'not_placed', seconds: inSeconds(limits.planned), why: reason ?? seen.unwritten?.why ?? null })
  if (seen.leftover && whyNotType(delivery, seen) === null && seen.look?.reading.state !== 'waiting') return { do: 'take_back' }
  if (reason !== null) return wait(reason, until)
  return seen.line === null ? { do: 'write' } : { do: 'place' }
}

const inSeconds = (ms: number) => Math.round(ms / 1000)
const forAnother: Reason = { code: 'agent_gone' }

/** A further text about a dispatch is for the agent that has the dispatch, and for no other. */
function isForAnother({ incarnation }: Delivery, seen: Observation): boolean {
  return incarnation !== null && incarnation !== seen.incarnation
}

/** Why no key may be pressed in its pane, whatever the pane shows. */
function whyNotType(delivery: Delivery, seen: Observation): Reason | null {
  if (!seen.reachable) return { code: 'pane_unreachable' }
  if (seen.incarnation === null) return { code: 'no_agent' }
  if (isForAnother(delivery, seen)) return forAnother
  if (seen.look === null) return { code: 'screen_unseen' }
  if (seen.stopped !== null) return seen.stopped
  if (seen.attended !== null) return seen.attended
  return seen.busy ? { code: 'worker_busy' } : null
}

function whyNotPlace(delivery: Delivery, seen: Observation, now: Time): Reason | null {
  const why = whyNotType(delivery, seen)
  if (why !== null || seen.look === null) return why
  const { reading, composer } = seen.look
  const { state, detail } = reading
  if (state !== 'idle' && state !== 'working' && state !== 'error') return { code: 'agent_state', state, detail }
  if (composer === 'absent') return { code: 'no_composer' }
  if (composer === 'draft') return { code: 'draft' }
  return seen.unwritten !== null && now < seen.unwritten.again ? seen.unwritten.why : null
}

function stepActive(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  if (!seen.reachable) return wait({ code: 'pane_unreachable' })
  if (seen.incarnation === null || seen.incarnation !== delivery.incarnation) {
    // In the composer and Enter never pressed: the agent took the text with it, unread.
    if (delivery.state === 'placed' && delivery.presses === 0) return move('refused', { code: 'ended_before_enter' })
    return move('unknown', { code: 'agent_gone' })
  }
  const proof = received(delivery, seen, now)
  if (proof !== null) return proof
  if (seen.in_composer) {
    const next = stepInComposer(delivery, seen, limits, now)
    // Where Enter can follow at once, one write says both.
    return delivery.state === 'placing' && next.do === 'wait' ? move('placed', { code: 'line_in_composer' }) : next
  }
  return stepNowhere(delivery, seen, limits, now)
}

/** Our line is in the composer: Enter, unless it would answer a question, cut a turn, or send what a person is typing. */
function stepInComposer(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { look } = seen
  if (look === null || look.composer !== 'draft') return wait({ code: 'composer_unseen' })
  const settled = delivery.changed_at + limits.submit_delay
  if (
    delivery.presses === 0 &&
    limits.submit_delay > 0 &&
    (delivery.state === 'placing' || !hasElapsed(delivery.changed_at, limits.submit_delay, now))
  )
    return wait({ code: 'enter_too_soon' }, settled)
  const again = delivery.changed_at + limits.press
  if (delivery.presses > 0 && !hasElapsed(delivery.changed_at, limits.press, now)) return wait({ code: 'enter_pressed' }, again)
  if (seen.attended !== null) return wait(seen.attended)
  const { state, detail } = look.reading
  // A composer too low for the line hides what its agent does: nobody can say what Enter would do.
  if (state === 'unknown' && hasElapsed(delivery.changed_at, limits.placed, now))
    return {
      do: 'abandon',
      evidence: { code: 'state_unread', seconds: inSeconds(limits.placed) },
    }
  if (state !== 'idle' && state !== 'working' && state !== 'error')
    return wait({ code: 'agent_state', state, detail }, state === 'unknown' ? delivery.changed_at + limits.placed : null)
  if (delivery.presses >= limits.presses) return { do: 'abandon', evidence: { code: 'enter_ignored', presses: delivery.presses } }
  return look.interrupts === true
    ? wait({ code: 'enter_interrupts' })
    : { do: 'submit', to: delivery.state === 'submitted' ? 'submitted' : 'placed' }
}

/** Our line is neither whole and alone in the composer nor elsewhere. */
function stepNowhere(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { state, presses, changed_at } = delivery
  const recognised = seen.look !== null && seen.look.composer !== 'absent'
  if (state === 'placed' && presses > 0 && recognised && !seen.tag_in_composer) return move('submitted', { code: 'left_composer' })
  // Queued behind a running turn, an agent may show nothing of it until that turn ends. An identity is the first text: nothing came before.
  const queued = state === 'submitted' && delivery.kind !== 'identity'
  if (queued && seen.idle_since === null) return wait({ code: 'agent_busy' })
  const limit = state === 'submitted' ? limits.seen : limits.placed
  const since = queued ? Math.max(changed_at, seen.idle_since ?? now) : changed_at
  const seconds = inSeconds(limit)
  if (!hasElapsed(since, limit, now)) {
    const code = state === 'submitted' ? 'id_unseen' : 'line_unseen'
    return wait({ code: seen.tag_in_composer ? 'not_alone' : code }, since + limit)
  }
  if (seen.tag_in_composer) return move('unknown', { code: 'disturbed', seconds })
  if (state === 'submitted') return move('unknown', { code: 'submitted_unseen', seconds })
  if (state === 'placing') return move('unknown', { code: 'placing_unseen', seconds })
  return move('unknown', { code: presses > 0 ? 'unseen_since_enter' : 'left_without_enter' })
}
