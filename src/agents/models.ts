/**
 * Where each agent program takes its model from: options of its command line, environment variables, and its configuration files. Facts
 * come from running the versions that `docs/reference/agents.md` names.
 */
import type { AgentName } from '../core/agent-kinds.ts'
import type { NamedModel } from '../core/model-use.ts'
import type { AgentHome } from '../core/agent-home.ts'
import { itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'

/** The homes of an agent, and its working directory. All paths are absolute, or begin with `~/`. */
export interface ModelPlace extends Pick<AgentHome, 'person' | 'env'> {
  readonly dir: string
  /** The profile that the command line names; null if it names none. */
  readonly profile: string | null
}

/** A setting in the configuration of an agent program; null if the configuration does not set it. */
export interface ConfiguredModel {
  readonly model: string | null
  readonly provider: string | null
  readonly fallbacks?: readonly NamedModel[]
  readonly aliases?: Readonly<Record<string, string>>
}

/** A configuration file of an agent. */
export interface AgentFile {
  readonly text: string
  /** The content, if the file has JSON or YAML; otherwise null. */
  readonly data: unknown
}

/** Where an agent program takes its model from. The command line takes precedence over variables, and variables over files. */
export interface ModelSource {
  readonly options: { readonly model: readonly string[] } & { readonly [Key in 'provider' | 'profile' | 'fallback']?: readonly string[] }
  readonly variables: { readonly model: readonly string[]; readonly provider?: readonly string[] }
  /** Returns the paths of the configuration files. The first file that names a model counts. */
  files(place: ModelPlace): readonly string[]
  /** Returns the settings in one of these files. */
  read(file: AgentFile, place: ModelPlace): ConfiguredModel
  /** Returns the profile to which a file below the homes of the program belongs: empty for the default. Absent if there are no profiles. */
  profileOf?(path: string): string
}

const home = ({ person, env }: ModelPlace, variable: string, folder: string) => env[variable] ?? `${person}/${folder}`

/** Returns a reader for files of JSON or YAML. */
function fromKeys(read: (config: JsonObject) => ConfiguredModel): ModelSource['read'] {
  return ({ data }) => read(membersOf(data))
}

const hermes: ModelSource = {
  options: { model: ['-m', '--model'], provider: ['--provider'], profile: ['-p', '--profile'] },
  variables: { model: ['HERMES_INFERENCE_MODEL'], provider: ['HERMES_INFERENCE_PROVIDER'] },
  files: (place) => {
    const root = home(place, 'HERMES_HOME', '.hermes')
    return [`${place.profile === null || place.profile === 'default' ? root : `${root}/profiles/${place.profile}`}/config.yaml`]
  },
  read: fromKeys((config) => {
    const model = membersOf(config['model'])
    const fallbacks = ['fallback_providers', 'fallback_model'].flatMap((key) => {
      const value = config[key]
      return (Array.isArray(value) ? itemsOf(value) : [value]).flatMap((each): NamedModel[] => {
        const [name, provider] = [stringOf(membersOf(each)['model']), stringOf(membersOf(each)['provider'])]
        return name === null ? [] : [{ model: name, provider }]
      })
    })
    const aliases = Object.entries(membersOf(config['model_aliases'])).flatMap(([alias, target]) => {
      const named = stringOf(target) ?? stringOf(membersOf(target)['model'])
      return named === null ? [] : [[alias, named] as const]
    })
    return {
      model: stringOf(config['model']) ?? stringOf(model['default']) ?? stringOf(model['model']),
      provider: stringOf(model['provider']),
      fallbacks,
      aliases: Object.fromEntries(aliases),
    }
  }),
  profileOf: (path) => /\/profiles\/([^/]+)(?:\/|$)/.exec(path)?.[1] ?? '',
}

const claude: ModelSource = {
  options: { model: ['--model'], fallback: ['--fallback-model'] },
  variables: { model: ['ANTHROPIC_MODEL'] },
  files: (place) => [
    `${place.dir}/.claude/settings.local.json`,
    `${place.dir}/.claude/settings.json`,
    `${home(place, 'CLAUDE_CONFIG_DIR', '.claude')}/settings.json`,
  ],
  read: fromKeys((config) => ({
    model: stringOf(membersOf(config['env'])['ANTHROPIC_MODEL']) ?? stringOf(config['model']),
    provider: null,
  })),
}

/** Returns the texts of a key in a TOML file: in the section with this name, or before the first section. */
function tomlText(text: string, section: string | null, key: string): string | null {
  const parts = text.split(/^\s*\[/m)
  const part = section === null ? parts[0] : parts.slice(1).find((each) => new RegExp(`^${section}\\]`).test(each.replaceAll('"', '')))
  const value = (part ?? '').split('\n').find((line) => line.trim().startsWith(key) && /^\s*\w+\s*=/.test(line))
  const [, name, quoted] = /^\s*(\w+)\s*=\s*["']([^"']*)["']/.exec(value ?? '') ?? []
  return name === key ? stringOf(quoted) : null
}

const codex: ModelSource = {
  options: { model: ['-m', '--model'], profile: ['-p', '--profile'] },
  variables: { model: [] },
  files: (place) => [`${home(place, 'CODEX_HOME', '.codex')}/config.toml`],
  read: ({ text }, { profile }) => {
    const name = profile ?? tomlText(text, null, 'profile')
    const section = name === null || !/^[\w-]+$/.test(name) ? null : `profiles\\.${name}`
    const of = (key: string) => (section === null ? null : tomlText(text, section, key)) ?? tomlText(text, null, key)
    return { model: of('model'), provider: of('model_provider') }
  },
}

const opencode: ModelSource = {
  options: { model: ['-m', '--model'] },
  variables: { model: [] },
  files: (place) => {
    const own = `${place.env['XDG_CONFIG_HOME'] ?? `${place.person}/.config`}/opencode`
    const named = place.env['OPENCODE_CONFIG']
    return [
      ...[place.dir, own].flatMap((folder) => [`${folder}/opencode.jsonc`, `${folder}/opencode.json`]),
      ...(named === undefined ? [] : [named]),
    ]
  },
  read: fromKeys(({ model }) => ({ model: stringOf(model), provider: null })),
}

/** Gemini CLI, and Qwen Code, which is a fork of it. */
function geminiLike(folder: string, home_variable: string, model_variables: readonly string[]): ModelSource {
  return {
    options: { model: ['-m', '--model'] },
    variables: { model: model_variables },
    files: (place) => [`${place.dir}/${folder}/settings.json`, `${place.env[home_variable] ?? place.person}/${folder}/settings.json`],
    read: fromKeys(({ model }) => ({ model: stringOf(model) ?? stringOf(membersOf(model)['name']), provider: null })),
  }
}

const pi: ModelSource = {
  options: { model: ['--model'], provider: ['--provider'] },
  variables: { model: [] },
  files: (place) => [`${home(place, 'PI_CODING_AGENT_DIR', '.pi/agent')}/settings.json`],
  read: fromKeys((config) => ({ model: stringOf(config['defaultModel']), provider: stringOf(config['defaultProvider']) })),
}

/** The agent programs whose model burn can check. */
export const modelSources: Readonly<Partial<Record<AgentName, ModelSource>>> = {
  hermes,
  claude,
  codex,
  opencode,
  gemini: geminiLike('.gemini', 'GEMINI_CLI_HOME', ['GEMINI_MODEL']),
  qwen: geminiLike('.qwen', 'QWEN_CLI_HOME', ['OPENAI_MODEL', 'QWEN_MODEL']),
  pi,
}
