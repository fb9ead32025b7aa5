/** Finds the model that a worker's agent should use, in the spec and in the configuration of the agent. */
import { basename } from 'node:path'
import type { AgentConfig } from '../core/nouns.ts'
import type { ExpectedModel } from '../core/model-use.ts'
import { isOpenChoice } from '../core/model-names.ts'
import { agentName } from '../core/agent-kinds.ts'
import { hermesConfig, hermesHome } from './hermes-home.ts'
import { paneAgent } from './index.ts'
import { modelSources, type AgentFile, type ConfiguredModel, type ModelPlace, type ModelSource } from './models.ts'

/** The configuration files of agents on one machine. */
export interface AgentFiles {
  /** The home directory of the user on the machine. */
  readonly person: string
  /** The files that burn could read, by path. */
  readonly files: ReadonlyMap<string, AgentFile>
}

/** A worker, with the name of its fleet. */
export interface FleetWorker {
  readonly fleet: string
  readonly worker: { readonly window: string; readonly name: string; readonly dir: string; readonly agent: AgentConfig }
}

const nothing: ConfiguredModel = { model: null, provider: null }

/** Returns the paths of the files that `expectedModel` needs. A leading `~/` stands for the home directory of the user on the machine. */
export function modelFiles({ worker: { agent, dir } }: FleetWorker): readonly string[] {
  const source = modelSources[agent.kind]
  if (source === undefined || !isOwnProgram(agent)) return []
  const needed = specModel(agent, source).model === null ? source.files(placeOf(agent, dir, source, '~')) : []
  return agent.kind === 'hermes' ? [...new Set([...needed, `~/${hermesConfig}`])] : needed
}

/**
 * Returns the model that the agent should use. The spec takes precedence over the configuration of the agent. `files`: null if burn has not
 * read the configuration.
 */
export function expectedModel(of: FleetWorker, files: AgentFiles | null): ExpectedModel {
  const { agent, dir } = of.worker
  const source = modelSources[agent.kind]
  const none: ExpectedModel = { ...nothing, profile: null, source: 'spec', fallbacks: [], aliases: {} }
  if (source === undefined) return { ...none, model: chosen(agent.model), provider: agent.provider }
  const spec = specModel(agent, source)
  const configured = files === null || !isOwnProgram(agent) ? null : configuredModel(agent, dir, source, files)
  const fromSpec = spec.model !== null || configured === null || configured.model === null
  return {
    model: chosen(fromSpec ? spec.model : configured.model),
    provider: spec.provider ?? (fromSpec ? null : configured.provider),
    profile: profileOf(of, source, files),
    source: fromSpec ? 'spec' : configured.file,
    fallbacks: [...(spec.fallback === null ? [] : [{ model: spec.fallback, provider: null }]), ...(configured?.fallbacks ?? [])],
    aliases: configured?.aliases ?? {},
  }
}

const chosen = (model: string | null) => (model === null || isOpenChoice(model) ? null : model)

/** Returns true if the command starts the agent program itself. The arguments of a wrapper may mean something else. */
function isOwnProgram(agent: AgentConfig): boolean {
  const [own] = paneAgent(agent).command
  const [program] = agent.command
  return program === undefined || (own !== undefined && basename(program) === own)
}

function specModel(agent: AgentConfig, source: ModelSource): { [Key in 'model' | 'provider' | 'profile' | 'fallback']: string | null } {
  const argv = isOwnProgram(agent) ? agent.command : []
  const variable = (names: readonly string[] = []) => names.map((name) => agent.env[name]).find((value) => value !== undefined) ?? null
  return {
    model: agent.model ?? optionIn(argv, source.options.model) ?? settingIn(argv, 'model') ?? variable(source.variables.model),
    provider: agent.provider ?? optionIn(argv, source.options.provider) ?? variable(source.variables.provider),
    profile: optionIn(argv, source.options.profile),
    fallback: optionIn(argv, source.options.fallback),
  }
}

/** Returns the value of the last of these options: `--model X` or `--model=X`. */
function optionIn(argv: readonly string[], names: readonly string[] = []): string | null {
  const at = argv.findLastIndex((word) => names.some((name) => word === name || word.startsWith(`${name}=`)))
  const word = argv[at]
  if (word === undefined) return null
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : (argv[at + 1] ?? null)
}

/** Returns the value of `-c model=X`, with which Codex sets a key of its configuration. */
function settingIn(argv: readonly string[], key: string): string | null {
  const set = argv.findLast((word, at) => word.startsWith(`${key}=`) && (argv[at - 1] === '-c' || argv[at - 1] === '--config'))
  return set === undefined ? null : set.slice(key.length + 1).replaceAll('"', '')
}

function placeOf(agent: AgentConfig, dir: string, source: ModelSource, person: string): ModelPlace {
  const absolute = (path: string) => path.replace(/^~(?=\/|$)/, person)
  const env = Object.fromEntries(Object.entries(agent.env).map(([name, value]) => [name, absolute(value)]))
  return { person, env, dir: absolute(dir), profile: specModel(agent, source).profile }
}

function configuredModel(agent: AgentConfig, dir: string, source: ModelSource, { person, files }: AgentFiles) {
  const here = placeOf(agent, dir, source, person)
  const paths = source.files(placeOf(agent, dir, source, '~'))
  const found = paths.flatMap((path) => {
    const file = files.get(path)
    return file === undefined ? [] : [{ file: path, ...source.read(file, here) }]
  })
  return found.find(({ model }) => model !== null) ?? found[0] ?? null
}

/** Returns the profile in which the agent should run; null if its kind has none, or if burn cannot know it. */
function profileOf({ fleet, worker }: FleetWorker, source: ModelSource, files: AgentFiles | null): string | null {
  const { agent } = worker
  if (source.profileOf === undefined || !isOwnProgram(agent)) return null
  const named = optionIn(agent.command, source.options.profile)
  if (named !== null) return named === 'default' ? '' : named
  const home = agent.env['HERMES_HOME']
  if (home !== undefined) return source.profileOf(home)
  if (!agent.hooks) return ''
  const root = files?.files.get(`~/${hermesConfig}`)
  if (files === null || root === undefined) return null
  const place = { hook: '', home: '', person: files.person, name: agentName(fleet, worker), entries: new Map() }
  const own = hermesHome(agent, { ...place, configs: new Map([[hermesConfig, root.data]]) })
  return 'home' in own ? source.profileOf(own.home) : ''
}
