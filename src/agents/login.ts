/** Functions for the readers of logins: they read the content of login files, whose types may be wrong. */
import type { AgentLogins, FoundLogin, LoginFile } from '../core/login.ts'
import type { Time } from '../core/nouns.ts'
import { countOf, isFields, membersOf, stringOf, type JsonObject } from '../core/json.ts'

/** Returns true if the file has a token in this place. */
export function isToken(value: unknown): boolean {
  return value === true || isFields(value)
}

/** Returns the end of a JSON Web Token; null if the token shows none. */
export function endOf(token: unknown): Time | null {
  const seconds = countOf(membersOf(token)['exp'])
  return seconds === null ? null : seconds * 1000
}

/** Numbers up to this one are seconds since 1970, and larger ones are milliseconds. */
const largestSeconds = 100_000_000_000

/** Returns a time that a file has as an ISO 8601 text, in seconds or in milliseconds; null if it is none. */
export function timeIn(value: unknown): Time | null {
  const count = countOf(value)
  if (count !== null) return Math.round(count <= largestSeconds ? count * 1000 : count)
  const parsed = Date.parse(stringOf(value) ?? '')
  return Number.isNaN(parsed) ? null : parsed
}

/** Returns a login with API key; `fields` may override parts of it. */
export function foundLogin(provider: string, fields: Partial<FoundLogin>): FoundLogin {
  const none = { account: null, ends_at: null, renewable: false, renewable_until: null, refused: false, stamp: null }
  return { provider, kind: 'key', ...none, ...fields }
}

/** Returns the text of a value that changes at each renewal; null if the file does not have it. */
export function stampOf(value: unknown): string | null {
  return stringOf(value) ?? (countOf(value) === null ? null : String(value))
}

/** Returns the login in a file that OAuth libraries of Google write. Qwen Code uses the same format. */
export function oauthCredentials(provider: string): AgentLogins['read'] {
  return ({ content }) => {
    const { access_token, refresh_token, id_token, expiry_date } = membersOf(content)
    const account = stringOf(membersOf(id_token)['email'])
    const login = {
      account,
      kind: 'oauth',
      ends_at: timeIn(expiry_date),
      renewable: isToken(refresh_token),
      stamp: stampOf(expiry_date),
    } as const
    return isToken(access_token) || isToken(refresh_token) ? [foundLogin(provider, login)] : []
  }
}

/**
 * Returns the logins in a file that has one entry for each provider: `{type: "oauth", access, refresh, expires}` or `{type: "api", key}`.
 */
export function providerEntries({ content }: LoginFile): readonly FoundLogin[] {
  return Object.entries(content ?? {}).flatMap(([provider, value]) => {
    const { access, refresh, expires, key, type }: JsonObject = membersOf(value)
    if (isToken(key) && type !== 'oauth') return [foundLogin(provider, {})]
    if (!isToken(access) && !isToken(refresh)) return []
    return [foundLogin(provider, { kind: 'oauth', ends_at: timeIn(expires), renewable: isToken(refresh), stamp: stampOf(expires) })]
  })
}
