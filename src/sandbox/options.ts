/** The options of a sandbox, and the environment and programs that follow from them. */
import type { BubblewrapConfig } from './bubblewrap.ts'
import type { SandboxFacts } from './facts.ts'

export interface SandboxOptions {
  /** The absolute path of the workspace's folder. */
  readonly dir: string
  /** Other absolute paths that commands may read, such as the git directory of a worktree. */
  readonly read_only: readonly string[]
  /** The repository that commands see, and the file that they see as `.git`. Default: the workspace's own `.git`. */
  readonly git?: { readonly git_dir: string; readonly link: string }
  /** The folder that contains the commands' HOME and /tmp. The sandbox creates it if it is missing. The caller removes it. */
  readonly own_dir: string
  /** burn's environment. Commands inherit only a few of its variables, none of which is a secret. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory of the user who runs burn. */
  readonly home: string
  /** The facts about this machine that sandboxes share. */
  readonly facts: SandboxFacts
  /** The timeout (ms) of each command that tests bubblewrap or systemd. */
  readonly probe_ms?: number
}

/** The variables that commands inherit from burn's environment. None of them is a secret or makes a program load code. */
const passedVariables = ['LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS']
const fixedEnvironment = {
  TERM: 'dumb',
  CI: '1',
  NO_COLOR: '1',
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
}
/** Returns the environment of commands. `entries` are the folders of their PATH. */
export function baseEnvironment(
  entries: readonly string[],
  { env }: Pick<SandboxOptions, 'env'>,
  own: BubblewrapConfig['own'],
): Record<string, string> {
  return environment({ ...fixedEnvironment, PATH: entries.join(':'), HOME: own.home, TMPDIR: own.tmp }, env, passedVariables)
}

/** Returns the variables of `set`, and those of `from` that `names` lists. */
export function environment(
  set: Readonly<Record<string, string>>,
  from: SandboxOptions['env'],
  names: readonly string[],
): Record<string, string> {
  const inherited = names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]))
  return { ...Object.fromEntries(inherited), ...set }
}
