/** Login files of each agent kind for tests. Each token contains `canary`, so that a test can find it anywhere. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Returns a JSON Web Token with these claims. Its signature is no real one. */
export function tokenWith(claims: object): string {
  return `${encoded({ alg: 'none' })}.${encoded({ iss: 'canary-issuer', ...claims })}.canary-signature`
}

/** Returns `auth.json` of Hermes, as 0.19.0 writes it. `state`: changed keys of the provider `nous`. */
export function hermesAuth(ends_at: number, state: object = {}): object {
  const iso = (at: number) => new Date(at).toISOString()
  const access_token = tokenWith({ exp: Math.floor(ends_at / 1000), sub: 'canary-user' })
  const nous = {
    portal_base_url: 'https://portal.example.com',
    scope: 'inference:invoke',
    access_token,
    refresh_token: 'canary-refresh',
    obtained_at: iso(ends_at - 3_600_000),
    expires_at: iso(ends_at),
    agent_key: access_token,
    agent_key_expires_at: iso(ends_at),
    ...state,
  }
  return { version: 1, providers: { nous }, active_provider: 'nous', credential_pool: { nous: [{ source: 'device_code', access_token }] } }
}

/** The provider `nous` in `auth.json` of Hermes after the portal has refused to renew the login. */
export const quarantined = {
  access_token: undefined,
  refresh_token: undefined,
  expires_at: undefined,
  agent_key: undefined,
  last_auth_error: { code: 'invalid_grant', message: 'canary-message', relogin_required: true, at: '2026-06-01T00:00:00+00:00' },
}

/** Returns the login files of all agent kinds, by their path below the home directory. */
export function loginFiles(ends_at: number): Readonly<Record<string, object>> {
  const seconds = Math.floor(ends_at / 1000)
  const oauth = { access_token: 'canary-access', refresh_token: 'canary-refresh', scope: 'canary-scope', token_type: 'Bearer' }
  return {
    '.hermes/auth.json': hermesAuth(ends_at),
    '.claude/.credentials.json': {
      claudeAiOauth: {
        accessToken: 'sk-ant-oat01-canary',
        refreshToken: 'sk-ant-ort01-canary',
        expiresAt: ends_at,
        refreshTokenExpiresAt: ends_at + 86_400_000,
        scopes: ['user:inference', 'canary-scope'],
        subscriptionType: 'max',
      },
    },
    '.codex/auth.json': {
      auth_mode: 'chatgpt',
      OPENAI_API_KEY: null,
      tokens: {
        id_token: tokenWith({ exp: 1, email: 'ada@example.com' }),
        access_token: tokenWith({ exp: seconds }),
        refresh_token: 'canary-refresh',
        account_id: '0b1c2d3e-0000-4000-8000-000000000000',
      },
      last_refresh: '2026-05-31T10:11:12.123456789Z',
    },
    '.gemini/oauth_creds.json': { ...oauth, id_token: tokenWith({ email: 'ada@example.com' }), expiry_date: ends_at },
    '.qwen/oauth_creds.json': { ...oauth, resource_url: 'canary.example.com', expiry_date: ends_at },
    '.local/share/opencode/auth.json': {
      anthropic: { type: 'oauth', access: 'canary-access', refresh: 'canary-refresh', expires: ends_at },
      openrouter: { type: 'api', key: 'sk-or-canary' },
    },
    '.pi/agent/auth.json': {
      anthropic: { type: 'oauth', access: 'canary-access', refresh: 'canary-refresh', expires: ends_at },
      openai: { type: 'api_key', key: 'sk-canary' },
    },
  }
}

/** Writes files below a home directory. A string is the content; anything else becomes JSON. */
export function writeLogins(home: string, files: Readonly<Record<string, object | string>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(home, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2), { mode: 0o600 })
  }
}
