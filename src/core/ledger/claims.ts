/** The interface to dispatches in the ledger: claims, transitions, comments, and the dispatches that news from the forge affects. */
import type { Reason } from '../reasons.ts'
import type { Delivery, Dispatch, DispatchKind, DispatchState } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { ForeignChange } from './forge.ts'

/** A dispatch to create, with its first prompt. The ledger writes the dispatch and the delivery of the prompt, or neither. */
export interface Claim {
  readonly id: string
  readonly kind: DispatchKind
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly slot: number | null
  readonly attempt: number
  /** The assignees of the issue at the time of the decision. If they differ by now, the claim fails. */
  readonly assignees?: readonly string[]
  /** The accounts of the worker. A claim fails if one of them is held. */
  readonly accounts?: readonly string[]
  readonly reason: Reason
  readonly text: string
}

/**
 * A transition of a dispatch. It fails unless the dispatch is still in one of the states `from`, and `core/lifecycle` allows the
 * transition.
 */
export interface DispatchMove {
  readonly id: string
  readonly from: readonly DispatchState[]
  readonly to: DispatchState
  readonly reason: Reason
  readonly incarnation?: string
  readonly change_url?: string | null
  /**
   * The number of messages that had told the agent to continue at the time of the decision. The transition fails if there are more messages
   * by now.
   */
  readonly resumes_seen?: number
  /**
   * The agent that had the dispatch at the time of the decision, and the record of the worker's last agent. The transition fails if another
   * agent has inherited the dispatch, or if burn has recorded another agent of the worker.
   */
  readonly holder?: { readonly incarnation: string; readonly last_agent: string | null }
  /** The transition fails unless the dispatch became `handed` because of the delivery with this id. */
  readonly handed_by?: string
  /**
   * The time when the dispatch had last become `handed`, at the time of the decision. The transition fails if the dispatch became `handed`
   * again since: another follow-up reached the agent.
   */
  readonly handed_at?: Time | null
  /**
   * A `follow_up` message for the agent of the dispatch. The ledger plans its delivery in the same transaction, without a lease. A process
   * gets the delivery with `takeOverDeliveries`.
   */
  readonly follow_up?: { readonly id: string; readonly text: string }
}

/** The fields of a dispatch that a cycle uses. */
export type LiveDispatch = Pick<
  Dispatch,
  'id' | 'kind' | 'issue' | 'worker' | 'slot' | 'state' | 'incarnation' | 'change_url' | 'claimed_at' | 'handed_at'
>

/** A message that told an agent to continue the work on its dispatch. */
export type ResumeText = Pick<Delivery, 'state' | 'planned_at' | 'changed_at'>

/**
 * The changes (pull requests) that are new or were updated: the dispatches in the names of their branches, the issues that they close, and
 * their URLs.
 */
export interface ChangedWork {
  readonly ids: readonly string[]
  readonly issues: readonly IssueRef[]
  readonly urls: readonly string[]
}

/** The dispatches and issues that news from the forge affects. */
export interface AffectedWork {
  /** Issues of live dispatches that are no longer open. */
  readonly closed: readonly IssueRef[]
  /** Dispatches in review whose issue is closed, or whose change was updated. */
  readonly reviews: readonly LiveDispatch[]
  /** Open changes for issues that are claimed or that a worker has, from branches that belong to no dispatch. */
  readonly foreign_changes: readonly ForeignChange[]
}

/** The operations on dispatches in the ledger. */
export interface ClaimLedger {
  /**
   * Claims issues in one transaction, and returns the dispatches of the successful claims. A claim fails if the issue is not open or is
   * stopped, or if another dispatch has the issue or the slot. A claim fails if a person holds the worker or the repo, or if an account of
   * the worker is held. A claim for work also fails if the issue is done by now, or has other assignees. It also fails if `attempt` is no
   * longer the number of the issue's next attempt.
   */
  claim(claims: readonly Claim[], owner: string, lease: Time, at: Time): Promise<readonly Dispatch[]>
  /**
   * Changes the states of dispatches in one transaction, and returns the changed dispatches. If a dispatch ends while the delivery of its
   * prompt is still `planned`, the ledger sets the state of the delivery to `refused`.
   */
  moveDispatches(moves: readonly DispatchMove[], at: Time): Promise<readonly Dispatch[]>
  /** Saves the id and the state of each dispatch's comment. */
  saveComments(
    comments: readonly { readonly id: string; readonly comment_id: string; readonly comment_state: string }[],
    at: Time,
  ): Promise<void>
  /**
   * Returns the live and ended dispatches whose comment does not show their current state. A dispatch without a comment is included only if
   * this owner holds its claim. For a council question all live dispatches are included, because they share one comment.
   */
  pendingComments(owner: string): Promise<readonly Dispatch[]>
  /** Returns the dispatches and issues that these changes affect, and the issues of live dispatches that are closed. */
  affectedWork(changed: ChangedWork): Promise<AffectedWork>
  /** Returns the dispatches that match the filter, newest first. Without `limit` it returns all of them. */
  dispatches(filter: {
    issue?: IssueRef
    worker?: WorkerId
    state?: DispatchState
    since?: Time
    limit?: number
  }): Promise<readonly Dispatch[]>
  /** Returns the owner of the claim of each dispatch: the process that holds the lease of its delivery or sprint. */
  leaseOwners(ids: readonly string[]): Promise<readonly { readonly id: string; readonly lease_owner: string | null }[]>
  /** Returns, for each dispatch, the messages that told its agent to continue, oldest first. */
  resumeTexts(dispatches: readonly string[]): Promise<ReadonlyMap<string, readonly ResumeText[]>>
}
