/**
 * All that is known of a fleet at one moment, as one immutable value. It has facets: a reader names the facets that it needs, and the loaders in `observe/state`
 * load no others. Status, watch, explain, doctor, dispatch, sprints and the simulator decide and report from this value alone.
 */
import type { Reason } from './reasons.ts'
import type { ParsedScreen } from './agent.ts'
import type { IssueRecord, BackedOff, Backoff } from './ledger/backlog.ts'
import type { LiveDispatch, ResumeText } from './ledger/claims.ts'
import type { Hold } from './ledger/holds.ts'
import type { WorkerRecord } from './ledger/workers.ts'
import type { Event } from './events.ts'
import type { Delivery, Dispatch } from './lifecycle.ts'
import type { Change, Fleet, Incarnation, IssueRef, Reading, ReadingState, RepoRef, Time, Worker, WorkerId } from './nouns.ts'
import type { MachineSnapshot } from './panes.ts'
import type { RepoRecord } from './ledger/forge.ts'
import type { Sprint } from './sprint.ts'

/** A worker as it was seen: what it is doing, and which live agent does it. */
export interface WorkerSnapshot {
  readonly worker: Worker
  readonly reading: Reading
  /** Null where no agent of ours lives in its pane, or where its machine can't be reached. */
  readonly incarnation: Incarnation | null
  /** What its agent's screen says by itself; absent where none lives in its pane. */
  readonly look?: ParsedScreen
  /** Why nothing is sent to it: it takes its issues itself, its kind does not behave as known, or it is in trouble; absent where something may be. */
  readonly stopped?: Reason
}

export interface Moment {
  readonly fleet: Fleet
  readonly now: Time
}

/** What machines show. */
export interface MachinesFacet {
  readonly snapshots: ReadonlyMap<string, MachineSnapshot>
  /** The agent that is seen alive in each worker's pane; workers that the spec no longer has included. */
  readonly incarnations: ReadonlyMap<WorkerId, Incarnation>
}

/** What workers do, and why nothing is sent to some of them: breakers, loops and trouble are decided here, once. */
export interface ReadingsFacet {
  readonly workers: readonly WorkerSnapshot[]
  /** Since when each worker has been seen in its state, this look included. */
  readonly states: ReadonlyMap<WorkerId, { readonly state: ReadingState; readonly since: Time }>
}

/** Who gets nothing because it is held, and what else the ledger knows of workers. `decide/holds` reads them. */
export interface HoldsFacet {
  readonly holds: readonly Hold[]
  readonly records: readonly WorkerRecord[]
}

/** An issue whose work was ended by `settle` in memory: what the ledger will say of it once that is carried out. */
export interface Freed {
  readonly issue: IssueRef
  readonly to: 'done' | 'failed' | 'lost' | 'released'
}

/** Who has what. */
export interface WorkFacet {
  /**
   * Live ones, as they were before the machines were looked at: an agent that was started since is no reason to take one for lost. For a cycle, work in review is
   * among them only if there is news of it.
   */
  readonly dispatches: readonly LiveDispatch[]
  /** Sprints that have not ended. */
  readonly sprints: readonly Sprint[]
  /** Dispatches whose text may or may not have arrived. */
  readonly unproven: ReadonlySet<string>
  /** Dispatches whose agent has another text than was meant for it. */
  readonly mangled: ReadonlySet<string>
  /** Workers that a follow-up waits for: it precedes new work. */
  readonly following: ReadonlySet<WorkerId>
}

/** What a cycle needs of the work under way beyond who has it. */
export interface FollowUpFacet {
  /** When agents were told to go on after an error, oldest first, by dispatch: those whose worker's turn failed since it last worked. */
  readonly resumes: ReadonlyMap<string, readonly ResumeText[]>
  /** Further texts about mangled dispatches, in any order. */
  readonly corrections: readonly Delivery[]
  /** Agents of live dispatches that are proven to have ended. An agent that is not found is not among them. By `agentKey`. */
  readonly ended: ReadonlySet<string>
  readonly freed: readonly Freed[]
}

/** What the forge says of changes and of issues that were closed. */
export interface ChangesFacet {
  /** Changes with news, and those that are known to be open for issues that a worker has. Of the same one the last counts. */
  readonly changes: readonly Change[]
  /** When each repo's changes were asked for, by the forge's clock: saved once they have been acted on. */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** Issues of live dispatches that are no longer open. */
  readonly closed: ReadonlySet<IssueRef>
}

/** What the forge lets burn do in each repo. */
export interface ReposFacet {
  /** Who may write, by repo; a repo that is missing could not be asked, and none of its issues are given. */
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  /** Repos the forge could not be asked about in this cycle, with the reason. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  /** Repos whose issues are given to nobody for now, because the forge refuses what burn writes there, with the reason. */
  readonly held_repos: ReadonlyMap<RepoRef, Reason>
  /** Why issues in their queues waited after the last cycle, by repo. */
  readonly waits: ReadonlyMap<RepoRef, Reason>
  /** Issues that the forge gave malformed or in part, said once a cycle. */
  readonly skipped: readonly string[]
}

/** Issues to decide about: those to be judged, and the front of each repo's queue. */
export interface CandidateFacet {
  readonly issues: readonly IssueRecord[]
  /** The forge account that the fleet writes as; null where nobody had to ask, or the forge could not say. */
  readonly login: string | null
  /** What others' claims say of issues that were about to be given: see `claim/check`. */
  readonly claims: ReadonlyMap<IssueRef, ClaimCheck>
}

/** Whether others have an issue, as its comments say. */
export type ClaimCheck =
  | { readonly state: 'free' }
  /** Another fleet or another ledger of this one has it. */
  | { readonly state: 'claimed'; readonly reason: Reason }
  /** Its comments could not be read. `until`: how long it, or its repo, rests because of that; null where that is not known to last. */
  | { readonly state: 'unreadable'; readonly reason: Reason; readonly backoff: Backoff | null }

/** What the ledger keeps of repos and of what is left alone: read where nobody asks the forge. */
export interface KeptFacet {
  readonly repos: readonly RepoRecord[]
  readonly backed_off: readonly BackedOff[]
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
  /** The texts that gave live dispatches to their workers, and active ones. */
  readonly texts: readonly Delivery[]
}

/** What `settle` decides from. */
export interface UnderWayState
  extends Moment, MachinesFacet, ReadingsFacet, HoldsFacet, WorkFacet, FollowUpFacet, ChangesFacet, ReposFacet {}

/** What a cycle decides from. */
export interface FleetState extends UnderWayState, CandidateFacet {}

/** What status reports from: the forge is not asked. */
export interface StatusState extends Moment, MachinesFacet, ReadingsFacet, HoldsFacet, WorkFacet, KeptFacet {}

/** What happened to one issue, newest first and bounded. */
export interface HistoryFacet {
  readonly history: readonly Dispatch[]
  /** Those that were done without a pane. */
  readonly sprints: readonly Sprint[]
  readonly events: readonly Event[]
}

/** What `explain` reports from: one issue, and no machine. */
export interface IssueState
  extends Moment, HistoryFacet, Pick<CandidateFacet, 'issues'>, Pick<KeptFacet, 'repos' | 'backed_off' | 'texts'> {}
