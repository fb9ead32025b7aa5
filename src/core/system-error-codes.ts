/** The codes of errors that a ledger, a machine, a sandbox or an endpoint causes. */

export const ledgerErrors = {
  ledger_auth: {
    meaning: 'The database server refused the user or the password of the ledger.',
    remedy: 'Put the password into ~/.pgpass with mode 600, never into the spec.',
  },
  ledger_busy: {
    meaning: 'Another process kept the ledger locked, or the database server has no free connection.',
    remedy: 'Use `fuser` (SQLite) or `pg_stat_activity` (PostgreSQL) to find the process that uses the ledger, then run the command again.',
  },
  ledger_corrupt: {
    meaning: 'The file or schema of the ledger is damaged, or does not contain a ledger.',
    remedy: 'Stop every burn process, keep a copy of the damaged ledger, and replace the ledger with a backup.',
  },
  ledger_foreign: {
    meaning: 'The database that the spec names contains tables of another program.',
    remedy: 'Under "ledger" in the spec, name a file, database or schema that only burn uses.',
  },
  ledger_full: {
    meaning: 'The disk of the ledger is full, so burn rolled back the last write.',
    remedy: 'Free some space on the disk of the ledger, then run the command again.',
  },
  ledger_in_use: {
    meaning: 'Another burn process holds a lease in the ledger, so burn does not move the ledger.',
    remedy: 'Stop the other process, or wait until its lease ends, then run the command again.',
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
    meaning: 'A newer version of burn wrote this ledger, or upgraded it while this process ran.',
    remedy: 'Run the newer version of burn, or name another ledger in the spec.',
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
    meaning: 'burn has no write access to the ledger.',
    remedy: 'Make the file and its folder writable. On PostgreSQL, connect to the primary server as the owner of the schema.',
  },
  ledger_rule: {
    meaning: 'A write, a copy or the data in the ledger violates a consistency rule of the ledger.',
    remedy: 'Run `burn ledger check`, and report this bug in burn with the output of the check.',
  },
  ledger_slow: {
    meaning: 'The database server ended a statement that took too long.',
    remedy: 'Run a query on `pg_stat_activity` to see what keeps the server busy, then run the command again.',
  },
  ledger_step: {
    meaning: 'burn tried to set a dispatch or delivery to a state that cannot follow the current state.',
    remedy: 'The ledger is unchanged. This is a bug of burn: report it, and quote the error message.',
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
    meaning: 'The value of "ledger" in the spec is neither an absolute path nor a PostgreSQL URL.',
    remedy: 'Write "sqlite:/absolute/path" or "postgres://user@host/database" under "ledger" in the spec.',
  },
} as const

export const snapshotErrors = {
  folder_exists: {
    meaning: 'The folder in which `burn capture --all` would save the snapshot exists already.',
    remedy: 'Use --output with the path of a folder that does not exist yet.',
  },
  folder_tracked: {
    meaning: 'git would track the ledger, a snapshot or an export of telemetry, so somebody could commit what burn observed.',
    remedy: 'Name a place outside of the work tree, or add the place to the .gitignore file of the work tree.',
  },
  folder_unwritable: {
    meaning: 'burn could not write the folder of a snapshot, and removed what it had written.',
    remedy: 'Check the permissions of the parent folder and the free space of its disk.',
  },
  file_unwritable: {
    meaning: 'burn could not write the file of `--output` or `--svg`. An earlier file is unchanged.',
    remedy: 'Name a file. Check the permissions of the file and its folder, and the free space of its disk.',
  },
  snapshot_unreadable: {
    meaning: 'A folder given to `burn capture --diff` is not a saved snapshot, or burn cannot read it.',
    remedy: 'Name two folders that `burn capture --all` or the job `snapshot` wrote.',
  },
} as const

export const machineErrors = {
  bad_argument: {
    meaning: 'An argument of a command that burn runs contains a NUL character.',
    remedy: 'Remove the NUL character from the argument of burn or from the value in the spec.',
  },
  bad_text: {
    meaning: 'burn was about to paste control characters into a pane.',
    remedy: 'burn typed nothing; report this bug in burn with the message.',
  },
  control_dir: {
    meaning: 'Other users can access the directory of the ssh control sockets.',
    remedy: 'Remove the directory that the message names; burn creates it again.',
  },
  login_shell: {
    meaning: 'The login shell of a machine does not run commands, so burn cannot read the environment for agents.',
    remedy: 'Run `burn doctor` to see the name of the login shell, start this shell with -l, and correct its profile.',
  },
  machine_files: {
    meaning: 'burn could not read or write its files on a machine.',
    remedy: 'Check the permissions and the free space of the state directory on the machine, then run the command again.',
  },
  machine_unreachable: {
    meaning: 'burn cannot connect to a machine or to the tmux server on it.',
    remedy: 'Run `burn doctor MACHINE`; its findings say what to do.',
  },
  tmux_missing: {
    meaning: 'The machine has no tmux program.',
    remedy: 'Install tmux on the machine, or write the path of tmux as "tmux" of the machine in the spec.',
  },
  tmux_no_session: {
    meaning: 'The machine runs no tmux server or no session of the fleet.',
    remedy: 'Run `burn up MACHINE`.',
  },
  tmux_too_old: {
    meaning: 'The tmux of the machine is older than burn supports.',
    remedy: 'Install a newer tmux on the machine, or write its path as "tmux" of the machine in the spec.',
  },
} as const

export const sandboxErrors = {
  sandbox_failed: {
    meaning: 'bubblewrap or systemd could not start a command in the sandbox.',
    remedy: 'Run `burn doctor`; on a busy machine, wait and run the sprint again.',
  },
  sandbox_missing: {
    meaning: 'bubblewrap is not installed on this machine; sprints need it to confine commands.',
    remedy: 'Install bubblewrap with the package manager of the machine.',
  },
  sandbox_workspace: {
    meaning: 'A workspace is missing, has a symbolic link as .git, or contains a path that must be outside the workspace.',
    remedy: 'Run the sprint again for a new workspace; in the spec, use paths outside the workspace.',
  },
  workspace_unusable: {
    meaning: 'The commands of a model used too much disk, or left files that git must not read.',
    remedy: 'Run `burn sprint show ISSUE` to see what the commands did.',
  },
} as const

export const notifyErrors = {
  channel_unknown: {
    meaning: 'The spec has no channel with the given name.',
    remedy: 'Use a name from the list in the hint, or add the channel to "notify.channels" in the spec.',
  },
  notify_command: {
    meaning: 'The command of a channel failed or did not end in time.',
    remedy: 'Run `burn notify test CHANNEL --dry-run`, then run the command with this input by hand and read its errors.',
  },
  notify_redirected: {
    meaning: 'The receiver of a notification redirects to another address. burn does not follow, because its requests contain secrets.',
    remedy: 'Write the final address of the receiver into the spec or into the file of the secret.',
  },
  notify_refused: {
    meaning: 'The receiver of a notification answered with an error.',
    remedy: 'Check address, login and rights of the channel, then run `burn notify test CHANNEL`. burn retries queued messages.',
  },
  notify_unreachable: {
    meaning: 'burn got no complete answer from the receiver of a notification.',
    remedy: 'Check the address, the network and the certificate of the receiver. burn retries queued messages.',
  },
  notify_unset: {
    meaning: 'The spec has no "notify" key, so burn sends no notifications; or no "notify.report", so burn sends no reports.',
    remedy: 'Add the key to the spec; `burn spec docs` explains it.',
  },
} as const

export const backendErrors = {
  no_route: {
    meaning: 'burn does not reach the machine, or the machine has neither curl nor ssh forwarding for an HTTP request.',
    remedy: 'Check the machine with `burn doctor`, and install curl on it.',
  },
  hermes_auth: {
    meaning: 'Hermes has no valid key for a provider that its settings name.',
    remedy: 'Add or refresh the key with `hermes auth`, or write it into the .env file of Hermes.',
  },
  hermes_config: {
    meaning: 'The settings of Hermes are missing or malformed, or they name no usable model.',
    remedy: 'Run `hermes setup` or `hermes model`, or write the models into the spec.',
  },
  too_much: {
    meaning: 'An endpoint or an agent sent more data than burn accepts.',
    remedy: 'Check the endpoint or agent that the message names, or use another backend.',
  },
} as const
