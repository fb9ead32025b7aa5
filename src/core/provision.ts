/** The types of provisioning: the preparation of a worker's machine for its agent. */
import type { Time } from './nouns.ts'

/**
 * A step of provisioning. `folder`: the working directory. `clone`: a clone of the home repo. `home`: the hook and the files of the agent.
 * `program`: the agent program. `login`: a login at the provider. `model`: the model answers.
 */
export type ProvisionStep = 'folder' | 'clone' | 'home' | 'program' | 'login' | 'model'

/**
 * The result of a step. `ok`: everything was there. `made`: burn made it. `none`: the worker does not need it. `warn`: the agent works, but with
 * a restriction. `unknown`: burn could not find out. `failed`: it is missing, and burn could not make it.
 */
export type StepState = 'ok' | 'made' | 'none' | 'warn' | 'unknown' | 'failed'

/** A step with its result. */
export interface StepResult {
  readonly step: ProvisionStep
  readonly state: StepState
  /** The evidence, in one line. */
  readonly what: string
  /** The command or instruction that fixes the problem; empty if there is none. */
  readonly remedy: string
}

/** The ledger's record of the last provisioning of a worker. */
export interface ProvisionRecord {
  readonly at: Time
  readonly steps: readonly StepResult[]
}
