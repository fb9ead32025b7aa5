/** Finds the work that is under way for a part of the fleet. A worker is drained when nothing is under way for it. Pure. */
import type { StatusState } from '../core/fleet-state.ts'
import type { IssueRef, RepoRef, WorkerId } from '../core/nouns.ts'
import { activeStates, slotStates, type Delivery } from '../core/lifecycle.ts'
import { repoOf } from '../core/refs.ts'

/** A part of the fleet. A part that consists of repos has no workers. */
export interface FleetPart {
  readonly hasWorker: (id: WorkerId) => boolean
  readonly hasRepo: (repo: RepoRef) => boolean
}

/** Work that has not ended. */
export interface UnderWay {
  readonly worker: WorkerId
  /** The issue that the worker has; null if the work belongs to no issue. */
  readonly issue: IssueRef | null
  /** A phrase that follows the name of the worker. */
  readonly what: string
  /** The command with which a person can end the wait; null if there is none. */
  readonly remedy: string | null
}

/** The facts that show which work is under way. */
export type UnderWayFacts = Pick<StatusState, 'dispatches' | 'texts' | 'workers' | 'removed' | 'now'>

/**
 * Returns the work that is under way, sorted by worker. A dispatch in review is not under way: its change is on the forge, and its slot is
 * free. A worker on an unreachable machine is at work only if it has a dispatch.
 */
export function workUnderWay({ dispatches, texts, workers, removed, now }: UnderWayFacts, { hasWorker, hasRepo }: FleetPart): UnderWay[] {
  const own = dispatches
    .filter(({ kind, state }) => kind === 'work' && slotStates.includes(state))
    .filter(({ worker, issue }) => hasWorker(worker) || hasRepo(repoOf(issue)))
    .map(({ worker, issue, state }) => ({ worker, issue, what: state === 'claimed' ? `is getting ${issue}` : `has ${issue}` }))
  const isTyped = ({ dispatch, state, lease_until }: Delivery) =>
    // A planned text waits for its sender. If the sender ended, nobody types the text.
    dispatch === null && activeStates.includes(state) && (state !== 'planned' || lease_until > now)
  const typed = new Set(texts.filter(isTyped).map(({ worker }) => worker))
  const states = new Map([...removed, ...workers.map(({ worker, reading }) => [worker.id, reading.state] as const)])
  const others = [...new Set([...typed, ...states.keys()])].flatMap((worker) => {
    if (!hasWorker(worker) || own.some((each) => each.worker === worker)) return []
    const state = states.get(worker)
    if (!typed.has(worker) && state !== 'working' && state !== 'waiting') return []
    return [{ worker, issue: null, what: typed.has(worker) ? 'is getting a text' : 'is at work' }]
  })
  return [...own, ...others]
    .map((each) => (states.get(each.worker) === 'waiting' ? waiting(each) : { ...each, remedy: null }))
    .toSorted((a, b) => (a.worker < b.worker ? -1 : 1))
}

function waiting({ worker, issue, what }: Omit<UnderWay, 'remedy'>): UnderWay {
  const remedy = `burn answer ${worker.slice(worker.lastIndexOf('/') + 1)}`
  return { worker, issue, what: `${what} and waits for an answer`, remedy }
}

/** Returns a sentence about work under way, with the remedy if there is one. */
export function underWayText({ worker, what, remedy }: UnderWay): string {
  return `${worker} ${what}${remedy === null ? '' : `. Run: ${remedy}`}`
}
