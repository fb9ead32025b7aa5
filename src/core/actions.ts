/**
 * What a cycle may do, as values. Each action has a reason. Those that change an issue or a dispatch also have a guard: a condition that must still hold when they
 * are carried out. `wait` and `leave` have none: they keep or say why something is not given. Deciders return actions, `cycle/apply` carries them out by
 * compare-and-set, and a dry run shows them.
 */
import type { Reason } from './reasons.ts'
import type { Backoff, Standing } from './ledger/backlog.ts'
import type { DispatchMove } from './ledger/claims.ts'
import type { DispatchKind } from './lifecycle.ts'
import type { Incarnation, Issue, IssueRef, RepoRef, Worker, WorkerId } from './nouns.ts'

/** A step of a dispatch. Guard: it is still in one of `from`, and its agent was told to go on no more than `told` times. */
export interface MoveAction extends Omit<DispatchMove, 'tell'> {
  readonly do: 'move'
  readonly kind: DispatchKind
  readonly issue: IssueRef
  readonly worker: WorkerId
  /** What its agent is told about it, in the same transaction. */
  readonly tell?: string
}

/** A further text to the agent that holds a dispatch. Guard: the dispatch is still `handed` and has so many texts of this kind. */
export interface TellAction {
  readonly do: 'tell'
  /** What the text is for. */
  readonly kind: 'follow_up' | 'correction' | 'resume'
  readonly dispatch: string
  readonly issue: IssueRef
  readonly worker: WorkerId
  readonly incarnation: Incarnation | null
  readonly text: string
  readonly before: number
  readonly reason: Reason
}

/** An issue for a worker. Guard: nobody has it or the slot, it is open, and it was not tried since (`attempt`). */
export interface ClaimAction {
  readonly do: 'claim'
  readonly kind: DispatchKind
  readonly issue: Issue
  readonly worker: Worker
  readonly slot: number | null
  readonly attempt: number
  readonly reason: Reason
}

/** A verdict about an issue. Guard: its revision. */
export interface JudgeAction {
  readonly do: 'judge'
  readonly issue: IssueRef
  readonly eligible: boolean
  readonly reason: Reason
  readonly standing: Standing | null
  readonly revision: number
}

/** Why the issues of a repo wait. */
export interface WaitAction {
  readonly do: 'wait'
  readonly repo: RepoRef
  readonly reason: Reason
}

/** The text of an issue is approved by a trusted label, or no longer. Guard: its revision. */
export interface ApproveAction {
  readonly do: 'approve'
  readonly issue: IssueRef
  readonly approved: boolean
  readonly revision: number
  readonly reason: Reason
}

/** An issue is not given because its comments could not be read; `rests`: what is left alone because of that. */
export interface LeaveAction {
  readonly do: 'leave'
  readonly issue: IssueRef
  readonly reason: Reason
  readonly backoff: Backoff | null
}

export type Action = MoveAction | TellAction | ClaimAction | JudgeAction | WaitAction | ApproveAction | LeaveAction

/** Returns the actions of one kind, in their order. */
export function actionsOf<K extends Action['do']>(actions: readonly Action[], kind: K): Extract<Action, { readonly do: K }>[] {
  return actions.filter((action): action is Extract<Action, { readonly do: K }> => action.do === kind)
}

/** All actions by kind, each kind in its order. */
export type ActionsByKind = { readonly [K in Action['do']]: readonly Extract<Action, { readonly do: K }>[] }

/** Returns the actions by kind. Whoever handles every kind takes them from it by name, and gives the rest to `noKindLeft`. */
export function actionsByKind(actions: readonly Action[]): ActionsByKind {
  const of = <K extends Action['do']>(kind: K) => actionsOf(actions, kind)
  return {
    move: of('move'),
    tell: of('tell'),
    claim: of('claim'),
    judge: of('judge'),
    wait: of('wait'),
    approve: of('approve'),
    leave: of('leave'),
  }
}

/** Has the compiler refuse a kind of action that its caller does not handle. */
export function assertExhaustive(_rest: Readonly<Record<string, never>>): void {}
