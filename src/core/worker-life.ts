/** The types of the facts about a worker's life. `core/lifecycle.ts` has the states. */
import type { WorkerLife } from './lifecycle.ts'
import type { Login } from './login.ts'
import type { IssueRef, Reading, Time, Worker, WorkerId } from './nouns.ts'

/**
 * An observation that a worker is alive. `reading`: its state changed. `hook`: its agent reported an event. `usage`: it used tokens.
 * `commit`: a commit was made in its folder.
 */
export interface SignOfLife {
  readonly kind: 'reading' | 'hook' | 'usage' | 'commit'
  readonly at: Time
}

/** The state of a worker's life, with the evidence for it. */
export interface WorkerLifeReport {
  readonly life: WorkerLife
  /** The time at which the state began; null if unknown. */
  readonly since: Time | null
  readonly evidence: string
}

/** One worker of `burn worker list`. Numbers are about the period of the list; null means that the number is unknown. */
export interface WorkerSummary extends WorkerLifeReport {
  readonly id: WorkerId
  /** The worker in the spec; null if the spec no longer has it. */
  readonly worker: Worker | null
  readonly reading: Reading | null
  /** The issues that the worker has now. */
  readonly issues: readonly IssueRef[]
  readonly done: number
  readonly failed: number
  /** The time (ms) for which its agent worked. */
  readonly worked: number | null
  /** The money (USD) that its tokens cost. */
  readonly cost: number | null
  /** The newest sign of life of each kind. */
  readonly signs: readonly SignOfLife[]
  readonly last_sign: SignOfLife | null
  /** The login of its agent; null if burn cannot read logins of this agent kind, or if the machine did not answer. */
  readonly login: Login | null
  /** The model that last answered or was asked, otherwise the model of the spec. */
  readonly model: string | null
}
