/**
 * A home of Hermes' own for each worker, as it separates them itself: a profile below the person's `~/.hermes`. There it reads the credentials of the
 * person's root home and writes renewed ones back to it (0.20; hermes_cli/auth.py), so nothing secret is copied, and no renewed token is lost.
 */
import type { AgentConfig } from '../core/nouns.ts'
import type { AgentPlace } from '../core/agent.ts'
import { shellWords } from '../host/quote.ts'

export const hermesConfig = '.hermes/config.yaml'

/** In a person's turn the two are the same. A review that Hermes makes by itself after a turn has a task of its own in the same session. */
const whose = 'session_id,task_id'

/** Events by which its turns are followed, with the payload's keys that their meaning depends on. */
const events: Readonly<Record<string, string | null>> = {
  pre_llm_call: whose,
  post_llm_call: whose,
  on_session_end: `${whose},failed,interrupted,turn_exit_reason`,
  on_session_reset: null,
  api_request_error: `${whose},reason,status_code`,
  pre_approval_request: 'surface',
  post_approval_response: null,
  pre_tool_call: 'tool_name',
  post_tool_call: 'tool_name',
}
/** What a profile shares with the root home beside its credentials, where the person has it. */
const shared = ['.env', 'SOUL.md', 'skills', 'plugins', 'skins']
/** Hermes 0.22 asks each new profile whether it may collect and send usage metrics. A fleet never agrees for a person; version 2 of the question is settled by this. */
const telemetryOptOut = { enabled: false, send: false, offer_version: 2 }
const secretKey = /(?:api_?key|token|secret|password)$/i

export type HermesHome =
  | { readonly home: string; readonly files: Readonly<Record<string, string>>; readonly links: Readonly<Record<string, string>> }
  | { readonly why_not: string }

export function hermesHome(config: AgentConfig, at: AgentPlace): HermesHome {
  const own = at.configs.get(hermesConfig)
  if (config.env['HERMES_HOME'] !== undefined) return { why_not: 'HERMES_HOME is set in the spec: that configuration is yours' }
  if (!isObject(own)) return { why_not: `there is no ~/${hermesConfig} that could be read` }
  const secret = secretIn(own)
  if (secret !== null) return { why_not: `~/${hermesConfig} holds a secret (${secret}), which is not copied: move it to ~/.hermes/.env` }
  const root = `${at.person}/.hermes`
  const home = `${root}/profiles/${at.name}`
  const hook = (event: string, key: string | null) => [
    { command: shellWords([at.hook, event, ...(key === null ? [] : [key])]), timeout: 5 },
  ]
  const written = {
    ...own,
    display: { ...objectIn(own, 'display'), busy_input_mode: 'queue' },
    telemetry: { ...objectIn(own, 'telemetry'), shared_metrics: telemetryOptOut },
    hooks_auto_accept: true,
    hooks: Object.fromEntries(Object.entries(events).map(([event, key]) => [event, hook(event, key)])),
  }
  const beside = new Set(at.entries.get('.hermes') ?? [])
  const links = Object.fromEntries(shared.filter((name) => beside.has(name)).map((name) => [`${home}/${name}`, `${root}/${name}`]))
  // What is JSON is YAML, too.
  return { home, files: { [`${home}/config.yaml`]: `${JSON.stringify(written, null, 2)}\n` }, links }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectIn(config: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = config[key]
  return isObject(value) ? value : {}
}

/** The first key that holds a secret itself, and not the name of a variable that does. */
function secretIn(value: unknown, path = ''): string | null {
  if (Array.isArray(value)) return value.map((each) => secretIn(each, path)).find((found) => found !== null) ?? null
  if (!isObject(value)) return null
  for (const [key, inner] of Object.entries(value)) {
    const here = path === '' ? key : `${path}.${key}`
    if (secretKey.test(key) && typeof inner === 'string' && inner !== '' && !/^\$\{?\w+\}?$/.test(inner)) return here
    const found = secretIn(inner, here)
    if (found !== null) return found
  }
  return null
}
