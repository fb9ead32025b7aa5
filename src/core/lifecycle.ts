/**
 * The states of dispatches, deliveries and workers, and the allowed transitions. The ledger refuses every other transition of a dispatch or
 * a delivery.
 */
import type { Reason } from './reasons.ts'

/**
 * The state of a dispatch. `claimed`: the ledger has the claim, and the agent has no prompt yet. `handed`: the agent has the prompt.
 * `review`: the change is open for review, or a sprint keeps it for a person. `done`: the issue was closed, or the change merged. `failed`:
 * the change was rejected, or the agent stopped without a change. `lost`: the agent has ended. `released`: the issue went back to the
 * queue.
 */
export type DispatchState = 'claimed' | 'handed' | 'review' | 'done' | 'failed' | 'lost' | 'released'
export type DispatchKind = 'work' | 'council'
/**
 * The state of a delivery. `planned`: burn has typed nothing. `placing`: burn is typing. `placed`: the composer (input field) contains the
 * line. `submitted`: the line left the composer. `seen`: there is proof that the agent has the line. `refused`: nothing reached the pane.
 * `unknown`: there is no proof that the agent has the line. `mangled`: the agent recorded a different line.
 */
export type DeliveryState = 'planned' | 'placing' | 'placed' | 'submitted' | 'seen' | 'refused' | 'unknown' | 'mangled'
/**
 * The proof that an agent has the line of a delivery. `text`: the agent recorded exactly the line that burn typed. A line that names a file
 * also contains the hash of that file. `id`: burn found only the delivery's id.
 */
export type Proof = 'text' | 'id'
/**
 * The purpose of a message to an agent. `work` and `council`: the first prompt of a dispatch. `identity`: tells a worker its name and role.
 * `send`: a person's message. The other kinds follow the first prompt of a dispatch. `follow_up`: reports the outcome of the dispatch, or
 * that its change needs work. `correction`: tells the agent to disregard a message that arrived changed. `resume`: tells the agent to
 * continue. `command`: a command of the agent program.
 */
export type DeliveryKind = 'work' | 'identity' | 'council' | 'send' | 'follow_up' | 'correction' | 'resume' | 'command'

/** For each state of a dispatch, the states that may follow it. */
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
 * For each state of a delivery, the states that may follow it. An `unknown` delivery becomes `seen` if burn finds its id later, or
 * `mangled` if the agent has a different line with that id. A delivery never returns from `placing` to `planned`, because the line may have
 * reached the pane. Before burn presses Enter, it records the key press with a transition to the same state. burn does the same before it
 * types a line that provably did not reach the pane.
 */
export const deliveryTransitions: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  planned: ['placing', 'refused'],
  placing: ['placing', 'placed', 'submitted', 'seen', 'refused', 'unknown', 'mangled'],
  placed: ['placed', 'submitted', 'seen', 'unknown', 'refused', 'mangled'],
  submitted: ['submitted', 'seen', 'unknown', 'mangled'],
  seen: [],
  refused: [],
  unknown: ['seen', 'mangled'],
  mangled: [],
}

/** States in which the dispatch holds its issue: burn gives the issue to no other worker. */
export const liveStates: readonly DispatchState[] = ['claimed', 'handed', 'review']
/** Returns true if the dispatch is a sprint whose change is ready, but waits for a person and is not yet on the forge. */
export function isKept({ kind, state, change_url }: Pick<Dispatch, 'kind' | 'state' | 'change_url'>): boolean {
  return kind === 'work' && state === 'review' && change_url === null
}
/** States in which a dispatch occupies a slot of its worker. A dispatch in review does not occupy one. */
export const slotStates: readonly DispatchState[] = ['claimed', 'handed']
/** States in which a burn process works on the delivery and holds the lease. */
export const activeStates: readonly DeliveryState[] = ['planned', 'placing', 'placed', 'submitted']
/**
 * States without proof that the agent has the line, or with proof that it has a different line. `LedgerView` includes deliveries in these
 * states until their dispatch ends.
 */
export const unprovenStates: readonly DeliveryState[] = ['unknown', 'mangled']
/**
 * Kinds of messages that burn delivers before it gives the worker new work. Such a message waits until the pane is free, even if the
 * dispatch has ended.
 */
export const followUpKinds: readonly DeliveryKind[] = ['follow_up', 'correction']
/** States in which the composer may contain the line of the delivery. A worker has at most one such delivery. */
export const pastingStates: readonly DeliveryState[] = ['placing', 'placed']

/** A dispatch: one issue that burn gave to one worker. */
export interface Dispatch {
  readonly id: string
  readonly kind: DispatchKind
  readonly issue: string
  readonly worker: string
  /** The slot of the worker, from 0 to depth-1; null for a council dispatch. */
  readonly slot: number | null
  readonly state: DispatchState
  /** The number of this attempt at the issue, starting at 1. */
  readonly attempt: number
  /** The reason why this worker got this issue. */
  readonly reason: Reason
  /** The reason of the last transition. */
  readonly state_reason: Reason
  /** The id of burn's comment on the forge; null until burn knows that the comment was written. */
  readonly comment_id: string | null
  /** The dispatch state that the comment shows; null if there is no comment. */
  readonly comment_state: string | null
  readonly incarnation: string | null
  readonly change_url: string | null
  readonly claimed_at: number
  readonly handed_at: number | null
  readonly changed_at: number
}

/**
 * One message for the agent in one pane. A dispatch can have many deliveries. The first delivery is the prompt. Its id is the id of the
 * dispatch, which is also in the branch and the comment. All other deliveries have their own ids.
 */
export interface Delivery {
  readonly id: string
  readonly kind: DeliveryKind
  /** The id of the dispatch that the message belongs to; null for an identity prompt, and for a message or council question of a person. */
  readonly dispatch: string | null
  readonly worker: string
  readonly state: DeliveryState
  /** The text of the message; empty after the delivery has ended. */
  readonly text: string
  /** The line that burn typed for the delivery; null before burn types, and after the last comparison with the agent's record. */
  readonly typed: string | null
  /** The proof that the agent has the line; null unless the state is `seen`. */
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

/** Returns true if the delivery is the first prompt of a dispatch. */
export function isFirstText({ id, dispatch }: Pick<Delivery, 'id' | 'dispatch'>): boolean {
  return dispatch === id
}

/**
 * A state in the life of a worker. The ledger does not store it: `decide/worker-life` derives it from the spec, the ledger and the snapshots.
 * `declared`: the spec has the worker. `provisioned`: its folder, clone, agent home, login and model were
 * checked, or an agent ran there before. `deployed`: its agent runs in its pane. `held`: its agent gets no new work. `draining`: its agent gets
 * no new work, and finishes its work. `silent`: it has work, and burn has seen no sign of life for `worker.silent_after`. `retiring`: its pane
 * ends when nothing is under way. `retired`: its pane has ended, and its folder stays.
 */
export type WorkerLife = 'declared' | 'provisioned' | 'deployed' | 'held' | 'draining' | 'silent' | 'retiring' | 'retired'

/** A step from one state to another. */
export interface LifeStep {
  readonly to: WorkerLife
  /** The command that takes the step, with `NAME` for the worker; or the observation that shows the step. */
  readonly by: string
}

const retire: LifeStep = { to: 'retiring', by: 'burn worker retire NAME' }
const remove: LifeStep = { to: 'retired', by: 'the spec no longer has it' }
const hold: LifeStep = { to: 'held', by: 'burn hold NAME' }
const drain: LifeStep = { to: 'draining', by: 'burn hold NAME --drain' }
const resume: LifeStep = { to: 'deployed', by: 'burn resume NAME' }
const silence: LifeStep = { to: 'silent', by: 'no sign of life' }
const end: LifeStep = { to: 'provisioned', by: 'its agent ends' }
const start: LifeStep = { to: 'deployed', by: 'burn up && burn christen NAME' }

/** For each state, the steps that may follow. A worker that leaves the spec while it has a pane or work becomes `retiring`. */
export const lifeSteps: Readonly<Record<WorkerLife, readonly LifeStep[]>> = {
  declared: [{ to: 'provisioned', by: 'burn worker provision NAME' }, start, retire, remove],
  provisioned: [start, retire, remove],
  deployed: [hold, drain, silence, end, retire],
  held: [resume, drain, silence, end, retire],
  draining: [{ to: 'held', by: 'nothing is under way' }, resume, silence, end, retire],
  silent: [{ to: 'deployed', by: 'a sign of life' }, hold, drain, end, retire],
  retiring: [{ to: 'retired', by: 'burn worker retire NAME' }, resume],
  retired: [{ to: 'provisioned', by: 'burn resume NAME' }],
}
