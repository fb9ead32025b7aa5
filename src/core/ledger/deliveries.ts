/** The deliveries' port: one text into one pane, from the plan to its proof. */
import type { Reason } from '../reasons.ts'
import type { Delivery, DeliveryKind, DeliveryState, Proof } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { Hold } from './holds.ts'
import type { Leases } from './jobs.ts'

/** A delivery beside those that claims make: an identity, a question, a person's text, or a further text about a dispatch. */
export interface PlannedText {
  readonly id: string
  readonly kind: DeliveryKind
  readonly worker: WorkerId
  readonly text: string
  /** What it is about; missing where it belongs to no dispatch. */
  readonly about?: {
    readonly dispatch: string
    readonly issue: IssueRef
    /** Planned only while the dispatch is `handed` and has so many texts of this kind. */
    readonly before?: number
  }
  /** The only agent that may get it; missing if it is for whichever lives in the pane. */
  readonly incarnation?: string | null
}

/** A step of a delivery. It happens only if it is still in `from` and the lease (owner and token) still holds. */
export interface DeliveryMove {
  readonly id: string
  readonly token: number
  readonly from: DeliveryState
  readonly to: DeliveryState
  readonly evidence: Reason
  readonly incarnation?: string
  readonly presses?: number
  /** The line that is about to be typed. */
  readonly typed?: string
  readonly proof?: Proof
}

/** What a process is to carry. */
export interface DeliveryView {
  /** Active deliveries that it holds and whose dispatch, if any, is said on the forge; and unknown ones of live dispatches, whoever sent them. */
  readonly deliveries: readonly Delivery[]
  readonly holds: readonly Hold[]
  readonly leases: Leases
  /** The newest texts to all workers, newest first, as far as they say whether kinds of agents behave as known. At most 300, and none if there is nothing to carry. */
  readonly recent: readonly Pick<Delivery, 'worker' | 'state' | 'evidence' | 'changed_at'>[]
}

export interface DeliveryLedger {
  deliveryView(owner: string): Promise<DeliveryView>
  /** One transaction. Returns what was planned: a text whose `about.before` no longer holds is not. */
  plan(texts: readonly PlannedText[], owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /**
   * One transaction. Returns the deliveries that moved, as they now are. A step into `placing` where the worker has another one
   * placing or placed does not happen. `unknown` has ended and nobody's lease covers it, so anyone who knows its token may settle it.
   */
  moveDeliveries(moves: readonly DeliveryMove[], owner: string, at: Time): Promise<readonly Delivery[]>
  /** Takes over active deliveries whose lease has run out: raises their token. Returns them. */
  takeOverDeliveries(owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /** Newest first; all of them unless `limit` says how many. `about`: further texts of these dispatches. */
  deliveries(filter: {
    ids?: readonly string[]
    about?: readonly string[]
    worker?: WorkerId
    kind?: DeliveryKind
    limit?: number
  }): Promise<readonly Delivery[]>
}
