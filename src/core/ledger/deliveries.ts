/** The interface to deliveries in the ledger. A delivery is a message for the agent in a pane. */
import type { Reason } from '../reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { Hold } from './holds.ts'
import type { Leases } from './jobs.ts'

/**
 * A delivery to plan, other than the first prompt of a claim: an identity prompt, a question, a person's message, or a further message
 * about a dispatch.
 */
export interface PlannedText {
  readonly id: string
  readonly kind: DeliveryKind
  readonly worker: WorkerId
  readonly text: string
  /** The dispatch that the message belongs to; absent if it belongs to none. */
  readonly about?: {
    readonly dispatch: string
    readonly issue: IssueRef
    /** The ledger plans the message only if the dispatch is `handed` and has exactly this number of messages of this kind. */
    readonly before?: number
  }
  /** The only agent that may get the message; null or absent if any agent in the pane may get it. */
  readonly incarnation?: string | null
}

/**
 * A transition of a delivery. It fails unless the delivery is still in the state `from`, and the process still holds the lease (owner and
 * token).
 */
export interface DeliveryMove {
  readonly id: string
  readonly token: number
  readonly from: DeliveryState
  readonly to: DeliveryState
  readonly evidence: Reason
  readonly incarnation?: string
  readonly presses?: number
  /** The line that burn types after this transition. */
  readonly typed?: string
  readonly proof?: Proof
}

/** The deliveries that one process works on, with the holds and leases that affect them. */
export interface DeliveryView {
  /**
   * The active deliveries that the process owns, except those whose dispatch still lacks its comment; and all `unknown` deliveries of live
   * dispatches.
   */
  readonly deliveries: readonly Delivery[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /**
   * The newest deliveries to all workers, newest first. burn decides from them whether a circuit breaker is open. At most 300; empty if
   * `deliveries` is empty.
   */
  readonly recent: readonly Pick<Delivery, 'worker' | 'state' | 'evidence' | 'changed_at'>[]
}

/** The operations on deliveries in the ledger. */
export interface DeliveryLedger {
  /** Returns the deliveries that a process works on, with the holds and leases that affect them. */
  deliveryView(owner: string): Promise<DeliveryView>
  /** Plans deliveries in one transaction, and returns those that it planned. It skips a message if the condition in `about.before` is no longer true. */
  planDeliveries(texts: readonly PlannedText[], owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /**
   * Changes the states of deliveries in one transaction, and returns the changed deliveries. A change to `placing` fails if the worker has
   * another delivery in `placing` or `placed`. If the dispatch ended after burn planned the text, a change from `placing` to `placing`
   * becomes a change to `unknown`. An `unknown` delivery has no lease, so any process that knows its token may change its
   * state.
   */
  moveDeliveries(moves: readonly DeliveryMove[], owner: string, at: Time): Promise<readonly Delivery[]>
  /** Takes over active deliveries whose lease has expired, raises their tokens, and returns them. */
  takeOverDeliveries(owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /**
   * Returns the deliveries that match the filter, newest first. Without `limit` it returns all of them. `about` selects the messages of
   * these dispatches other than the first prompts.
   */
  deliveries(filter: {
    ids?: readonly string[]
    about?: readonly string[]
    worker?: WorkerId
    kind?: DeliveryKind
    limit?: number
  }): Promise<readonly Delivery[]>
}
