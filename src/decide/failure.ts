/** Decides what follows from each class of sprint failure: another backend, the end of the dispatch, or the end of the run. */
import type { FailureClass } from '../core/sprint.ts'

/** The consequences of a failed sprint for its issue and for the run. */
export interface Consequence {
  /** If true, the sprint tries the next backend. */
  readonly next_backend: boolean
  /**
   * The final state of the dispatch. `failed` counts as an attempt of the issue. `released` does not, because the issue is not the cause.
   */
  readonly dispatch: 'failed' | 'released'
  /** If true, a run of several issues ends, because every other issue would fail in the same way. */
  readonly ends_run: boolean
  /** The remedy, for people; empty if nobody has to do anything. */
  readonly hint: string
}

/** For failures that the issue or the work on the issue caused. */
const ofIssue = { next_backend: false, dispatch: 'failed', ends_run: false } as const
/** For writes that the forge refused, so that no work began. burn backs off from the issue or the repo. */
const ofWrite = { next_backend: false, dispatch: 'released', ends_run: false } as const
/** For failures that the backend caused. */
const ofBackend = { next_backend: true, dispatch: 'released', ends_run: true } as const
/** For failures that the machine or the forge caused. */
const ofMachine = { next_backend: false, dispatch: 'released', ends_run: true } as const

const consequences: Readonly<Record<FailureClass, Consequence>> = {
  backend_down: { ...ofBackend, hint: 'start the backend, or name another one under sprint.backends' },
  auth: { ...ofBackend, hint: 'renew the key of the backend; for Hermes: hermes auth status nous' },
  rate_limited: { ...ofBackend, hint: 'wait, or add a model or a backend under sprint.backends' },
  model_unknown: { ...ofBackend, hint: 'correct the model under sprint.backends' },
  context_overflow: { ...ofIssue, next_backend: true, hint: 'split the issue, or use a model with a longer context' },
  empty_answer: { ...ofIssue, next_backend: true, hint: 'try another model' },
  backend_failed: { ...ofIssue, next_backend: true, hint: 'read the transcript: burn sprint show' },
  budget: { ...ofIssue, hint: 'split the issue, or raise sprint.budget' },
  no_change: {
    ...ofIssue,
    next_backend: true,
    hint: 'read the answer of the model (burn sprint show), and add the missing details to the issue',
  },
  check_red: { ...ofIssue, hint: 'see the output of the check: burn sprint show; the changed files are in the workspace' },
  conflict: { ...ofIssue, hint: 'the next attempt starts from the current base branch' },
  push_refused: { ...ofIssue, hint: 'read the message of the remote: burn sprint show; the changed files are in the workspace' },
  protected_paths: { ...ofIssue, hint: 'review and publish the change: burn sprint publish' },
  change_refused: { ...ofIssue, hint: 'the branch is pushed: open the change on the forge, or run the issue again' },
  forge_down: { ...ofMachine, hint: 'check that the forge is up: burn doctor' },
  issue_refused: { ...ofWrite, hint: 'find the reason on the forge; burn explain shows the end of the back-off' },
  repo_refused: { ...ofWrite, hint: 'fix the repo on the forge, or remove it from the spec; burn status shows the end of the back-off' },
  token_refused: { ...ofMachine, hint: 'check the permissions of the token: burn doctor' },
  repo_unusable: { ...ofWrite, hint: 'find the cause: burn doctor' },
  disk_full: { ...ofMachine, hint: 'free some disk space: burn sprint prune' },
  sandbox_missing: { ...ofMachine, hint: 'install bubblewrap, or write "use": "off" in "sandbox" to run commands unconfined' },
  sandbox_failed: { ...ofMachine, hint: 'find out why bubblewrap does not work on this machine: burn doctor' },
  workspace_unusable: { ...ofIssue, hint: 'see the commands of the sprint (burn sprint show), or raise "disk" or "files" in "sandbox"' },
  issue_gone: { ...ofIssue, dispatch: 'released', hint: '' },
  fenced: { ...ofIssue, dispatch: 'released', hint: '' },
  stopped: { ...ofMachine, hint: 'run the sprint again' },
  crashed: { ...ofIssue, hint: 'run the sprint again' },
  internal: { ...ofMachine, dispatch: 'failed', hint: 'this is a bug in burn: please report it' },
}

/** Returns the consequences of a failure class. */
export function consequenceOf(failure: FailureClass): Consequence {
  return consequences[failure]
}
