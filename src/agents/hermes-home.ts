/**
 * Gives each worker its own Hermes home. This home is a profile below the person's `~/.hermes`, because Hermes itself separates homes by
 * profile. In a profile, Hermes reads the credentials of the root home, and writes renewed credentials back to the root home (0.20;
 * hermes_cli/auth.py). So burn copies no secret, and no renewed token is lost.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentPlace } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'

/** The path of Hermes' configuration below the person's home. */
export const hermesConfig = '.hermes/config.yaml'

/**
 * The payload keys that identify a turn. In a turn that a prompt started, session and task have the same id. Hermes may then review the
 * turn by itself; this review has its own task id in the same session. Only a turn of the worker names the conversation, because the tasks
 * of sub-agents are in sessions of their own.
 */
const turnKeys = 'session_id,task_id,@session_id?task_id'

/** The events that show Hermes' turns, each with the payload keys that decide the event's meaning; null if the meaning needs no key. */
const events: Readonly<Record<string, string | null>> = {
  pre_llm_call: turnKeys,
  post_llm_call: turnKeys,
  on_session_end: `${turnKeys},failed,interrupted,turn_exit_reason`,
  on_session_reset: null,
  api_request_error: `${turnKeys},reason,status_code`,
  pre_approval_request: 'surface',
  post_approval_response: null,
  pre_tool_call: 'tool_name',
  post_tool_call: 'tool_name',
}
/** The entries that a profile shares with the root home, if the person has them. Hermes itself shares the credentials. */
const shared = ['.env', 'SOUL.md', 'skills', 'plugins', 'skins']
/**
 * Hermes 0.22 asks in each new profile whether it may collect and send usage metrics. burn never agrees for a person. This setting declines
 * version 2 of the question.
 */
const telemetryOptOut = { enabled: false, send: false, offer_version: 2 }
/**
 * The display settings of a worker's profile, in place of the person's. burn reads the classic screen (`cli`), and not the screen `tui`. Skins
 * change signs, and languages change words.
 */
const screenSettings = { busy_input_mode: 'queue', interface: 'cli', skin: 'default', language: 'en' }
/** Variables that take precedence over these settings. */
export const screenVariables = { HERMES_LANGUAGE: 'en', HERMES_TUI: '0' }
const secretKey = /(?:api_?key|token|secret|password)$/i

/** The home of a worker, or the reason why burn can't make one. */
export type HermesHome =
  | { readonly home: string; readonly files: Readonly<Record<string, string>>; readonly links: Readonly<Record<string, string>> }
  | { readonly why_not: string }

/** Returns the files and links of a worker's home, with the hooks; a reason if burn can't or must not make a home. */
export function hermesHome(config: AgentConfig, at: AgentPlace): HermesHome {
  const own = at.configs.get(hermesConfig)
  const why_not = obstacle(config, own)
  if (why_not !== null || !isObject(own)) return { why_not: why_not ?? '' }
  const root = `${at.person}/.hermes`
  const home = `${root}/profiles/${at.name}`
  const hook = (event: string, key: string | null) => [
    { command: shellWords([at.hook, event, ...(key === null ? [] : [key])]), timeout: 5 },
  ]
  const written = {
    ...own,
    display: screenSettings,
    telemetry: { ...objectIn(own, 'telemetry'), shared_metrics: telemetryOptOut },
    hooks_auto_accept: true,
    hooks: Object.fromEntries(Object.entries(events).map(([event, key]) => [event, hook(event, key)])),
  }
  const existing = new Set(at.entries.get('.hermes') ?? [])
  const links = Object.fromEntries(shared.filter((name) => existing.has(name)).map((name) => [`${home}/${name}`, `${root}/${name}`]))
  // burn writes JSON into the YAML file, because JSON is valid YAML.
  return { home, files: { [`${home}/config.yaml`]: `${JSON.stringify(written, null, 2)}\n` }, links }
}

/** Returns the reason why burn can't or must not make a home; null if there is none. */
function obstacle({ env }: AgentConfig, own: unknown): string | null {
  if (env['HERMES_HOME'] !== undefined)
    return 'the spec sets HERMES_HOME, and burn does not change the configuration in that folder: remove HERMES_HOME from "env" to get hooks'
  if (!isObject(own)) return `burn can't read ~/${hermesConfig}: make it valid YAML that burn may read, or run hermes setup`
  const secret = secretIn(own)
  return secret === null ? null : `~/${hermesConfig} contains a secret (${secret}), which burn does not copy: move it to ~/.hermes/.env`
}

/** The skins whose signs burn knows. */
const knownSkins = ['default', 'mono', 'slate', 'daylight', 'warm-lightmode', 'ares', 'poseidon', 'sisyphus', 'charizard']

/** Returns the display settings of the person with which burn may misread the screens of workers without a home of their own. */
export function unreadableSettings(config: AgentConfig, configs: ReadonlyMap<string, unknown>): readonly string[] {
  const own = configs.get(hermesConfig)
  if (!isObject(own) || config.env['HERMES_HOME'] !== undefined || (config.hooks && obstacle(config, own) === null)) return []
  const display = objectIn(own, 'display')
  const skin = display['skin']
  return [
    ...(display['interface'] === 'tui' && !config.command.includes('--cli')
      ? [`display.interface in ~/${hermesConfig} is "tui", a screen that burn cannot read`]
      : []),
    ...(typeof skin === 'string' && !knownSkins.includes(skin)
      ? [`display.skin in ~/${hermesConfig} is ${JSON.stringify(skin)}, a skin that burn does not know`]
      : []),
  ]
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectIn(config: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = config[key]
  return isObject(value) ? value : {}
}

/** Returns the path of the first key whose value is a secret instead of the name of a variable; null if there is none. */
function secretIn(value: unknown, path = ''): string | null {
  if (Array.isArray(value)) return value.map((each) => secretIn(each, path)).find((found) => found !== null) ?? null
  if (!isObject(value)) return null
  for (const [key, inner] of Object.entries(value)) {
    const keyPath = path === '' ? key : `${path}.${key}`
    if (secretKey.test(key) && typeof inner === 'string' && inner !== '' && !/^\$\{?\w+\}?$/.test(inner)) return keyPath
    const found = secretIn(inner, keyPath)
    if (found !== null) return found
  }
  return null
}
