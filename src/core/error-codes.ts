/** Every error code with its meaning and remedy. `burn explain CODE` prints them; docs/reference/errors.md is made from them. */
import { forgeErrors, gitErrors, secretErrors } from './forge-error-codes.ts'
import { backendErrors, ledgerErrors, machineErrors, sandboxErrors } from './system-error-codes.ts'
import { issueErrors, sprintErrors, workerErrors } from './work-error-codes.ts'

/** The meaning says what happened; the remedy says what a person does about it. */
interface ErrorText {
  readonly meaning: string
  readonly remedy: string
}

const commandErrors = {
  cursor: {
    meaning: 'The value of --after is not a cursor of this ledger.',
    remedy: 'Copy the cursor of an event from `burn log --json`.',
  },
  duration: {
    meaning: 'A value of the command line is not a duration.',
    remedy: 'Write it like 40m, 2h or 1h30m.',
  },
  fault_unknown: {
    meaning: 'The option --faults of `burn simulate` names no kind of fault, or gives a wrong interval.',
    remedy: 'Write all, or some of the kinds that the hint lists.',
  },
  issue_ref: {
    meaning: 'A word of the command line names no issue.',
    remedy: 'Write owner/repo#7, or repo#7 for the owner that the spec names.',
  },
  issues_file: {
    meaning: '`burn simulate` cannot read the file of issues, or a line of it is malformed.',
    remedy: 'Write a JSON object with "repo" on each line, or give a number of issues.',
  },
  kind_unknown: {
    meaning: 'No kind of event has this name.',
    remedy: 'Run `burn log kinds` for the list.',
  },
  lane_unknown: {
    meaning: 'No window of the spec has this lane.',
    remedy: 'Name a lane that the hint lists, or add it to a window in the spec.',
  },
  log_setting: {
    meaning: 'BURN_LOG contains a word that is neither a format nor a level.',
    remedy: 'Set BURN_LOG to text or json, and to info, warn or error, as in json,warn.',
  },
  machine_unknown: {
    meaning: 'No machine of the spec has this name.',
    remedy: 'Run `burn status` for the machines of the fleet.',
  },
  name_unknown: {
    meaning: '`burn watch` got a name that no worker, window, lane or machine has.',
    remedy: 'Run `burn status` for the names of the fleet.',
  },
  no_terminal: {
    meaning: '`burn attach` needs a terminal, and its output is none.',
    remedy: 'Run it in a terminal, or print the command with `burn attach --print`.',
  },
  not_confirmed: {
    meaning: 'Nobody confirmed that burn may push the change, so burn pushed nothing.',
    remedy: 'Answer y, or add --yes.',
  },
  place_unknown: {
    meaning: 'No worker, window or machine has this name.',
    remedy: 'Run `burn status` for the names of the fleet.',
  },
  repo_unknown: {
    meaning: 'The repo is not among those that sprints work on.',
    remedy: 'Name a repo that the hint lists, or add it to "repos" of "sprint" in the spec.',
  },
  retention_missing: {
    meaning: 'Neither the command nor the spec says how old deleted history must be.',
    remedy: 'Add --older-than 90d, or write "retention": "365d" into the spec.',
  },
  schedule_every: {
    meaning: 'The scheduler cannot run a job at this interval.',
    remedy: 'Write an interval that divides an hour or a day, such as --every 15m or --every 6h.',
  },
  schedule_long: {
    meaning: 'The crontab line is longer than cron accepts.',
    remedy: 'Shorten PATH before the call, or add --format systemd.',
  },
  schedule_words: {
    meaning: 'A path or option for the scheduler contains a control character.',
    remedy: 'Rename that file or folder, or leave the option out.',
  },
  simulate_memory: {
    meaning: 'The simulation needs more memory than Node may use.',
    remedy: 'Simulate fewer issues or hours, or set NODE_OPTIONS=--max-old-space-size=12000.',
  },
  simulate_no_issues: {
    meaning: 'The ledger knows no open issue that the simulation could use.',
    remedy: 'Run `burn dispatch --dry-run` once, or add --issues 500.',
  },
  usage: {
    meaning: 'The command line has an unknown command or option, or a wrong value.',
    remedy: 'Run the command with --help.',
  },
  window_ambiguous: {
    meaning: 'Several machines have a window with this name.',
    remedy: 'Write machine/WINDOW.',
  },
} as const

const specErrors = {
  agent_unknown: {
    meaning: 'burn knows no agent of this kind.',
    remedy: 'Write a kind that the hint lists, or the kind custom with patterns of your own.',
  },
  spec_invalid: {
    meaning: 'The fleet spec has mistakes; the message lists each with its line and column.',
    remedy: 'Correct those lines, then run `burn spec check`; `burn spec docs` explains every key.',
  },
  spec_missing: {
    meaning: 'burn found no fleet spec in the places that it reads.',
    remedy: 'Write one as docs/how-to/declare-a-fleet.md shows, or name it with --spec.',
  },
  spec_unreadable: {
    meaning: 'burn cannot read the file of the fleet spec.',
    remedy: 'Check the owner and the mode of the file.',
  },
  sprint_unset: {
    meaning: 'The spec has no "sprint", so no backend can do a sprint.',
    remedy: 'Add "sprint": {"backends": [{"kind": "runner"}]} to the spec; docs/how-to/run-sprints.md says more.',
  },
  template_unknown: {
    meaning: 'A prompt template has a placeholder that does not exist.',
    remedy: 'Replace it with a placeholder that the hint lists.',
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
  Sandbox: sandboxErrors,
  Backends: backendErrors,
} as const satisfies Readonly<Record<string, Readonly<Record<string, ErrorText>>>>

type Areas = typeof errorAreas

/** The code of a BurnError. */
export type ErrorCode = { [A in keyof Areas]: keyof Areas[A] }[keyof Areas]

/** Returns all codes with their meanings and remedies, in the order of `errorAreas`. */
export function errorTexts(): [string, ErrorText][] {
  return Object.values(errorAreas).flatMap((area) => Object.entries<ErrorText>(area))
}
