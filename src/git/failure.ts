/** Why git failed: one code and one advice, from what it says with LC_ALL=C. */
import { BurnError, codeOf } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'

export type GitCode =
  | 'git_disk_full'
  /** A lock that a killed git left; never seen outside. */
  | 'git_locked'
  | 'git_missing'
  | 'git_auth'
  | 'git_conflict'
  | 'git_refused'
  | 'git_no_base'
  | 'git_unreachable'
  | 'git_mirror_damaged'
  | 'git_failed'

interface Known {
  readonly code: GitCode
  readonly pattern: RegExp
  readonly hint: string
}

/** The first that matches: what is said of the disk or of a login is also followed by what sounds like a broken network. */
const known: readonly Known[] = [
  {
    code: 'git_disk_full',
    // While it lays out files, git says of a write that failed no more than that.
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|EDQUOT|^error: unable to write file [^:\n]*$/m,
    hint: 'make room on the disk that has the workspaces',
  },
  { code: 'git_locked', pattern: /\.lock': File exists/, hint: 'another git is at work there' },
  { code: 'git_missing', pattern: /^git: (?:command not found|permission denied)$/m, hint: 'install git' },
  {
    code: 'git_auth',
    pattern:
      /Authentication failed|could not read (?:Username|Password)|returned error: 401|Permission denied \((?:publickey|password)|Host key verification failed/,
    hint: 'may the token, or the ssh key, read and write that repo?',
  },
  {
    code: 'git_conflict',
    pattern: /\((?:non-fast-forward|fetch first|stale info|needs force)\)|Updates were rejected because/,
    hint: 'somebody else pushed to that branch',
  },
  {
    code: 'git_refused',
    pattern:
      /\[remote rejected\]|(?:hook|branch) declined|returned error: (?:40[034]|410)|[Rr]epository .*not found|does not appear to be a git repository|transport '.*' not allowed|[Pp]ermission .*denied|\[rejected\]/,
    hint: 'is the name of the repo right, and do its rules let this account push there?',
  },
  { code: 'git_no_base', pattern: /couldn't find remote ref/, hint: 'correct the base of the repo in the spec' },
  {
    code: 'git_unreachable',
    pattern:
      /Could not resolve host|[Ff]ailed to connect|[Cc]ouldn't connect|Connection (?:refused|timed out|reset|closed)|Network is unreachable|No route to host|Operation (?:timed out|too slow)|transfer closed|early EOF|unexpected disconnect|hung up unexpectedly|Empty reply|RPC failed|returned error: (?:4\d\d|5\d\d)|certificate|SSL|TLS|unable to access/,
    hint: 'is the forge up, and reachable from here?',
  },
  {
    code: 'git_mirror_damaged',
    pattern:
      /bad object|missing (?:blob|tree|commit|object)|unable to (?:read|resolve|parse|unpack|open object)|object file .* is empty|corrupt|not a git repository|bad (?:tree|ref|signature|config|pack)|broken|inflate|did not send all necessary objects|invalid (?:object|sha1 pointer)|could not parse|cannot read|Not a valid object name|unknown revision|not a valid ref/,
    hint: 'the cached mirror lost something: it is cloned anew where nothing is lost with it',
  },
]

/** What kind of failure it is, from everything that git said. */
export function gitCodeOf(said: string): GitCode {
  return known.find(({ pattern }) => pattern.test(said))?.code ?? 'git_failed'
}

/** An error for people, without what could hold a secret. */
export function gitError(what: string, said: string): BurnError {
  const code = gitCodeOf(said)
  const hint = known.find((each) => each.code === code)?.hint ?? 'run it by hand and see'
  return new BurnError(code, `${what}: ${reasonIn(said)}`, hint)
}

/** The error for what was ended because the sprint was. */
export function stoppedError(what: string): BurnError {
  return new BurnError('git_stopped', `${what} was ended before it was done`, 'run it again')
}

/** The line that says why: the last of the remote's own, or of git's errors. Logins in URLs are left out. */
function reasonIn(said: string): string {
  const lines = said.split('\n').filter((line) => /^(?:fatal|error|remote|!|git):?\s/.test(line.trim()))
  const line = lines.findLast((each) => /^(?:fatal|error|!)/.test(each.trim())) ?? lines.at(-1) ?? said.trim().split('\n').at(-1) ?? ''
  return oneLine(line.replace(/:\/\/[^/@\s]*@/g, '://') || 'it said nothing', 240)
}

/** Node's own error for a full disk, as git's; every other one as it is. */
export function diskError(thrown: unknown): unknown {
  const code = codeOf(thrown)
  return code === 'ENOSPC' || code === 'EDQUOT' ? gitError('writing a file', code) : thrown
}
