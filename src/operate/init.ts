/** Decides the answers of `burn init` from its options and from what burn finds on this computer. */
import { readFile } from 'node:fs/promises'
import type { AgentName } from '../core/agent-kinds.ts'
import type { SecretSource } from '../core/secret-source.ts'
import type { Checkout, ForgeChoice } from '../decide/remotes.ts'
import type { Git } from '../git/run.ts'
import type { InitAnswers } from './init-write.ts'
import type { StarterForge, StarterRepo } from '../spec/starter.ts'
import { programNames } from '../core/agent-kinds.ts'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { itemsOf, membersOf, stringOf } from '../core/json.ts'
import { chooseForge, otherForge } from '../decide/remotes.ts'
import { openFetch } from '../host/fetch.ts'
import { valueOf } from '../spec/jsonc.ts'
import { starterFault } from '../spec/starter.ts'
import { findCheckouts, findPrograms, findToken, shortPath } from './init-find.ts'
import type { FoundAgent, FoundPrograms, FoundToken } from './init-find.ts'
import { exampleForge, fleetNameOf } from './init-write.ts'

/** The options of `burn init`. A value is absent if the person did not give it. */
export interface InitOptions {
  readonly folder: boolean
  readonly url: string | undefined
  readonly owner: string | undefined
  readonly repo: readonly string[]
  readonly agent: AgentName | undefined
  readonly panes: number | undefined
  readonly name: string | undefined
}

/** The places of `burn init`. */
export interface InitPlaces {
  /** The folder whose git remotes burn reads. */
  readonly dir: string
  readonly spec_file: string
  readonly token_file: string
  readonly home: string
}

/** The facts that burn found on this computer. */
export interface InitFacts extends InitPlaces {
  /** The text of the spec that exists already; null if there is none. */
  readonly old: string | null
  readonly forge: ForgeChoice | null
  /** The names of forges that burn cannot use, in remotes. */
  readonly others: readonly string[]
  readonly programs: FoundPrograms
  /** Returns the place of a token for the forge at an address; null if burn finds none. */
  readonly tokenFor: (url: string) => Promise<FoundToken | null>
  /** Returns the fault of the address of a forge as a phrase; null if a Gitea or Forgejo answers there. */
  readonly forgeFault: (url: string) => Promise<string | null>
}

/** Returns what burn finds on this computer. Changes nothing. */
export async function findFacts(places: InitPlaces, git: Git): Promise<InitFacts> {
  const { dir, spec_file, token_file, home } = places
  const { env } = git
  const [checkouts, programs, old] = await Promise.all([
    findCheckouts(dir, git),
    findPrograms(env),
    readFile(spec_file, 'utf8').catch(ifCode(noSuchPath, null)),
  ])
  const oldToken = old === null ? null : tokenSourceIn(valueOf(old))
  return {
    ...places,
    old,
    forge: chooseForge(checkouts),
    others: [...new Set(checkouts.flatMap(({ remote }) => otherForge(remote.host) ?? []))],
    programs,
    tokenFor: (url) => findToken(url, { env, home, file: token_file, old: oldToken }),
    forgeFault: (url) => forgeFault(url, git),
  }
}

/** Returns the source of the token in a parsed spec; null if the spec names none. */
function tokenSourceIn(spec: unknown): SecretSource | null {
  const { file, env, command } = membersOf(membersOf(membersOf(spec)['forge'])['token'])
  const [path, variable, words] = [stringOf(file), stringOf(env), itemsOf(command).filter((word) => typeof word === 'string')]
  if (path !== null) return { file: path }
  return variable !== null ? { env: variable } : words.length > 0 ? { command: words } : null
}

/** Time (ms) that a forge gets to answer. */
const probeTimeout = 5_000

async function forgeFault(url: string, { env, signal }: Git): Promise<string | null> {
  const timeout = AbortSignal.timeout(probeTimeout)
  const end = signal === undefined ? timeout : AbortSignal.any([timeout, signal])
  try {
    const answer = await openFetch(env)(`${url.replace(/\/+$/, '')}/api/v1/version`, { signal: end })
    // A forge may require a login even for its version.
    if (answer.status === 401 || answer.status === 403) return null
    const version = answer.ok ? stringOf(membersOf((await answer.json()) as unknown)['version']) : null
    return version === null ? `no Gitea or Forgejo answers at ${url} (status ${answer.status})` : null
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
    return `${url} does not answer (${messageOf(cause)})`
  }
}

/** The number of panes without the option `--panes`. */
export const defaultPanes = 2

/** Returns the answers that the options and the facts give. Throws BurnError `init_forge` and `init_agent` (exit 2). */
export async function answersFrom(given: InitOptions, facts: InitFacts): Promise<InitAnswers> {
  const common = {
    name: given.name ?? fleetNameOf(facts.spec_file),
    agent: agentFrom(given, facts),
    panes: given.panes ?? defaultPanes,
    replace: false,
  }
  if (given.folder) return { ...common, ...folderAnswers(facts) }
  const url = given.url ?? facts.forge?.url
  const owner = given.owner ?? facts.forge?.owner
  const known = owner === undefined ? [] : starterRepos(facts.forge?.checkouts ?? [], owner)
  const repos = given.repo.length === 0 ? known : reposNamed(given.repo, known)
  if (url === undefined || owner === undefined || repos.length === 0) throw noForge(facts)
  const fault = await facts.forgeFault(url)
  const { source, file, remark } = tokenAnswer(await facts.tokenFor(url), facts)
  const remarks = [...(fault === null ? [] : [`${fault}, so burn could not test the address`]), ...(remark === null ? [] : [remark])]
  return { ...common, forge: { kind: 'gitea', url, owner, token: source }, repos, token: file, remarks }
}

/** The answers about the forge. */
export type ForgeAnswers = Pick<InitAnswers, 'forge' | 'repos' | 'token' | 'remarks'>

/** Returns the answers for a new folder forge. Throws BurnError `git_missing` (exit 2). */
export function folderAnswers({ programs }: Pick<InitFacts, 'programs'>): ForgeAnswers {
  if (programs.git) return { ...exampleForge, remarks: [] }
  throw new BurnError('git_missing', 'git is not installed, so burn cannot make the example repo', 'install git', { exit: 2 })
}

/** Returns the agent that the options name, or the first one that is installed. */
function agentFrom(given: InitOptions, { programs }: InitFacts): FoundAgent {
  const found = given.agent === undefined ? programs.agents[0] : programs.agents.find(({ kind }) => kind === given.agent)
  if (found !== undefined) return found
  if (given.agent !== undefined) return { kind: given.agent, command: null }
  const hint = 'install one, or name one: burn init --agent claude'
  throw new BurnError('init_agent', `burn found none of the agent programs ${programNames.join(', ')}`, hint, { exit: 2 })
}

/** Returns the checkouts as repos of the spec. Leaves out names that a spec cannot have. */
export function starterRepos(checkouts: readonly Checkout[], owner: string): StarterRepo[] {
  return checkouts.flatMap(({ remote, base, check }) => {
    const name = remote.owner === owner ? remote.name : `${remote.owner}/${remote.name}`
    return starterFault('repo', name) === null ? [{ name, base, check, clone_url: remote.ssh }] : []
  })
}

/** Returns the repos with these names, with the settings of those that burn found. */
export function reposNamed(names: readonly string[], known: readonly StarterRepo[]): StarterRepo[] {
  return names.map((name) => known.find((repo) => repo.name === name) ?? { name, base: null, check: null, clone_url: null })
}

function noForge({ dir, others, programs }: InitFacts): BurnError {
  const why = !programs.git
    ? 'git is not installed, so burn cannot read git remotes'
    : others.length > 0
      ? `the git remotes in ${dir} are at ${others.join(' and ')}, which burn cannot use`
      : `burn found no git remote of a forge in ${dir} and the folders in it`
  const hint =
    'name a Gitea or Forgejo: --url https://forge.example.com --owner my-org --repo app. To try burn without a server: burn init --folder'
  return new BurnError('init_forge', why, hint, { exit: 2 })
}

/** The answer about the token. */
interface TokenAnswer {
  readonly source: SecretSource
  /** The token that burn writes to its own file; null if burn writes none. */
  readonly file: string | null
  /** A remark for the person; null if there is none. */
  readonly remark: string | null
}

/** Returns the answer about the token. `found`: null if there is no token. */
export function tokenAnswer(found: FoundToken | null, { token_file, home }: InitPlaces): TokenAnswer {
  const shown = shortPath(token_file, home)
  const source = { file: shown }
  if (found === null) {
    const remark = `burn found no token. Create one on the forge. Then run install -m 600 /dev/null ${shown}, and write the token into that file`
    return { source, file: null, remark }
  }
  if (found.copies === null) return { source: found.source, file: null, remark: `burn reads the token from ${found.name}` }
  return { source, file: found.copies, remark: found.name === null ? null : `${shown} has the token of ${found.name} now (mode 0600)` }
}

/** Returns remarks about programs that are missing. */
export function programRemarks({ tmux, agents }: FoundPrograms, { agent }: Pick<InitAnswers, 'agent'>): string[] {
  return [
    ...(tmux ? [] : ['tmux is not installed. burn doctor prints the command that installs it']),
    ...(agents.some(({ kind }) => kind === agent.kind) ? [] : [`burn did not find the program of the agent ${agent.kind}`]),
  ]
}

/** The forge of the answers, if it is a server. */
export type ServerForge = Extract<StarterForge, { readonly kind: 'gitea' }>
