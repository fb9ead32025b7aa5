/** What sprints work with: a session, and what only they need. Made once, in the wiring. */
import type { Backend, Failure, TranscriptEntry, SprintPolicy, SprintStage } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { Session } from '../observe/session.ts'

/** What happened in one sprint, for the person who watches. */
export interface SprintNews {
  readonly id: string
  readonly issue: string
  readonly worker: string
  readonly stage: SprintStage
  readonly note: TranscriptEntry | null
}

export interface SprintContext {
  readonly session: Session
  readonly policy: SprintPolicy
  /** This machine, as it stands in workers' ids. */
  readonly host: string
  readonly backends: readonly Backend[]
  /** Takes known secrets, and what looks like one, out of a text. */
  readonly redact: (text: string) => string
  /** What git runs with: it asks this program for the forge's login. */
  readonly git: Git
  /** The program's environment; the model's commands get next to nothing of it. */
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
