/**
 * The logins of Hermes. Facts come from running 0.19.0 against a stand-in of its portal. Hermes has a root home with profiles below it. A
 * profile without a login of its own uses the login of the root. Next to the logins, `shared` has the newest tokens of the provider `nous`
 * for all homes of the root.
 */
import type { AgentLogins, FoundLogin, LoginFile } from '../core/login.ts'
import type { AgentHome } from '../core/agent-home.ts'
import { isFields, itemsOf, membersOf, stringOf, type JsonObject } from '../core/json.ts'
import { endOf, foundLogin, isToken, stampOf, timeIn } from './login.ts'

/** Hermes renews a login if at most this time (ms) is left. */
const margin = 120_000

/** Returns the home of an agent, and the root home above it. */
function homesOf({ person, env, name }: AgentHome): { readonly homes: readonly string[]; readonly root: string } {
  const given = env['HERMES_HOME']
  const root = (given ?? `${person}/.hermes`).replace(/\/profiles\/[^/]+\/*$/, '')
  return { homes: [...new Set([given ?? `${root}/profiles/${name}`, root])], root }
}

/** Returns the root home of a login file. */
function rootOf(file: string): string {
  return file.replace(/(?:\/profiles\/[^/]+)?\/[^/]+$/, '')
}

/** Returns the login of a provider. The tokens of some providers are in an object of their own. */
function stateLogin(provider: string, state: JsonObject): FoundLogin | null {
  const { access_token, refresh_token } = { ...state, ...membersOf(state['tokens']) }
  const refused = membersOf(state['last_auth_error'])['relogin_required'] === true && !isToken(access_token) && !isToken(refresh_token)
  if (!isToken(access_token) && !isToken(refresh_token) && !refused) return null
  return foundLogin(provider, {
    kind: 'oauth',
    account: stringOf(membersOf(access_token)['email']),
    // The token itself has the end that the provider checks.
    ends_at: endOf(access_token) ?? timeIn(state['expires_at']),
    renewable: isToken(refresh_token),
    refused,
    stamp: stampOf(state['obtained_at']) ?? stampOf(state['last_refresh']) ?? stampOf(state['expires_at']),
  })
}

/** Returns the login with the tokens of `shared`, if these are newer. Hermes takes them over without a request. */
function withShared(login: FoundLogin, shared: LoginFile | undefined): FoundLogin {
  const newer = stateLogin(login.provider, membersOf(shared?.content))
  if (newer === null || !newer.renewable) return login
  return (newer.ends_at ?? 0) > (login.ends_at ?? 0) || !login.renewable ? newer : login
}

/** Returns the logins of the credential pool, for providers that have no other login. */
function pooled(pool: JsonObject, known: ReadonlySet<string>): FoundLogin[] {
  return Object.entries(pool).flatMap(([provider, entries]) => {
    const entry = itemsOf(entries).find(isFields)
    if (known.has(provider) || entry === undefined || !isToken(entry['access_token'])) return []
    const isKey = entry['auth_type'] !== 'oauth' && !isToken(entry['refresh_token'])
    if (isKey) return [foundLogin(provider, {})]
    return stateLogin(provider, { ...entry, expires_at: entry['expires_at'] ?? entry['expires_at_ms'] }) ?? []
  })
}

export const hermesLogins: AgentLogins = {
  places: (home) => homesOf(home).homes.map((dir) => `${dir}/auth.json`),
  others(home) {
    const { root } = homesOf(home)
    return [`${root}/profiles/*/auth.json`, `${root}/shared/nous_auth.json`]
  },
  read(file, files) {
    if (!file.path.endsWith('/auth.json')) return []
    const states = Object.entries(membersOf(file.content?.['providers']))
    const own = states.flatMap(([provider, state]) => stateLogin(provider, membersOf(state)) ?? [])
    const root = rootOf(file.path)
    const shared = files.get(`${root}/shared/nous_auth.json`)
    const logins = own.map((login) => (login.provider === 'nous' ? { ...withShared(login, shared), store: root } : login))
    const known = new Set(states.map(([provider]) => provider))
    return [...logins, ...pooled(membersOf(file.content?.['credential_pool']), known)]
  },
  renews: {
    providers: ['nous'],
    margin,
    command: (program, file) => ({
      argv: [program, 'auth', 'status', 'nous'],
      env: { HERMES_HOME: file.slice(0, file.lastIndexOf('/')) },
    }),
  },
  log_in: 'run hermes auth add nous on that machine',
  shared_risk: null,
  copied_risk: 'each renewal makes the other copy invalid, and the provider then revokes the login',
}
