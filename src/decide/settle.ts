/**
 * Runs the deciders about the work that is under way, in a fixed order. To add a decider, write its file and add it to `deciders` below.
 */
import type { Action } from '../core/actions.ts'
import type { Freed, UnderWayState } from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import { actionsOf } from '../core/actions.ts'
import { liveStates } from '../core/lifecycle.ts'
import { budgets } from './budgets.ts'
import { changeActions } from './change-actions.ts'
import { continuations } from './continuations.ts'
import { corrections } from './corrections.ts'
import { limits } from './limits.ts'
import { resumptions } from './resumptions.ts'
import { dispatchMoves } from './dispatch-moves.ts'
import { steering } from './steering.ts'

/** A pure function from the state of the fleet to actions. */
export type Decider = (state: UnderWayState) => readonly Action[]

const deciders: readonly Decider[] = [steering, limits, budgets, continuations, dispatchMoves, changeActions, corrections, resumptions]

/** The result of `settle`. */
export interface Settled {
  readonly actions: readonly Action[]
  /** The state of the fleet after the actions. */
  readonly state: UnderWayState
}

/**
 * Returns the actions of all deciders. Each decider sees the state changes that earlier deciders decided, but not the texts that they
 * planned.
 */
export function settle(state: UnderWayState): Settled {
  let current = state
  const actions: Action[] = []
  for (const decide of deciders) {
    const own = decide(current)
    actions.push(...own)
    current = withFollowUps(after(withHeirs(withHolds(current, own), own), own), own)
  }
  return { actions, state: current }
}

/** Adds the workers that get a follow-up about a change, so that they get no new work before it. */
function withFollowUps(state: UnderWayState, actions: readonly Action[]): UnderWayState {
  const told = actionsOf(actions, 'change').flatMap(({ to }) => (to === null || to.sprint ? [] : [to.worker]))
  return told.length === 0 ? state : { ...state, following: new Set([...state.following, ...told]) }
}

/** Applies the holds that begin and end to the fleet's state, and returns the result. */
function withHolds(state: UnderWayState, actions: readonly Action[]): UnderWayState {
  const begun = actionsOf(actions, 'hold').map(({ do: _do, before: _before, ...hold }): Hold => ({ ...hold, actor, created_at: state.now }))
  const changed = new Set([...begun, ...actionsOf(actions, 'end_hold')].map(holdKey))
  if (changed.size === 0) return state
  return { ...state, holds: [...state.holds.filter((hold) => !changed.has(holdKey(hold))), ...begun] }
}

/** Gives dispatches to the agents that inherit them, and returns the result. */
function withHeirs(state: UnderWayState, actions: readonly Action[]): UnderWayState {
  const heirs = new Map(actionsOf(actions, 'inherit').map(({ worker, from, to }) => [`${worker} ${from}`, to]))
  if (heirs.size === 0) return state
  const dispatches = state.dispatches.map((dispatch) => {
    return { ...dispatch, incarnation: heirs.get(`${dispatch.worker} ${dispatch.incarnation}`) ?? dispatch.incarnation }
  })
  return { ...state, dispatches }
}

const holdKey = ({ scope, name, code }: Pick<Hold, 'scope' | 'name' | 'code'>) => `${scope} ${name} ${code}`
const actor = 'burn'

/**
 * Applies the state changes of dispatches to the fleet's state, and returns the result. A dispatch that ends frees its slot and its issue;
 * a dispatch in review frees only its slot.
 */
function after(state: UnderWayState, actions: readonly Action[]): UnderWayState {
  const moves = new Map(actionsOf(actions, 'move').map((move) => [move.id, move]))
  if (moves.size === 0) return state
  const moved = state.dispatches.map((dispatch) => {
    const move = moves.get(dispatch.id)
    if (move === undefined) return dispatch
    return { ...dispatch, state: move.to, change_url: move.change_url === undefined ? dispatch.change_url : move.change_url }
  })
  const freed = moved.flatMap(({ id, kind, issue, state: to }): Freed[] => {
    if (!moves.has(id) || kind !== 'work') return []
    return to === 'done' || to === 'failed' || to === 'lost' || to === 'released' ? [{ issue, to }] : []
  })
  return {
    ...state,
    dispatches: moved.filter(({ state: to }) => liveStates.includes(to)),
    sprints: state.sprints.filter(({ id }) => !moves.has(id)),
    freed: [...state.freed, ...freed],
  }
}

/**
 * Returns the issues as the ledger will have them after the actions of `settle`. burn judges an issue again when its dispatch ends. A
 * dispatch that failed or was lost counts as an attempt.
 */
export function withFreed(read: readonly IssueRecord[], { freed, now }: Pick<UnderWayState, 'freed' | 'now'>): readonly IssueRecord[] {
  const ends = new Map(freed.map(({ issue, to }) => [issue, to]))
  if (ends.size === 0) return read
  return read.map((record) => {
    const to = ends.get(record.issue.ref)
    if (to === undefined) return record
    const failed = to === 'failed' || to === 'lost'
    return {
      ...record,
      standing: null,
      revision: record.revision + 1,
      attempts: record.attempts + Number(failed),
      failed_at: failed ? now : record.failed_at,
      done: record.done || to === 'done',
    }
  })
}
