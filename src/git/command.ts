/** Builds the argv and the environment of git commands. They keep git from running any other program that a workspace may configure. */
import { delimiter, isAbsolute } from 'node:path'

/** The repository that a command works on. */
export interface GitPlace {
  readonly git_dir: string
  /** Missing if the command needs no files. */
  readonly work_tree?: string
}

type Env = Readonly<Record<string, string | undefined>>

/** The environment variables that git gets from burn's process. None is a secret or changes what git does. */
const passedVariables =
  /^(?:HOME|USER|LOGNAME|TMPDIR|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|GIT_SSL_(?:CAINFO|CAPATH|NO_VERIFY)|SSH_AUTH_SOCK)$/

/** Settings on the command line, which the configuration of a repo cannot override. */
const fixedSettings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.excludesFile=/dev/null',
  'core.attributesFile=/dev/null',
  'core.symlinks=true',
  'core.fileMode=true',
  'core.autocrlf=false',
  'core.quotePath=false',
  'commit.gpgSign=false',
  'push.gpgSign=false',
  'diff.external=',
  'diff.ignoreSubmodules=all',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'push.recurseSubmodules=no',
  'protocol.ext.allow=never',
  'gc.autoDetach=false',
  'maintenance.autoDetach=false',
  // Git neither compares files of this size line by line nor stores them as differences.
  'core.bigFileThreshold=32m',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'credential.helper=',
  // Several workers write files faster.
  'checkout.workers=4',
]

/**
 * The only credential helper: it asks burn for the login, over descriptor 3, which git's helper programs inherit. So the login is in no
 * argv, environment or file, and no other program has to start for each question. Requests to store or erase a login are ignored.
 */
const credentialHelper = `!ask() { [ "$1" = get ] || return 0; cat >&3; echo >&3; while IFS= read -r line <&3 && [ -n "$line" ]; do printf '%s\\n' "$line"; done; }; ask`

/** Returns the argv of a git command. `login` tells whether git may ask burn for a login. */
export function gitArgv(args: readonly string[], place: GitPlace | null, login: boolean): string[] {
  const helper = login ? [`credential.helper=${credentialHelper}`] : []
  const where =
    place === null ? [] : [`--git-dir=${place.git_dir}`, ...(place.work_tree === undefined ? [] : [`--work-tree=${place.work_tree}`])]
  return ['git', ...[...fixedSettings, ...helper].flatMap((setting) => ['-c', setting]), ...where, ...args]
}

/** Returns the environment of a git command. `more` overrides the other variables. */
export function gitEnv(env: Env, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(env).filter((pair): pair is [string, string] => passedVariables.test(pair[0]) && pair[1] !== undefined)
  // A relative folder on PATH would be a folder of the workspace.
  const path = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter)
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    GIT_EDITOR: ':',
    GIT_PAGER: 'cat',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:file',
    GIT_LFS_SKIP_SMUDGE: '1',
    ...more,
  }
}

/** Tells whether git may ask a credential helper for this URL. With ssh there are keys, and for a folder there are file permissions. */
export function usesCredentialHelper(clone_url: string): boolean {
  return /^https?:\/\//i.test(clone_url)
}
