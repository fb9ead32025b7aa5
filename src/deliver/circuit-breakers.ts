/** Which agent kinds nothing is sent to, by what all machines show now: one for all machines of a run. `decide/stops` decides. */
import type { ParsedScreen } from '../core/agent.ts'
import type { DeliveryView } from '../core/ledger/deliveries.ts'
import type { Time, WorkerId } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { DeliveryPorts } from './ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { agentKindsOf, breakersOf } from '../decide/stops.ts'

/** Agents that redraw show no composer for an instant, and many may redraw at once: a breaker must stay open this long (ms) before a person is told. */
const redraw = 1_000

export class CircuitBreakers {
  readonly #kinds: ReadonlyMap<WorkerId, string>
  readonly #recent: DeliveryView['recent']
  readonly #ports: Pick<DeliveryPorts, 'clock' | 'notify'>
  readonly #looks = new Map<WorkerId, ParsedScreen>()
  /** What the looks so far say, by kind; null after a new one. */
  #decided: ReadonlyMap<string, Reason | null> | null = null
  /** Since when a kind's breaker is open, and whether a person was told. */
  readonly #open = new Map<string, { readonly since: Time; readonly told: boolean }>()

  constructor(ports: Pick<DeliveryPorts, 'fleet' | 'clock' | 'notify'>, recent: DeliveryView['recent']) {
    this.#kinds = agentKindsOf(ports.fleet)
    this.#recent = recent
    this.#ports = ports
  }

  /** What a live agent shows now; null if none lives in the worker's pane. */
  see(worker: WorkerId, look: ParsedScreen | null): void {
    this.#decided = null
    if (look === null) this.#looks.delete(worker)
    else this.#looks.set(worker, look)
  }

  /** Why nothing is sent to a worker's kind; null if all is well. A person is told once of a breaker that stays open. */
  whyNot(worker: WorkerId): Reason | null {
    this.#decided ??= this.#decide()
    return this.#decided.get(this.#kinds.get(worker) ?? '') ?? null
  }

  #decide(): ReadonlyMap<string, Reason | null> {
    const now = this.#ports.clock.now()
    const decided = breakersOf(this.#looks, { kinds: this.#kinds, recent: this.#recent, now })
    for (const [kind, why] of decided) {
      if (why === null) this.#open.delete(kind)
      else this.#tell(kind, why, now)
    }
    return decided
  }

  #tell(kind: string, why: Reason, now: Time): void {
    const { since, told } = this.#open.get(kind) ?? { since: now, told: false }
    const tell = !told && hasElapsed(since, redraw, now)
    this.#open.set(kind, { since, told: told || tell })
    if (!tell) return
    this.#ports.notify({ kind: 'agent.stopped', subject: kind, payload: { reason: why } })
  }
}
