/** The codes of errors about workers, issues and sprints. */

export const workerErrors = {
  council_empty: {
    meaning: 'The fleet has no worker with the role council or sentinel.',
    remedy: 'Write "role": "council" for some workers in the spec.',
  },
  hold_ambiguous: {
    meaning: 'The name fits several workers, windows, lanes, machines or repos.',
    remedy: 'Write the full name that the hint shows.',
  },
  hold_unknown: {
    meaning: 'No worker, window, lane, machine or repo has this name.',
    remedy: 'Run `burn status` for the names of the fleet, or write all.',
  },
  never_asks: {
    meaning: 'burn cannot answer questions of this kind of agent.',
    remedy: 'Answer in the pane: `burn attach WORKER`.',
  },
  no_agent: {
    meaning: 'No agent runs in the pane of the worker.',
    remedy: 'Start one: `burn christen WORKER`.',
  },
  no_such_choice: {
    meaning: 'The question of the worker does not offer this answer.',
    remedy: 'Run `burn answer WORKER` to see the choices.',
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
    meaning: 'Somebody scrolls in the pane, or its input is disabled or synchronized with other panes.',
    remedy: 'Leave copy mode with q, or enable the input of the pane, then run the command again.',
  },
  pane_missing: {
    meaning: 'The worker or window has no pane.',
    remedy: 'Create it: `burn up MACHINE`.',
  },
  question_changed: {
    meaning: 'The worker now asks another question than the one you saw.',
    remedy: 'Run `burn answer WORKER` to see the current question.',
  },
  question_empty: {
    meaning: '`burn council` got no question.',
    remedy: 'Write the question after the command: `burn council "…"`.',
  },
  text_empty: {
    meaning: '`burn send` got no text.',
    remedy: 'Write the text after the worker, or - to read it from standard input.',
  },
  text_too_long: {
    meaning: 'The text is longer than burn sends.',
    remedy: "Save it in a file in the worker's directory, and send the name of the file.",
  },
  worker_ambiguous: {
    meaning: 'Several workers have this name.',
    remedy: 'Write machine/WINDOW/NAME.',
  },
  worker_idle: {
    meaning: 'The worker takes no issues: it has another role, or it serves no repo.',
    remedy: 'Name another worker, or write its "repos" in the spec.',
  },
  worker_unknown: {
    meaning: 'No worker of the spec has this name.',
    remedy: 'Run `burn status` for the workers of the fleet.',
  },
  worker_unnamed: {
    meaning: '`burn worker loop` runs outside the pane of a worker, and got no name.',
    remedy: 'Name the worker: `burn worker loop WORKER`.',
  },
} as const

export const issueErrors = {
  change_open: {
    meaning: 'The issue has a change that is open for review.',
    remedy: 'Merge or close the change, then run `burn dispatch`; or release the issue with --force.',
  },
  issue_unknown: {
    meaning: 'Neither the ledger nor the forge has this issue.',
    remedy: 'Check the name, and run `burn dispatch --dry-run` once to read the forge.',
  },
  nonce_in_text: {
    meaning: 'The text of the issue contains the random fence that burn puts around it.',
    remedy: 'Run the command again; burn then draws another fence.',
  },
  nothing_live: {
    meaning: 'No worker has this issue, so there is nothing to release.',
    remedy: 'Run `burn explain ISSUE` to see where it is.',
  },
  other_ledger: {
    meaning: 'Another ledger of this fleet claimed the issue.',
    remedy: 'Write the place of that ledger into the spec; if it is lost, add --force.',
  },
  still_held: {
    meaning: 'The agent that got the issue may still work on it.',
    remedy: 'Wait for the agent or end it; with --force two workers may have the issue.',
  },
  still_live: {
    meaning: 'A worker still has a live dispatch, so burn neither requeues its issue nor ends its pane.',
    remedy: 'Wait for it, or give the issue back with `burn issue release ISSUE`.',
  },
} as const

export const sprintErrors = {
  loop_running: {
    meaning: 'Another process runs the loop of this worker.',
    remedy: 'End that process; if somebody killed it, wait half a minute.',
  },
  publish_failed: {
    meaning: 'burn could not push the change of the sprint or open it for review.',
    remedy: 'Fix the cause that the message names, then run `burn sprint publish` again.',
  },
  publish_running: {
    meaning: 'Another process publishes this sprint.',
    remedy: 'Wait for that process to end.',
  },
  sprint_elsewhere: {
    meaning: 'The workspace of the sprint is not on this machine.',
    remedy: 'Run the command on the host that the hint names, or release the issue.',
  },
  sprint_no_backend: {
    meaning: 'No backend of the spec can work now, so burn claimed no issue.',
    remedy: 'Start a backend, or correct "sprint.backends" in the spec; `burn doctor` checks each.',
  },
  sprint_no_repo: {
    meaning: 'No repo is left that sprints may take issues from.',
    remedy: 'Add "repos" to "sprint" in the spec, or change the options of the command.',
  },
  sprint_not_eligible: {
    meaning: 'The issue that you named is not eligible for a sprint now.',
    remedy: 'Run `burn explain ISSUE` for the reason.',
  },
  sprint_not_kept: {
    meaning: 'The sprint keeps no change that waits for a person.',
    remedy: 'Run `burn explain ISSUE` to see how it ended.',
  },
  sprint_resting: {
    meaning: 'Sprints pause because the last one failed for a reason that every issue would meet.',
    remedy: 'Fix that cause, then run `burn sprint run --now`.',
  },
  sprint_unknown: {
    meaning: 'The ledger has no such sprint.',
    remedy: 'Run `burn sprint list` for the sprints.',
  },
} as const
