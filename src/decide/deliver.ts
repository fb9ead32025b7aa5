/** The pure step of a delivery: what to do next with one text for one pane, from what the ledger says and what was seen. */
import type { PaneAgent } from '../core/agent.ts'
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
  | { readonly do: 'wait'; readonly reason: string; readonly until: Time | null }
  | { readonly do: 'move'; readonly to: DeliveryState; readonly evidence: string; readonly proof?: Proof }
  | { readonly do: 'abandon'; readonly evidence: string }
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
const wait = (reason: string, until: Time | null = null): DeliveryStep => ({ do: 'wait', reason, until })
const move = (to: DeliveryState, evidence: string): DeliveryStep => ({ do: 'move', to, evidence })

export function step(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  switch (delivery.state) {
    case 'planned':
      return stepPlanned(delivery, sight, limits, now)
    case 'placing':
    case 'placed':
    case 'submitted':
      return stepActive(delivery, sight, limits, now)
    case 'unknown':
      return received(delivery, sight, now) ?? (isLeft(delivery, sight) ? { do: 'take_back' } : wait('settled only by its id showing up'))
    case 'seen':
    case 'refused':
    case 'mangled':
      return wait('it has ended')
  }
}

/** What proves that the very agent it was meant for has it, or has another text under its id. Null where nothing does. */
function received(delivery: Delivery, sight: DeliverySight, now: Time): DeliveryStep | null {
  const { told, whole, elsewhere } = sight
  if (!sight.reachable || sight.incarnation === null || sight.incarnation !== delivery.incarnation) return null
  const seen = (proof: Proof, evidence: string): DeliveryStep => ({ do: 'move', to: 'seen', proof, evidence })
  if (told === 'text') return seen('text', "its agent's own hook told of it, the whole line")
  const onScreen = elsewhere !== null && !sight.in_composer
  const isSteady = elsewhere !== null && now - elsewhere >= steady
  if (onScreen && whole && (delivery.presses > 0 || isSteady)) return seen('text', 'its whole line is on the screen, outside the composer')
  if (told === 'other') return move('mangled', "its agent's own hook told of another text under its id")
  if (told === 'id') return seen('id', "its agent's own hook told of its id")
  return onScreen && isSteady ? seen('id', 'its id is on the screen, outside the composer') : null
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
  if (sight.reachable && (in_composer || beside || elsewhere !== null || told !== null)) return move('placing', 'its id is there already')
  // No agent will come by itself, and an agent that was started anew knows nothing of this: the issue can go elsewhere.
  if (sight.reachable && sight.incarnation === null) return move('refused', sight.ended ?? 'no agent lives in its pane')
  if (sight.reachable && isForAnother(delivery, sight)) return move('refused', forAnother)
  if (hasPassed(delivery.planned_at, limits.planned, now))
    return move(
      'refused',
      `not placed in ${Math.round(limits.planned / 1000)} s: ${reason ?? sight.unwritten?.why ?? 'its turn did not come'}`,
    )
  if (sight.leftover && whyNotType(delivery, sight) === null && sight.look?.reading.state !== 'waiting') return { do: 'take_back' }
  if (reason !== null) return wait(reason, until)
  return sight.line === null ? { do: 'write' } : { do: 'place' }
}

const forAnother = 'the agent it was meant for is gone'

/** A further text about a dispatch is for the agent that has the dispatch, and for no other. */
function isForAnother({ incarnation }: Delivery, sight: DeliverySight): boolean {
  return incarnation !== null && incarnation !== sight.incarnation
}

/** Why no key may be pressed in its pane, whatever the pane shows. */
function whyNotType(delivery: Delivery, sight: DeliverySight): string | null {
  if (!sight.reachable) return 'its pane cannot be looked at'
  if (sight.incarnation === null) return 'no agent lives in its pane'
  if (isForAnother(delivery, sight)) return forAnother
  if (sight.look === null) return 'its screen was not seen'
  if (sight.stopped !== null) return sight.stopped
  if (sight.attended !== null) return sight.attended
  return sight.busy ? 'another text for this worker is under way' : null
}

function whyNotPlace(delivery: Delivery, sight: DeliverySight, now: Time): string | null {
  const why = whyNotType(delivery, sight)
  if (why !== null || sight.look === null) return why
  const { reading, composer } = sight.look
  const { state, detail } = reading
  if (state !== 'idle' && state !== 'working' && state !== 'error') return `the agent is ${state}${detail === null ? '' : ` (${detail})`}`
  if (composer === 'absent') return 'no place to type was recognised'
  if (composer === 'draft') return 'a draft is in the composer'
  return sight.unwritten !== null && now < sight.unwritten.again ? sight.unwritten.why : null
}

function stepActive(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  if (!sight.reachable) return wait('its pane cannot be looked at')
  if (sight.incarnation === null || sight.incarnation !== delivery.incarnation) {
    // In the composer and Enter never pressed: the agent took the text with it, unread.
    if (delivery.state === 'placed' && delivery.presses === 0) return move('refused', 'the agent ended before Enter was pressed')
    return move('unknown', 'the agent it was meant for is gone')
  }
  const proof = received(delivery, sight, now)
  if (proof !== null) return proof
  if (sight.in_composer) {
    const next = stepInComposer(delivery, sight, limits, now)
    // Where Enter can follow at once, one write says both.
    return delivery.state === 'placing' && next.do === 'wait' ? move('placed', 'its line is in the composer') : next
  }
  return stepNowhere(delivery, sight, limits, now)
}

/** Our line is in the composer: Enter, unless it would answer a question, cut a turn, or send what a person is typing. */
function stepInComposer(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { look } = sight
  if (look === null || look.composer !== 'draft') return wait('its composer was not seen')
  const settled = delivery.changed_at + limits.settle
  if (delivery.presses === 0 && limits.settle > 0 && (delivery.state === 'placing' || !hasPassed(delivery.changed_at, limits.settle, now)))
    return wait('Enter would not count yet', settled)
  const again = delivery.changed_at + limits.press
  if (delivery.presses > 0 && !hasPassed(delivery.changed_at, limits.press, now)) return wait('Enter was pressed', again)
  if (sight.attended !== null) return wait(sight.attended)
  const { state, detail } = look.reading
  // A composer too low for the line hides what its agent does: nobody can say what Enter would do.
  if (state === 'unknown' && hasPassed(delivery.changed_at, limits.placed, now))
    return {
      do: 'abandon',
      evidence: `its line is in the composer, and for ${Math.round(limits.placed / 1000)} s its agent's state could not be read`,
    }
  if (state !== 'idle' && state !== 'working' && state !== 'error')
    return wait(
      `the agent is ${state}${detail === null ? '' : ` (${detail})`}`,
      state === 'unknown' ? delivery.changed_at + limits.placed : null,
    )
  if (delivery.presses >= limits.presses)
    return { do: 'abandon', evidence: `Enter was pressed ${delivery.presses} times, and the text is still in the composer` }
  return look.interrupts === true
    ? wait('Enter would cut the running turn')
    : { do: 'submit', to: delivery.state === 'submitted' ? 'submitted' : 'placed' }
}

/** Our line is neither whole and alone in the composer nor elsewhere. */
function stepNowhere(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { state, presses, changed_at } = delivery
  const recognised = sight.look !== null && sight.look.composer !== 'absent'
  if (state === 'placed' && presses > 0 && recognised && !sight.beside) return move('submitted', 'the text left the composer after Enter')
  // Queued behind a running turn, an agent may show nothing of it until that turn ends. An identity is the first text: nothing came before.
  const queued = state === 'submitted' && delivery.kind !== 'identity'
  if (queued && sight.rests === null) return wait('its agent is busy with what came before')
  const limit = state === 'submitted' ? limits.seen : limits.placed
  const since = queued ? Math.max(changed_at, sight.rests ?? now) : changed_at
  const seconds = `${Math.round(limit / 1000)} s`
  if (!hasPassed(since, limit, now)) {
    const reason = state === 'submitted' ? 'its id is not on the screen yet' : 'its line is not in the composer yet'
    return wait(sight.beside ? 'its line is not alone in the composer' : reason, since + limit)
  }
  if (sight.beside) return move('unknown', `something else stood in the composer beside its line for ${seconds}`)
  if (state === 'submitted') return move('unknown', `submitted, but its id was not seen on the screen in ${seconds}`)
  if (state === 'placing') return move('unknown', `its line was not seen in the composer in ${seconds}`)
  return move(
    'unknown',
    presses > 0 ? 'Enter was pressed, and the composer was not seen since' : 'its text left the composer without an Enter of ours',
  )
}
