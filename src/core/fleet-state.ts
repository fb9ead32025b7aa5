/**
 * The state of a fleet at one moment, as one immutable value. It consists of parts, called facets. A command names the facets that it
 * needs, and `observe/state` loads only those. All decisions and reports are made from this value alone.
 */
import type { Reason } from './reasons.ts'
import type { AgentRecord } from './agent-record.ts'
import type { ParsedScreen } from './agent.ts'
import type { TrackRecord } from './delegation-settings.ts'
import type { LiveDelegation } from './delegation.ts'
import type { BudgetUse } from './budget.ts'
import type { IssueRecord, BackedOff, Backoff } from './ledger/backlog.ts'
import type { ChangeSnapshot, ChangeStep } from './change-loop.ts'
import type { DispatchInReview } from './ledger/changes.ts'
import type { LiveDispatch, ResumeText } from './ledger/claims.ts'
import type { SeenAgent } from './ledger/agents.ts'
import type { Hold } from './ledger/holds.ts'
import type { WorkerRecord } from './ledger/workers.ts'
import type { Event } from './events.ts'
import type { Delivery, Dispatch } from './lifecycle.ts'
import type { DriftReport } from './drift.ts'
import type { Change, Fleet, Incarnation, IssueRef, Reading, ReadingState, RepoRef, Time, Worker, WorkerId } from './nouns.ts'
import type { MachineSnapshot } from './panes.ts'
import type { RepoRecord } from './ledger/forge.ts'
import type { Sprint } from './sprint.ts'
import type { SteeringComment } from './steering.ts'
import type { UsageLimit } from './usage-limit.ts'

/** A worker at the time of the snapshot: the state of the worker, and the agent in its pane. */
export interface WorkerSnapshot {
  readonly worker: Worker
  readonly reading: Reading
  /** The live agent of this fleet in the pane of the worker; null if there is none, or if the machine is unreachable. */
  readonly incarnation: Incarnation | null
  /** The id of the agent's record (`Pane.agent_id`); absent if no live agent is in the pane. */
  readonly agent_id?: string | null
  /** The conversation that the agent's hook reported last; absent if it reported none. */
  readonly conversation?: string
  /** The parsed screen of the agent; absent if no live agent is in the pane. */
  readonly parsed?: ParsedScreen
  /**
   * The reason why burn sends nothing to the worker: the worker runs `burn worker loop`, the circuit breaker of its agent kind is open, or
   * its last turn failed. Absent if burn may send.
   */
  readonly stopped?: Reason
  /** The usage limits of the worker's login, as its agents reported them last. Absent if they reported none. */
  readonly usage_limits?: readonly UsageLimit[]
}

/** The configuration of the fleet, and the time at which burn read the state. */
export interface Moment {
  readonly fleet: Fleet
  readonly now: Time
}

/** The snapshots of the machines. */
export interface MachinesFacet {
  readonly snapshots: ReadonlyMap<string, MachineSnapshot>
  /** The live agent in the pane of each worker, including workers that are no longer in the spec. */
  readonly incarnations: ReadonlyMap<WorkerId, Incarnation>
}

/** The current state of a worker. */
export interface WorkerState {
  readonly state: ReadingState
  /** The time at which burn first saw the worker in this state. */
  readonly since: Time
  /** False if the state may have begun long before, because burn did not watch the worker. Absent means true. */
  readonly start_seen?: boolean
}

/** The states of the workers. The field `stopped` of each snapshot accounts for circuit breakers, loops and failed turns. */
export interface ReadingsFacet {
  readonly workers: readonly WorkerSnapshot[]
  /** The current state of each worker. */
  readonly states: ReadonlyMap<WorkerId, WorkerState>
}

/** The holds, and the records of workers and agents in the ledger. `decide/holds` decides which holds apply to a worker. */
export interface HoldsFacet {
  readonly holds: readonly Hold[]
  readonly records: readonly WorkerRecord[]
  /** The last agent of each worker that burn started. It is the agent in the pane only if the pane has the same `agent_id`. */
  readonly agents: ReadonlyMap<WorkerId, AgentRecord>
  /** The agents that have live dispatches, by `agentKey`. An agent is missing if an older burn started it. */
  readonly holders: ReadonlyMap<string, AgentRecord>
  /** Facts about agents that burn saw in this snapshot, and that the ledger does not have yet. `agents` and `holders` have these facts. */
  readonly agents_seen: readonly SeenAgent[]
}

/** An issue whose dispatch `settle` has decided to end, and the state that `apply` will give the dispatch. */
export interface Freed {
  readonly issue: IssueRef
  readonly to: 'done' | 'failed' | 'lost' | 'released'
}

/** The dispatches and sprints that have not ended. */
export interface WorkFacet {
  /**
   * Live dispatches. burn reads them before it takes the snapshots. Otherwise a dispatch whose agent started between the two steps would
   * look lost. For a cycle, dispatches in review are included only if there is news about them.
   */
  readonly dispatches: readonly LiveDispatch[]
  /** Sprints that have not ended. */
  readonly sprints: readonly Sprint[]
  /** Ids of dispatches whose prompt may have reached the agent, but burn has no proof that the prompt did. */
  readonly unproven: ReadonlySet<string>
  /** Ids of dispatches whose agent got a text that differs from the line that burn typed. */
  readonly mangled: ReadonlySet<string>
  /** Workers with a waiting message of kind `follow_up` or `correction`. burn delivers this message before it gives the worker new work. */
  readonly following: ReadonlySet<WorkerId>
  /** Ids of dispatches with a follow-up that burn is typing. The agent does not have the whole text yet. */
  readonly arriving: ReadonlySet<string>
}

/** Further facts about dispatches that have not ended. Only a cycle needs these facts. */
export interface FollowUpFacet {
  /**
   * For each dispatch, the messages that told its agent to continue, oldest first. Contains only dispatches of workers whose last turn
   * failed, or whose agent continues a conversation.
   */
  readonly resumes: ReadonlyMap<string, readonly ResumeText[]>
  /** The messages about the dispatches in `mangled`, except their first prompts, in any order. */
  readonly corrections: readonly Delivery[]
  /** The `agentKey` of each agent that had a live dispatch and provably ended. Does not include agents that burn merely did not find. */
  readonly ended: ReadonlySet<string>
  readonly freed: readonly Freed[]
}

/** Changes (pull requests) and closed issues, as the forge reports them. */
export interface ChangesFacet {
  /**
   * Changes that are new or were updated, and known open changes for issues that a worker works on. If a change is listed twice, the last
   * entry counts.
   */
  readonly changes: readonly Change[]
  /**
   * For each repo, the time at which burn requested the changes of the repo, by the forge's clock. The cycle saves this time after it has
   * applied its actions.
   */
  readonly changes_at: ReadonlyMap<RepoRef, Time>
  /** Issues of live dispatches that are no longer open. */
  readonly closed: ReadonlySet<IssueRef>
}

/** A change in review, with the facts and the history from which burn decides about it. */
export interface ReviewedChange {
  readonly dispatch: DispatchInReview
  readonly snapshot: ChangeSnapshot
  readonly history: readonly ChangeStep[]
}

/** The changes in review that burn has read. */
export interface ReviewsFacet {
  readonly reviews: readonly ReviewedChange[]
}

/** The rights and restrictions of each repo. */
export interface ReposFacet {
  /** The logins with write access, by repo. If a repo is missing, the forge did not answer, and burn gives no issues of this repo to workers. */
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  /** Repos for which the forge did not answer in this cycle, with the reason. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  /** Repos whose issues burn does not give to workers at present, with the reason: the forge refused a write, or a person put a hold on the repo. */
  readonly held_repos: ReadonlyMap<RepoRef, Reason>
  /** For each repo, the reason why its queued issues waited at the end of the last cycle. */
  readonly waits: ReadonlyMap<RepoRef, Reason>
  /** Messages about issues that the forge returned malformed or incomplete. burn reports each message once per cycle. */
  readonly skipped: readonly string[]
}

/** The new commands in comments. */
export interface SteeringFacet {
  readonly steering: {
    readonly comments: readonly SteeringComment[]
    /** burn's own login; empty if there are no comments. */
    readonly login: string
    /** For each repo, the time before which burn has read all comments. The cycle saves it after it has handled the commands. */
    readonly read: ReadonlyMap<RepoRef, Time>
  }
}

/** The issues that a cycle decides about: those without a current verdict, and those at the front of each repo's queue. */
export interface CandidateFacet {
  readonly issues: readonly IssueRecord[]
  /** The login of the fleet's forge account; null if no decision needs it, or if the forge did not answer. */
  readonly login: string | null
  /** The result of `claim/check` for issues that `assign` chose. */
  readonly claims: ReadonlyMap<IssueRef, ClaimCheck>
}

/** Whether another fleet or ledger has claimed an issue, as the comments of the issue show it. */
export type ClaimCheck =
  | { readonly state: 'free' }
  /** Another fleet, or another ledger of this fleet, has claimed the issue. */
  | { readonly state: 'claimed'; readonly reason: Reason }
  /** An open issue blocks the issue. */
  | { readonly state: 'blocked'; readonly reason: Reason }
  /** burn could not read the comments, or the repo has a fault. `backoff` is null if the next cycle may retry at once. */
  | { readonly state: 'unreadable'; readonly reason: Reason; readonly backoff: Backoff | null }

/** The facts that decide which issues burn assigns to which agents on the forge. */
export interface DelegationFacet {
  /** The delegations that have not ended. */
  readonly delegations: readonly LiveDelegation[]
  /** The logins, in lower case, to which burn assigned an open issue earlier, by issue. burn does not assign the issue to them again. */
  readonly past: ReadonlyMap<IssueRef, ReadonlySet<string>>
  /** The number of open issues that are assigned to each login, in lower case. */
  readonly load: ReadonlyMap<string, number>
  /** The record of each agent, by the name of the agent. */
  readonly track: ReadonlyMap<string, TrackRecord>
  /** The logins that the forge allows as assignees, by repo; null if it allows every login. Missing: burn has not asked yet. */
  readonly assignable: ReadonlyMap<RepoRef, readonly string[] | null>
  /** Logins, in lower case, that the forge refused as assignees in the last hour, by repo. */
  readonly refused: ReadonlyMap<RepoRef, ReadonlySet<string>>
  /**
   * For issues past their deadline: whether the agent wrote a comment since burn assigned the issue. Missing: burn could not read the
   * comments.
   */
  readonly replied: ReadonlyMap<IssueRef, boolean>
}

/** The ledger's records of repos, back-offs and deliveries. Commands such as `burn status` read them in place of the forge. */
export interface KeptFacet {
  readonly repos: readonly RepoRecord[]
  readonly backed_off: readonly BackedOff[]
  /** Issues with a live claim that another ledger of this fleet wrote. At most 1,000. */
  readonly elsewhere: readonly IssueRef[]
  /** The deliveries of the first prompts of live dispatches, and all active deliveries. */
  readonly texts: readonly Delivery[]
  /** The agents that run with other settings than they should, by worker. */
  readonly drifts: ReadonlyMap<WorkerId, DriftReport>
}

/** The workers that the spec no longer has. */
export interface RemovedFacet {
  /** The states of their live agents, as far as burn can read them. */
  readonly removed: ReadonlyMap<WorkerId, ReadingState>
}

/** The budgets of the spec, each with its used part. */
export interface BudgetsFacet {
  readonly budgets: readonly BudgetUse[]
}

/** The input of `settle`, which decides about dispatches that have not ended. */
export interface UnderWayState
  extends
    Moment,
    MachinesFacet,
    ReadingsFacet,
    HoldsFacet,
    WorkFacet,
    FollowUpFacet,
    ChangesFacet,
    ReviewsFacet,
    ReposFacet,
    SteeringFacet,
    BudgetsFacet {}

/** The input of a cycle's deciders. */
export interface FleetState extends UnderWayState, CandidateFacet {}

/** The input of the status report, which makes no request to the forge. */
export interface StatusState extends Moment, MachinesFacet, ReadingsFacet, HoldsFacet, WorkFacet, KeptFacet, RemovedFacet {}

/** The history of one issue: dispatches, sprints and events, newest first, each up to a limit. */
export interface HistoryFacet {
  readonly history: readonly Dispatch[]
  /** The sprints that worked on the issue. */
  readonly sprints: readonly Sprint[]
  readonly events: readonly Event[]
}

/** The input of `burn explain` for one issue. It needs no snapshots of machines. */
export interface IssueState
  extends Moment, HistoryFacet, Pick<CandidateFacet, 'issues'>, Pick<KeptFacet, 'repos' | 'backed_off' | 'texts'> {}
