/** The dependencies of sprints: a session, and the parts that only sprints use. The wiring creates them once. */
import type { Backend, Failure, TranscriptEntry, SprintPolicy, SprintStage } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { Session } from '../observe/session.ts'

/** A new stage or note of a running sprint, for progress on the terminal. */
export interface SprintUpdate {
  readonly id: string
  readonly issue: string
  readonly worker: string
  readonly stage: SprintStage
  readonly note: TranscriptEntry | null
}

export interface SprintContext {
  readonly session: Session
  readonly policy: SprintPolicy
  /** The name of this machine in the ids of workers. */
  readonly host: string
  readonly backends: readonly Backend[]
  /** Removes from a text all known secrets, and strings that look like one. */
  readonly redact: (text: string) => string
  /** The settings of git, which gets the forge's login from burn. */
  readonly git: Git
  /** burn's environment. The model's commands get only a few variables of it. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly onUpdate: (update: SprintUpdate) => void
}

/** Ends a sprint. `runSprint` catches it. */
export class SprintFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.reason, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}
