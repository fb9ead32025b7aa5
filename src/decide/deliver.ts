/** The pure step of a delivery: what to do next with one text for one pane, from what the ledger says and what was seen. */
import type { Delivery, DeliveryKind, DeliveryState } from '../core/lives.ts'
import type { Incarnation, Time } from '../core/nouns.ts'
import type { AgentKind, Look } from '../core/agent.ts'
import type { Pane } from '../core/panes.ts'
import { hasPassed } from '../core/elapsed.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseSignal } from '../core/signal.ts'

/** What was seen of the pane a delivery is for. */
export interface DeliverySight {
  /** False where the machine or the pane could not be looked at: nothing is known then. */
  readonly reachable: boolean
  /** The live agent in the pane; null where none lives there. */
  readonly incarnation: Incarnation | null
  /** How the agent that was in the pane ended; null where none is known to have. */
  readonly ended?: string | null
  /** Null where the screen was not captured. */
  readonly look: Look | null
  /** The delivery's id is in the composer, with a text beside it: the id comes first, and Enter on it alone would lose the text. */
  readonly in_composer: boolean
  /** Since when every look has found the id on the agent's screen outside the composer; null where it is not there. */
  readonly elsewhere: Time | null
  /** The agent's own hook told of a prompt with the id. */
  readonly told: boolean
  /** Why a person has this pane now; null where nobody has. */
  readonly attended: string | null
  /** Why nothing is sent to agents of its kind; null where they behave as known. */
  readonly stopped: string | null
  /** Another delivery of this worker is placing, placed or submitted: its turn may be about to start. */
  readonly busy: boolean
}

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
 * `place`: write `placing` with the sight's incarnation, then place under tmux's own check of that incarnation. `submit`: write
 * its `to` with `presses` + 1, then press Enter. `move`: write the state. `wait`: look again; `until` is when time alone
 * changes the answer, null where only the pane can.
 */
export type DeliveryStep =
  | { readonly do: 'place' }
  | { readonly do: 'submit'; readonly to: 'placed' | 'submitted' }
  | { readonly do: 'wait'; readonly reason: string; readonly until: Time | null }
  | { readonly do: 'move'; readonly to: DeliveryState; readonly evidence: string }

/** A keystroke younger than this means that a person is at the pane, milliseconds. */
export const attendedFor = 60_000

/**
 * So long the id stands outside the composer before that proves anything where no Enter was pressed by us, milliseconds: a frame that is half drawn has
 * the composer of the old one below that of the new one.
 */
const steady = 500

/** The agent's own limits, and those that are the same for all. An identity waits only until its agent should be ready. */
export function deliveryLimits({ limits }: Pick<AgentKind, 'limits'>, kind: DeliveryKind): DeliveryLimits {
  return { planned: kind === 'identity' ? limits.ready : 15 * 60_000, ...placing(limits), press: 3_000, presses: 3 }
}

const placing = ({ placed, seen, settle }: AgentKind['limits']) => ({ placed, seen, settle })
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
      return received(delivery, sight, now) === null
        ? wait('settled only by its id showing up')
        : move('seen', sight.told ? "its agent's own hook told of it later" : 'its id showed up on the screen later')
    case 'seen':
    case 'refused':
      return wait('it has ended')
  }
}

/** What proves that the very agent it was meant for has it: its own word, or its id outside the composer. Null where nothing does. */
function received(delivery: Delivery, sight: DeliverySight, now: Time): string | null {
  if (!sight.reachable || sight.incarnation === null || sight.incarnation !== delivery.incarnation) return null
  if (sight.told) return "its agent's own hook told of it"
  if (sight.elsewhere === null || sight.in_composer) return null
  return delivery.presses > 0 || now - sight.elsewhere >= steady ? 'its id is on the screen, outside the composer' : null
}

function stepPlanned(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const until = delivery.planned_at + limits.planned
  const reason = whyNotPlace(delivery, sight)
  // The ledger may have lost its last moments: what is on the screen already is followed, never placed a second time.
  if (sight.reachable && (sight.in_composer || sight.elsewhere !== null || sight.told)) return move('placing', 'its id is there already')
  // No agent will come by itself, and an agent that was started anew knows nothing of this: the issue can go elsewhere.
  if (sight.reachable && sight.incarnation === null) return move('refused', sight.ended ?? 'no agent lives in its pane')
  if (sight.reachable && isForAnother(delivery, sight)) return move('refused', forAnother)
  if (hasPassed(delivery.planned_at, limits.planned, now))
    return move('refused', `not placed in ${Math.round(limits.planned / 1000)} s: ${reason ?? 'its turn did not come'}`)
  return reason === null ? { do: 'place' } : wait(reason, until)
}

const forAnother = 'the agent it was meant for is gone'

/** A further text about a dispatch is for the agent that has the dispatch, and for no other. */
function isForAnother({ incarnation }: Delivery, sight: DeliverySight): boolean {
  return incarnation !== null && incarnation !== sight.incarnation
}

function whyNotPlace(delivery: Delivery, sight: DeliverySight): string | null {
  const { look } = sight
  if (!sight.reachable) return 'its pane cannot be looked at'
  if (sight.incarnation === null) return 'no agent lives in its pane'
  if (isForAnother(delivery, sight)) return forAnother
  if (look === null) return 'its screen was not seen'
  if (sight.stopped !== null) return sight.stopped
  if (sight.attended !== null) return sight.attended
  if (sight.busy) return 'another text for this worker is under way'
  const { state, detail } = look.reading
  if (state !== 'idle' && state !== 'working' && state !== 'error') return `the agent is ${state}${detail === null ? '' : ` (${detail})`}`
  if (look.composer === 'absent') return 'no place to type was recognised'
  return look.composer === 'draft' ? 'a draft is in the composer' : null
}

function stepActive(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  if (!sight.reachable) return wait('its pane cannot be looked at')
  if (sight.incarnation === null || sight.incarnation !== delivery.incarnation) {
    // In the composer and Enter never pressed: the agent took the text with it, unread.
    if (delivery.state === 'placed' && delivery.presses === 0) return move('refused', 'the agent ended before Enter was pressed')
    return move('unknown', 'the agent it was meant for is gone')
  }
  const proof = received(delivery, sight, now)
  if (proof !== null) return move('seen', proof)
  if (sight.in_composer) {
    const next = stepInComposer(delivery, sight, limits, now)
    // Where Enter can follow at once, one write says both.
    return delivery.state === 'placing' && next.do === 'wait' ? move('placed', 'its id is in the composer') : next
  }
  return stepNowhere(delivery, sight, limits, now)
}

/** Our text is in the composer: Enter, unless it would answer a question, cut a turn, or send what a person is typing. */
function stepInComposer(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const { look } = sight
  if (look === null || look.composer !== 'draft') return wait('its composer was not seen')
  const settled = delivery.changed_at + limits.settle
  if (delivery.presses === 0 && limits.settle > 0 && (delivery.state === 'placing' || !hasPassed(delivery.changed_at, limits.settle, now)))
    return wait('Enter would not count yet', settled)
  const again = delivery.changed_at + limits.press
  if (delivery.presses > 0 && !hasPassed(delivery.changed_at, limits.press, now)) return wait('Enter was pressed', again)
  if (delivery.presses >= limits.presses)
    return move('unknown', `Enter was pressed ${delivery.presses} times, and the text is still in the composer`)
  if (sight.attended !== null) return wait(sight.attended)
  const { state, detail } = look.reading
  if (state !== 'idle' && state !== 'working' && state !== 'error')
    return wait(`the agent is ${state}${detail === null ? '' : ` (${detail})`}`)
  return look.interrupts === true
    ? wait('Enter would cut the running turn')
    : { do: 'submit', to: delivery.state === 'submitted' ? 'submitted' : 'placed' }
}

/** Our text is neither in the composer nor elsewhere. */
function stepNowhere(delivery: Delivery, sight: DeliverySight, limits: DeliveryLimits, now: Time): DeliveryStep {
  const recognised = sight.look !== null && sight.look.composer !== 'absent'
  if (delivery.state === 'placed' && delivery.presses > 0 && recognised) return move('submitted', 'the text left the composer after Enter')
  const limit = delivery.state === 'submitted' ? limits.seen : limits.placed
  if (!hasPassed(delivery.changed_at, limit, now)) {
    const reason = delivery.state === 'submitted' ? 'its id is not on the screen yet' : 'its id is not in the composer yet'
    return wait(reason, delivery.changed_at + limit)
  }
  if (delivery.state === 'submitted')
    return move('unknown', `submitted, but its id was not seen on the screen in ${Math.round(limit / 1000)} s`)
  if (delivery.state === 'placing') return move('unknown', `its id was not seen in the composer in ${Math.round(limit / 1000)} s`)
  return move(
    'unknown',
    delivery.presses > 0 ? 'Enter was pressed, and the composer was not seen since' : 'its text left the composer without an Enter of ours',
  )
}

/**
 * Qwen Code 0.15.10 took 16 KB in a while after the id that was typed before them: an Enter in between sent the id alone. A paste is taken as one, so what
 * stands beside the id is all of it, or its collapse.
 */
function holdsText(draft: string, id: string): boolean {
  const [before, ...after] = draft.replaceAll('\n', '').split(id)
  if (before === undefined || after.length === 0) return false
  return (
    after.join('').replace(/^\]/, '').trim() !== '' ||
    before
      .replace(/^\/q(?:ueue)? /, '')
      .replace(/\[burn\s*$/, '')
      .trim() !== ''
  )
}

/** Also where the id is wrapped over two rows, but not over a blank one. */
function shows(rows: readonly string[], id: string): boolean {
  return rows
    .map((row) => (row === '' ? '\n' : row))
    .join('')
    .includes(id)
}

/** Why nothing may be typed into a pane, by where its input goes. */
export const closedInputs: Readonly<Record<Pane['input'], string | null>> = {
  open: null,
  synchronized: 'synchronize-panes is on in its pane, so its neighbours would get the text (tmux set-option -w synchronize-panes off)',
  disabled: 'input to its pane is disabled, so the text would be lost (tmux select-pane -e)',
}

/** What a delivery's step needs to know, from the pane as it is and its screen. */
export function deliverySight(of: {
  readonly id: string
  /** Null where the machine is unreachable or the pane is not there. */
  readonly pane: Pane | null
  readonly server_started: number
  readonly look: Look | null
  readonly screen: readonly string[]
  /** Rows of history above the screen: looked through for the id only, never for a state. */
  readonly above?: readonly string[]
  /** `elsewhere` of the look before this one. */
  readonly elsewhere?: Time | null
  /** Copy mode, where it is open, would eat the keys of a delivery (tmux ≥ 3.7). */
  readonly mode_blocks?: boolean
  /** Why the worker is held; null where it is not. */
  readonly hold: string | null
  readonly busy: boolean
  readonly stopped?: string | null
  /** False where the machine could not be reached. */
  readonly reachable: boolean
  readonly now: Time
  /** The machine's own clock: that is what it tells of keys by. */
  readonly machine_now: Time
}): DeliverySight {
  const { pane, look, screen, id, now } = of
  const composer = look !== null && look.composer !== 'absent'
  const [first, end] = look?.composer_rows ?? [0, 0]
  const outside = composer ? [...(of.above ?? []), ...screen.slice(0, first), '', ...screen.slice(end)] : []
  const keyed = pane !== null && pane.keyed_at !== null && !hasPassed(pane.keyed_at, attendedFor, of.machine_now)
  return {
    reachable: of.reachable,
    incarnation: pane === null ? null : incarnationOf(pane, of.server_started),
    ended: pane?.dead === true ? `its agent ended${pane.ended === null ? '' : ` ${pane.ended}`}: its pane shows why` : null,
    look,
    told: pane !== null && (parseSignal(pane.signal)?.ids.includes(id) ?? false),
    in_composer: composer && holdsText(look.draft, id),
    // Seen in what is the future now: the clock was set back, and it counts from this look on.
    elsewhere: composer && shows(outside, id) ? Math.min(of.elsewhere ?? now, now) : null,
    attended:
      of.hold !== null
        ? `held: ${of.hold}`
        : keyed
          ? 'a person is typing in this pane'
          : pane?.in_mode === true && of.mode_blocks === true
            ? 'somebody scrolls in this pane'
            : pane === null
              ? null
              : closedInputs[pane.input],
    busy: of.busy,
    stopped: of.stopped ?? null,
  }
}
