/** The codes of errors that a ledger, a machine, a sandbox or an endpoint causes. */

export const ledgerErrors = {
  ledger_auth: {
    meaning: 'The database server refused the user or the password of the ledger.',
    remedy: 'Put the password into ~/.pgpass with mode 600, never into the spec.',
  },
  ledger_busy: {
    meaning: 'Another process kept the ledger locked, or the server has no free connection.',
    remedy: 'Find that process with `fuser` or `pg_stat_activity`, then run the command again.',
  },
  ledger_corrupt: {
    meaning: 'The file or schema of the ledger is damaged, or it is not a ledger.',
    remedy: 'Stop every burn, keep a copy of the ledger, and put a backup in its place.',
  },
  ledger_foreign: {
    meaning: 'The database has tables of another program.',
    remedy: 'Name a file, database or schema of its own under "ledger" in the spec.',
  },
  ledger_full: {
    meaning: 'The disk of the ledger is full; burn wrote no part of this step.',
    remedy: 'Free some space on that disk, then run the command again.',
  },
  ledger_in_use: {
    meaning: 'Another burn process holds a lease in the ledger, so burn does not move it.',
    remedy: 'Stop that process, or wait until its lease ends, then run the command again.',
  },
  ledger_io: {
    meaning: 'The disk or its file system failed while burn read or wrote the ledger.',
    remedy: 'Check the disk, then run the command again.',
  },
  ledger_moved: {
    meaning: 'Somebody moved this ledger to another place with `burn ledger move`.',
    remedy: 'Write the new place, which the message names, under "ledger" in the spec.',
  },
  ledger_newer: {
    meaning: 'A newer version of burn wrote this ledger.',
    remedy: 'Run that version of burn, or name another ledger in the spec.',
  },
  ledger_old: {
    meaning: 'The PostgreSQL server is older than burn supports.',
    remedy: 'Use PostgreSQL 10 or newer, or a file ("sqlite:/path") under "ledger" in the spec.',
  },
  ledger_open: {
    meaning: 'burn could not open the file or database of the ledger.',
    remedy: 'Check the path under "ledger" in the spec; on PostgreSQL, create the database with `createdb`.',
  },
  ledger_readonly: {
    meaning: 'burn may not write the ledger.',
    remedy: 'Make the file and its folder writable; on PostgreSQL, use the primary and the owner of the schema.',
  },
  ledger_rule: {
    meaning: 'A write, a copy or the ledger itself breaks a rule of the ledger.',
    remedy: 'Run `burn ledger check`, and report the bug in burn with its output.',
  },
  ledger_slow: {
    meaning: 'The database server ended a statement that took too long.',
    remedy: 'Find what keeps the server busy with `pg_stat_activity`, then run the command again.',
  },
  ledger_step: {
    meaning: 'burn tried to move a dispatch or delivery to a state that does not follow its current one.',
    remedy: 'Report this bug in burn with the message; the ledger is unchanged.',
  },
  ledger_target: {
    meaning: 'The target of `burn ledger backup` or `burn ledger move` is not empty.',
    remedy: 'Name a file that does not exist, or an empty database or schema.',
  },
  ledger_unreachable: {
    meaning: 'burn cannot reach the database server of the ledger, or lost the connection.',
    remedy: 'Check that the server is up and that this machine may connect, then run the command again.',
  },
  ledger_url: {
    meaning: 'The place of the ledger is neither an absolute path nor a PostgreSQL URL.',
    remedy: 'Write "sqlite:/absolute/path" or "postgres://user@host/database" under "ledger" in the spec.',
  },
} as const

export const machineErrors = {
  bad_argument: {
    meaning: 'A word of a command contains a NUL character.',
    remedy: 'Remove the NUL character from the value that you gave or wrote into the spec.',
  },
  bad_text: {
    meaning: 'burn was about to paste a text with control bytes into a pane.',
    remedy: 'Report this bug in burn with the message; burn typed nothing.',
  },
  control_dir: {
    meaning: 'Other users can enter the directory that holds the sockets of ssh.',
    remedy: 'Remove the directory that the message names; burn creates it again.',
  },
  machine_files: {
    meaning: 'burn could not write its files on a machine.',
    remedy: 'Check the rights and the free space of the directory there, then run the command again.',
  },
  machine_unreachable: {
    meaning: 'burn cannot connect to a machine or to the tmux server on it.',
    remedy: 'Run `burn doctor MACHINE`; its findings say what to do.',
  },
  tmux_missing: {
    meaning: 'The machine has no tmux program.',
    remedy: 'Install tmux there, or write its path as "tmux" of the machine in the spec.',
  },
  tmux_no_session: {
    meaning: 'The machine runs no tmux server or no session of the fleet.',
    remedy: 'Run `burn up MACHINE`.',
  },
  tmux_too_old: {
    meaning: 'The tmux of the machine is older than burn supports.',
    remedy: 'Install a newer tmux there, or write its path as "tmux" of the machine in the spec.',
  },
} as const

export const sandboxErrors = {
  sandbox_failed: {
    meaning: 'bubblewrap or systemd could not start a command in the sandbox.',
    remedy: 'Run `burn doctor`; on a busy machine, wait and run the sprint again.',
  },
  sandbox_missing: {
    meaning: 'The machine has no bubblewrap, which sprints need to confine commands.',
    remedy: 'Install bubblewrap with the package manager of the machine.',
  },
  sandbox_workspace: {
    meaning: 'The workspace of a sprint is missing, contains a link as .git, or contains a path that must be outside.',
    remedy: 'Run the sprint again for a new workspace; write paths outside the workspace into the spec.',
  },
  workspace_unusable: {
    meaning: 'A model left its workspace in a state that burn does not touch.',
    remedy: 'Run `burn sprint show ISSUE` to see what its commands did.',
  },
} as const

export const backendErrors = {
  hermes_auth: {
    meaning: 'Hermes has no valid key for a provider that its settings name.',
    remedy: 'Add or refresh the key with `hermes auth`, or write it into the .env file of Hermes.',
  },
  hermes_config: {
    meaning: 'The settings of Hermes are missing, malformed, or name no usable model.',
    remedy: 'Run `hermes setup` or `hermes model`, or write the models into the spec.',
  },
  too_much: {
    meaning: 'An endpoint or an agent sent more data than burn reads.',
    remedy: 'Check the endpoint or agent that the message names, or use another backend.',
  },
} as const
