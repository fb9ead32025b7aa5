/** Everything a cycle looked at, as one value. The deciders see nothing else. */
import type { Look } from './agent.ts'
import type { IssueRecord } from './ledger/backlog.ts'
import type { LiveDispatch, Resumed } from './ledger/claims.ts'
import type { WorkerRecord } from './ledger/workers.ts'
import type { Sprint } from './sprint.ts'
import type { Change, Fleet, Incarnation, IssueRef, Reading, ReadingState, RepoRef, Time, Worker, WorkerId } from './nouns.ts'

/** A worker as it was seen: what it is doing, and which live agent does it. */
export interface WorkerSight {
  readonly worker: Worker
  readonly reading: Reading
  /** Null where no agent of ours lives in its pane, or where its machine can't be reached. */
  readonly incarnation: Incarnation | null
  /** What its agent's screen says by itself; absent where none lives in its pane. */
  readonly look?: Look
  /** Why nothing is sent to it: it takes its issues itself, its kind does not behave as known, or it is in trouble; absent where something may be. */
  readonly stopped?: string
}

export interface View {
  readonly fleet: Fleet
  readonly now: Time
  /**
   * Live ones, as they were before the machines were looked at: an agent that was started since is no reason to take one for lost. Work in review is
   * among them where there is news of it.
   */
  readonly dispatches: readonly LiveDispatch[]
  /** Sprints that have not ended, as the ledger has them. */
  readonly sprints: readonly Sprint[]
  /** Open issues that may be given, or must be judged. */
  readonly issues: readonly IssueRecord[]
  readonly records: readonly WorkerRecord[]
  /** Since when each worker has been seen in its state, this look included. */
  readonly states: ReadonlyMap<WorkerId, { readonly state: ReadingState; readonly since: Time }>
  /** When agents were told to go on after an error, oldest first, by dispatch: those whose worker's turn failed since it last worked. */
  readonly resumes: ReadonlyMap<string, readonly Resumed[]>
  /** Dispatches whose text may or may not have arrived. */
  readonly unproven: ReadonlySet<string>
  /** Dispatches whose agent has another text than was meant for it. */
  readonly mangled: ReadonlySet<string>
  readonly workers: readonly WorkerSight[]
  /** The agent that is seen alive in each worker's pane; workers that the spec no longer has included. */
  readonly incarnations: ReadonlyMap<WorkerId, Incarnation>
  /** Agents of live dispatches that are proven to have ended. An agent that is not found is not among them. By `agentKey`. */
  readonly ended: ReadonlySet<string>
  /** The forge account that the fleet writes as; null where the forge could not say. */
  readonly login: string | null
  /** Who may write, by repo; a repo that is missing could not be asked, and none of its issues are given. */
  readonly writers: ReadonlyMap<RepoRef, ReadonlySet<string>>
  /** Repos the forge could not be asked about in this cycle, with the reason. */
  readonly repos_down: ReadonlyMap<RepoRef, string>
  /** Repos whose issues are given to nobody for now, because the forge refuses what burn writes there, with the reason. */
  readonly resting: ReadonlyMap<RepoRef, string>
  /** Changes with news, and those that are known to be open for issues that a worker has. Of the same one the last counts. */
  readonly changes: readonly Change[]
  /** Issues of live dispatches that are no longer open. */
  readonly closed: ReadonlySet<IssueRef>
}
