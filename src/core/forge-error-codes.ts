/** The codes of errors that a forge, git or a secret causes. */

export const forgeErrors = {
  forge_archived: {
    meaning: 'The repo is archived, so the forge accepts no writes.',
    remedy: 'Unarchive the repo, or remove it from "repos" in the spec.',
  },
  forge_auth: {
    meaning: 'The forge does not accept the token.',
    remedy: 'Create a new token, and store it in the place that "token" in the spec names.',
  },
  forge_ca_file: {
    meaning: 'burn cannot read the file that forge.ca_file names, or the file contains no certificate.',
    remedy: 'Put the certificate of the private CA (PEM) into the file, or correct forge.ca_file in the spec.',
  },
  forge_conflict: {
    meaning: 'The forge already has the object that burn wanted to create, such as an open change of this branch.',
    remedy: 'Find the existing object on the forge, and close the object if nobody needs it.',
  },
  forge_failed: {
    meaning: 'The forge answered one request with an internal error (500).',
    remedy: 'Read the log of the forge; burn retries later.',
  },
  forge_forbidden: {
    meaning: 'The account of the token lacks a permission, or a folder in the forge folder is a symbolic link.',
    remedy: 'Give the account and the token the permissions that `burn doctor` lists.',
  },
  forge_issues_off: {
    meaning: 'Issues are disabled in a repo that the spec names.',
    remedy: 'Enable issues in the settings of the repo, or remove it from "repos" in the spec.',
  },
  forge_malformed: {
    meaning: 'The forge sent an object that burn cannot read, or a file in the forge folder is malformed.',
    remedy: 'Check the object on the forge, or correct the file at the line that the message names.',
  },
  forge_not_found: {
    meaning: 'The repo, issue or comment does not exist on the forge, or the token may not see it.',
    remedy: 'Check the name in the spec, and run `burn doctor` to check the access of the token.',
  },
  forge_not_json: {
    meaning: 'A response of the forge is not JSON.',
    remedy: 'Check that forge.url is the address of the forge itself, not of a login page or proxy.',
  },
  forge_rate_limited: {
    meaning: 'burn exceeded the rate limit of the forge.',
    remedy: 'burn retries later; if the error persists, raise "dispatch.interval" in the spec.',
  },
  forge_redirected: {
    meaning: 'The forge redirects to another host, but burn sends the token only to the host in the spec.',
    remedy: 'Write the address of the forge as forge.url into the spec. For a login page, check forge.headers.',
  },
  forge_ref: {
    meaning: 'The given name is not valid for a repo, an issue, a comment or a dispatch branch.',
    remedy: 'Write a repo as owner/name, and an issue as owner/name#7.',
  },
  forge_refused: {
    meaning: 'The forge did not accept the request.',
    remedy: 'Read the reason in the message, and check that burn supports the version of the forge.',
  },
  forge_timeout: {
    meaning: 'The forge did not answer in time.',
    remedy: 'Check the load of the forge, and any firewall between burn and the forge; burn retries later.',
  },
  forge_too_big: {
    meaning: 'The forge sent more data than burn accepts: a response is too large, or a list has too many pages.',
    remedy: 'Shorten the issue or comment on the forge, or remove the repo from the spec.',
  },
  forge_unassignable: {
    meaning: 'The forge does not let a login be assigned to issues of a repo.',
    remedy: 'Correct the login in "delegation" in the spec, or give the account access to the repo.',
  },
  forge_unavailable: {
    meaning: 'burn cannot reach the forge, or cannot read or write the forge folder.',
    remedy: 'Check forge.url or forge.path in the spec, and that the forge is up; then run `burn doctor`.',
  },
  forge_unread: {
    meaning: 'burn could not read any repo from the forge, so it claimed no issue.',
    remedy: 'Run `burn doctor`; its findings say what each repo needs.',
  },
  forge_url: {
    meaning: 'The address of the forge in the spec is not a plain http or https address.',
    remedy: 'Write forge.url like https://forge.example.com, without a user name or password.',
  },
  proxy_invalid: {
    meaning: 'An environment variable, such as https_proxy, names a proxy that burn cannot use.',
    remedy: 'Write the variable like http://proxy.example.com:3128, or list the host in no_proxy.',
  },
} as const

export const gitErrors = {
  git_auth: {
    meaning: 'The git server refused the token or the ssh key.',
    remedy: 'Give the account read and write access to the repo.',
  },
  git_busy: {
    meaning: 'Another process has held the lock of a mirror (a cached clone) for longer than `git clone` normally runs.',
    remedy: 'Check the process that the message names, and end it if it hangs.',
  },
  git_conflict: {
    meaning: 'Somebody else pushed to the branch of the dispatch.',
    remedy: 'Check the branch on the forge; burn never overwrites commits of others.',
  },
  git_disk_full: {
    meaning: 'The disk that holds mirrors and workspaces is full.',
    remedy: 'Run `burn sprint prune`, or free space on that disk.',
  },
  git_empty: {
    meaning: 'The repo has no commits.',
    remedy: 'Push a first commit to the repo.',
  },
  git_failed: {
    meaning: 'git failed with an error that burn does not recognise.',
    remedy: 'Read the output of git in the message, and run the same git command yourself.',
  },
  git_locked: {
    meaning: 'A git process left a lock file in a mirror or workspace.',
    remedy: 'End any git process that still runs in the mirror or workspace, then run the command again.',
  },
  git_mirror_damaged: {
    meaning: 'A mirror (a cached clone) has lost objects, and one of its workspaces contains unpushed work.',
    remedy: 'Save the work in the workspace, then remove the mirror that the message names.',
  },
  git_missing: {
    meaning: 'burn found no git program.',
    remedy: 'Install git on this machine.',
  },
  git_no_base: {
    meaning: 'The base branch of the repo does not exist.',
    remedy: 'Correct "base" of the repo in the spec; the default is "main".',
  },
  git_object_format: {
    meaning: 'The repo uses another object format (SHA-1 or SHA-256) than its mirror (the cached clone).',
    remedy: 'burn clones the repo again; save the unpushed work of its workspaces first, if the message names one.',
  },
  git_owner: {
    meaning: 'git refuses a repository on this machine, because it belongs to another user.',
    remedy: 'Run `git config --global --add safe.directory PATH` as the user that runs burn, or change the owner of the repository.',
  },
  git_refused: {
    meaning: 'The git server rejected a push or another request, or a branch name or URL is not valid.',
    remedy: 'Check the name of the repo and its branch rules on the forge.',
  },
  git_signing: {
    meaning: 'git could not sign a commit with the key in "sprint.signing_key".',
    remedy: 'Check the key, and that the user who runs burn can use it without a password.',
  },
  git_stopped: {
    meaning: 'burn stopped a git command because the sprint of the command ended.',
    remedy: 'Run the sprint again.',
  },
  git_unpushed: {
    meaning: 'A workspace contains unpushed work, so burn does not remove the workspace.',
    remedy: 'Push the work, or delete it together with the workspace: `burn sprint prune --force`.',
  },
  git_unreachable: {
    meaning: 'git cannot reach the server of the repo.',
    remedy: 'Check that the forge is up, and that this machine can reach it.',
  },
  git_workspace_exists: {
    meaning: 'A workspace for the dispatch already exists.',
    remedy: 'Run `burn sprint list` to find the sprint of the workspace; remove old workspaces with `burn sprint prune`.',
  },
} as const

export const secretErrors = {
  secret_command: {
    meaning: 'The command that prints a token failed or took too long.',
    remedy: 'Run the command of the token yourself, and fix the error that the command reports.',
  },
  secret_empty: {
    meaning: 'The environment variable or file of a token is empty, or the command of a token prints nothing.',
    remedy: 'Make sure that the variable, file or command gives only the token, on one line.',
  },
  secret_exposed: {
    meaning: 'Other users can read or write the token file.',
    remedy: 'Run `chmod 600` on the file, and replace the token, because others may have read it.',
  },
  secret_malformed: {
    meaning: 'The environment variable, file or command of a token gives text that is not a single token.',
    remedy: 'Make sure that the variable, file or command gives only the token, on one line.',
  },
  secret_missing: {
    meaning: 'The spec has no "token", or the token file does not exist.',
    remedy: 'Write "token": {"file": "/path"} into the spec, and the token into that file.',
  },
  secret_unreadable: {
    meaning: 'burn cannot read the token file.',
    remedy: 'Check the path in the spec, and the owner and permissions of the file.',
  },
} as const
