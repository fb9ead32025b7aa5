/** Decides which environment variables a scheduled run gets, and which secrets it would miss. */
import { isFields } from '../core/json.ts'

/** The variables whose values are paths, which may be relative. */
const paths = ['TMUX_TMPDIR', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'] as const
/** burn ignores relative XDG folders. */
const folders = /^XDG_(?:CONFIG|STATE)_HOME$/
const proxies = /^(?:https?|all|no)_proxy$/i

/** The variables of a scheduled run, and warnings about the variables that it will miss. */
export interface ScheduledEnvironment {
  readonly variables: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/**
 * Returns the variables of the current environment that a scheduled run needs, because a scheduler sets almost none. `absolute` returns the
 * absolute path of a path. Leaves out a proxy with a password, because other users can read the arguments of a command of cron.
 */
export function scheduledEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  absolute: (path: string) => string,
): ScheduledEnvironment {
  const set = Object.entries(env).filter((pair): pair is [string, string] => (pair[1] ?? '') !== '')
  const ofPaths = set.filter(([name]) => paths.some((path) => path === name)).map(([name, value]) => [name, absolute(value)] as const)
  const ofFolders = set.filter(([name]) => folders.test(name))
  const ofProxies = set.filter(([name]) => proxies.test(name))
  const remedy = 'Use a proxy without a password, or set the variable from a file that only you can read'
  return {
    variables: {
      PATH: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      ...Object.fromEntries([...ofPaths, ...ofFolders, ...ofProxies.filter(([, value]) => !hasPassword(value))]),
    },
    warnings: ofProxies
      .filter(([, value]) => hasPassword(value))
      .map(([name]) => `${name} contains a password, so burn leaves it out of the entry. ${remedy}`),
  }
}

function hasPassword(proxy: string): boolean {
  return /:[^,@/]*@/.test(proxy)
}

/** Returns a warning for each secret in a part of the spec that burn reads from an environment variable. `path` names the part. */
export function secretWarnings(part: unknown, path: string): string[] {
  if (Array.isArray(part)) return part.flatMap((each: unknown, index) => secretWarnings(each, `${path}[${index}]`))
  if (!isFields(part)) return []
  const { env } = part
  if (typeof env !== 'string') return Object.entries(part).flatMap(([key, value]) => secretWarnings(value, `${path}.${key}`))
  const remedy = 'Write the secret into a file (mode 0600), and name the file: {"file": "…"}'
  return [`burn reads ${path} from the environment variable ${env}, which the scheduler does not set. ${remedy}`]
}
