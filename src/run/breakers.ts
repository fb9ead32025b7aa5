/** What the breaker is decided from: the newest texts of the ledger, and what each machine shows now. One for all machines of a pump. */
import type { Delivery } from '../core/lives.ts'
import type { Fleet, WorkerId } from '../core/nouns.ts'
import type { Look } from '../core/agent.ts'
import type { Session } from './session.ts'
import { breakerFor } from '../decide/breaker.ts'

/** Of the ledger's newest deliveries, so many are read: several for each worker of a large fleet. */
const newest = 300

export class Breakers {
  readonly #kinds: ReadonlyMap<WorkerId, string>
  readonly #ended: ReadonlyMap<string, readonly Delivery[]>
  readonly #looks = new Map<WorkerId, Look>()
  readonly #said = new Set<string>()
  /** What was decided since the last look. */
  readonly #decided = new Map<string, string | null>()
  readonly #session: Pick<Session, 'clock' | 'notify'>

  constructor(fleet: Fleet, ended: readonly Delivery[], session: Pick<Session, 'clock' | 'notify'>) {
    this.#kinds = new Map(
      fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id, agent }) => [id, agent.kind] as const))),
    )
    this.#ended = Map.groupBy(ended, ({ worker }) => this.#kinds.get(worker) ?? '')
    this.#session = session
  }

  static async of(session: Session): Promise<Breakers> {
    return new Breakers(session.fleet, await session.ledger.deliveries({ limit: newest }), session)
  }

  /** What a live agent shows now; null where none lives in the worker's pane. */
  see(worker: WorkerId, look: Look | null): void {
    this.#decided.clear()
    if (look === null) this.#looks.delete(worker)
    else this.#looks.set(worker, look)
  }

  /** Why nothing is sent to a worker's kind; null where all is well. What opens is said once. */
  whyNot(worker: WorkerId): string | null {
    const kind = this.#kinds.get(worker) ?? ''
    const decided = this.#decided.get(kind)
    if (decided !== undefined) return decided
    const looks = [...this.#looks].flatMap(([id, look]) => (this.#kinds.get(id) === kind ? [look] : []))
    const why = breakerFor(kind, looks, this.#ended.get(kind) ?? [], this.#session.clock.now())
    if (why !== null && !this.#said.has(kind))
      this.#session.notify({
        level: 'error',
        subject: kind,
        text: `nothing is sent to it any more: ${why}. Look at a pane (burn attach); docs/recover.md says more`,
      })
    if (why === null) this.#said.delete(kind)
    else this.#said.add(kind)
    this.#decided.set(kind, why)
    return why
  }
}
