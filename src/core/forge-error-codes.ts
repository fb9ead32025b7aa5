/** The codes of errors that a forge, git or a secret causes. */

export const forgeErrors = {
  forge_archived: {
    meaning: 'The repo is archived, so the forge accepts no writes.',
    remedy: 'Unarchive the repo, or remove it from "repos" in the spec.',
  },
  forge_auth: {
    meaning: 'The forge does not accept the token.',
    remedy: 'Create a new token, and write it where "token" in the spec says.',
  },
  forge_conflict: {
    meaning: 'The forge already has the object that burn wanted to create, such as an open change of this branch.',
    remedy: 'Find that object on the forge; close it if nobody needs it.',
  },
  forge_failed: {
    meaning: 'The forge answered one request with an internal error (500).',
    remedy: 'Read the log of the forge; burn retries later.',
  },
  forge_forbidden: {
    meaning: 'The account of the token may not do this, or a folder of the forge is a symbolic link.',
    remedy: 'Give the account and the token the rights that `burn doctor` lists.',
  },
  forge_issues_off: {
    meaning: 'Issues are disabled in a repo that the spec names.',
    remedy: 'Enable issues in the settings of the repo, or remove it from "repos" in the spec.',
  },
  forge_malformed: {
    meaning: 'The forge sent an object that burn cannot read, or a file of a folder forge is malformed.',
    remedy: 'Look at the object on the forge, or correct the file at the line that the message names.',
  },
  forge_not_found: {
    meaning: 'The forge has no such repo, issue or comment, or hides it from the token.',
    remedy: 'Check the name in the spec and the access of the token with `burn doctor`.',
  },
  forge_not_json: {
    meaning: 'The forge answered with something other than JSON.',
    remedy: 'Check that forge.url names the forge itself, and that no login page or proxy answers instead.',
  },
  forge_rate_limited: {
    meaning: 'The forge asks for fewer requests.',
    remedy: 'Raise "dispatch.interval" in the spec; burn retries later.',
  },
  forge_redirected: {
    meaning: 'The forge redirects to another host, and burn sends the token nowhere else.',
    remedy: 'If the new host is the forge, write it as forge.url into the spec.',
  },
  forge_ref: {
    meaning: 'A text is not the name of a repo, an issue, a comment or a branch of a dispatch.',
    remedy: 'Write a repo as owner/name, and an issue as owner/name#7.',
  },
  forge_refused: {
    meaning: 'The forge did not accept the request.',
    remedy: 'Read the reason in the message, and check that burn supports the version of the forge.',
  },
  forge_timeout: {
    meaning: 'The forge did not answer in time.',
    remedy: 'Check the load of the forge and any firewall between; burn retries later.',
  },
  forge_too_big: {
    meaning: 'The forge sent more than burn reads: one answer is too large, or a list has too many pages.',
    remedy: 'Shorten the issue or comment on the forge, or remove the repo from the spec.',
  },
  forge_unavailable: {
    meaning: 'burn cannot reach the forge, or cannot read or write the folder that is the forge.',
    remedy: 'Check forge.url or forge.path in the spec, and that the forge is up; then run `burn doctor`.',
  },
  forge_unread: {
    meaning: 'burn could read none of the repos, so it claimed no issue.',
    remedy: 'Run `burn doctor`; its findings say what each repo needs.',
  },
  forge_url: {
    meaning: 'The address of the forge in the spec is not a plain http or https address.',
    remedy: 'Write forge.url like https://forge.example.com, without a login.',
  },
} as const

export const gitErrors = {
  git_auth: {
    meaning: 'The git server refused the token or the ssh key.',
    remedy: 'Give the account read and write access to the repo.',
  },
  git_busy: {
    meaning: 'Another process holds the lock of a mirror for longer than a clone takes.',
    remedy: 'Look at the process that the message names, and end it if it hangs.',
  },
  git_conflict: {
    meaning: 'Somebody else pushed to the branch of the dispatch.',
    remedy: 'Look at the branch on the forge; burn never overwrites it.',
  },
  git_disk_full: {
    meaning: 'The disk that holds mirrors and workspaces is full.',
    remedy: 'Run `burn sprint prune`, or free space on that disk.',
  },
  git_empty: {
    meaning: 'The repo has no commits.',
    remedy: 'Push a first commit to it.',
  },
  git_failed: {
    meaning: 'git failed for a reason that burn does not know.',
    remedy: 'Read the line of git in the message, and run the same git command by hand.',
  },
  git_locked: {
    meaning: 'A git process left a lock file in a mirror or workspace.',
    remedy: 'End any other git process there, then run the command again.',
  },
  git_mirror_damaged: {
    meaning: 'A mirror lost objects, and one of its workspaces has work that nobody pushed.',
    remedy: 'Save the work in that workspace, then remove the mirror that the message names.',
  },
  git_missing: {
    meaning: 'burn found no git program.',
    remedy: 'Install git on this machine.',
  },
  git_no_base: {
    meaning: 'The repo has no branch with the name of its base.',
    remedy: 'Correct the base of the repo in the spec.',
  },
  git_refused: {
    meaning: 'The git server rejected the push or the request, or a name or URL is not valid.',
    remedy: 'Check the name of the repo and its branch rules on the forge.',
  },
  git_stopped: {
    meaning: 'burn ended git because its sprint ended.',
    remedy: 'Run the sprint again.',
  },
  git_unpushed: {
    meaning: 'A workspace has work that nobody pushed, so burn does not remove it.',
    remedy: 'Push the work; `burn sprint prune --force` deletes it together with the workspace.',
  },
  git_unreachable: {
    meaning: 'git cannot reach the server of the repo.',
    remedy: 'Check that the forge is up, and that this machine can reach it.',
  },
  git_workspace_exists: {
    meaning: 'A workspace with this dispatch already exists.',
    remedy: 'Run `burn sprint list` to see its sprint; remove old workspaces with `burn sprint prune`.',
  },
} as const

export const secretErrors = {
  secret_command: {
    meaning: 'The command that prints a token failed or took too long.',
    remedy: 'Run that command yourself, and fix what it reports.',
  },
  secret_empty: {
    meaning: 'The variable, file or command of a token gives nothing.',
    remedy: 'Write the token there, alone on one line.',
  },
  secret_exposed: {
    meaning: 'Other users can read or write the file of a token.',
    remedy: 'Run `chmod 600` on the file, and replace the token: others may know it.',
  },
  secret_malformed: {
    meaning: 'The variable, file or command of a token gives more than a token.',
    remedy: 'Write the token there, alone on one line.',
  },
  secret_missing: {
    meaning: 'The spec names no token, or the file it names does not exist.',
    remedy: 'Write "token": {"file": "/path"} into the spec, and the token into that file.',
  },
  secret_unreadable: {
    meaning: 'burn cannot read the file of a token.',
    remedy: 'Check the path in the spec, and the owner and mode of the file.',
  },
} as const
