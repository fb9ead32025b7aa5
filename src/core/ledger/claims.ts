/** The port for dispatches: claims, transitions, comments, and the work that changes on the forge affect. */
import type { Reason } from '../reasons.ts'
import type { Delivery, Dispatch, DispatchKind, DispatchState } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { ForeignChange } from './forge.ts'

/** A dispatch to claim, with its text. The ledger writes both rows, or neither. */
export interface Claim {
  readonly id: string
  readonly kind: DispatchKind
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly slot: number | null
  readonly attempt: number
  readonly reason: Reason
  readonly text: string
}

/** A transition of a dispatch. It happens only if the dispatch is still in one of `from`, and if `core/lifecycle` allows it. */
export interface DispatchMove {
  readonly id: string
  readonly from: readonly DispatchState[]
  readonly to: DispatchState
  readonly reason: Reason
  readonly incarnation?: string
  readonly change_url?: string | null
  /**
   * The number of texts that had told its agent to continue at the time of the decision. The move does not happen if there are more by now.
   */
  readonly resumes_seen?: number
  /** The move happens only if the text with this id moved the dispatch to `handed`. */
  readonly handed_by?: string
  /**
   * A `follow_up` for the agent that holds the dispatch. The ledger plans it in the same transaction. It has no lease; `takeOverDeliveries`
   * takes it.
   */
  readonly follow_up?: { readonly id: string; readonly text: string }
}

/** The fields of a dispatch that a cycle uses. */
export type LiveDispatch = Pick<
  Dispatch,
  'id' | 'kind' | 'issue' | 'worker' | 'slot' | 'state' | 'incarnation' | 'change_url' | 'claimed_at' | 'handed_at'
>

/** A text that told an agent to continue its dispatch. */
export type ResumeText = Pick<Delivery, 'state' | 'planned_at' | 'changed_at'>

/** The dispatches (by their branch), issues and addresses of the changes that have news. */
export interface ChangedWork {
  readonly ids: readonly string[]
  readonly issues: readonly IssueRef[]
  readonly urls: readonly string[]
}

/** The work that news from the forge affects. */
export interface AffectedWork {
  /** Issues of live dispatches that are no longer open. */
  readonly closed: readonly IssueRef[]
  /** Work in review whose issue is closed, or whose change has news. */
  readonly reviews: readonly LiveDispatch[]
  /** Open changes for claimed or handed issues, from branches that belong to no dispatch. */
  readonly foreign_changes: readonly ForeignChange[]
}

/** The operations on dispatches. */
export interface ClaimLedger {
  /**
   * Claims issues in one transaction, and returns the dispatches that succeeded. A claim fails if the issue or the slot is taken, or if the
   * issue is not open. A work claim also fails if the issue is done, or had another attempt since the view that `attempt` comes from.
   */
  claim(claims: readonly Claim[], owner: string, lease: Time, at: Time): Promise<readonly Dispatch[]>
  /**
   * Moves dispatches in one transaction, and returns those that moved, in their new state. If one ends, its delivery is refused if that is
   * still `planned`.
   */
  moveDispatches(moves: readonly DispatchMove[], at: Time): Promise<readonly Dispatch[]>
  /** Saves the id and the state of each dispatch's comment. */
  saveComments(
    comments: readonly { readonly id: string; readonly comment_id: string; readonly comment_state: string }[],
    at: Time,
  ): Promise<void>
  /**
   * Returns the dispatches, live or ended, whose comment does not show their current state. It also returns those without a comment whose
   * claim this owner holds. Of a council question it returns all live dispatches, because they share one comment.
   */
  pendingComments(owner: string): Promise<readonly Dispatch[]>
  /** Returns the work that these changes, or closed issues, affect. */
  affectedWork(changed: ChangedWork): Promise<AffectedWork>
  /** Returns dispatches, newest first. Without `limit` it returns all of them. */
  dispatches(filter: { issue?: IssueRef; worker?: WorkerId; state?: DispatchState; limit?: number }): Promise<readonly Dispatch[]>
  /** Returns the owner of each claim, by the lease of the delivery, or of the sprint if there is no delivery. */
  leaseOwners(ids: readonly string[]): Promise<readonly { readonly id: string; readonly lease_owner: string | null }[]>
  /** Returns the texts that told agents to continue, by dispatch, oldest first. */
  resumeTexts(dispatches: readonly string[]): Promise<ReadonlyMap<string, readonly ResumeText[]>>
}
