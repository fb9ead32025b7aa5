/**
 * Reads the models that Hermes itself uses from its `config.yaml`, `.env` and `auth.json`. burn never writes these files and refreshes no
 * token: a second use of Hermes' refresh token signs every profile out. Keys are read from the places that 0.20 and 0.21 use.
 * Facts come from Hermes' documentation of providers and fallback providers, and from `hermes_cli/auth.py` for `auth.json`.
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

/** The providers that Hermes knows by name, with the variable of their key; null if they need none. */
const providers: Readonly<Record<string, { readonly url: string; readonly env: string | null }>> = {
  nous: { url: 'https://inference-api.nousresearch.com/v1', env: 'NOUS_API_KEY' },
  openrouter: { url: 'https://openrouter.ai/api/v1', env: 'OPENROUTER_API_KEY' },
  openai: { url: 'https://api.openai.com/v1', env: 'OPENAI_API_KEY' },
  deepseek: { url: 'https://api.deepseek.com/v1', env: 'DEEPSEEK_API_KEY' },
  gemini: { url: 'https://generativelanguage.googleapis.com/v1beta/openai', env: 'GEMINI_API_KEY' },
  ollama: { url: 'http://127.0.0.1:11434/v1', env: null },
}

/** A token that expires within this time counts as expired. */
const expiryMargin_ms = 60_000

interface HermesHome {
  readonly dir: string
  readonly config: JsonObject
  /** Null if there is no `auth.json`. */
  readonly auth: JsonObject | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: number
}

/** Returns the default model and the fallbacks, in Hermes' order. It throws nothing: an unusable model has its reason in `unusable`. */
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

/** Returns null if the entry names no model. */
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
        `burn does not know the address of its provider`,
        `add base_url to this model in ${join(home.dir, 'config.yaml')}`,
      )
    const fromEnv = stringOf(home.env[stringOf(custom['key_env']) ?? builtIn?.env ?? ''])
    const key = expand(entry['api_key']) ?? expand(custom['api_key']) ?? fromEnv ?? nous?.key() ?? null
    if (key === null && builtIn !== undefined && builtIn.env !== null)
      throw new BurnError('hermes_auth', `there is no key for ${provider}`, `add ${builtIn.env} to ${join(home.dir, '.env')}`)
    return { model, url: url.replace(/\/+$/, ''), key, provider, price: null, unusable: null }
  } catch (thrown) {
    return unusable(model, provider, thrown, home.now)
  }
}

/** Finds a provider in `providers: {name: {…}}` or `custom_providers: [{name, …}]`. */
function customProvider(provider: string | null, { config }: HermesHome): JsonObject {
  const name = provider?.replace(/^custom:/, '') ?? ''
  const listed = itemsOf(config['custom_providers']).map(membersOf)
  return listed.find((one) => one['name'] === name) ?? membersOf(membersOf(config['providers'])[name])
}

/** Returns the agent's key or the access token: the first that has not expired. */
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
      if (keys.length > 0) throw new BurnError('hermes_auth', 'the key for Nous has expired', 'hermes auth refresh nous')
      throw new BurnError('hermes_auth', `there is no key for Nous in ${join(dir, 'auth.json')}`, 'hermes auth add nous')
    },
  }
}

/** Returns the time (ms) of a date as text, seconds or milliseconds; null if there is none. */
function timeOf(value: unknown): number | null {
  if (typeof value === 'number') return value > 1e11 ? value : value * 1000
  const time = Date.parse(stringOf(value) ?? '')
  return Number.isNaN(time) ? null : time
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8').catch(ifCode(noSuchPath, null))
  } catch (thrown) {
    throw new BurnError('hermes_config', `${path} can't be read: ${messageOf(thrown)}`, 'check its owner and rights')
  }
}

/**
 * Reads YAML, and so JSON, too. Returns null if there is no such file. Its errors give the place and the kind, not the parser's message:
 * that quotes the line, which may hold a key.
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
      `${path}:${line}:${col}: it can't be parsed (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      'fix it there',
    )
  }
  const tree: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isFields(tree)) throw new BurnError('hermes_config', `${path}:1: it has no settings`, 'fix it there')
  return tree
}
