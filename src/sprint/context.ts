/** The dependencies of sprints: a session, and the objects that only sprints use. `src/cli/wire-sprints.ts` creates them once. */
import type { Backend, Failure, TranscriptEntry, SprintPolicy, SprintStage } from '../core/sprint.ts'
import type { Git } from '../git/run.ts'
import type { SandboxFacts } from '../sandbox/facts.ts'
import type { Session } from '../observe/session.ts'

/** The new stage of a running sprint, or a note about the sprint. The terminal shows stages and notes as progress. */
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
  /** The name of this machine, which is part of the ids of sprint workers. */
  readonly host: string
  readonly backends: readonly Backend[]
  /** The facts about this machine that the sandboxes share. */
  readonly facts: SandboxFacts
  /** Removes all known secrets, and all strings that look like a secret, from a text. Returns the result. */
  readonly redact: (text: string) => string
  /** Makes `redact` remove these secrets, too. */
  readonly hide: (secrets: readonly string[]) => void
  /** The dependencies of git commands. They send the forge's login to git when git requests a login. */
  readonly git: Git
  /** burn's environment. The model's commands inherit only a few of its variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly onUpdate: (update: SprintUpdate) => void
}

/** Thrown to end a sprint with this failure. `runSprint` catches this error. */
export class SprintFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.reason, cause === undefined ? undefined : { cause })
    this.failure = failure
  }
}
