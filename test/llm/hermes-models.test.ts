/** Reading the models from Hermes' own files, with no key in any error. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hermesEndpoints, hermesEndpointsAway } from '../../src/llm/hermes-models.ts'
import { openBackend } from '../../src/llm/open.ts'
import { deps, folder, model, never, secret, task } from './rig.ts'

function home(t: TestContext, files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(tmpdir(), 'burn-hermes-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o600 })
  return dir
}

const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
const past = '2020-01-01T00:00:00+00:00'
const nous = (fields: object) => JSON.stringify({ version: 1, providers: { nous: { refresh_token: 'never-used', ...fields } } })
const config = (text: string) => ({ 'config.yaml': text })

test('hermes: finds the default model and fallbacks with their keys', async (t) => {
  const dir = home(t, {
    'config.yaml': `
model:
  default: hermes-4-405b
  provider: nous
  context_length: 128000
providers:
  mine: { base_url: "http://127.0.0.1:9/v1/", api_key: "\${MINE}" }
fallback_providers:
  - { provider: openrouter, model: qwen/qwen3 }
  - { provider: ollama, model: "qwen3:8b" }
  - { provider: mine, model: own }
  - { provider: lost, model: nowhere }
  - { provider: openrouter }
  - not an object
`,
    '.env': 'export OPENROUTER_API_KEY="or-key"\nMINE=mine-key\n# a comment\n',
    'auth.json': nous({ agent_key: 'agent-key', agent_key_expires_at: inAnHour, inference_base_url: 'https://inference.example/v1' }),
  })
  const before = readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs, statSync(join(dir, name)).mode])
  const endpoint = await hermesEndpoints(dir, deps(t))
  assert.deepEqual(
    endpoint.map(({ model: name, url, key, unusable }) => [name, url, key, unusable?.class ?? null]),
    [
      ['hermes-4-405b', 'https://inference.example/v1', 'agent-key', null],
      ['qwen/qwen3', 'https://openrouter.ai/api/v1', 'or-key', null],
      ['qwen3:8b', 'http://127.0.0.1:11434/v1', null, null],
      ['own', 'http://127.0.0.1:9/v1', 'mine-key', null],
      ['nowhere', '', null, 'backend_down'],
    ],
  )
  assert.deepEqual(
    readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs, statSync(join(dir, name)).mode]),
    before,
  )
})

test('hermes: uses the access token if the key of Nous expired', async (t) => {
  const yaml = 'model: { default: hermes-4, provider: nous }'
  const expired = { agent_key: secret, agent_key_expires_at: past }
  const [first] = await hermesEndpoints(home(t, { 'config.yaml': yaml, 'auth.json': nous(expired) }), deps(t))
  assert.equal(first?.unusable?.class, 'auth')
  assert.match(first?.unusable?.reason ?? '', /expired \(hermes_auth: hermes auth status nous\)$/)
  const backend = openBackend(
    { kind: 'runner', models: [], hermes_home: home(t, { 'config.yaml': yaml, 'auth.json': nous(expired) }) },
    deps(t),
  )
  assert.equal((await backend.probe())?.class, 'auth')
  const answer = await backend.begin(task(folder(t))).say('Do it.', never)
  assert.equal(answer.failure?.class, 'auth')
  assert.ok(!JSON.stringify(answer).includes(secret))
  const tokens = nous({ ...expired, access_token: 'access', expires_at: Date.now() / 1000 + 3600 })
  const [second] = await hermesEndpoints(home(t, { 'config.yaml': yaml, 'auth.json': tokens }), deps(t))
  assert.deepEqual([second?.key, second?.unusable], ['access', null])
})

test('hermes: reads anchors, merges and repeated keys as Hermes does', async (t) => {
  const yaml = `
base: &local { provider: custom, base_url: "http://127.0.0.1:9/v1" }
model: { <<: *local, default: old }
model: { <<: *local, default: new }
fallback_providers: [{ <<: *local, model: second }]
`
  const endpoints = await hermesEndpoints(home(t, config(yaml)), deps(t))
  assert.deepEqual(
    endpoints.map(({ model: name, url, unusable }) => [name, url, unusable]),
    [
      ['new', 'http://127.0.0.1:9/v1', null],
      ['second', 'http://127.0.0.1:9/v1', null],
    ],
  )
})

test('hermes: leaves the keys of another machine there', async () => {
  const yaml = `
model: { default: hermes-4, provider: nous }
fallback_providers:
  - { provider: openrouter, model: a }
  - { provider: custom, model: b, base_url: "http://gpu:9/v1", api_key: "\${MINE}" }
  - { provider: custom, model: c, base_url: "http://gpu:9/v1", key_env: "A B" }
  - { provider: ollama, model: d }
`
  const asked = { model: null, provider: null }
  const keys = (await hermesEndpointsAway('~/.hermes', yaml, asked, 0)).map(({ key, key_at, unusable }) => [
    key,
    key_at?.variable,
    unusable?.reason,
  ])
  assert.deepEqual(keys.slice(0, 3), [
    [null, null, undefined],
    [null, 'OPENROUTER_API_KEY', undefined],
    [null, 'MINE', undefined],
  ])
  assert.match(String(keys[3]?.[2]), /"A B" is not the name of a variable/)
  assert.deepEqual(keys[4], [null, undefined, undefined])
  const [other] = await hermesEndpointsAway('~/.hermes', yaml, { model: 'mine', provider: 'ollama' }, 0)
  assert.deepEqual([other?.model, other?.url], ['mine', 'http://127.0.0.1:11434/v1'], "the spec's model and provider")
  const [missing] = await hermesEndpointsAway('~/.hermes', null, asked, 0)
  assert.match(missing?.unusable?.reason ?? '', /there is no ~\/.hermes\/config.yaml/)
})

/** Nine levels of lists, each with nine aliases of the level before. */
const bomb = Array.from(
  { length: 9 },
  (_, level) => `l${level}: &l${level} [${Array.from({ length: 9 }, () => (level === 0 ? 'x' : `*l${level - 1}`)).join(', ')}]`,
).join('\n')

const broken: readonly (readonly [string, Readonly<Record<string, string>>, string, RegExp])[] = [
  ['no configuration', {}, 'backend_down', /there is no .*config\.yaml \(hermes_config: run `hermes setup`/],
  ['broken YAML', config(`model:\n  default: x\n   api_key: ${secret}\n`), 'backend_down', /config\.yaml:[23]:\d+: syntax error/],
  ['broken YAML with a key', config(`model:\n  api_key: "${secret}\n`), 'backend_down', /config\.yaml:\d+:\d+: syntax error/],
  ['a list', config('- a\n'), 'backend_down', /config\.yaml:1: the file contains no settings/],
  ['an empty file', config(''), 'backend_down', /config\.yaml:1/],
  ['10 MB', config(`model: { default: x }\n${'# filler\n'.repeat(1_200_000)}`), 'backend_down', /config\.yaml is larger than 1 MiB/],
  ['a bomb of aliases', config(bomb), 'backend_down', /the aliases of the file are too many or undefined/],
  ['an alias without an anchor', config('model: *nothing\n'), 'backend_down', /config\.yaml.*(?:aliases|syntax error)/],
  ['no model', config('model: { provider: nous }'), 'backend_down', /names no model/],
  [
    'broken JSON',
    { ...config('model: { default: x, provider: nous }'), 'auth.json': `{\n"providers": {"nous": {"agent_key": "${secret}" ` },
    'backend_down',
    /auth\.json:2:\d+: syntax error/,
  ],
  ['no login', config('model: { default: x, provider: nous }'), 'auth', /no key for Nous .*hermes auth add nous/],
  ['no key', config('model: { default: x, provider: openrouter }'), 'auth', /OPENROUTER_API_KEY/],
]
for (const [name, files, expected, reason] of broken) {
  test(`hermes: ${name} fails as ${expected}`, async (t) => {
    const [endpoint] = await hermesEndpoints(home(t, files), deps(t))
    assert.equal(endpoint?.unusable?.class, expected, endpoint?.unusable?.reason)
    assert.match(endpoint?.unusable?.reason ?? '', reason)
    assert.ok(!JSON.stringify(endpoint).includes(secret))
  })
}

test('hermes: runs a model of its configuration', async (t) => {
  const server = await model(t, { script: [{ text: 'Done.' }], key: secret })
  const dir = home(t, config(`model: { default: stand-in, provider: custom, base_url: "${server.url}", api_key: "${secret}" }`))
  const backend = openBackend({ kind: 'runner', models: [], hermes_home: dir }, deps(t))
  assert.equal(await backend.probe(), null)
  assert.equal((await backend.begin(task(folder(t))).say('Do it.', never)).text, 'Done.')
})
