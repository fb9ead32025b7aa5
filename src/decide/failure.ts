/** What follows when a sprint, or a backend of it, fails. */
import type { FailureClass } from '../core/sprint.ts'

export interface Consequence {
  /** Whether another backend may do better with the same issue. */
  readonly next_backend: boolean
  /** `failed` counts as an attempt of the issue, and `released` does not: nothing was wrong with the issue. */
  readonly dispatch: 'failed' | 'released'
  /** Whether it would come to the same with every other issue, so that a run of many ends. */
  readonly ends_run: boolean
  /** What a person can do about it. */
  readonly hint: string
}

const other = { next_backend: false, dispatch: 'failed', ends_run: false } as const
/** The forge says no: nothing was begun, and the issue or repo rests. */
const refused = { next_backend: false, dispatch: 'released', ends_run: false } as const
/** The backend's trouble, not the issue's. */
const backend = { next_backend: true, dispatch: 'released', ends_run: true } as const
/** Trouble of the machine or the forge. */
const place = { next_backend: false, dispatch: 'released', ends_run: true } as const

const consequences: Readonly<Record<FailureClass, Consequence>> = {
  backend_down: { ...backend, hint: 'start it, or name another under sprint.backends' },
  auth: { ...backend, hint: 'renew its key; for Hermes: hermes auth refresh nous' },
  rate_limited: { ...backend, hint: 'wait, or add a model or a backend under sprint.backends' },
  model_unknown: { ...backend, hint: 'correct the model under sprint.backends' },
  context_overflow: { ...other, next_backend: true, hint: 'split the issue, or use a model with a longer context' },
  empty_answer: { ...other, next_backend: true, hint: 'try another model' },
  backend_failed: { ...other, next_backend: true, hint: 'see its transcript: burn sprint show' },
  budget: { ...other, hint: 'split the issue, or raise sprint.budget' },
  no_change: { ...other, next_backend: true, hint: 'see what it answered: burn sprint show; say in the issue what is missing' },
  check_red: { ...other, hint: 'see what failed: burn sprint show; the work is in its workspace' },
  conflict: { ...other, hint: 'the next attempt starts from the new base' },
  push_refused: { ...other, hint: "see the remote's answer: burn sprint show; the work is in its workspace" },
  protected_paths: { ...other, hint: 'see and publish it: burn sprint publish' },
  change_refused: { ...other, hint: 'the branch is pushed: open the change by hand, or run the issue again' },
  forge_down: { ...place, hint: 'see that the forge is up: burn doctor' },
  issue_refused: { ...refused, hint: 'see why on the forge; burn explain says until when the issue rests' },
  repo_refused: { ...refused, hint: 'take the repo out of the spec, or see to it on the forge; burn status says until when it rests' },
  token_refused: { ...place, hint: 'see what the token may do: burn doctor' },
  repo_unusable: { ...other, hint: 'see that the repo has commits and the branch that the spec names' },
  disk_full: { ...place, hint: 'make room: burn sprint prune' },
  sandbox_missing: { ...place, hint: 'install bubblewrap, or write "use": "off" in "sandbox" to run commands unconfined' },
  sandbox_failed: { ...place, hint: 'see why bubblewrap does not work here: burn doctor' },
  workspace_unusable: { ...other, hint: 'see what its commands did: burn sprint show; or raise "disk" or "files" in "sandbox"' },
  issue_gone: { ...other, dispatch: 'released', hint: '' },
  fenced: { ...other, dispatch: 'released', hint: '' },
  stopped: { ...place, hint: 'run it again' },
  crashed: { ...other, hint: 'run it again' },
  internal: { ...place, dispatch: 'failed', hint: 'this is a mistake in burn: please report it' },
}

export function consequenceOf(failure: FailureClass): Consequence {
  return consequences[failure]
}
