/**
 * Reads the models that Hermes itself uses, from its `config.yaml`, `.env` and `auth.json`. burn never writes these files. burn also
 * refreshes no token, because a second use of Hermes' refresh token signs out all profiles. Keys are read from the locations that Hermes
 * 0.20 and 0.21 use. The facts come from Hermes' documentation of providers and fallback providers, and from `hermes_cli/auth.py`.
 */
import { join } from 'node:path'
import { BurnError } from '../core/errors.ts'
import type { Failure } from '../core/sprint.ts'
import type { BackendDeps } from './deps.ts'
import type { Endpoint } from './endpoint.ts'
import { itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { redactor } from '../host/redact.ts'
import { failureOf, backendErrorOf } from './failure.ts'
import { maxHermesFile, parseTree, readText, readTree, tooLarge } from './hermes-files.ts'

/** The providers that Hermes knows by name. `env` is the variable that contains the provider's key; null if the provider needs no key. */
const providers: Readonly<Record<string, { readonly url: string; readonly env: string | null }>> = {
  nous: { url: 'https://inference-api.nousresearch.com/v1', env: 'NOUS_API_KEY' },
  openrouter: { url: 'https://openrouter.ai/api/v1', env: 'OPENROUTER_API_KEY' },
  openai: { url: 'https://api.openai.com/v1', env: 'OPENAI_API_KEY' },
  deepseek: { url: 'https://api.deepseek.com/v1', env: 'DEEPSEEK_API_KEY' },
  gemini: { url: 'https://generativelanguage.googleapis.com/v1beta/openai', env: 'GEMINI_API_KEY' },
  ollama: { url: 'http://127.0.0.1:11434/v1', env: null },
}

/** A token that expires within this time (ms) already counts as expired. */
const expiryMargin_ms = 60_000

interface HermesHome {
  readonly dir: string
  readonly config: JsonObject
  /** The content of `auth.json`; null if the file does not exist. */
  readonly auth: JsonObject | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: number
  /** True if the home is on another machine. Then burn leaves the keys there, so `auth` and `env` are empty. */
  readonly away: boolean
}

/** The model and the provider with which the spec starts an agent, in place of Hermes' default model. */
export interface AskedModel {
  readonly model: string | null
  readonly provider: string | null
}

/** Returns Hermes' default model and its fallback models, in Hermes' order. Never throws: `unusable` says why a model cannot be used. */
export async function hermesEndpoints(dir: string, deps: BackendDeps, asked?: AskedModel): Promise<readonly Endpoint[]> {
  const home = dir.replace(/^~(?=\/|$)/, deps.home)
  try {
    return endpointsIn(await readHermes(home, deps), asked)
  } catch (thrown) {
    return [unusableEndpoint('hermes', null, thrown, deps.clock.now())]
  }
}

/** Returns the models of a Hermes home on another machine, as `hermesEndpoints` does. `text`: its `config.yaml`; null if it has none. */
export async function hermesEndpointsAway(dir: string, text: string | null, asked: AskedModel, now: number): Promise<readonly Endpoint[]> {
  const path = join(dir, 'config.yaml')
  try {
    if (text === null) throw noConfig(path)
    if (text.length > maxHermesFile) throw tooLarge(path)
    return endpointsIn({ dir, config: await parseTree(text, path), auth: null, env: {}, now, away: true }, asked)
  } catch (thrown) {
    return [unusableEndpoint('hermes', null, thrown, now)]
  }
}

function endpointsIn(home: HermesHome, asked: AskedModel = { model: null, provider: null }): readonly Endpoint[] {
  const { config } = home
  const written = typeof config['model'] === 'string' ? { default: config['model'] } : membersOf(config['model'])
  const fallbacks = [config['fallback_providers'] ?? [], config['fallback_model'] ?? []].flat().map(membersOf)
  const endpoints = [withAsked(written, asked), ...fallbacks].flatMap((entry) => endpointIn(entry, home) ?? [])
  if (endpoints.length > 0) return endpoints
  throw new BurnError('hermes_config', `${join(home.dir, 'config.yaml')} names no model`, 'hermes model')
}

/** Replaces the default model by the one in the spec. Another provider has another address and another key. */
function withAsked(entry: JsonObject, { model, provider }: AskedModel): JsonObject {
  const isSame = provider === null || provider === entry['provider']
  const { default: _default, model: _model, ...rest } = entry
  return model === null && isSame ? entry : { ...(isSame ? rest : { provider }), default: model ?? _default ?? _model }
}

function noConfig(path: string): BurnError {
  return new BurnError('hermes_config', `there is no ${path}`, 'run `hermes setup`, or add models to the spec')
}

/** Returns an endpoint that burn cannot use because of an error. */
export function unusableEndpoint(model: string, provider: string | null, thrown: unknown, now: number): Endpoint {
  const failure: Failure = failureOf(backendErrorOf(thrown, now), provider === null ? model : `${model} (${provider})`, redactor([]))
  return { model, url: '', key: null, provider, price: null, unusable: failure }
}

async function readHermes(dir: string, deps: BackendDeps): Promise<HermesHome> {
  const config = await readTree(join(dir, 'config.yaml'))
  if (config === null) throw noConfig(join(dir, 'config.yaml'))
  const dotenv = (await readText(join(dir, '.env'))) ?? ''
  const dotenvPairs = [...dotenv.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(["']?)(.*?)\2\s*$/gm)].map(
    ([, name = '', , value = '']) => [name, value] as const,
  )
  const env = { ...deps.env, ...Object.fromEntries(dotenvPairs) }
  return { dir, config, auth: await readTree(join(dir, 'auth.json')), env, now: deps.clock.now(), away: false }
}

/** Returns the endpoint for an entry of the configuration. Returns null if the entry names no model. */
function endpointIn(entry: JsonObject, home: HermesHome): Endpoint | null {
  const model = stringOf(entry['default']) ?? stringOf(entry['model'])
  if (model === null) return null
  const provider = stringOf(entry['provider'])
  try {
    const custom = customProvider(provider, home)
    const builtIn = providers[provider ?? '']
    const expand = (value: unknown) => stringOf(stringOf(value)?.replace(/\$\{(\w+)\}/g, (_, name: string) => home.env[name] ?? ''))
    const nous = provider === 'nous' && !home.away ? nousKey(home) : null
    const url = expand(entry['base_url']) ?? expand(custom['base_url']) ?? nous?.url ?? builtIn?.url ?? null
    if (url === null)
      throw new BurnError(
        'hermes_config',
        `burn does not know the URL of the provider ${provider ?? '(none)'}`,
        `add base_url to this model in ${join(home.dir, 'config.yaml')}`,
      )
    const literal = expand(entry['api_key']) ?? expand(custom['api_key'])
    const variable = stringOf(entry['key_env']) ?? stringOf(custom['key_env']) ?? builtIn?.env ?? null
    const endpoint = { model, url: url.replace(/\/+$/, ''), provider, price: null, unusable: null }
    if (home.away) {
      const named = variableIn(entry['api_key']) ?? variableIn(custom['api_key']) ?? (provider === 'nous' ? null : variable)
      return { ...endpoint, key: literal, ...(literal === null ? keyAway(home.dir, named, provider) : {}) }
    }
    const key = literal ?? stringOf(home.env[variable ?? '']) ?? nous?.key() ?? null
    if (key === null && builtIn !== undefined && builtIn.env !== null)
      throw new BurnError('hermes_auth', `burn found no key for ${provider}`, `add ${builtIn.env} to ${join(home.dir, '.env')}`)
    return { ...endpoint, key }
  } catch (thrown) {
    return unusableEndpoint(model, provider, thrown, home.now)
  }
}

/** Returns where the key of a provider is on another machine; nothing if the provider needs no key. */
function keyAway(home: string, variable: string | null, provider: string | null): Pick<Endpoint, 'key_at'> {
  if (variable === null) return provider === 'nous' ? { key_at: { home, variable } } : {}
  if (/^[A-Za-z_]\w*$/.test(variable)) return { key_at: { home, variable } }
  throw new BurnError(
    'hermes_config',
    `${JSON.stringify(variable)} is not the name of a variable`,
    `correct key_env in ${home}/config.yaml`,
  )
}

/** Returns the name of the variable in a key such as `${NAME}`; null if there is none. */
function variableIn(value: unknown): string | null {
  return /^\$\{(\w+)\}$/.exec(stringOf(value) ?? '')?.[1] ?? null
}

/** Returns the provider's entry in `providers: {name: {…}}` or `custom_providers: [{name, …}]`. */
function customProvider(provider: string | null, { config }: HermesHome): JsonObject {
  const name = provider?.replace(/^custom:/, '') ?? ''
  const listed = itemsOf(config['custom_providers']).map(membersOf)
  return listed.find((one) => one['name'] === name) ?? membersOf(membersOf(config['providers'])[name])
}

/** Returns the first key for Nous that has not expired: the agent's key or the access token. */
function nousKey({ auth, dir, now }: HermesHome): { readonly url: string | null; key(): string } {
  const nous = membersOf(membersOf(auth?.['providers'])['nous'])
  const pairs = [
    [nous['agent_key'], nous['agent_key_expires_at']],
    [nous['access_token'], nous['expires_at']],
  ]
  const keys = pairs.flatMap(([key, expires]) => (stringOf(key) === null ? [] : [{ key: String(key), expires: timeOf(expires) }]))
  return {
    url: stringOf(nous['inference_base_url']),
    key() {
      const valid = keys.find(({ expires }) => expires === null || expires > now + expiryMargin_ms)
      if (valid !== undefined) return valid.key
      if (keys.length > 0) throw new BurnError('hermes_auth', 'the key for Nous has expired', 'hermes auth status nous')
      throw new BurnError('hermes_auth', `burn found no key for Nous in ${join(dir, 'auth.json')}`, 'hermes auth add nous')
    },
  }
}

/** Parses a time as Unix milliseconds. The value is a date string, or a number of seconds or milliseconds. Null if it is neither. */
function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return value > 1e11 ? value : value * 1000
  const time = Date.parse(stringOf(value) ?? '')
  return Number.isNaN(time) ? null : time
}
