/** Decides the next step of a delivery, from its row in the ledger and the observation of its pane. Pure. */
import type { PaneAgent } from '../core/agent.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../core/lifecycle.ts'
import type { Time } from '../core/nouns.ts'
import type { Observation } from './observation.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { followUpKinds } from '../core/lifecycle.ts'

/** The time limits of a delivery (ms), and the maximum number of times that burn presses Enter. */
export interface DeliveryLimits {
  /** burn refuses a text that it could not type within this time, so that another worker can get the issue. */
  readonly planned: number
  /** A line that burn typed must appear whole in the composer within this time. */
  readonly placed: number
  /** burn must find proof of a submitted text within this time after the agent became idle. Otherwise the delivery is `unknown`. */
  readonly seen: number
  /** The agent accepts Enter only if the text has been in the composer for at least this time. */
  readonly submit_delay: number
  /** The pause before burn presses Enter again. */
  readonly press: number
  /** Maximum number of times that burn presses Enter for one text. */
  readonly presses: number
}

/**
 * The next step of a delivery.
 *
 * - `write`: write the text to its file, then observe the pane again, because the earlier observation is too old by then.
 * - `place`: store `placing` with the observed incarnation and the pane's last text, then type the line. tmux checks both when it pastes.
 * - `submit`: store the state `to`, add 1 to `presses`, then press Enter.
 * - `move`: store the state.
 * - `abandon`: store `unknown`, then delete the line from the composer.
 * - `take_back`: delete the line of an ended delivery from the composer.
 * - `close_menu`: close a menu that needs no answer, so that the composer appears.
 * - `wait`: observe again. `until`: the time at which burn may take another step even if the pane stays the same; null if burn waits until the pane changes.
 */
export type DeliveryStep =
  | { readonly do: 'write' }
  | { readonly do: 'place' }
  | { readonly do: 'submit'; readonly to: 'placed' | 'submitted' }
  | { readonly do: 'wait'; readonly reason: Reason; readonly until: Time | null }
  | { readonly do: 'move'; readonly to: DeliveryState; readonly evidence: Reason; readonly proof?: Proof }
  | { readonly do: 'abandon'; readonly evidence: Reason }
  | { readonly do: 'take_back' }
  | { readonly do: 'close_menu' }

/**
 * Minimum time (ms) that the tag must be visible outside the composer to count as proof. In a half-drawn frame the old composer can still
 * be below the new one. If the agent's hook reports, its report has the whole text and says more than a tag, so burn gives it more time.
 */
const minVisible = { without_hook: 500, with_hook: 5_000 }

/**
 * Returns the limits for an agent kind and a kind of text. An identity text waits at most the time that the agent is expected to need for
 * its start.
 */
export function deliveryLimits({ limits }: Pick<PaneAgent, 'limits'>, kind: DeliveryKind): DeliveryLimits {
  // Only the agent that has the dispatch can get a follow-up, so it may wait for a long time.
  const planned = kind === 'identity' ? limits.ready : followUpKinds.includes(kind) ? 24 * 3_600_000 : 15 * 60_000
  return { planned, ...placing(limits), press: 3_000, presses: 3 }
}

const placing = ({ placed, seen, submit_delay }: PaneAgent['limits']) => ({ placed, seen, submit_delay })
const wait = (reason: Reason, until: Time | null = null): DeliveryStep => ({ do: 'wait', reason, until })
const move = (to: DeliveryState, evidence: Reason): DeliveryStep => ({ do: 'move', to, evidence })

/** Returns the next step of a delivery. */
export function nextStep(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  switch (delivery.state) {
    case 'planned':
      return stepPlanned(delivery, seen, limits, now)
    case 'placing':
    case 'placed':
    case 'submitted':
      return stepActive(delivery, seen, limits, now)
    case 'unknown':
      return proofStep(delivery, seen, now) ?? (isAbandoned(delivery, seen) ? { do: 'take_back' } : wait({ code: 'settled_later' }))
    case 'seen':
    case 'refused':
    case 'mangled':
      return wait({ code: 'has_ended' })
  }
}

/**
 * Returns the state change to `seen` if there is proof that the intended agent has this text, or to `mangled` if that agent recorded
 * another text under the id of this text; null without proof.
 */
function proofStep(delivery: Delivery, seen: Observation, now: Time): DeliveryStep | null {
  const { hook_report, whole, outside_since } = seen
  if (!seen.reachable || seen.incarnation === null || seen.incarnation !== delivery.incarnation) return null
  // A command has no tag, so the same line on the screen can be an older one.
  if (delivery.kind === 'command')
    return seen.done && delivery.presses > 0 && !seen.in_composer
      ? { do: 'move', to: 'seen', proof: 'text', evidence: { code: 'command_done' } }
      : null
  const proven = (proof: Proof, evidence: Reason): DeliveryStep => ({ do: 'move', to: 'seen', proof, evidence })
  if (hook_report === 'text') return proven('text', { code: 'hook_text' })
  const onScreen = outside_since !== null && !seen.in_composer
  const isSteady = outside_since !== null && now - outside_since >= (seen.hooked ? minVisible.with_hook : minVisible.without_hook)
  if (onScreen && whole && (delivery.presses > 0 || isSteady)) return proven('text', { code: 'screen_text' })
  if (hook_report === 'other') return move('mangled', { code: 'hook_other' })
  if (hook_report === 'id') return proven('id', { code: 'hook_id' })
  return onScreen && isSteady ? proven('id', { code: 'screen_id' }) : null
}

/** Returns true if the delivery's line is still in the composer of the intended agent, and burn may delete that line. */
function isAbandoned(delivery: Delivery, seen: Observation): boolean {
  const { reachable, incarnation, leftover, in_composer, tag_in_composer, attended, parsed } = seen
  if (!reachable || incarnation === null || incarnation !== delivery.incarnation || attended !== null) return false
  return leftover && (in_composer || tag_in_composer) && parsed !== null && parsed.reading.state !== 'waiting'
}

function stepPlanned(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const until = delivery.planned_at + limits.planned
  const { in_composer, tag_in_composer, outside_since, hook_report } = seen
  const reason = placeBlockReason(delivery, seen, now)
  // The ledger may have lost its last writes. If the line is already in the pane, burn continues with this line and never types it again.
  const isTyped = in_composer || tag_in_composer || outside_since !== null || hook_report !== null || seen.last_text === delivery.id
  if (seen.reachable && isTyped) return move('placing', { code: 'id_there' })
  // burn refuses the text: no agent starts by itself, and a restarted agent has not received this dispatch. Another worker can get the
  // issue.
  if (seen.reachable && seen.incarnation === null) return move('refused', seen.ended ?? { code: 'no_agent' })
  if (seen.reachable && isForAnother(delivery, seen)) return move('refused', forAnother)
  if (hasElapsed(delivery.planned_at, limits.planned, now))
    return move('refused', { code: 'not_placed', seconds: inSeconds(limits.planned), why: reason ?? seen.unwritten?.why ?? null })
  if (seen.leftover && typeBlockReason(delivery, seen) === null && seen.parsed?.reading.state !== 'waiting') return { do: 'take_back' }
  if (seen.parsed?.closes_menu !== undefined && typeBlockReason(delivery, seen) === null) return { do: 'close_menu' }
  if (reason !== null) return wait(reason, until)
  return seen.line === null ? { do: 'write' } : { do: 'place' }
}

const inSeconds = (ms: number) => Math.round(ms / 1000)
const forAnother: Reason = { code: 'agent_gone' }

/**
 * Returns true if the text is for an earlier agent of this pane. Only the agent that has a dispatch may get further texts about that
 * dispatch.
 */
function isForAnother({ incarnation }: Delivery, seen: Observation): boolean {
  return incarnation !== null && incarnation !== seen.incarnation
}

/** Returns the reason that burn may not type into the pane, regardless of the screen; null if burn may type. */
function typeBlockReason(delivery: Delivery, seen: Observation): Reason | null {
  if (!seen.reachable) return { code: 'pane_unreachable' }
  if (seen.incarnation === null) return { code: 'no_agent' }
  if (isForAnother(delivery, seen)) return forAnother
  if (seen.parsed === null) return { code: 'screen_unseen' }
  if (seen.stopped !== null) return seen.stopped
  if (seen.attended !== null) return seen.attended
  return seen.busy ? { code: 'worker_busy' } : null
}

/** Returns the reason that burn may not type the line now; null if burn may type it. */
function placeBlockReason(delivery: Delivery, seen: Observation, now: Time): Reason | null {
  const why = typeBlockReason(delivery, seen)
  if (why !== null || seen.parsed === null) return why
  const { reading, composer } = seen.parsed
  const { state, detail } = reading
  if (state !== 'idle' && state !== 'working' && state !== 'error') return { code: 'agent_state', state, detail }
  if (delivery.kind === 'command' && state === 'working') return { code: 'agent_busy' }
  if (composer === 'absent') return { code: 'no_composer' }
  if (composer === 'draft') return { code: 'draft' }
  return seen.unwritten !== null && now < seen.unwritten.again ? seen.unwritten.why : null
}

function stepActive(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  if (!seen.reachable) return wait({ code: 'pane_unreachable' })
  if (seen.incarnation === null || seen.incarnation !== delivery.incarnation) {
    // burn never pressed Enter, so the agent ended without reading the text.
    if (delivery.state === 'placed' && delivery.presses === 0) return move('refused', { code: 'ended_before_enter' })
    return move('unknown', { code: 'agent_gone' })
  }
  const proof = proofStep(delivery, seen, now)
  if (proof !== null) return proof
  if (seen.in_composer) {
    const next = stepInComposer(delivery, seen, limits, now)
    // If burn can press Enter at once, one write stores both steps.
    return delivery.state === 'placing' && next.do === 'wait' ? move('placed', { code: 'line_in_composer' }) : next
  }
  return isUntyped(delivery, seen) ? stepUntyped(delivery, seen, limits, now) : stepOutside(delivery, seen, limits, now)
}

/**
 * Returns true if the line provably did not reach the pane: the process that recorded `placing` was killed before it typed, or its
 * connection broke. tmux records the id of each text that it pastes, so the pane still has the last text that burn saw before.
 */
function isUntyped({ state, evidence }: Delivery, { last_text, tag_in_composer, outside_since }: Observation): boolean {
  if (state !== 'placing' || evidence.code !== 'line_placing' || tag_in_composer || outside_since !== null) return false
  return evidence.after === last_text
}

/**
 * Returns the next step of a line that did not reach the pane: burn types it now. tmux pastes only one of two attempts. If the earlier
 * attempt may still be on its way when the time is over, burn cannot refuse the text.
 */
function stepUntyped(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const reason = placeBlockReason(delivery, seen, now)
  if (reason === null) return { do: 'place' }
  const isLate = hasElapsed(delivery.planned_at, limits.planned, now)
  return isLate ? move('unknown', { code: 'placing_unseen', seconds: inSeconds(limits.planned) }) : wait(reason)
}

/**
 * Returns the next step if the line is in the composer: press Enter, unless Enter would answer a question, interrupt a turn, or submit the
 * text of a person.
 */
function stepInComposer(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { parsed } = seen
  if (parsed === null || parsed.composer !== 'draft') return wait({ code: 'composer_unseen' })
  const acceptsEnterAt = delivery.changed_at + limits.submit_delay
  if (
    delivery.presses === 0 &&
    limits.submit_delay > 0 &&
    (delivery.state === 'placing' || !hasElapsed(delivery.changed_at, limits.submit_delay, now))
  )
    return wait({ code: 'enter_too_soon' }, acceptsEnterAt)
  const again = delivery.changed_at + limits.press
  if (delivery.presses > 0 && !hasElapsed(delivery.changed_at, limits.press, now)) return wait({ code: 'enter_pressed' }, again)
  if (seen.attended !== null) return wait(seen.attended)
  const { state, detail } = parsed.reading
  // If the composer is too small for the line, the screen does not show the agent's state, and the effect of Enter is unknown.
  if (state === 'unknown' && hasElapsed(delivery.changed_at, limits.placed, now))
    return {
      do: 'abandon',
      evidence: { code: 'state_unread', seconds: inSeconds(limits.placed) },
    }
  if (state !== 'idle' && state !== 'working' && state !== 'error')
    return wait({ code: 'agent_state', state, detail }, state === 'unknown' ? delivery.changed_at + limits.placed : null)
  if (delivery.kind === 'command' && state === 'working') return wait({ code: 'agent_busy' })
  if (delivery.presses >= limits.presses) return { do: 'abandon', evidence: { code: 'enter_ignored', presses: delivery.presses } }
  return parsed.interrupts === true
    ? wait({ code: 'enter_interrupts' })
    : { do: 'submit', to: delivery.state === 'submitted' ? 'submitted' : 'placed' }
}

/** Returns the next step if the composer does not hold exactly the line, and there is no proof that the agent has the text. */
function stepOutside(delivery: Delivery, seen: Observation, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { state, presses, changed_at } = delivery
  const isRecognised = seen.parsed !== null && seen.parsed.composer !== 'absent'
  if (state === 'placed' && presses > 0 && isRecognised && !seen.tag_in_composer) return move('submitted', { code: 'left_composer' })
  // Some agents do not show a text that they queued behind a running turn. No agent queues an identity text, because it is the first text.
  const mayBeQueued = state === 'submitted' && delivery.kind !== 'identity'
  if (mayBeQueued && seen.idle_since === null) return wait({ code: 'agent_busy' })
  const limit = state === 'submitted' ? limits.seen : limits.placed
  const since = mayBeQueued ? Math.max(changed_at, seen.idle_since ?? now) : changed_at
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
