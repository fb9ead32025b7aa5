/** The claims' port: which worker has which issue, how far it got, and what its one comment says. */
import type { Reason } from '../reasons.ts'
import type { Delivery, Dispatch, DispatchKind, DispatchState } from '../lifecycle.ts'
import type { IssueRef, Time, WorkerId } from '../nouns.ts'
import type { ForeignChange } from './forge.ts'

/** A dispatch to claim, with the text that will be delivered: both rows are written, or neither. */
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

/** A step of a dispatch. It happens only if the dispatch is still in one of `from`; `lives.ts` says which steps exist. */
export interface DispatchMove {
  readonly id: string
  readonly from: readonly DispatchState[]
  readonly to: DispatchState
  readonly reason: Reason
  readonly incarnation?: string
  readonly change_url?: string | null
  /** How many texts told its agent to go on when this was decided: with one more it does not happen. */
  readonly told?: number
  /** It happens only if the text with this id had handed it. */
  readonly handed_by?: string
  /** Planned in the same transaction, if the dispatch moves: a `follow_up` for the very agent that holds it. Nobody holds its lease; `takeOver` takes it. */
  readonly tell?: { readonly id: string; readonly text: string }
}

/** A dispatch as far as a cycle decides by it: who has which issue, and since when. */
export type LiveDispatch = Pick<
  Dispatch,
  'id' | 'kind' | 'issue' | 'worker' | 'slot' | 'state' | 'incarnation' | 'change_url' | 'claimed_at' | 'handed_at'
>

/** A text that told an agent to go on with its dispatch. */
export type ResumeText = Pick<Delivery, 'state' | 'planned_at' | 'changed_at'>

/** What changes with news are about: dispatches by their branch, issues, and addresses of changes. */
export interface ChangedWork {
  readonly ids: readonly string[]
  readonly issues: readonly IssueRef[]
  readonly urls: readonly string[]
}

export interface AffectedWork {
  /** Issues of live dispatches that are not open any more. */
  readonly closed: readonly IssueRef[]
  /** Work in review whose issue is closed, or that the changes are about. */
  readonly reviews: readonly LiveDispatch[]
  /** Open changes from other branches than a dispatch's, for issues that are claimed or handed. */
  readonly foreign_changes: readonly ForeignChange[]
}

export interface ClaimLedger {
  /**
   * One transaction. Returns the dispatches that were won. One whose issue or slot is taken is simply not among them, nor is one whose
   * issue is not open or, for work, is done or was tried since the view that the claim's `attempt` came from.
   */
  claim(claims: readonly Claim[], owner: string, lease: Time, at: Time): Promise<readonly Dispatch[]>
  /** One transaction. Returns the dispatches that moved, as they now are. Ending one ends its still `planned` delivery (refused). */
  moveDispatches(moves: readonly DispatchMove[], at: Time): Promise<readonly Dispatch[]>
  /** Records what is known of the dispatch's one comment. */
  saveComments(comments: readonly { readonly id: string; readonly comment_id: string; readonly says: string }[], at: Time): Promise<void>
  /**
   * Dispatches whose comment on the forge does not say their state, whether they live or have ended; and those without one whose claim this owner holds. Of a
   * council question all that live, since one comment is theirs.
   */
  pendingComments(owner: string): Promise<readonly Dispatch[]>
  /** What a look at the forge may have ended, as of one moment. */
  affectedWork(changed: ChangedWork): Promise<AffectedWork>
  /** Newest first; all of them unless `limit` says how many. */
  dispatches(filter: { issue?: IssueRef; worker?: WorkerId; state?: DispatchState; limit?: number }): Promise<readonly Dispatch[]>
  /** Who holds the claims of these dispatches: by their deliveries' leases, or where one has none its sprint's. */
  holders(ids: readonly string[]): Promise<readonly { readonly id: string; readonly lease_owner: string | null }[]>
  /** What told agents to go on with these dispatches, by dispatch, oldest first. */
  resumeTexts(dispatches: readonly string[]): Promise<ReadonlyMap<string, readonly ResumeText[]>>
}
