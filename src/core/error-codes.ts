/** Every error code with its meaning and remedy. `burn explain CODE` prints them; docs/reference/errors.md is generated from them. */
import { forgeErrors, gitErrors, secretErrors } from './forge-error-codes.ts'
import { backendErrors, ledgerErrors, machineErrors, notifyErrors, sandboxErrors, snapshotErrors } from './system-error-codes.ts'
import { issueErrors, sprintErrors, workerErrors } from './work-error-codes.ts'

/** The description of an error code: what happened, and what a person does about it. */
interface ErrorText {
  readonly meaning: string
  readonly remedy: string
}

const commandErrors = {
  cursor: {
    meaning: 'The value of --after is not a valid event cursor of this ledger.',
    remedy: 'Copy the cursor of an event from `burn log --json`.',
  },
  duration: {
    meaning: 'An option or argument is not a valid duration.',
    remedy: 'Write a duration such as 90s, 40m or 1h30m, or a number of seconds.',
  },
  fault_unknown: {
    meaning: 'The value of `burn simulate --faults` contains an unknown kind of fault or an invalid interval.',
    remedy: 'Write `all`, or kinds from the list in the hint.',
  },
  init_agent: {
    meaning: '`burn init` found no agent program on this computer.',
    remedy: 'Install an agent program that burn supports, or name one with --agent.',
  },
  init_exists: {
    meaning: 'A file or folder that `burn init` would write exists already. burn wrote nothing.',
    remedy: 'Move the file or folder away, run `burn init` in another folder, or confirm the replacement in a terminal.',
  },
  init_forge: {
    meaning: '`burn init` found no Gitea or Forgejo in the git remotes of the folder.',
    remedy: 'Name the forge with --url, --owner and --repo, or make a folder forge with --folder.',
  },
  init_unwritable: {
    meaning: '`burn init` could not write a file or folder, and removed what it had written.',
    remedy: 'Check the folder, its permissions and the free space of its disk.',
  },
  issue_ref: {
    meaning: 'An argument is not a valid issue reference.',
    remedy: 'Write owner/repo#7; repo#7 is enough if the owner in the spec owns the repo.',
  },
  issues_file: {
    meaning: '`burn simulate` cannot read its file of issues, or a line of the file is malformed.',
    remedy: 'Write one JSON object with the key "repo" on each line of the file, or use --issues with a number.',
  },
  job_disabled: {
    meaning: 'The spec lacks the key that enables the recurring job.',
    remedy: 'Add the key that the message names; `burn spec docs` explains it.',
  },
  job_unknown: {
    meaning: 'burn has no recurring job with the given name.',
    remedy: 'Run `burn job run --help` to list the jobs.',
  },
  kind_unknown: {
    meaning: 'No kind of event has the given name.',
    remedy: 'Run `burn log kinds` to list the kinds.',
  },
  lane_unknown: {
    meaning: 'No window in the spec has the given lane.',
    remedy: 'Use a lane from the list in the hint, or set "lane" of a window in the spec.',
  },
  log_setting: {
    meaning: 'The environment variable BURN_LOG contains a word that is neither a format nor a level.',
    remedy: 'Set BURN_LOG to a format ("text" or "json"), a level ("info", "warn" or "error"), or both, as in BURN_LOG=json,warn.',
  },
  machine_unknown: {
    meaning: 'No machine in the spec has the given name.',
    remedy: 'Run `burn status` to list the machines of the fleet.',
  },
  model_unknown: {
    meaning: 'No server of the fleet has a model with the given name, and nothing in the fleet uses one.',
    remedy: 'Run `burn model list` to list the models.',
  },
  name_ambiguous: {
    meaning: 'Several workers, windows, lanes, machines or repos have the given name.',
    remedy: 'Use one of the full names in the hint.',
  },
  name_unknown: {
    meaning: 'No worker, window, lane, machine, account or repo has the given name.',
    remedy: 'Run `burn status` to list the names of the fleet.',
  },
  no_terminal: {
    meaning: '`burn attach` needs a terminal, but its standard output is a file or a pipe.',
    remedy: 'Run the command in a terminal, or print the tmux command with `burn attach --print`.',
  },
  not_confirmed: {
    meaning: 'Nobody confirmed that burn may push the change, so burn pushed nothing.',
    remedy: 'Run the command again and answer "y", or add --yes.',
  },
  place_unknown: {
    meaning: 'No worker, window or machine has the given name.',
    remedy: 'Run `burn status` to list the names of the fleet.',
  },
  repo_unknown: {
    meaning: 'Sprints do not work on the given repo.',
    remedy: 'Use a repo from the list in the hint, or add the repo to "sprint.repos" in the spec.',
  },
  retention_missing: {
    meaning: 'Neither the command nor the spec sets the minimum age of the history to delete.',
    remedy: 'Add --older-than 90d, or write "retention": "365d" into the spec.',
  },
  schedule_every: {
    meaning: 'The scheduler cannot run a job at the given interval.',
    remedy: 'Write an interval that divides an hour or a day evenly, such as --every 15m or --every 6h.',
  },
  schedule_long: {
    meaning: 'The crontab line is longer than cron accepts.',
    remedy: 'Run the command with a shorter PATH variable, or add --format systemd.',
  },
  schedule_words: {
    meaning: 'A path or option for the scheduler contains a control character.',
    remedy: 'Remove the control character: rename the file or folder, or omit the option.',
  },
  simulate_memory: {
    meaning: 'The simulation needs more memory than the limit of Node.js.',
    remedy: 'Simulate fewer issues or hours, or set NODE_OPTIONS=--max-old-space-size=12000 (megabytes).',
  },
  simulate_no_issues: {
    meaning: 'The ledger has no open issues for the simulation.',
    remedy: 'Run `burn dispatch --dry-run` once to read the forge, or simulate made-up issues with --issues 500.',
  },
  terminal_small: {
    meaning: 'The terminal has too few columns or rows for the screen of `burn watch` or the questions of `burn init`.',
    remedy: 'Enlarge the terminal, or do without: `burn watch | cat`, `burn init --yes`.',
  },
  usage: {
    meaning: 'The command line has an unknown command or option, or a wrong value.',
    remedy: 'Run the command with --help to see its arguments and options.',
  },
  window_ambiguous: {
    meaning: 'Several machines have a window with the given name.',
    remedy: 'Write the machine before the name: machine/WINDOW.',
  },
} as const

const specErrors = {
  agent_unknown: {
    meaning: 'burn does not support the given kind of agent.',
    remedy: 'Use a kind from the list in the hint, or the kind "custom" with your own screen patterns.',
  },
  chain_unreadable: {
    meaning: 'burn cannot read the file with a chain of models.',
    remedy: 'Check the path and the permissions of the file.',
  },
  chain_unset: {
    meaning: 'The spec has no chain of models.',
    remedy: 'Add "models": {"chain": […]} to the spec; `burn spec docs` explains the key.',
  },
  spec_invalid: {
    meaning: 'The fleet spec contains errors; the message lists each error with its line and column.',
    remedy: 'Correct the lines that the message lists, then run `burn spec check`; `burn spec docs` explains every key.',
  },
  spec_missing: {
    meaning: 'burn found no fleet spec at the paths where it looks; the message lists the paths.',
    remedy: 'Write a spec with `burn init`, or give its path with --spec.',
  },
  spec_unreadable: {
    meaning: 'burn cannot read the file of the fleet spec.',
    remedy: 'Check the owner and the permissions of the file.',
  },
  sprint_unset: {
    meaning: 'The spec has no "sprint" key, so burn has no backend to run a sprint with.',
    remedy: 'Add "sprint": {"backends": [{"kind": "runner"}]} to the spec; `burn spec docs` explains the key.',
  },
  template_unknown: {
    meaning: 'A prompt template contains an unknown placeholder.',
    remedy: 'Replace the unknown placeholder with one from the list in the hint.',
  },
  template_unreadable: {
    meaning: 'burn cannot read the file of a prompt template.',
    remedy: 'Correct the path under "templates" in the spec.',
  },
} as const

/** All codes by area, in the order of docs/reference/errors.md. */
export const errorAreas = {
  'Command line': commandErrors,
  'Fleet spec': specErrors,
  Workers: workerErrors,
  Issues: issueErrors,
  Sprints: sprintErrors,
  Forge: forgeErrors,
  Git: gitErrors,
  Secrets: secretErrors,
  Ledger: ledgerErrors,
  'Machines and tmux': machineErrors,
  'Saved snapshots': snapshotErrors,
  Sandbox: sandboxErrors,
  Backends: backendErrors,
  Notifications: notifyErrors,
} as const satisfies Readonly<Record<string, Readonly<Record<string, ErrorText>>>>

type Areas = typeof errorAreas

/** The code of a BurnError. */
export type ErrorCode = { [A in keyof Areas]: keyof Areas[A] }[keyof Areas]

/** Returns all codes with their meanings and remedies, in the order of `errorAreas`. */
export function errorTexts(): [string, ErrorText][] {
  return Object.values(errorAreas).flatMap((area) => Object.entries<ErrorText>(area))
}
