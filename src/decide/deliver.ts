/** The pure step of a delivery: what to do next with one text for one pane, from what the ledger says and what was seen. */
import type { PaneAgent } from '../core/agent.ts'
import type { Reason } from '../core/reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../core/lives.ts'
import type { Time } from '../core/nouns.ts'
import type { DeliverySight } from './sight.ts'
import { hasPassed } from '../core/elapsed.ts'

/** Milliseconds, but `presses`: how often Enter is pressed at most. */
export interface DeliveryLimits {
  /** How long it may wait for its pane before it is refused, so that the issue can be given elsewhere. */
  readonly planned: number
  readonly placed: number
  readonly seen: number
  /** How long a text must have been in the composer before Enter counts. */
  readonly settle: number
  /** Pause before Enter is pressed again. */
  readonly press: number
  readonly presses: number
}

/**
 * `write`: write its text to its file, then look again: what was seen before is too old to type by. `place`: write `placing` with the sight's incarnation,
 * then place under tmux's own check of that incarnation. `submit`: write
 * its `to` with `presses` + 1, then press Enter. `move`: write the state. `abandon`: write `unknown`, then take the line out of the composer.
 * `take_back`: take a line whose delivery has ended out of the composer. `wait`: look again; `until` is when time alone changes the answer, null where
 * only the pane can.
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
 * Minimum time (ms) that the tag must be visible outside the composer to count as proof: a frame that is half drawn has the composer of the old one below
 * that of the new one.
 */
const steady = 500

/** The agent's own limits, and those that are the same for all. An identity waits only until its agent should be ready. */
export function deliveryLimits({ limits }: Pick<PaneAgent, 'limits'>, kind: DeliveryKind): DeliveryLimits {
  return { planned: kind === 'identity' ? limits.ready : 15 * 60_000, ...placing(limits), press: 3_000, presses: 3 }
}

const placing = ({ placed, seen, settle }: PaneAgent['limits']) => ({ placed, seen, settle })
const wait = (reason: Reason, until: Time | null = null): DeliveryStep => ({ do: 'wait', reason, until })
const move = (to: DeliveryState, evidence: Reason): DeliveryStep => ({ do: 'move', to, evidence })

export function step(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  switch (delivery.state) {
    case 'planned':
      return stepPlanned(delivery, sight, limits, now)
    case 'placing':
    case 'placed':
    case 'submitted':
      return stepActive(delivery, sight, limits, now)
    case 'unknown':
      return received(delivery, sight, now) ?? (isLeft(delivery, sight) ? { do: 'take_back' } : wait({ code: 'settled_later' }))
    case 'seen':
    case 'refused':
    case 'mangled':
      return wait({ code: 'has_ended' })
  }
}

/** What proves that the very agent it was meant for has it, or has another text under its id. Null where nothing does. */
function received(delivery: Delivery, sight: DeliverySight, now: Time): DeliveryStep | null {
  const { told, whole, elsewhere } = sight
  if (!sight.reachable || sight.incarnation === null || sight.incarnation !== delivery.incarnation) return null
  const seen = (proof: Proof, evidence: Reason): DeliveryStep => ({ do: 'move', to: 'seen', proof, evidence })
  if (told === 'text') return seen('text', { code: 'hook_text' })
  const onScreen = elsewhere !== null && !sight.in_composer
  const isSteady = elsewhere !== null && now - elsewhere >= steady
  if (onScreen && whole && (delivery.presses > 0 || isSteady)) return seen('text', { code: 'screen_text' })
  if (told === 'other') return move('mangled', { code: 'hook_other' })
  if (told === 'id') return seen('id', { code: 'hook_id' })
  return onScreen && isSteady ? seen('id', { code: 'screen_id' }) : null
}

/** Its line was abandoned in the composer of the agent that it was meant for, and nobody is about to use it. */
function isLeft(delivery: Delivery, sight: DeliverySight): boolean {
  const { reachable, incarnation, leftover, in_composer, beside, attended, look } = sight
  if (!reachable || incarnation === null || incarnation !== delivery.incarnation || attended !== null) return false
  return leftover && (in_composer || beside) && look !== null && look.reading.state !== 'waiting'
}

function stepPlanned(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const until = delivery.planned_at + limits.planned
  const { in_composer, beside, elsewhere, told } = sight
  const reason = whyNotPlace(delivery, sight, now)
  // The ledger may have lost its last moments: what is on the screen already is followed, never placed a second time.
  if (sight.reachable && (in_composer || beside || elsewhere !== null || told !== null)) return move('placing', { code: 'id_there' })
  // No agent will come by itself, and an agent that was started anew knows nothing of this: the issue can go elsewhere.
  if (sight.reachable && sight.incarnation === null) return move('refused', sight.ended ?? { code: 'no_agent' })
  if (sight.reachable && isForAnother(delivery, sight)) return move('refused', forAnother)
  if (hasPassed(delivery.planned_at, limits.planned, now))
    return move('refused', { code: 'not_placed', seconds: inSeconds(limits.planned), why: reason ?? sight.unwritten?.why ?? null })
  if (sight.leftover && whyNotType(delivery, sight) === null && sight.look?.reading.state !== 'waiting') return { do: 'take_back' }
  if (reason !== null) return wait(reason, until)
  return sight.line === null ? { do: 'write' } : { do: 'place' }
}

const inSeconds = (ms: number) => Math.round(ms / 1000)
const forAnother: Reason = { code: 'agent_gone' }

/** A further text about a dispatch is for the agent that has the dispatch, and for no other. */
function isForAnother({ incarnation }: Delivery, sight: DeliverySight): boolean {
  return incarnation !== null && incarnation !== sight.incarnation
}

/** Why no key may be pressed in its pane, whatever the pane shows. */
function whyNotType(delivery: Delivery, sight: DeliverySight): Reason | null {
  if (!sight.reachable) return { code: 'pane_unreachable' }
  if (sight.incarnation === null) return { code: 'no_agent' }
  if (isForAnother(delivery, sight)) return forAnother
  if (sight.look === null) return { code: 'screen_unseen' }
  if (sight.stopped !== null) return sight.stopped
  if (sight.attended !== null) return sight.attended
  return sight.busy ? { code: 'worker_busy' } : null
}

function whyNotPlace(delivery: Delivery, sight: DeliverySight, now: Time): Reason | null {
  const why = whyNotType(delivery, sight)
  if (why !== null || sight.look === null) return why
  const { reading, composer } = sight.look
  const { state, detail } = reading
  if (state !== 'idle' && state !== 'working' && state !== 'error') return { code: 'agent_state', state, detail }
  if (composer === 'absent') return { code: 'no_composer' }
  if (composer === 'draft') return { code: 'draft' }
  return sight.unwritten !== null && now < sight.unwritten.again ? sight.unwritten.why : null
}

function stepActive(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  if (!sight.reachable) return wait({ code: 'pane_unreachable' })
  if (sight.incarnation === null || sight.incarnation !== delivery.incarnation) {
    // In the composer and Enter never pressed: the agent took the text with it, unread.
    if (delivery.state === 'placed' && delivery.presses === 0) return move('refused', { code: 'ended_before_enter' })
    return move('unknown', { code: 'agent_gone' })
  }
  const proof = received(delivery, sight, now)
  if (proof !== null) return proof
  if (sight.in_composer) {
    const next = stepInComposer(delivery, sight, limits, now)
    // Where Enter can follow at once, one write says both.
    return delivery.state === 'placing' && next.do === 'wait' ? move('placed', { code: 'line_in_composer' }) : next
  }
  return stepNowhere(delivery, sight, limits, now)
}

/** Our line is in the composer: Enter, unless it would answer a question, cut a turn, or send what a person is typing. */
function stepInComposer(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { look } = sight
  if (look === null || look.composer !== 'draft') return wait({ code: 'composer_unseen' })
  const settled = delivery.changed_at + limits.settle
  if (delivery.presses === 0 && limits.settle > 0 && (delivery.state === 'placing' || !hasPassed(delivery.changed_at, limits.settle, now)))
    return wait({ code: 'enter_too_soon' }, settled)
  const again = delivery.changed_at + limits.press
  if (delivery.presses > 0 && !hasPassed(delivery.changed_at, limits.press, now)) return wait({ code: 'enter_pressed' }, again)
  if (sight.attended !== null) return wait(sight.attended)
  const { state, detail } = look.reading
  // A composer too low for the line hides what its agent does: nobody can say what Enter would do.
  if (state === 'unknown' && hasPassed(delivery.changed_at, limits.placed, now))
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
function stepNowhere(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { state, presses, changed_at } = delivery
  const recognised = sight.look !== null && sight.look.composer !== 'absent'
  if (state === 'placed' && presses > 0 && recognised && !sight.beside) return move('submitted', { code: 'left_composer' })
  // Queued behind a running turn, an agent may show nothing of it until that turn ends. An identity is the first text: nothing came before.
  const queued = state === 'submitted' && delivery.kind !== 'identity'
  if (queued && sight.rests === null) return wait({ code: 'agent_busy' })
  const limit = state === 'submitted' ? limits.seen : limits.placed
  const since = queued ? Math.max(changed_at, sight.rests ?? now) : changed_at
  const seconds = inSeconds(limit)
  if (!hasPassed(since, limit, now)) {
    const code = state === 'submitted' ? 'id_unseen' : 'line_unseen'
    return wait({ code: sight.beside ? 'not_alone' : code }, since + limit)
  }
  if (sight.beside) return move('unknown', { code: 'disturbed', seconds })
  if (state === 'submitted') return move('unknown', { code: 'submitted_unseen', seconds })
  if (state === 'placing') return move('unknown', { code: 'placing_unseen', seconds })
  return move('unknown', { code: presses > 0 ? 'unseen_since_enter' : 'left_without_enter' })
}
