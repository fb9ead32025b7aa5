/** Builds the argv and the environment of git commands, so that git runs no program that a workspace's configuration names. */
import { delimiter, isAbsolute } from 'node:path'
import { gitProxyEnv } from '../host/proxy.ts'

/** The repository in which a git command runs. */
export interface GitPlace {
  readonly git_dir: string
  /** The folder with the files; undefined if the command needs none. */
  readonly work_tree?: string
}

type Env = Readonly<Record<string, string | undefined>>

/** The variables that git inherits from burn's environment. None of them is a secret, and none changes how git works. */
const passedVariables =
  /^(?:HOME|USER|LOGNAME|TMPDIR|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY|SSL_CERT_(?:FILE|DIR)|GIT_SSL_(?:CAINFO|CAPATH|NO_VERIFY)|SSH_AUTH_SOCK)$/

/** Settings that burn passes on the command line, so that the configuration of a repo cannot override them. */
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
  // Git neither diffs files above this size by line nor stores them as deltas.
  'core.bigFileThreshold=32m',
  'http.lowSpeedLimit=1',
  'http.lowSpeedTime=60',
  'credential.helper=',
  // Parallel checkout writes files faster.
  'checkout.workers=4',
]

/**
 * The only credential helper. It asks burn for the login over file descriptor 3, which git's helper programs inherit. So the login appears
 * in no argv, environment or file, and git need not start another program for each request. The helper ignores requests to store or erase a
 * login.
 */
const credentialHelper = `!ask() { [ "$1" = get ] || return 0; cat >&3; echo >&3; while IFS= read -r line <&3 && [ -n "$line" ]; do printf '%s\\n' "$line"; done; }; ask`

/** Returns the argv of a git command. If `login` is true, git may ask burn for a login. */
export function gitArgv(args: readonly string[], place: GitPlace | null, login: boolean): string[] {
  const helper = login ? [`credential.helper=${credentialHelper}`] : []
  const where =
    place === null ? [] : [`--git-dir=${place.git_dir}`, ...(place.work_tree === undefined ? [] : [`--work-tree=${place.work_tree}`])]
  return ['git', ...[...fixedSettings, ...helper].flatMap((setting) => ['-c', setting]), ...where, ...args]
}

/** Returns the environment of a git command. The variables in `more` override the others. */
export function gitEnv(env: Env, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const kept = Object.entries(env).filter((pair): pair is [string, string] => passedVariables.test(pair[0]) && pair[1] !== undefined)
  // A relative folder on PATH would be inside the workspace, so a model could put a program there.
  const path = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute).join(delimiter)
  return {
    ...Object.fromEntries(kept),
    ...gitProxyEnv(env),
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

/** The name and the value of a git setting. */
export type GitSetting = readonly [string, string]

/** Returns the environment variables that set git settings. Other users can read argv, but not the environment. */
export function settingsEnv(settings: readonly GitSetting[]): Readonly<Record<string, string>> {
  if (settings.length === 0) return {}
  const pairs = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) }
}

/**
 * Returns the settings with which git reaches the forge: its CAs and headers. They apply only to the forge's own address. With headers git
 * follows no redirect, because it would send them to the new address, too.
 */
export function forgeSettings(url: string, ca_file: string | null, headers: Readonly<Record<string, string>>): readonly GitSetting[] {
  const at = `http.${new URL(url).origin}/`
  const lines = Object.entries(headers).map(([name, value]): GitSetting => [`${at}.extraHeader`, `${name}: ${value}`])
  return [
    ...(ca_file === null ? [] : [[`${at}.sslCAInfo`, ca_file] as const]),
    ...lines,
    ...(lines.length === 0 ? [] : [[`${at}.followRedirects`, 'false'] as const]),
  ]
}

/** Tells whether a clone URL is at the forge, with the same protocol, host and port. ssh URLs use keys, and folders file permissions. */
export function isAtForge(clone_url: string, forge_url: string): boolean {
  if (!/^https?:\/\//i.test(clone_url) || !URL.canParse(clone_url) || !URL.canParse(forge_url)) return false
  return new URL(clone_url).origin === new URL(forge_url).origin
}
