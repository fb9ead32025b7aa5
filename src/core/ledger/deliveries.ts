/** The port for deliveries: texts for panes, from the plan to the proof. */
import type { Reason } from '../reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { Hold } from './holds.ts'
import type { Leases } from './jobs.ts'

/** A delivery that no claim plans: an identity, a question, a person's text, or a further text about a dispatch. */
export interface PlannedText {
  readonly id: string
  readonly kind: DeliveryKind
  readonly worker: WorkerId
  readonly text: string
  /** The dispatch of the text; absent if it belongs to none. */
  readonly about?: {
    readonly dispatch: string
    readonly issue: IssueRef
    /** The ledger plans the text only if the dispatch is `handed` and has this number of texts of this kind. */
    readonly before?: number
  }
  /** The only agent that may get the text; null or absent if any agent in the pane may. */
  readonly incarnation?: string | null
}

/** A transition of a delivery. It happens only if the delivery is still in `from` and the lease (owner and token) still holds. */
export interface DeliveryMove {
  readonly id: string
  readonly token: number
  readonly from: DeliveryState
  readonly to: DeliveryState
  readonly evidence: Reason
  readonly incarnation?: string
  readonly presses?: number
  /** The line that burn is about to type. */
  readonly typed?: string
  readonly proof?: Proof
}

/** The deliveries of one process, with the state that they depend on. */
export interface DeliveryView {
  /**
   * The active deliveries that the process owns, if the comment of their dispatch is written; and the `unknown` ones of live dispatches, of
   * any owner.
   */
  readonly deliveries: readonly Delivery[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /** The newest texts to all workers, newest first, from which the breakers decide. At most 300; none if there are no deliveries. */
  readonly recent: readonly Pick<Delivery, 'worker' | 'state' | 'evidence' | 'changed_at'>[]
}

/** The operations on deliveries. */
export interface DeliveryLedger {
  /** Returns the view for one process. */
  deliveryView(owner: string): Promise<DeliveryView>
  /** Plans texts in one transaction, and returns those that were planned. A text is not planned if its `about.before` no longer holds. */
  planDeliveries(texts: readonly PlannedText[], owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /**
   * Moves deliveries in one transaction, and returns those that moved, in their new state. A move to `placing` fails if the worker has
   * another delivery in `placing` or `placed`. An `unknown` delivery has no lease, so any process that knows its token may move it.
   */
  moveDeliveries(moves: readonly DeliveryMove[], owner: string, at: Time): Promise<readonly Delivery[]>
  /** Takes over active deliveries whose lease has expired, raises their tokens, and returns them. */
  takeOverDeliveries(owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /** Returns deliveries, newest first. Without `limit` it returns all of them. `about` selects the further texts of these dispatches. */
  deliveries(filter: {
    ids?: readonly string[]
    about?: readonly string[]
    worker?: WorkerId
    kind?: DeliveryKind
    limit?: number
  }): Promise<readonly Delivery[]>
}
