/** The states of dispatches and deliveries, and the allowed transitions. The ledger refuses every other transition. */
import type { Reason } from './reasons.ts'

/**
 * The state of a dispatch. `claimed`: the ledger has it, and its agent has no text yet. `handed`: its agent has the text. `review`: its
 * change is open for review, or is kept. `done`: its issue was closed, or its change merged. `failed`: its change was rejected, or its
 * agent stopped without one. `lost`: its agent is gone. `released`: the issue was given back.
 */
export type DispatchState = 'claimed' | 'handed' | 'review' | 'done' | 'failed' | 'lost' | 'released'
export type DispatchKind = 'work' | 'council'
/**
 * The state of a delivery. `planned`: burn has typed nothing. `placing`: burn is typing. `placed`: the composer contains the line.
 * `submitted`: the line left the composer. `seen`: there is proof that the agent has it. `refused`: nothing reached the pane. `unknown`:
 * there is no proof. `mangled`: the agent recorded another text.
 */
export type DeliveryState = 'planned' | 'placing' | 'placed' | 'submitted' | 'seen' | 'refused' | 'unknown' | 'mangled'
/**
 * The proof of `seen`. `text`: burn compared the whole typed line, with its file's hash, to the agent's record. `id`: burn found only the
 * delivery's id.
 */
export type Proof = 'text' | 'id'
/**
 * The purpose of a text. `work` and `council` give a dispatch to its worker. `identity` tells a worker its name and role. `send` is a
 * person's text. The others belong to a dispatch that was given: `follow_up` reports its outcome, or that its change needs work;
 * `correction` tells the agent to disregard a text that arrived changed; `resume` tells it to continue; `command` is a command of the agent
 * program.
 */
export type DeliveryKind = 'work' | 'identity' | 'council' | 'send' | 'follow_up' | 'correction' | 'resume' | 'command'

/** The states that may follow each state of a dispatch. */
export const dispatchTransitions: Readonly<Record<DispatchState, readonly DispatchState[]>> = {
  claimed: ['handed', 'released', 'done'],
  handed: ['review', 'done', 'failed', 'lost', 'released'],
  review: ['done', 'handed', 'failed', 'released'],
  done: [],
  failed: [],
  lost: [],
  released: [],
}

/**
 * The states that may follow each state of a delivery. An `unknown` one becomes `seen` if its id shows up later, or `mangled` if the agent
 * has another line under that id. `placing → planned` is not allowed, because the text may have reached the pane. A transition to the same
 * state counts an Enter before burn presses it.
 */
export const deliveryTransitions: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  planned: ['placing', 'refused'],
  placing: ['placed', 'submitted', 'seen', 'refused', 'unknown', 'mangled'],
  placed: ['placed', 'submitted', 'seen', 'unknown', 'refused', 'mangled'],
  submitted: ['submitted', 'seen', 'unknown', 'mangled'],
  seen: [],
  refused: [],
  unknown: ['seen', 'mangled'],
  mangled: [],
}

/** States in which the dispatch holds its issue: nobody else may get it. */
export const liveStates: readonly DispatchState[] = ['claimed', 'handed', 'review']
/** Returns true if the change of a sprint is ready, but waits for a person and is not yet on the forge. */
export function isKept({ kind, state, change_url }: Pick<Dispatch, 'kind' | 'state' | 'change_url'>): boolean {
  return kind === 'work' && state === 'review' && change_url === null
}
/** States in which a dispatch fills a slot of its worker. A change that is open for review frees the slot. */
export const slotStates: readonly DispatchState[] = ['claimed', 'handed']
/** States in which a process works on the delivery and holds its lease. */
export const activeStates: readonly DeliveryState[] = ['planned', 'placing', 'placed', 'submitted']
/**
 * States without proof that the agent has the text, or with proof that it has another one. Views include these deliveries while their
 * dispatch lives.
 */
export const unprovenStates: readonly DeliveryState[] = ['unknown', 'mangled']
/** Texts that an agent must get before new work. burn keeps such a text until the pane is free, even if the dispatch has ended. */
export const followUpKinds: readonly DeliveryKind[] = ['follow_up', 'correction']
/** States in which the text may be in the pane's composer. A worker has at most one such delivery. */
export const pastingStates: readonly DeliveryState[] = ['placing', 'placed']

/** An issue given to a worker. */
export interface Dispatch {
  readonly id: string
  readonly kind: DispatchKind
  readonly issue: string
  readonly worker: string
  /** 0 … depth-1; null for council. */
  readonly slot: number | null
  readonly state: DispatchState
  /** The number of this attempt at the issue, from 1. */
  readonly attempt: number
  /** The reason that this worker got this issue. */
  readonly reason: Reason
  /** The reason of the last transition. */
  readonly state_reason: Reason
  /** The forge's id of the fleet's comment; null until burn knows that it was written. */
  readonly comment_id: string | null
  /** The state that the comment shows. */
  readonly comment_state: string | null
  readonly incarnation: string | null
  readonly change_url: string | null
  readonly claimed_at: number
  readonly handed_at: number | null
  readonly changed_at: number
}

/**
 * One text for one pane. A dispatch can have many texts. The first one gives the dispatch to its worker, and has the dispatch's id: the
 * prompt, the branch, the comment and the ledger share it. All other texts have their own id.
 */
export interface Delivery {
  readonly id: string
  readonly kind: DeliveryKind
  /** The dispatch of the text; null for an identity, a council question of a person, or a person's text. */
  readonly dispatch: string | null
  readonly worker: string
  readonly state: DeliveryState
  /** The text; empty once the delivery has ended. */
  readonly text: string
  /** The line that burn typed for it; null before that, and once no comparison can follow. */
  readonly typed: string | null
  /** The proof of `seen`; null in every other state. */
  readonly proof: Proof | null
  readonly incarnation: string | null
  /** The last observation that led to the state. */
  readonly evidence: Reason
  /** The number of times that burn pressed Enter. */
  readonly presses: number
  readonly planned_at: number
  readonly changed_at: number
  readonly lease_owner: string | null
  readonly lease_token: number
  readonly lease_until: number
}

/** Returns true for the text that gives a dispatch to its worker. */
export function isFirstText({ id, dispatch }: Pick<Delivery, 'id' | 'dispatch'>): boolean {
  return dispatch === id
}
