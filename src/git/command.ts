/** Git's commands as data: an argv and an environment that let nothing run but git itself, whatever lies in the folder that it looks at. */
import { delimiter, isAbsolute } from 'node:path'

/** What a command works on. */
export interface GitPlace {
  readonly git_dir: string
  /** Absent for what needs no files. */
  readonly work_tree?: string
}

type Env = Readonly<Record<string, string | undefined>>

/** What of the process's environment git gets: no secret is among it, and nothing that has git do otherwise. */
const passed =
  /^(?:HOME|USER|LOGNAME|TMPDIR|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|GIT_SSL_(?:CAINFO|CAPATH|NO_VERIFY)|SSH_AUTH_SOCK)$/

/** Said on the command line, so that no configuration of a repo says otherwise. */
const pinned: readonly string[] = [
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
  // A file that nobody reads as text is not compared line by line, nor packed against others.
  'core.bigFileThreshold=32m',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'credential.helper=',
  // A disk makes files faster for several at once: 2,000 in 510 ms instead of 910.
  'checkout.workers=4',
]

/**
 * Whom git asks for a login, in place of every other: the program that started it, over descriptor 3, which a remote's helper inherits. A program of
 * its own would take a second a question; and what is asked so is in no argv, environment or file. It is told what git keeps, too, and says nothing then.
 */
const credentialHelper = `!ask() { [ "$1" = get ] || return 0; cat >&3; echo >&3; while IFS= read -r line <&3 && [ -n "$line" ]; do printf '%s\\n' "$line"; done; }; ask`

/** The argv of a git command in a place. `login`: it may ask for one. */
export function gitArgv(words: readonly string[], place: GitPlace | null, login: boolean): string[] {
  const helped = login ? [`credential.helper=${credentialHelper}`] : []
  const where =
    place === null ? [] : [`--git-dir=${place.git_dir}`, ...(place.work_tree === undefined ? [] : [`--work-tree=${place.work_tree}`])]
  return ['git', ...[...pinned, ...helped].flatMap((setting) => ['-c', setting]), ...where, ...words]
}

/** The environment of every git command. */
export function gitEnv(env: Env, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(env).filter((pair): pair is [string, string] => passed.test(pair[0]) && pair[1] !== undefined)
  // A relative folder on PATH is one of the workspace's.
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

/** Whether a login is asked of a helper there: ssh has keys, a folder has rights. */
export function takesLogin(clone_url: string): boolean {
  return /^https?:\/\//i.test(clone_url)
}
