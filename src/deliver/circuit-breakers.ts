/**
 * Circuit breakers for agent kinds. An open breaker stops texts to a kind if burn no longer recognises the screens, or could not prove that
 * the last texts arrived. `decide/stops` has the rule.
 */
import type { ParsedScreen } from '../core/agent.ts'
import type { DeliveryView } from '../core/ledger/deliveries.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { DeliveryPorts } from './ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { agentKindsOf, breakersOf } from '../decide/stops.ts'

/**
 * Minimum time (ms) that a breaker must stay open before burn reports it. An agent that redraws its screen shows no composer for an
 * instant, and many agents may redraw at the same time.
 */
const minOpenTime = 1_000

/** The breakers of one run. All machines share them, because an update that changes the screen can affect every agent of its kind. */
export class CircuitBreakers {
  readonly #kinds: ReadonlyMap<WorkerId, string>
  readonly #recent: DeliveryView['recent']
  readonly #ports: Pick<DeliveryPorts, 'clock' | 'notify'>
  readonly #screens = new Map<WorkerId, ParsedScreen>()
  /** The cached reasons by agent kind; null if a screen changed after the last computation. */
  #reasons: ReadonlyMap<string, Reason | null> | null = null
  /** The open breakers by agent kind. */
  readonly #open = new Map<string, { readonly since: Time; readonly reported: boolean }>()

  constructor(ports: Pick<DeliveryPorts, 'fleet' | 'clock' | 'notify'>, recent: DeliveryView['recent']) {
    this.#kinds = agentKindsOf(ports.fleet)
    this.#recent = recent
    this.#ports = ports
  }

  /** Stores the screen of a worker's live agent; null if no agent runs in the pane. */
  updateScreen(worker: WorkerId, screen: ParsedScreen | null): void {
    this.#reasons = null
    if (screen === null) this.#screens.delete(worker)
    else this.#screens.set(worker, screen)
  }

  /**
   * Returns the reason that burn sends nothing to the worker's agent kind; null if its breaker is closed. The function reports an open
   * breaker once, after the breaker has been open for `minOpenTime`.
   */
  reasonFor(worker: WorkerId): Reason | null {
    this.#reasons ??= this.#decide()
    return this.#reasons.get(this.#kinds.get(worker) ?? '') ?? null
  }

  #decide(): ReadonlyMap<string, Reason | null> {
    const now = this.#ports.clock.now()
    const reasons = breakersOf(this.#screens, { kinds: this.#kinds, recent: this.#recent, now })
    for (const [kind, reason] of reasons) {
      if (reason === null) this.#open.delete(kind)
      else this.#reportIfLasting(kind, reason, now)
    }
    return reasons
  }

  #reportIfLasting(kind: string, reason: Reason, now: Time): void {
    const { since, reported } = this.#open.get(kind) ?? { since: now, reported: false }
    const isDue = !reported && hasElapsed(since, minOpenTime, now)
    this.#open.set(kind, { since, reported: reported || isDue })
    if (isDue) this.#ports.notify({ kind: 'agent.stopped', subject: kind, payload: { reason } })
  }
}
