/** Finds what `burn init` needs on this computer: git remotes, agent programs, tmux and tokens. Changes nothing. */
import { constants } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { AgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Checkout } from '../decide/remotes.ts'
import type { Git } from '../git/run.ts'
import { paneAgent } from '../agents/index.ts'
import { programNames } from '../core/agent-kinds.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { itemsOf, membersOf, stringOf } from '../core/json.ts'
import { findKnownCheck } from '../decide/known-checks.ts'
import { parseRemote } from '../decide/remotes.ts'
import { runGit } from '../git/run.ts'
import { parseConfig } from '../host/config-file.ts'
import { findProgram } from '../host/find-program.ts'
import { loginEnvironment } from '../host/login-shell.ts'

/** An agent program on this computer. */
export interface FoundAgent {
  readonly kind: AgentName
  /** The command for the spec; null if the login shell finds the program, so that the default command works. */
  readonly command: readonly string[] | null
}

/** The programs on this computer. */
export interface FoundPrograms {
  readonly agents: readonly FoundAgent[]
  readonly tmux: boolean
  readonly git: boolean
}

type Env = Git['env']

/** Finds the agent programs, tmux and git. Agents start in the login shell, so its PATH matters first. */
export async function findPrograms(env: Env): Promise<FoundPrograms> {
  const own = env['PATH'] ?? ''
  // burn doctor reports a login shell that runs no commands.
  const variables = await loginEnvironment({ name: 'this computer', transport: { kind: 'local' } }).catch(ifCode(['login_shell'], {}))
  const login = 'PATH' in variables ? String(variables['PATH']) : own
  const agents = await Promise.all(
    programNames.map(async (kind): Promise<FoundAgent[]> => {
      const [program = '', ...rest] = paneAgent({ kind }).command
      if ((await findProgram(program, login)) !== null) return [{ kind, command: null }]
      const path = await findProgram(program, own)
      return path === null ? [] : [{ kind, command: [path, ...rest] }]
    }),
  )
  const [tmux, git] = await Promise.all(['tmux', 'git'].map((program) => findProgram(program, own)))
  return { agents: agents.flat(), tmux: tmux !== null, git: git !== null }
}

/** The maximum number of folders that burn searches for git repositories. */
const maxFolders = 500

/** Returns the git repositories with a remote: the folder itself, and those directly in it. A folder that does not exist has none. */
export async function findCheckouts(dir: string, git: Git): Promise<readonly Checkout[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(ifCode([...noSuchPath, 'EACCES'], []))
  const below = entries.filter((entry) => entry.isDirectory() && entry.name !== '.git').map(({ name }) => join(dir, name))
  const folders = [dir, ...below.toSorted()].slice(0, maxFolders)
  const found = await mapConcurrently(folders, 8, (folder) => checkoutIn(folder, git))
  return found.flatMap((each) => (each === null ? [] : [each]))
}

async function checkoutIn(folder: string, git: Git): Promise<Checkout | null> {
  const at = { git_dir: join(folder, '.git') }
  const exists = await stat(at.git_dir).then(() => true, ifCode([...noSuchPath, 'EACCES'], false))
  if (!exists) return null
  const remotes = await runGit(git, ['config', '--get-regexp', '^remote\\..*\\.url$'], { at })
  const rows = remotes.stdout.split('\n').flatMap((row) => {
    const [, name, url] = /^remote\.(.*)\.url (.+)$/.exec(row) ?? []
    return name === undefined || url === undefined ? [] : [{ name, url }]
  })
  const { name, url } = rows.find((row) => row.name === 'origin') ?? rows[0] ?? {}
  const remote = url === undefined ? null : parseRemote(url)
  if (remote === null) return null
  const head = await runGit(git, ['symbolic-ref', '--quiet', '--short', `refs/remotes/${name}/HEAD`], { at })
  const base = head.code === 0 ? head.stdout.trim().slice(`${name}/`.length) : null
  return { remote, base, check: await findKnownCheck((file) => readRepoFile(join(folder, file))) }
}

/** The maximum size (bytes) of a file that defines a check. */
const maxCheckFile = 1024 * 1024

/**
 * Returns the text of a file in a checkout; null if burn does not read it. Somebody else may have committed a link to a device that never
 * ends, such as /dev/zero.
 */
async function readRepoFile(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    ifCode([...noSuchPath, 'EACCES', 'ELOOP', 'ENXIO'], null),
  )
  if (file === null) return null
  try {
    const stat = await file.stat()
    return stat.isFile() && stat.size <= maxCheckFile ? await file.readFile('utf8') : null
  } finally {
    await file.close()
  }
}

/**
 * A token for a forge. `copies`: the token itself, if burn must copy it into its own file, because the spec cannot name its place. `name`: a
 * phrase for the place; null if the person typed the token.
 */
export type FoundToken =
  | { readonly source: SecretSource; readonly name: string; readonly copies: null }
  | { readonly source: null; readonly name: string | null; readonly copies: string }

/** The variables that may have a token for a Gitea or Forgejo, in the order in which burn looks for them. */
const tokenVariables = ['BURN_TOKEN', 'GITEA_TOKEN', 'FORGEJO_TOKEN', 'GITEA_SERVER_TOKEN']

/**
 * Finds a token for a forge: the source in the old spec, burn's token file, a variable, or a login of `tea`. Returns null if there is none.
 */
export async function findToken(
  url: string,
  { env, home, file, old }: { readonly env: Env; readonly home: string; readonly file: string; readonly old: SecretSource | null },
): Promise<FoundToken | null> {
  if (old !== null) return { source: old, name: 'the source in the old spec', copies: null }
  const exists = await stat(file).then(() => true, ifCode(noSuchPath, false))
  if (exists) return { source: { file: shortPath(file, home) }, name: shortPath(file, home), copies: null }
  const variable = tokenVariables.find((each) => (env[each] ?? '') !== '')
  if (variable !== undefined) return { source: { env: variable }, name: `the variable ${variable}`, copies: null }
  return findTeaToken(url, join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'tea/config.yml'))
}

/** Returns a path with `~` for the home directory. */
export function shortPath(path: string, home: string): string {
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path
}

/** Returns the token of a login of `tea` for the forge. Ignores logins by OAuth, because their tokens end after an hour. */
async function findTeaToken(url: string, file: string): Promise<FoundToken | null> {
  const text = await readFile(file, 'utf8').catch(ifCode([...noSuchPath, 'EACCES', 'EISDIR', 'ELOOP'], null))
  const logins = text === null ? [] : itemsOf(membersOf(parseConfig(text))['logins']).map(membersOf)
  const wanted = url.replace(/\/+$/, '')
  const login = logins.find((each) => stringOf(each['url'])?.replace(/\/+$/, '') === wanted && stringOf(each['refresh_token']) === null)
  const token = stringOf(login?.['token'])
  return token === null ? null : { source: null, name: `the login ${stringOf(login?.['name']) ?? ''} of tea`, copies: token }
}
