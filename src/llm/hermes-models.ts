/**
 * Reads the models that Hermes itself uses, from its `config.yaml`, `.env` and `auth.json`. burn never writes these files. burn also
 * refreshes no token, because a second use of Hermes' refresh token signs out all profiles. Keys are read from the locations that Hermes
 * 0.20 and 0.21 use. The facts come from Hermes' documentation of providers and fallback providers, and from `hermes_cli/auth.py`.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import type { Failure } from '../core/sprint.ts'
import type { BackendDeps } from './deps.ts'
import type { Endpoint } from './endpoint.ts'
import { isFields, itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { redactor } from '../host/redact.ts'
import { failureOf, backendErrorOf } from './failure.ts'

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
}

/** Returns Hermes' default model and its fallback models, in Hermes' order. Never throws: `unusable` says why a model cannot be used. */
export async function hermesEndpoints(dir: string, deps: BackendDeps): Promise<readonly Endpoint[]> {
  const home = dir.replace(/^~(?=\/|$)/, deps.home)
  try {
    const files = await readHermes(home, deps)
    const model = membersOf(files.config['model'])
    const defaultModel = typeof files.config['model'] === 'string' ? { default: files.config['model'] } : model
    const fallbacks = [files.config['fallback_providers'] ?? [], files.config['fallback_model'] ?? []].flat().map(membersOf)
    const endpoints = [defaultModel, ...fallbacks].flatMap((entry) => endpointIn(entry, files) ?? [])
    if (endpoints.length > 0) return endpoints
    throw new BurnError('hermes_config', `${join(home, 'config.yaml')} names no model`, 'hermes model')
  } catch (thrown) {
    return [unusable('hermes', null, thrown, deps.clock.now())]
  }
}

function unusable(model: string, provider: string | null, thrown: unknown, now: number): Endpoint {
  const failure: Failure = failureOf(backendErrorOf(thrown, now), provider === null ? model : `${model} (${provider})`, redactor([]))
  return { model, url: '', key: null, provider, price: null, unusable: failure }
}

async function readHermes(dir: string, deps: BackendDeps): Promise<HermesHome> {
  const config = await readTree(join(dir, 'config.yaml'))
  if (config === null)
    throw new BurnError('hermes_config', `there is no ${join(dir, 'config.yaml')}`, 'run `hermes setup`, or add models to the spec')
  const dotenv = (await readText(join(dir, '.env'))) ?? ''
  const dotenvPairs = [...dotenv.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(["']?)(.*?)\2\s*$/gm)].map(
    ([, name = '', , value = '']) => [name, value] as const,
  )
  const env = { ...deps.env, ...Object.fromEntries(dotenvPairs) }
  return { dir, config, auth: await readTree(join(dir, 'auth.json')), env, now: deps.clock.now() }
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
    const nous = provider === 'nous' ? nousKey(home) : null
    const url = expand(entry['base_url']) ?? expand(custom['base_url']) ?? nous?.url ?? builtIn?.url ?? null
    if (url === null)
      throw new BurnError(
        'hermes_config',
        `burn does not know the URL of the provider ${provider ?? '(none)'}`,
        `add base_url to this model in ${join(home.dir, 'config.yaml')}`,
      )
    const fromEnv = stringOf(home.env[stringOf(custom['key_env']) ?? builtIn?.env ?? ''])
    const key = expand(entry['api_key']) ?? expand(custom['api_key']) ?? fromEnv ?? nous?.key() ?? null
    if (key === null && builtIn !== undefined && builtIn.env !== null)
      throw new BurnError('hermes_auth', `burn found no key for ${provider}`, `add ${builtIn.env} to ${join(home.dir, '.env')}`)
    return { model, url: url.replace(/\/+$/, ''), key, provider, price: null, unusable: null }
  } catch (thrown) {
    return unusable(model, provider, thrown, home.now)
  }
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

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8').catch(ifCode(noSuchPath, null))
  } catch (thrown) {
    throw new BurnError('hermes_config', `${path} cannot be read: ${messageOf(thrown)}`, 'check the owner and the permissions of this file')
  }
}

/**
 * Reads a YAML or JSON file. Returns null if the file does not exist. The errors name the position and the kind of the problem. They omit
 * the parser's message, because that message quotes the line, which may contain a key.
 */
async function readTree(path: string): Promise<JsonObject | null> {
  const text = await readText(path)
  if (text === null) return null
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new BurnError(
      'hermes_config',
      `${path}:${line}:${col}: syntax error (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      'correct the file at this line',
    )
  }
  const tree: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isFields(tree)) throw new BurnError('hermes_config', `${path}:1: the file contains no settings`, 'correct the file at this line')
  return tree
}
