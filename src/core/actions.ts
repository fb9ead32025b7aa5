/**
 * The actions of a dispatch cycle, as values. Deciders return actions, `cycle/apply` carries them out by compare-and-set, and a dry run
 * shows them. Each action has a reason. An action that changes an issue or a dispatch also has a guard: a condition that must still hold
 * when the action is carried out.
 */
import type { Reason } from './reasons.ts'
import type { ChangeDecision, ChangeSnapshot } from './change-loop.ts'
import type { Backoff, Standing } from './ledger/backlog.ts'
import type { Inheritance } from './ledger/agents.ts'
import type { DispatchMove } from './ledger/claims.ts'
import type { DelegationStep } from './delegation.ts'
import type { EventNote } from './ledger/history.ts'
import type { Hold } from './ledger/holds.ts'
import type { DispatchKind } from './lifecycle.ts'
import type { SteeringOrder } from './steering.ts'
import type { Incarnation, Issue, IssueRef, RepoRef, Time, Worker, WorkerId } from './nouns.ts'

/**
 * Changes the state of a dispatch. Guard: the dispatch is still in one of the states `from`, and the guards of `DispatchMove` hold.
 */
export interface MoveAction extends Omit<DispatchMove, 'follow_up'> {
  readonly do: 'move'
  readonly kind: DispatchKind
  readonly issue: IssueRef
  readonly worker: WorkerId
  /** A message that tells the agent about the new state. The ledger plans its delivery in the same transaction. */
  readonly tell?: string
}

/** Passes the live dispatches of an agent that ended to the agent that continues its conversation. Guard: see `AgentLedger.inherit`. */
export interface InheritAction extends Inheritance {
  readonly do: 'inherit'
}

/**
 * Sends another message to the agent that works on a dispatch. Guard: the dispatch is still `handed`, and has exactly `before` messages of
 * this kind.
 */
export interface TellAction {
  readonly do: 'tell'
  readonly kind: 'follow_up' | 'correction' | 'resume'
  readonly dispatch: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly incarnation: Incarnation | null
  readonly text: string
  readonly before: number
  readonly reason: Reason
}

/**
 * Gives an issue to a worker. Guard: the issue is open and unclaimed, the slot of the worker is free, and `attempt` is still the number of
 * the issue's next attempt.
 */
export interface ClaimAction {
  readonly do: 'claim'
  readonly kind: DispatchKind
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number | null
  readonly attempt: number
  readonly reason: Reason
}

/** Saves a verdict about an issue. Guard: the issue still has the revision that burn judged. */
export interface JudgeAction {
  readonly do: 'judge'
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: Reason
  readonly standing: Standing | null
  readonly revision: number
  /** The rank of the issue in the queue (`decide/queue`). */
  readonly rank: number
}

/** Saves the reason why the queued issues of a repo wait. This action has no guard. */
export interface WaitAction {
  readonly do: 'wait'
  readonly repo: RepoRef
  readonly reason: Reason
}

/** Approves the text of an issue that has a trusted label, or removes the approval. Guard: the issue still has this revision. */
export interface ApproveAction {
  readonly do: 'approve'
  readonly issue: IssueRef
  readonly approved: boolean
  readonly revision: number
  readonly reason: Reason
}

/** Carries out or refuses the command of a comment. Guard: the ledger has not handled the comment. */
export interface SteerAction extends SteeringOrder {
  readonly do: 'steer'
}

/** Leaves an issue in the queue because burn could not read the comments of the issue. This action has no guard. */
export interface LeaveAction {
  readonly do: 'leave'
  readonly issue: IssueRef
  readonly reason: Reason
  /** The back-off to set for the issue or its repo; null if the next cycle may retry at once. */
  readonly backoff: Backoff | null
}

/** Begins or replaces a hold. Guard: the hold on this target was created at `before`; null: the target has no hold with this code. */
export interface HoldAction extends Pick<Hold, 'scope' | 'name' | 'code' | 'reason'> {
  readonly do: 'hold'
  readonly until: Time
  readonly before: Time | null
}

/** Ends a hold. Guard: the hold was created at `before`. */
export interface EndHoldAction extends Pick<Hold, 'scope' | 'name' | 'code' | 'reason'> {
  readonly do: 'end_hold'
  readonly before: Time
}

/** Records an event once while its cause lasts. Guard: the subject has had no event of this kind since `since`. */
export interface NoteAction extends EventNote {
  readonly do: 'note'
}

/** The worker that gets a follow-up about a change. */
export interface FollowUpTarget {
  readonly worker: WorkerId
  /** The only agent that may get the text; null if any agent of the worker may get it, or if a sprint continues the change. */
  readonly incarnation: Incarnation | null
  /** The slot of another worker, which gets the dispatch because its own worker is gone; null if the dispatch keeps its worker. */
  readonly slot: number | null
  /** True if a sprint continues the change. */
  readonly sprint: boolean
}

/** Takes the next step for a change in review, or only saves its stage. Guard: the dispatch is still in review, and the step is new. */
export interface ChangeAction {
  readonly do: 'change'
  readonly dispatch: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly decision: ChangeDecision
  readonly snapshot: ChangeSnapshot
  /** True if a sprint made the change, so that a process without panes can act on it. */
  readonly sprint: boolean
  /** The receiver of a follow-up; null for all other decisions. */
  readonly to: FollowUpTarget | null
  readonly reason: Reason
}

/** Tells people once about an issue that used more than its budget. Guard: burn has not told them yet. */
export interface EscalateAction {
  readonly do: 'escalate'
  readonly issue: IssueRef
  readonly dispatch: string
  readonly worker: WorkerId
  readonly reason: Reason
}

/**
 * Takes a step of a delegation. Guard of `assigned`: the issue is open, has no assignee, no live dispatch and this revision. Guard of the
 * other steps: the delegation is live.
 */
export interface DelegateAction {
  readonly do: 'delegate'
  readonly step: DelegationStep
  readonly issue: IssueRef
  /** The agent of the delegation and its login; empty if no agent suits the issue. */
  readonly agent: string
  readonly login: string
  /** The time after which burn removes the assignment if nobody started the work; 0 for `left`. */
  readonly deadline: Time
  /** The revision of the issue's record on which `assigned` and `left` are based; null for the other steps. */
  readonly revision: number | null
  readonly reason: Reason
}

/** Any action of a cycle. */
export type Action =
  | ChangeAction
  | SteerAction
  | HoldAction
  | EndHoldAction
  | NoteAction
  | EscalateAction
  | InheritAction
  | MoveAction
  | TellAction
  | ClaimAction
  | JudgeAction
  | WaitAction
  | ApproveAction
  | LeaveAction
  | DelegateAction

/** Returns the actions of one kind, in the order of the input. */
export function actionsOf<K extends Action['do']>(actions: readonly Action[], kind: K): Extract<Action, { readonly do: K }>[] {
  return actions.filter((action): action is Extract<Action, { readonly do: K }> => action.do === kind)
}

/** The actions of a cycle, grouped by kind. Each group keeps the order of the input. */
export type ActionsByKind = { readonly [K in Action['do']]: readonly Extract<Action, { readonly do: K }>[] }

/**
 * Groups actions by kind. A caller that must handle every kind destructures the result, and passes the remaining properties to
 * `assertExhaustive`.
 */
export function actionsByKind(actions: readonly Action[]): ActionsByKind {
  const of = <K extends Action['do']>(kind: K) => actionsOf(actions, kind)
  return {
    change: of('change'),
    steer: of('steer'),
    hold: of('hold'),
    end_hold: of('end_hold'),
    note: of('note'),
    escalate: of('escalate'),
    inherit: of('inherit'),
    move: of('move'),
    tell: of('tell'),
    claim: of('claim'),
    judge: of('judge'),
    wait: of('wait'),
    approve: of('approve'),
    leave: of('leave'),
    delegate: of('delegate'),
  }
}

/** Does nothing at run time. A call does not compile if the caller leaves a kind of action unhandled. */
export function assertExhaustive(_rest: Readonly<Record<string, never>>): void {}
