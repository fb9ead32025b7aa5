/** The logins that burn finds in the login files of agents, and what it never sees of these files. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { LoginUser } from '../../src/decide/logins.ts'
import type { AgentName } from '../../src/core/agent-kinds.ts'
import type { Transport } from '../../src/core/nouns.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { loginPaths, loginsOn } from '../../src/decide/logins.ts'
import { loginAccess } from '../../src/host/login-files.ts'
import { scratch } from '../support/fleet.ts'
import { hermesAuth, loginFiles, quarantined, tokenWith, writeLogins } from '../support/logins.ts'

const hour = 3_600_000
/** A time without a fraction of a second, because tokens have none. */
const soon = Math.floor(Date.now() / 1000) * 1000 + 2 * hour

const kinds = ['hermes', 'claude', 'codex', 'gemini', 'qwen', 'opencode', 'pi'] as const

function userOf(agent: AgentName, env: Readonly<Record<string, string>> = {}): LoginUser {
  const { logins } = paneAgent({ kind: agent })
  assert.ok(logins)
  return { worker: `m/W/${agent.toUpperCase()}`, agent, logins, home: { person: '~', env, name: 'burn-f-w-a' }, provider: null }
}

/** Reads the login files below a new home directory, with `/bin/sh` and a transport as to another machine. */
async function read(t: TestContext, files: Readonly<Record<string, object | string>>, users: readonly LoginUser[]) {
  const home = scratch(t)
  writeLogins(home, files)
  const transport: Transport = { kind: 'exec', argv: ['env', `HOME=${home}`] }
  const listing = await loginAccess({ transport }).read(loginPaths(users))
  assert.ok(listing)
  assert.equal(listing.person, home)
  const placed = users.map((user) => {
    const env = Object.fromEntries(Object.entries(user.home.env).map(([name, value]) => [name, value.replace('~', home)]))
    return { ...user, home: { ...user.home, person: home, env } }
  })
  return { listing, logins: loginsOn({ machine: 'm', users: placed, listing, refresh: true }) }
}

test('logins: finds the login of each agent kind, and no token', async (t) => {
  const { listing, logins } = await read(
    t,
    loginFiles(soon),
    kinds.map((kind) => userOf(kind)),
  )
  const found = logins.map(({ agent, provider, account, state, ends_at, renewed_by, workers }) =>
    [agent, provider, account ?? '-', state, ends_at === soon ? 'soon' : (ends_at ?? '-'), renewed_by ?? '-', workers.length].join(' '),
  )
  assert.deepEqual(found, [
    'hermes nous - valid soon burn 1',
    'claude anthropic max valid soon agent 1',
    'codex openai ada@example.com valid soon agent 1',
    'gemini google ada@example.com valid soon agent 1',
    'qwen qwen - valid soon agent 1',
    'opencode anthropic - valid soon agent 1',
    'opencode openrouter - key - - 1',
    'pi anthropic - valid soon agent 1',
    'pi openai - key - - 1',
  ])
  assert.equal(logins.find(({ agent }) => agent === 'claude')?.renewable_until, soon + 24 * hour)
  const sent = JSON.stringify(listing)
  assert.ok(!sent.includes('canary') && !sent.includes('eyJ') && !sent.includes(Buffer.from('canary').toString('base64').slice(0, 6)), sent)
})

test('logins: sends no token in files with foreign types', async (t) => {
  const token = tokenWith({ exp: 1 })
  const odd = {
    expires_at: 'sk-canary-as-a-time',
    expires: token,
    account_id: token,
    type: 'canary word with spaces',
    refresh_token: ['canary-in-a-list', { key: 'canary', deeper: 'canary' }],
    access_token: { value: 'canary-in-an-object' },
    'canary-key': 'canary',
    eyJcanary: { exp: 1 },
    relogin_required: 'canary-as-a-flag',
    quoted: 'a\\"canary\\\\',
  }
  const wrong = { providers: { nous: odd, other: 'canary' }, credential_pool: ['canary', { nous: 'canary' }], active_provider: token }
  const users = kinds.map((kind) => userOf(kind))
  const paths = Object.keys(loginFiles(soon))
  const contents = [
    wrong,
    { claudeAiOauth: 'canary' },
    { tokens: 'canary', OPENAI_API_KEY: 7 },
    odd,
    ['canary'],
    { anthropic: 'canary' },
    odd,
  ]
  const { listing, logins } = await read(t, Object.fromEntries(paths.map((path, index) => [path, contents[index] ?? ''])), users)
  assert.ok(!JSON.stringify(listing).includes('canary'), JSON.stringify(listing))
  for (const { state } of logins) assert.ok(['none', 'unknown', 'ended', 'key'].includes(state), state)
})

test('logins: a half-written file is unknown, and sends nothing', async (t) => {
  const text = JSON.stringify(hermesAuth(soon))
  const half = text.slice(0, text.indexOf('canary-refresh') + 6)
  const { listing, logins } = await read(t, { '.hermes/auth.json': half }, [userOf('hermes')])
  assert.deepEqual(
    logins.map(({ state, why, workers }) => [state, why, workers]),
    [['unknown', 'the file is not complete JSON', ['m/W/HERMES']]],
  )
  assert.ok(!JSON.stringify(listing).includes('canary'))
})

test('logins: Hermes profiles use the login of the root', async (t) => {
  const later = soon + hour
  const files = {
    '.hermes/auth.json': hermesAuth(soon, quarantined),
    '.hermes/profiles/coder/auth.json': hermesAuth(soon - 3 * hour),
    '.hermes/shared/nous_auth.json': { access_token: tokenWith({ exp: later / 1000 }), refresh_token: 'canary' },
    '.own/auth.json': hermesAuth(soon, { refresh_token: undefined }),
  }
  const homes = [{}, { HERMES_HOME: '~/.hermes/profiles/coder' }, { HERMES_HOME: '~/.own' }]
  const users = homes.map((env, index) => ({ ...userOf('hermes', env), worker: `m/W/${index}` }))
  const { logins } = await read(t, files, users)
  assert.deepEqual(
    logins.map(({ file, state, ends_at, renewed_by, workers }) => [file, state, ends_at, renewed_by, workers.join()]),
    [
      ['~/.hermes/auth.json', 'valid', later, 'burn', 'm/W/0'],
      ['~/.hermes/profiles/coder/auth.json', 'valid', later, 'burn', 'm/W/1'],
      ['~/.own/auth.json', 'valid', soon, null, 'm/W/2'],
    ],
  )
})

test('logins: refused and logged-out logins need a person', async (t) => {
  const { logins } = await read(
    t,
    {
      '.hermes/auth.json': hermesAuth(soon, quarantined),
      '.claude/.credentials.json': { claudeAiOauth: { accessToken: '', refreshToken: '', expiresAt: 0 } },
      '.gemini/oauth_creds.json': { access_token: 'canary', expiry_date: soon - 3 * hour },
    },
    [userOf('hermes'), userOf('claude'), userOf('gemini')],
  )
  assert.deepEqual(
    logins.map(({ agent, state, renewed_by }) => [agent, state, renewed_by]),
    [
      ['hermes', 'refused', null],
      ['claude', 'refused', null],
      ['gemini', 'ended', null],
    ],
  )
})
