/** What the breaker is decided from: the newest texts of the ledger, and what each machine shows now. One for all machines of a run. */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lives.ts'
import type { Fleet, Time, WorkerId } from '../core/nouns.ts'
import type { Look } from '../core/agent.ts'
import type { DeliveryPorts } from './ports.ts'
import { hasPassed } from '../core/elapsed.ts'
import { breakerFor } from '../decide/breaker.ts'
import { sentence } from '../decide/wording.ts'

/** Of the ledger's newest deliveries, so many are read: several for each worker of a large fleet. */
const newest = 300
/** Agents that redraw show no composer for an instant, and many may redraw at once: a breaker must stay open this long (ms) before a person is told. */
const redraw = 1_000

export class Breakers {
  readonly #kinds: ReadonlyMap<WorkerId, string>
  readonly #ended: ReadonlyMap<string, readonly Delivery[]>
  readonly #looks = new Map<WorkerId, Look>()
  /** Since when a kind's breaker is open, and whether a person was told. */
  readonly #open = new Map<string, { readonly since: Time; told: boolean }>()
  /** What was decided since the last look. */
  readonly #decided = new Map<string, Reason | null>()
  readonly #session: Pick<DeliveryPorts, 'clock' | 'notify'>

  constructor(fleet: Fleet, ended: readonly Delivery[], session: Pick<DeliveryPorts, 'clock' | 'notify'>) {
    this.#kinds = new Map(
      fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, agent }) => [id, agent.kind] as const))),
    )
    this.#ended = Map.groupBy(ended, ({ worker }) => this.#kinds.get(worker) ?? '')
    this.#session = session
  }

  static async of(session: Pick<DeliveryPorts, 'fleet' | 'ledger' | 'clock' | 'notify'>): Promise<Breakers> {
    return new Breakers(session.fleet, await session.ledger.deliveries({ limit: newest }), session)
  }

  /** What a live agent shows now; null where none lives in the worker's pane. */
  see(worker: WorkerId, look: Look | null): void {
    this.#decided.clear()
    if (look === null) this.#looks.delete(worker)
    else this.#looks.set(worker, look)
  }

  /** Why nothing is sent to a worker's kind; null if all is well. A person is told once of a breaker that stays open. */
  whyNot(worker: WorkerId): Reason | null {
    const kind = this.#kinds.get(worker) ?? ''
    const decided = this.#decided.get(kind)
    if (decided !== undefined) return decided
    const looks = [...this.#looks].flatMap(([id, look]) => (this.#kinds.get(id) === kind ? [look] : []))
    const now = this.#session.clock.now()
    const why = breakerFor(kind, looks, this.#ended.get(kind) ?? [], now)
    if (why === null) this.#open.delete(kind)
    else this.#tell(kind, why, now)
    this.#decided.set(kind, why)
    return why
  }

  #tell(kind: string, why: Reason, now: Time): void {
    const open = this.#open.get(kind) ?? { since: now, told: false }
    this.#open.set(kind, open)
    if (open.told || !hasPassed(open.since, redraw, now)) return
    open.told = true
    const text = `nothing is sent to it any more: ${sentence(why)}. Look at a pane (burn attach); docs/recover.md says more`
    this.#session.notify({ level: 'error', subject: kind, text })
  }
}
