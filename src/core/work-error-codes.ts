/** The codes of errors about workers, issues and sprints. */

export const workerErrors = {
  council_empty: {
    meaning: 'The fleet has no worker with the role council or sentinel.',
    remedy: 'Write "role": "council" for some workers in the spec.',
  },
  never_asks: {
    meaning: 'burn cannot answer questions of this kind of agent.',
    remedy: 'Answer in the pane: `burn attach WORKER`.',
  },
  no_agent: {
    meaning: 'No agent runs in the pane of the worker.',
    remedy: 'Start an agent: `burn christen WORKER`.',
  },
  no_such_choice: {
    meaning: 'The question of the worker does not offer the given answer.',
    remedy: 'Run `burn answer WORKER` to see the choices.',
  },
  no_interrupt: {
    meaning: 'burn knows no key that interrupts this kind of agent.',
    remedy: 'Press the key in the pane: `burn attach WORKER`.',
  },
  not_working: {
    meaning: 'The agent of the worker runs no turn.',
    remedy: 'Run `burn status` to see which workers are at work.',
  },
  not_asking: {
    meaning: 'The worker has no open question.',
    remedy: 'Run `burn status` to see which workers are waiting.',
  },
  not_typed: {
    meaning: 'tmux refused the answer, so burn typed nothing.',
    remedy: 'Look at the pane: `burn attach WORKER`.',
  },
  pane_in_use: {
    meaning: 'The pane is in copy mode, or its input is disabled or synchronized with other panes.',
    remedy: 'End copy mode (q), enable the input (`select-pane -e`), or turn off `synchronize-panes`. Then run the command again.',
  },
  pane_missing: {
    meaning: 'The worker or window has no pane.',
    remedy: 'Create the pane: `burn up MACHINE`.',
  },
  question_changed: {
    meaning: 'The question of the worker has changed since you saw it.',
    remedy: 'Run `burn answer WORKER` to see the current question.',
  },
  question_empty: {
    meaning: 'The command `burn council` has no question.',
    remedy: 'Write the question after the command: `burn council "…"`.',
  },
  text_empty: {
    meaning: 'The command `burn send` has no text to send.',
    remedy: 'Write the text after the name of the worker, or write "-" to read the text from standard input.',
  },
  text_too_long: {
    meaning: 'The text is longer than `burn send` allows.',
    remedy: 'Save the text in a file in the directory of the worker, and send the name of that file.',
  },
  worker_ambiguous: {
    meaning: 'Several workers have the given name.',
    remedy: 'Write machine/WINDOW/NAME.',
  },
  worker_idle: {
    meaning: 'The worker gets no issues: its role is council or sentinel, or it serves no repo.',
    remedy: 'Use another worker, or set "repos" of this worker in the spec.',
  },
  worker_unknown: {
    meaning: 'No worker in the spec has the given name.',
    remedy: 'Run `burn status` to list the workers of the fleet.',
  },
  worker_unnamed: {
    meaning: '`burn worker loop` runs outside the pane of a worker, and its arguments name no worker.',
    remedy: 'Name the worker: `burn worker loop WORKER`.',
  },
} as const

export const issueErrors = {
  change_unknown: {
    meaning: 'No change in review has the given name.',
    remedy: 'Run `burn change list`.',
  },
  change_ended: {
    meaning: 'The change was merged or closed.',
    remedy: 'Run `burn dispatch`: burn then ends the dispatch of the change.',
  },
  change_blocked: {
    meaning: 'burn or the forge cannot merge or update the change now.',
    remedy: 'Run `burn change show` to see its checks, reviews and steps.',
  },
  change_open: {
    meaning: 'The issue has a change that is open for review.',
    remedy: 'Merge or close the change, then run `burn dispatch`; or release the issue with --force.',
  },
  issue_closed: {
    meaning: 'The issue is closed, so burn assigns it to nobody.',
    remedy: 'Reopen the issue on the forge, or check its number.',
  },
  issue_unknown: {
    meaning: 'The issue is neither in the ledger nor on the forge.',
    remedy: 'Check the name of the issue, and run `burn dispatch --dry-run` once to read the forge.',
  },
  nonce_in_text: {
    meaning: 'The issue contains the random delimiter that burn puts around the text of the issue in a prompt.',
    remedy: 'Run the command again; burn then generates another delimiter.',
  },
  nothing_live: {
    meaning: 'No worker has this issue, so there is nothing to release.',
    remedy: 'Run `burn explain ISSUE` to see the state of the issue.',
  },
  other_ledger: {
    meaning: 'Another ledger of this fleet claimed the issue.',
    remedy: 'Set "ledger" in the spec to the ledger that claimed the issue; if that ledger is lost, add --force.',
  },
  still_held: {
    meaning: 'The agent that got the issue may still work on it.',
    remedy: 'Wait until the agent ends, or end the agent; with --force, two workers may work on the issue.',
  },
  still_live: {
    meaning: 'A worker still has a live dispatch, so burn neither requeues the issue nor ends the pane.',
    remedy: 'Wait until the dispatch ends, or give the issue back with `burn issue release ISSUE`.',
  },
} as const

export const sprintErrors = {
  loop_running: {
    meaning: 'Another process runs `burn worker loop` for this worker.',
    remedy: 'End the other process; if it was killed, wait half a minute until its lease expires.',
  },
  publish_failed: {
    meaning: 'burn could not push the change of the sprint or open it for review.',
    remedy: 'Fix the cause that the message names, then run `burn sprint publish` again.',
  },
  publish_running: {
    meaning: 'Another process publishes this sprint.',
    remedy: 'Wait until the other process ends.',
  },
  sprint_elsewhere: {
    meaning: 'The workspace of the sprint is not on this machine.',
    remedy: 'Run the command on the host that the hint names, or release the issue.',
  },
  sprint_no_backend: {
    meaning: 'No backend in the spec can work now, so burn claimed no issue.',
    remedy: 'Start a backend, or correct "sprint.backends" in the spec; `burn doctor` checks each backend.',
  },
  sprint_no_repo: {
    meaning: 'The spec and the options leave no repo whose issues a sprint may claim.',
    remedy: 'Add "repos" to "sprint" in the spec, or change the options of the command.',
  },
  sprint_not_eligible: {
    meaning: 'The given issue is not eligible for a sprint now.',
    remedy: 'Run `burn explain ISSUE` for the reason.',
  },
  sprint_not_kept: {
    meaning: 'The sprint has no kept change, that is, no change that waits for a person.',
    remedy: 'Run `burn explain ISSUE` to see how the sprint ended.',
  },
  sprint_resting: {
    meaning: 'Sprints are paused because the last sprint failed for a reason that affects every issue.',
    remedy: 'Fix the cause of the failure, then run `burn sprint run --now`.',
  },
  sprint_unknown: {
    meaning: 'The ledger has no sprint with the given id, or none for the given issue.',
    remedy: 'Run `burn sprint list` to list the sprints.',
  },
} as const
