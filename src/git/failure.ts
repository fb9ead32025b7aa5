/** Turns git's error messages (in the locale C) into a BurnError with a code and a hint. */
import { BurnError, codeOf } from '../core/errors.ts'
import { repoAdvice } from '../core/repo-advice.ts'
import { oneLine } from '../core/text.ts'

/** The error codes of failed git commands. */
export type GitCode =
  | 'git_disk_full'
  /** A lock file exists. `withRepair` handles this error, so callers never see it. */
  | 'git_locked'
  | 'git_missing'
  | 'git_auth'
  | 'git_owner'
  | 'git_object_format'
  | 'git_conflict'
  | 'forge_archived'
  | 'git_refused'
  | 'git_no_base'
  | 'git_unreachable'
  | 'git_mirror_damaged'
  | 'git_failed'

interface FailureRule {
  readonly code: GitCode
  readonly pattern: RegExp
  readonly hint: string
}

const damageHint = 'the cached mirror is damaged; burn clones the repo again if no workspace has unpushed work'

/**
 * The first matching rule applies. Rules for the disk and the login come first, because in these cases git also prints messages that look
 * like a network failure.
 */
const failureRules: readonly FailureRule[] = [
  {
    code: 'git_disk_full',
    // If a write fails during a checkout, git prints only `error: unable to write file`.
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT|^error: unable to write file [^:\n]*$/m,
    hint: 'free space on the disk that contains the workspaces',
  },
  { code: 'git_locked', pattern: /\.lock': File exists/, hint: 'another git process is using this repository' },
  { code: 'git_missing', pattern: /^git: (?:command not found|permission denied)$/m, hint: 'install git' },
  {
    code: 'git_owner',
    pattern: /detected dubious ownership in repository/,
    hint: 'as the user that runs burn, trust the repository: git config --global --add safe.directory PATH',
  },
  {
    code: 'git_object_format',
    pattern: /mismatched algorithms/,
    hint: 'the repo now has another object format; burn clones it again if no workspace has unpushed work',
  },
  {
    code: 'git_auth',
    pattern:
      /Authentication failed|could not read (?:Username|Password)|returned error: 401|Permission denied \((?:publickey|password)|Host key verification failed/,
    hint: 'check that the token or the ssh key may read and write the repo',
  },
  {
    code: 'git_conflict',
    pattern: /\((?:non-fast-forward|fetch first|stale info|needs force)\)|Updates were rejected because/,
    hint: 'somebody else pushed to this branch, and burn never overwrites other commits: look at the branch on the forge',
  },
  { code: 'forge_archived', pattern: /^remote: .*\bis archived\b/m, hint: `the repo is archived: ${repoAdvice.archived}` },
  {
    code: 'git_refused',
    pattern:
      /\[remote rejected\]|(?:hook|branch) declined|returned error: (?:40[034]|410)|[Rr]epository .*not found|does not appear to be a git repository|transport '.*' not allowed|[Pp]ermission .*denied|\[rejected\]/,
    hint: 'check the name of the repo, and that the rules of the repo allow this account to push',
  },
  {
    code: 'git_mirror_damaged',
    // After this message git ends the connection, so a message about the network may follow.
    pattern: /^(?:fatal|error): (?:loose object .* is corrupt|object file .* is empty)/m,
    hint: damageHint,
  },
  { code: 'git_no_base', pattern: /couldn't find remote ref/, hint: 'correct the base branch of the repo in the spec' },
  {
    code: 'git_unreachable',
    pattern:
      /Could not resolve host|[Ff]ailed to connect|[Cc]ouldn't connect|Connection (?:refused|timed out|reset|closed)|Network is unreachable|No route to host|Operation (?:timed out|too slow)|transfer closed|early EOF|unexpected disconnect|hung up unexpectedly|Empty reply|RPC failed|returned error: (?:4\d\d|5\d\d)|certificate|SSL|TLS|unable to access/,
    hint: 'check that the forge is running and that this machine can reach it',
  },
  {
    code: 'git_mirror_damaged',
    pattern:
      /bad object|missing (?:blob|tree|commit|object)|unable to (?:read|resolve|parse|unpack|open object)|object file .* is empty|corrupt|not a git repository|bad (?:tree|ref|signature|config|pack)|broken|inflate|did not send all necessary objects|invalid (?:object|sha1 pointer)|could not parse|cannot read|Not a valid object name|unknown revision|not a valid ref/,
    hint: damageHint,
  },
]

/** Returns the error code for the output of a failed git command. */
export function gitCodeOf(output: string): GitCode {
  return failureRules.find(({ pattern }) => pattern.test(output))?.code ?? 'git_failed'
}

/** Returns the BurnError for a failed git command. Removes logins from the message. */
export function gitError(what: string, output: string): BurnError {
  const rule = failureRules.find(({ pattern }) => pattern.test(output))
  const [, path = 'PATH'] = /dubious ownership in repository at '([\w./-]+)'/.exec(output) ?? []
  const hint = rule?.hint.replace('PATH', path) ?? 'run this git command yourself to see why it fails'
  return new BurnError(rule?.code ?? 'git_failed', `${what}: ${reasonIn(output, rule?.pattern ?? /^/)}`, hint)
}

/** Returns BurnError `git_stopped`. Use it if a sprint was stopped while the sprint ran a git command or waited for a lock. */
export function stoppedError(what: string): BurnError {
  return new BurnError('git_stopped', `${what} was stopped before it finished`, 'run the command again')
}

/**
 * Returns the line that explains the failure: git's last error that matches the pattern, or git's last error, or the remote's last message.
 * Removes logins from URLs.
 */
function reasonIn(output: string, pattern: RegExp): string {
  const lines = output.split('\n').filter((line) => /^(?:fatal|error|remote|!|git):?\s/.test(line.trim()))
  const errors = lines.filter((each) => /^(?:fatal|error|!)/.test(each.trim()))
  const line = errors.findLast((each) => pattern.test(each)) ?? errors.at(-1) ?? lines.at(-1) ?? output.trim().split('\n').at(-1) ?? ''
  // If a hook refused the push, only the hook's message says why.
  const hook = /\bdeclined\)/.test(line)
    ? lines.flatMap((each) => /^remote: (?!error:)\s*(\S.*)/.exec(each)?.[1]?.trim() ?? []).join(' ')
    : ''
  return oneLine(`${hook === '' ? '' : `${hook}: `}${line}`.replace(/:\/\/[^/@\s]*@/g, '://') || 'git printed no message', 240)
}

/** Returns BurnError `git_disk_full` if the Node error says that the disk is full. Returns other errors unchanged. */
export function diskError(thrown: unknown): unknown {
  const code = codeOf(thrown)
  return code === 'ENOSPC' || code === 'EDQUOT' ? gitError('writing a file', code) : thrown
}
