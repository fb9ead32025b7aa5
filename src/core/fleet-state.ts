/**
 * The state of a fleet at one moment, as one immutable value. It consists of facets: a reader names the facets that it needs, and
 * `observe/state` loads no others. Status, watch, explain, doctor, dispatch, sprints and the simulator decide and report from this value
 * alone.
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

/** A worker at the time of the snapshot: its state, and its live agent. */
export interface WorkerSnapshot {
  readonly worker: Worker
  readonly reading: Reading
  /** The agent of this fleet that lives in its pane; null if there is none, or if its machine is unreachable. */
  readonly incarnation: Incarnation | null
  /** The agent's screen; absent if no agent lives in its pane. */
  readonly parsed?: ParsedScreen
  /**
   * The reason that burn sends nothing to it: it runs `burn worker loop`, the breaker of its kind is open, or it is in trouble. Absent if
   * burn may send.
   */
  readonly stopped?: Reason
}

/** The fleet, and the time of the state. */
export interface Moment {
  readonly fleet: Fleet
  readonly now: Time
}

/** The snapshots of the machines. */
export interface MachinesFacet {
  readonly snapshots: ReadonlyMap<string, MachineSnapshot>
  /** The live agent in each worker's pane. Includes workers that are no longer in the spec. */
  readonly incarnations: ReadonlyMap<WorkerId, Incarnation>
}

/** The states of the workers. The loader decides here, once, about breakers, loops and trouble (`stopped`). */
export interface ReadingsFacet {
  readonly workers: readonly WorkerSnapshot[]
  /** The current state of each worker, and the time at which burn first saw it in this state. */
  readonly states: ReadonlyMap<WorkerId, { readonly state: ReadingState; readonly since: Time }>
}

/** The holds, and the workers as the ledger has them. `decide/holds` interprets them. */
export interface HoldsFacet {
  readonly holds: readonly Hold[]
  readonly records: readonly WorkerRecord[]
}

/** An issue whose dispatch `settle` ended in memory, with the state that the ledger will have after `apply`. */
export interface Freed {
  readonly issue: IssueRef
  readonly to: 'done' | 'failed' | 'lost' | 'released'
}

/** The work that is under way. */
export interface WorkFacet {
  /**
   * Live dispatches. The loader reads them before it takes the snapshots. Otherwise a dispatch whose agent started in between would look
   * lost. For a cycle, work in review is included only if there is news about it.
   */
  readonly dispatches: readonly LiveDispatch[]
  /** Sprints that have not ended. */
  readonly sprints: readonly Sprint[]
  /** Dispatches whose first text may have arrived, without proof. */
  readonly unproven: ReadonlySet<string>
  /** Dispatches whose agent got another text than burn typed. */
  readonly mangled: ReadonlySet<string>
  /** Workers with a follow-up or correction that waits for their pane. It goes before new work. */
  readonly following: ReadonlySet<WorkerId>
}

/** Further facts about the work under way, which only a cycle needs. */
export interface FollowUpFacet {
  /** The texts that told an agent to continue, oldest first, by dispatch. Only dispatches whose worker's last turn failed. */
  readonly resumes: ReadonlyMap<string, readonly ResumeText[]>
  /** The further texts of mangled dispatches, in any order. */
  readonly corrections: readonly Delivery[]
  /** Agents of live dispatches that have ended, with proof, by `agentKey`. An agent that burn merely did not find is not among them. */
  readonly ended: ReadonlySet<string>
  readonly freed: readonly Freed[]
}

/** Changes and closed issues, as the forge reports them. */
export interface ChangesFacet {
  /** Changes with news, and known open changes for issues that a worker has. If a change is listed twice, the last entry counts. */
  readonly changes: readonly Change[]
  /** The time of the request for each repo's changes, by the forge's clock. The cycle saves it after it has applied its actions. */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** Issues of live dispatches that are no longer open. */
  readonly closed: ReadonlySet<IssueRef>
}

/** The rights and restrictions of each repo. */
export interface ReposFacet {
  /** The logins that may write, by repo. If a repo is missing, the forge did not answer, and burn gives none of its issues. */
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  /** Repos for which the forge did not answer in this cycle, with the reason. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  /** Repos whose issues burn gives to nobody for now, with the reason: the forge refused a write, or a person holds the repo. */
  readonly held_repos: ReadonlyMap<RepoRef, Reason>
  /** The reason that the queued issues of a repo waited after the last cycle, by repo. */
  readonly waits: ReadonlyMap<RepoRef, Reason>
  /** Issues that the forge returned malformed or incomplete. burn reports each once per cycle. */
  readonly skipped: readonly string[]
}

/** The issues that a cycle decides about: those without a current verdict, and the first ones of each repo's queue. */
export interface CandidateFacet {
  readonly issues: readonly IssueRecord[]
  /** The login of the fleet's forge account; null if no decision needs it, or if the forge did not answer. */
  readonly login: string | null
  /** The result of `claim/check` for issues that `assign` chose. */
  readonly claims: ReadonlyMap<IssueRef, ClaimCheck>
}

/** The claims of others on an issue, as its comments show them. */
export type ClaimCheck =
  | { readonly state: 'free' }
  /** Another fleet, or another ledger of this fleet, has the issue. */
  | { readonly state: 'claimed'; readonly reason: Reason }
  /** burn could not read the comments. `backoff` is null if the cause may not last. */
  | { readonly state: 'unreadable'; readonly reason: Reason; readonly backoff: Backoff | null }

/** The ledger's records of repos, back-offs and texts. Commands read them in place of the forge. */
export interface KeptFacet {
  readonly repos: readonly RepoRecord[]
  readonly backed_off: readonly BackedOff[]
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
  /** The texts that gave live dispatches to their workers, and active ones. */
  readonly texts: readonly Delivery[]
}

/** The input of `settle`. */
export interface UnderWayState
  extends Moment, MachinesFacet, ReadingsFacet, HoldsFacet, WorkFacet, FollowUpFacet, ChangesFacet, ReposFacet {}

/** The input of a cycle's deciders. */
export interface FleetState extends UnderWayState, CandidateFacet {}

/** The input of the status report, which makes no request to the forge. */
export interface StatusState extends Moment, MachinesFacet, ReadingsFacet, HoldsFacet, WorkFacet, KeptFacet {}

/** The history of one issue, newest first, with a limit. */
export interface HistoryFacet {
  readonly history: readonly Dispatch[]
  /** The sprints that worked on the issue. */
  readonly sprints: readonly Sprint[]
  readonly events: readonly Event[]
}

/** The input of `burn explain`: one issue, and no machine. */
export interface IssueState
  extends Moment, HistoryFacet, Pick<CandidateFacet, 'issues'>, Pick<KeptFacet, 'repos' | 'backed_off' | 'texts'> {}
