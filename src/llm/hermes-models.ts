/**
 * The models that Hermes itself uses: its `config.yaml`, `.env` and `auth.json`, read and never written, nor refreshed: who posts Hermes' refresh token a
 * second time has every profile signed out. Keys are looked for where 0.20 and 0.21 have them, and what is missing is passed over.
 * Facts: Hermes' documentation of providers and fallback providers; `hermes_cli/auth.py` for what `auth.json` holds.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import type { Failure } from '../core/sprint.ts'
import type { BackendDeps } from './deps.ts'
import type { Endpoint } from './endpoint.ts'
import { isFields, itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { redactor } from '../host/redact.ts'
import { failureOf, symptomOf } from './failure.ts'

/** Where providers are that Hermes knows by name, and which variable holds their key; null: none is needed. */
const providers: Readonly<Record<string, { readonly url: string; readonly env: string | null }>> = {
  nous: { url: 'https://inference-api.nousresearch.com/v1', env: 'NOUS_API_KEY' },
  openrouter: { url: 'https://openrouter.ai/api/v1', env: 'OPENROUTER_API_KEY' },
  openai: { url: 'https://api.openai.com/v1', env: 'OPENAI_API_KEY' },
  deepseek: { url: 'https://api.deepseek.com/v1', env: 'DEEPSEEK_API_KEY' },
  gemini: { url: 'https://generativelanguage.googleapis.com/v1beta/openai', env: 'GEMINI_API_KEY' },
  ollama: { url: 'http://127.0.0.1:11434/v1', env: null },
}

/** A token that ends within this is taken as ended. */
const margin_ms = 60_000

interface Home {
  readonly dir: string
  readonly config: JsonObject
  /** Null where there is no `auth.json`. */
  readonly auth: JsonObject | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: number
}

/** The default model and then the fallbacks, in Hermes' order. Never throws: what can't be used is an endpoint that says why. */
export async function hermesEndpoints(dir: string, deps: BackendDeps): Promise<readonly Endpoint[]> {
  const home = dir.replace(/^~(?=\/|$)/, deps.home)
  try {
    const read = await readHermes(home, deps)
    const model = membersOf(read.config['model'])
    const first = typeof read.config['model'] === 'string' ? { default: read.config['model'] } : model
    const fallbacks = [read.config['fallback_providers'] ?? [], read.config['fallback_model'] ?? []].flat().map(membersOf)
    const found = [first, ...fallbacks].flatMap((fields) => endpointIn(fields, read) ?? [])
    if (found.length > 0) return found
    throw new BurnError('hermes_config', `${join(home, 'config.yaml')} names no model`, 'hermes model')
  } catch (thrown) {
    return [unusable('hermes', null, thrown, deps.clock.now())]
  }
}

function unusable(model: string, provider: string | null, thrown: unknown, now: number): Endpoint {
  const failure: Failure = failureOf(symptomOf(thrown, now), provider === null ? model : `${model} (${provider})`, redactor([]))
  return { model, url: '', key: null, provider, price: null, unusable: failure }
}

async function readHermes(dir: string, deps: BackendDeps): Promise<Home> {
  const config = await readTree(join(dir, 'config.yaml'))
  if (config === null)
    throw new BurnError('hermes_config', `there is no ${join(dir, 'config.yaml')}`, 'run `hermes setup`, or write models into the spec')
  const dotenv = (await readText(join(dir, '.env'))) ?? ''
  const written = [...dotenv.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(["']?)(.*?)\2\s*$/gm)].map(
    ([, name = '', , value = '']) => [name, value] as const,
  )
  const env = { ...deps.env, ...Object.fromEntries(written) }
  return { dir, config, auth: await readTree(join(dir, 'auth.json')), env, now: deps.clock.now() }
}

/** Null where there is no model in it: a fallback needs one. */
function endpointIn(fields: JsonObject, home: Home): Endpoint | null {
  const model = stringOf(fields['default']) ?? stringOf(fields['model'])
  if (model === null) return null
  const provider = stringOf(fields['provider'])
  try {
    const named = customProvider(provider, home)
    const known = providers[provider ?? '']
    const expand = (value: unknown) => stringOf(stringOf(value)?.replace(/\$\{(\w+)\}/g, (_, name: string) => home.env[name] ?? ''))
    const nous = provider === 'nous' ? nousKey(home) : null
    const url = expand(fields['base_url']) ?? expand(named['base_url']) ?? nous?.url ?? known?.url ?? null
    if (url === null)
      throw new BurnError(
        'hermes_config',
        `no address of its provider is known`,
        `write base_url beside it in ${join(home.dir, 'config.yaml')}`,
      )
    const fromEnv = stringOf(home.env[stringOf(named['key_env']) ?? known?.env ?? ''])
    const key = expand(fields['api_key']) ?? expand(named['api_key']) ?? fromEnv ?? nous?.key() ?? null
    if (key === null && known !== undefined && known.env !== null)
      throw new BurnError('hermes_auth', `there is no key of ${provider}`, `write ${known.env} into ${join(home.dir, '.env')}`)
    return { model, url: url.replace(/\/+$/, ''), key, provider, price: null, unusable: null }
  } catch (thrown) {
    return unusable(model, provider, thrown, home.now)
  }
}

/** `providers: {name: {…}}`, or `custom_providers: [{name, …}]`. */
function customProvider(provider: string | null, { config }: Home): JsonObject {
  const name = provider?.replace(/^custom:/, '') ?? ''
  const listed = itemsOf(config['custom_providers']).map(membersOf)
  return listed.find((one) => one['name'] === name) ?? membersOf(membersOf(config['providers'])[name])
}

/** The agent's key, or the access token where there is none; whichever has not expired. */
function nousKey({ auth, dir, now }: Home): { readonly url: string | null; key(): string } {
  const nous = membersOf(membersOf(auth?.['providers'])['nous'])
  const pairs = [
    [nous['agent_key'], nous['agent_key_expires_at']],
    [nous['access_token'], nous['expires_at']],
  ]
  const keys = pairs.flatMap(([key, ends]) => (stringOf(key) === null ? [] : [{ key: String(key), ends: timeOf(ends) }]))
  return {
    url: stringOf(nous['inference_base_url']),
    key() {
      const good = keys.find(({ ends }) => ends === null || ends > now + margin_ms)
      if (good !== undefined) return good.key
      if (keys.length > 0) throw new BurnError('hermes_auth', 'the key of Nous has expired', 'hermes auth refresh nous')
      throw new BurnError('hermes_auth', `there is no key of Nous in ${join(dir, 'auth.json')}`, 'hermes auth add nous')
    },
  }
}

/** A date as text, seconds or milliseconds; null where none is told. */
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
 * YAML, and so JSON too. Null where there is no such file. An error says where and of which kind, and no more: the parser's own words quote the line, which may
 * hold a key.
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
      `${path}:${line}:${col}: it can't be read (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      'mend it there',
    )
  }
  const tree: unknown = document.toJS({ maxAliasCount: 100 })
  if (!isFields(tree)) throw new BurnError('hermes_config', `${path}:1: it holds no settings`, 'mend it there')
  return tree
}
