/** The ledger's port: everything the fleet did and why. One store over several engines implements it (floor 3). */
import type { Delivery, DeliveryKind, DeliveryState, Dispatch, DispatchKind, DispatchState, Proof } from './lives.ts'
import type { Incarnation, Issue, IssueRef, ReadingState, RepoRef, Time, WorkerId } from './nouns.ts'
import type { ChangeLedger, RepoPage } from './change-ledger.ts'
import type { Sprint } from './sprint.ts'
import type { RepoRecord, RestLedger } from './rest-ledger.ts'
import type { ReadingLedger } from './reading-ledger.ts'
import type { SprintLedger } from './sprint-ledger.ts'
import type { ApprovalState, TrustLedger } from './trust-ledger.ts'

/** A dispatch to claim, with the text that will be delivered: both rows are written, or neither. */
export interface Claim {
  readonly id: string
  readonly kind: DispatchKind
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly slot: number | null
  readonly attempt: number
  readonly reason: string
  readonly text: string
}

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

/** A step of a dispatch. It happens only if the dispatch is still in one of `from`; `lives.ts` says which steps exist. */
export interface DispatchMove {
  readonly id: string
  readonly from: readonly DispatchState[]
  readonly to: DispatchState
  readonly reason: string
  readonly incarnation?: string
  readonly change_url?: string | null
  /** How many texts told its agent to go on when this was decided: with one more it does not happen. */
  readonly told?: number
  /** Planned in the same transaction, if the dispatch moves: a `follow_up` for the very agent that holds it. Nobody holds its lease; `takeOver` takes it. */
  readonly tell?: { readonly id: string; readonly text: string }
}

/** A step of a delivery. It happens only if it is still in `from` and the lease (owner and token) still holds. */
export interface DeliveryMove {
  readonly id: string
  readonly token: number
  readonly from: DeliveryState
  readonly to: DeliveryState
  readonly evidence: string
  readonly incarnation?: string
  readonly presses?: number
  /** The line that is about to be typed. */
  readonly typed?: string
  readonly proof?: Proof
}

/** Where an issue stands: in its repo's queue, put to the council, with a worker (as long as a dispatch of work lives), or not for the fleet. */
export type Standing = 'queued' | 'asked' | 'taken' | 'none'

/** Why an issue was or was not dispatched, kept as it last was. */
export interface Verdict {
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: string
  /** Null where time alone may change the verdict: the issue is judged again in the next cycle. */
  readonly standing: Standing | null
  /** That of the record it was judged from: one that was claimed, ended or changed since is judged again. */
  readonly revision: number
}

/** Something that happened. Append-only. */
export interface Event {
  readonly seq: number
  readonly at: Time
  /** e.g. `dispatch.claimed`, `delivery.unknown`, `worker.held`. */
  readonly kind: string
  /** The id of what it happened to: dispatch, delivery, worker or issue. */
  readonly subject: string
  readonly issue: IssueRef | null
  readonly worker: WorkerId | null
  readonly text: string
}

/** What the ledger knows of an issue. */
export interface IssueRecord {
  readonly issue: Issue
  /** Work dispatches of it that ended `failed` or `lost`. */
  readonly attempts: number
  /** When the last of them ended; null where it was not tried since it was requeued. */
  readonly failed_at: Time | null
  /** A work dispatch of it ended `done`. */
  readonly done: boolean
  readonly verdict: { readonly eligible: boolean; readonly reason: string; readonly at: Time } | null
  /** The issue is not given before this time, for a reason that is no failed attempt; null if it may be. */
  readonly rests: { readonly until: Time; readonly why: string } | null
  /** How people name a change that is open for it; null if there is none. */
  readonly open_change: string | null
  readonly approval: ApprovalState
  /** Null where it is to be judged. */
  readonly standing: Standing | null
  /** Counts what happened to it that a verdict may depend on. */
  readonly revision: number
}

export interface WorkerRecord {
  readonly id: WorkerId
  /** Its name was drawn from the registry, not written in the spec. A view has its workers in the order in which they were recorded. */
  readonly drawn: boolean
  readonly hold: string | null
  /** When it was last given work. */
  readonly used_at: Time | null
  /** What it was last seen doing, and since when; null where it was never looked at. */
  readonly state: ReadingState | null
  readonly state_since: Time | null
  /** When a turn of its agent failed, if it was not seen at work since. */
  readonly error_at: Time | null
}

/** A dispatch that reached an agent, as far as it went. */
export interface Worked {
  readonly worker: WorkerId
  readonly issue: IssueRef
  readonly state: DispatchState
  readonly handed_at: Time
  /** When its change was opened; null where none was seen. */
  readonly review_at: Time | null
  readonly ended_at: Time
}

/** How much there is to do. */
export interface Backlog {
  /** Open issues. */
  readonly open: number
  /** Those of them that are the fleet's: waiting, at work, or put to the council. */
  readonly eligible: number
  /** Those of them that the next cycle judges. */
  readonly unjudged: number
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** How much was forgotten, or would be. */
export interface Pruned {
  readonly dispatches: number
  /** Texts of no dispatch: identities, and what people sent. */
  readonly deliveries: number
  readonly events: number
}

/** Who has what, read at one moment. */
export interface LedgerView {
  /** Dispatches in a live state. */
  readonly dispatches: readonly Dispatch[]
  /** Deliveries in an active state, and `unknown` and `mangled` ones of live dispatches. */
  readonly deliveries: readonly Delivery[]
  readonly workers: readonly WorkerRecord[]
  readonly repos: readonly RepoRecord[]
  /** Those that have not ended. */
  readonly sprints: readonly Sprint[]
  /** Leases by name: a loop, a scheduled run. */
  readonly leases: ReadonlyMap<string, { readonly owner: string; readonly until: Time }>
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
}

/** A dispatch as far as a cycle decides by it: who has which issue, and since when. */
export type LiveDispatch = Pick<
  Dispatch,
  'id' | 'kind' | 'issue' | 'worker' | 'slot' | 'state' | 'incarnation' | 'change_url' | 'claimed_at' | 'handed_at'
>

/** What a cycle reads of who has what. */
export interface UnderWay extends Omit<LedgerView, 'dispatches' | 'elsewhere'> {
  /** Dispatches in a live state, but work in review: nobody is at it, and it is read where there is news of it (`inReview`). */
  readonly dispatches: readonly LiveDispatch[]
  /** Work in review, as far as it says which repos are to be asked for changes. */
  readonly reviews: readonly Pick<Dispatch, 'issue' | 'claimed_at' | 'handed_at'>[]
}

/** What a process is to carry. */
export interface Carrying {
  /** Active deliveries that it holds and whose dispatch, if any, is said on the forge; and unknown ones of live dispatches, whoever sent them. */
  readonly deliveries: readonly Delivery[]
  /** Why a worker gets nothing, by worker. */
  readonly holds: ReadonlyMap<WorkerId, string>
  /** By name. */
  readonly leases: LedgerView['leases']
}

export interface Ledger extends ReadingLedger, SprintLedger, RestLedger, ChangeLedger, TrustLedger {
  view(): Promise<LedgerView>
  underWay(): Promise<UnderWay>
  /** Work in review with one of these ids, of one of these issues, or with a change at one of these addresses. */
  inReview(ids: readonly string[], issues: readonly IssueRef[], urls: readonly string[]): Promise<readonly LiveDispatch[]>
  carrying(owner: string): Promise<Carrying>
  /** The agents that are known of: each worker's last one that was told who it is, and those of live dispatches and active deliveries. */
  agents(): Promise<readonly { readonly worker: WorkerId; readonly incarnation: Incarnation }[]>
  /**
   * Dispatches whose comment on the forge does not say their state, whether they live or have ended; and those without one whose claim this owner holds. Of a
   * council question all that live, since one comment is theirs.
   */
  unsaid(owner: string): Promise<readonly Dispatch[]>

  /** Open issues to be judged: new ones, those that changed or came back, and those that are put to the council. */
  unjudged(): Promise<readonly IssueRecord[]>
  /** Issues of live dispatches that are not open any more. */
  closed(): Promise<readonly IssueRef[]>
  /** The oldest of each repo's queue, so many of each. With those to be judged it is all that a cycle can give out. */
  queued(most: ReadonlyMap<RepoRef, number>): Promise<readonly IssueRecord[]>
  /** All open issues, of one repo or of all. */
  open(repo?: RepoRef): Promise<readonly IssueRecord[]>
  /** The same of one repo, by name alone. */
  openIn(repo: RepoRef): Promise<readonly IssueRef[]>
  backlog(): Promise<Backlog>
  repos(): Promise<readonly RepoRecord[]>

  /** Merges pages, all in one transaction: updates what changed; where one is `complete`, open issues of its repo that are not in it become closed. */
  saveIssues(pages: readonly RepoPage[], at: Time): Promise<void>
  saveWriters(repo: RepoRef, writers: readonly string[], at: Time): Promise<void>
  /** Keeps each verdict that is of the issue's present revision; writes (and adds an event) only where it differs from the one kept. */
  saveVerdicts(verdicts: readonly Verdict[], at: Time): Promise<void>
  /** Has every open issue that no worker has judged again where `rules` are not those of the last time. */
  judgeBy(rules: string): Promise<void>
  /** Keeps why issues wait, by repo; of repos that are missing none does. */
  saveWaiting(reasons: ReadonlyMap<RepoRef, string>): Promise<void>

  /** Records workers on first sight (in the given order). Known ones stay as they are; a retired one comes back, as the latest. */
  recordWorkers(workers: readonly { readonly id: WorkerId; readonly drawn: boolean }[], at: Time): Promise<void>
  /** Forgets workers that the spec no longer has; their history stays. Returns those that were: one with live dispatches or active deliveries is not. */
  retireWorkers(workers: readonly WorkerId[], at: Time): Promise<readonly WorkerId[]>
  /** Holds a worker with a reason, or resumes it (null). False where it is unknown. */
  hold(worker: WorkerId, reason: string | null, at: Time): Promise<boolean>

  /**
   * One transaction. Returns the dispatches that were won. One whose issue or slot is taken is simply not among them, nor is one whose
   * issue is not open or, for work, is done or was tried since the view that the claim's `attempt` came from.
   */
  claim(claims: readonly Claim[], owner: string, lease: Time, at: Time): Promise<readonly Dispatch[]>
  /** One transaction. Returns the dispatches that moved, as they now are. Ending one ends its still `planned` delivery (refused). */
  moveDispatches(moves: readonly DispatchMove[], at: Time): Promise<readonly Dispatch[]>
  /** Records what is known of the dispatch's one comment. */
  saveComments(comments: readonly { readonly id: string; readonly comment_id: string; readonly says: string }[], at: Time): Promise<void>

  /** One transaction. Returns what was planned: a text whose `about.before` no longer holds is not. */
  plan(texts: readonly PlannedText[], owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /**
   * One transaction. Returns the deliveries that moved, as they now are. A step into `placing` where the worker has another one
   * placing or placed does not happen. `unknown` has ended and nobody's lease covers it, so anyone who knows its token may settle it.
   */
  moveDeliveries(moves: readonly DeliveryMove[], owner: string, at: Time): Promise<readonly Delivery[]>
  /** Takes over active deliveries whose lease has run out: raises their token. Returns them. */
  takeOver(owner: string, lease: Time, at: Time): Promise<readonly Delivery[]>
  /** Extends the leases this owner holds, on deliveries, sprints and names. Returns the ids still held. */
  renew(owner: string, lease: Time): Promise<readonly string[]>
  /** Gives up this owner's leases at once, so that the next process need not wait for them to run out. */
  giveUp(owner: string): Promise<void>

  /** Forgets that an issue is done and its attempts, so that it may be given again. False where it is unknown or live. */
  requeue(issue: IssueRef, at: Time): Promise<boolean>

  /** The newest work dispatches that an agent had, and that are over or in review: at most `limit`. */
  worked(limit: number): Promise<readonly Worked[]>
  dispatches(filter: { issue?: IssueRef; worker?: WorkerId; state?: DispatchState; limit?: number }): Promise<readonly Dispatch[]>
  /** `about`: further texts of these dispatches. */
  deliveries(filter: {
    ids?: readonly string[]
    about?: readonly string[]
    worker?: WorkerId
    kind?: DeliveryKind
    limit?: number
  }): Promise<readonly Delivery[]>
  /** Who holds the claims of these dispatches: by their deliveries' leases, or where one has none its sprint's. */
  holders(ids: readonly string[]): Promise<readonly { readonly id: string; readonly lease_owner: string | null }[]>
  issue(ref: IssueRef): Promise<IssueRecord | null>
  events(filter: { issue?: IssueRef; worker?: WorkerId; subject?: string; limit?: number }): Promise<readonly Event[]>
  /** A word kept for a later process; null where none is. */
  remembered(key: string): Promise<string | null>
  remember(key: string, value: string): Promise<void>
  /** Forgets what ended before `before` and is needed for nothing any more. One transaction, and an event that says how much. */
  prune(before: Time, at: Time, dryRun: boolean): Promise<Pruned>
  /**
   * Resolves when another process freed a slot, an issue or a worker since the last call, or when `stop` is aborted; only then where the engine
   * can't tell. Something to wake up for and nothing to rely on: what a lost connection swallowed is seen by the next view.
   */
  changed(stop: AbortSignal): Promise<void>
  /** Integrity, version, and where it is. Throws BurnError `ledger_*`. */
  check(): Promise<{ readonly where: string; readonly version: number; readonly rows: Readonly<Record<string, number>> }>
  close(): Promise<void>
}
