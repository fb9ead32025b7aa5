/** The two lives: which states there are, and which may follow which. The ledger refuses every other step. */
import type { Reason } from './reasons.ts'

export type DispatchState = 'claimed' | 'handed' | 'review' | 'done' | 'failed' | 'lost' | 'released'
export type DispatchKind = 'work' | 'council'
export type DeliveryState = 'planned' | 'placing' | 'placed' | 'submitted' | 'seen' | 'refused' | 'unknown' | 'mangled'
/** `text`: the whole line that was typed, and with it its file's hash, was compared with the agent's record of it. `id`: only the delivery's id was found. */
export type Proof = 'text' | 'id'
/**
 * `work` and `council` give a dispatch to its worker. `follow_up` tells an agent what became of its dispatch or that its change needs work, `correction` tells it to
 * disregard a text that arrived changed, `resume` tells it to go on, `command` is a command of the agent's own: these four belong to a dispatch that was given.
 */
export type DeliveryKind = 'work' | 'identity' | 'council' | 'send' | 'follow_up' | 'correction' | 'resume' | 'command'

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
 * `unknown` is settled by looking: an id that shows up later makes it `seen`, or `mangled` if the agent has another line under it.
 * `placing → planned` never happens: what may have reached the pane is never planned again. A step into the same state counts an
 * Enter, before it is pressed.
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

/** The issue is taken: nobody else may get it. */
export const liveStates: readonly DispatchState[] = ['claimed', 'handed', 'review']
/** Its change is ready and not yet on the forge: it waits for a person. */
export function isKept({ kind, state, change_url }: Pick<Dispatch, 'kind' | 'state' | 'change_url'>): boolean {
  return kind === 'work' && state === 'review' && change_url === null
}
/** The dispatch fills one of its worker's slots. A change open for review frees it. */
export const slotStates: readonly DispatchState[] = ['claimed', 'handed']
/** Somebody is at work on this delivery; a lease covers it. */
export const activeStates: readonly DeliveryState[] = ['planned', 'placing', 'placed', 'submitted']
/** Nobody knows whether its agent has the text, or its agent has another one: a dispatch that lives keeps them in view. */
export const unprovenStates: readonly DeliveryState[] = ['unknown', 'mangled']
/** What an agent must know before it gets new work: such a text is kept until its pane is free, also if its dispatch has ended. */
export const followUpKinds: readonly DeliveryKind[] = ['follow_up', 'correction']
/** Text may be in the pane's composer: one such delivery a worker. */
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
  /** From 1: how many times this issue has been given. */
  readonly attempt: number
  /** Why this issue went to this worker. */
  readonly reason: Reason
  /** Why it is in its state: the reason of its last step. */
  readonly state_reason: Reason
  /** The forge's id of the fleet's one comment; null until it is known to be written. */
  readonly comment_id: string | null
  /** The state that the comment was last edited to say. */
  readonly comment_state: string | null
  readonly incarnation: string | null
  readonly change_url: string | null
  readonly claimed_at: number
  readonly handed_at: number | null
  readonly changed_at: number
}

/**
 * One text into one pane. A dispatch can have many. The first one, which gives it to its worker, bears the dispatch's id on purpose: one id in the prompt, the
 * branch, the comment and the ledger. All others have ids of their own, and say their dispatch.
 */
export interface Delivery {
  readonly id: string
  readonly kind: DeliveryKind
  /** The dispatch that it belongs to; null for an identity, a person's question or text. */
  readonly dispatch: string | null
  readonly worker: string
  readonly state: DeliveryState
  /** Emptied once the delivery has ended. */
  readonly text: string
  /** The line that was typed for it: null before that, and once nothing is to be compared with it any more. */
  readonly typed: string | null
  /** Which evidence `seen` has; null in every other state. */
  readonly proof: Proof | null
  readonly incarnation: string | null
  /** What was last seen that says so. */
  readonly evidence: Reason
  /** How often Enter was pressed. */
  readonly presses: number
  readonly planned_at: number
  readonly changed_at: number
  readonly lease_owner: string | null
  readonly lease_token: number
  readonly lease_until: number
}

/** The text that gives its dispatch to its worker. */
export function isFirstText({ id, dispatch }: Pick<Delivery, 'id' | 'dispatch'>): boolean {
  return dispatch === id
}
