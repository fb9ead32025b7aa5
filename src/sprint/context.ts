/** What sprints work with: a session, and what only they need. Made once, in the wiring. */
import type { Backend, Failure, SprintNote, SprintPolicy, SprintStage } from '../core/sprint.ts'
import type { Session } from '../run/session.ts'

/** What happened in one sprint, for the person who watches. */
export interface SprintNews {
  readonly id: string
  readonly issue: string
  readonly worker: string
  readonly stage: SprintStage
  readonly note: SprintNote | null
}

export interface SprintContext {
  readonly session: Session
  readonly policy: SprintPolicy
  /** This machine, as it stands in workers' ids. */
  readonly host: string
  readonly backends: readonly Backend[]
  /** Takes known secrets, and what looks like one, out of a text. */
  readonly redact: (text: string) => string
  /** The command that tells git the forge's credentials; null where the forge has none. */
  readonly credential: readonly string[] | null
  /** What the model's commands may know of the environment, and what git runs with. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly hear: (news: SprintNews) => void
}

/** Ends a sprint: thrown where it can't go on, caught in one place. */
export class SprintFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.reason, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}
