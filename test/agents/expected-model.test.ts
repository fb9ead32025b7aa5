/** The model that an agent should use, in the spec and in the configuration of each agent kind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentConfig } from '../../src/core/nouns.ts'
import { parseAnyConfig } from '../../src/host/config-file.ts'
import { expectedModel, modelFiles } from '../../src/agents/expected-model.ts'

const base = { model: null, provider: null, command: [], env: {}, busy_input_mode: 'queue', hooks: true } as const
const workerOf = (agent: Partial<AgentConfig>) => ({
  fleet: 'f',
  worker: { window: 'W', name: 'ANN', dir: '/srv/ANN', agent: { ...base, kind: 'hermes' as const, ...agent } },
})

const filesOf = (texts: Readonly<Record<string, string>>) =>
  new Map(Object.entries(texts).map(([path, text]) => [path, { text, data: parseAnyConfig(text) }]))

/** Returns the expected model, and the setting that names it. `files`: the text of each file that burn reads. */
function expect(agent: Partial<AgentConfig>, files: Readonly<Record<string, string>> | null = null) {
  const read = files === null ? null : { person: '/home/x', files: filesOf(files) }
  const { model, provider, profile, source } = expectedModel(workerOf(agent), read)
  return [model, provider, profile, source]
}

test('expected model: the spec and the command line come first', () => {
  assert.deepEqual(expect({ model: 'a', provider: 'nous' }), ['a', 'nous', null, 'spec'])
  assert.deepEqual(expect({ command: ['hermes', 'chat', '-m', 'b', '--provider=nous', '-p', 'work'] }), ['b', 'nous', 'work', 'spec'])
  assert.deepEqual(expect({ kind: 'claude', command: ['/opt/claude', '--model', 'x', '--model', 'y'] }), ['y', null, null, 'spec'])
  assert.deepEqual(expect({ kind: 'claude', env: { ANTHROPIC_MODEL: 'z' } }), ['z', null, null, 'spec'])
  assert.deepEqual(expect({ kind: 'codex', command: ['codex', '-c', 'model="g"'] }), ['g', null, null, 'spec'])
  assert.deepEqual(expect({ kind: 'claude', model: 'default' }), [null, null, null, 'spec'])
  // The arguments of a wrapper may mean something else.
  assert.deepEqual(expect({ command: ['wrap', '-m', 'b'] }), [null, null, null, 'spec'])
  assert.deepEqual(modelFiles(workerOf({ command: ['wrap'] })), [])
  assert.deepEqual(modelFiles(workerOf({ kind: 'claude', model: 'a' })), [])
})

test('expected model: the configuration of Hermes', () => {
  const yaml = `model: {default: m, provider: nous}
fallback_providers: [{provider: openrouter, model: spare}]
fallback_model: {model: last}
model_aliases: {fast: {model: m, provider: nous}, slow: other}`
  const file = '~/.hermes/config.yaml'
  const own = 'burn-f-w-ann'
  assert.deepEqual(expect({}, { [file]: yaml }), ['m', 'nous', own, file])
  assert.deepEqual(expect({ model: 'a' }, { [file]: yaml }), ['a', null, own, 'spec'])
  assert.deepEqual(expect({ hooks: false }, { [file]: 'model: m' }), ['m', null, '', file])
  assert.deepEqual(expect({}, {}), [null, null, null, 'spec'])
  // burn makes no profile if the configuration has a secret.
  assert.deepEqual(expect({}, { [file]: 'model: {default: m, api_key: sk-1}' }), ['m', null, '', file])
  const elsewhere = { env: { HERMES_HOME: '~/.hermes/profiles/lab' } }
  assert.deepEqual(modelFiles(workerOf(elsewhere)), ['~/.hermes/profiles/lab/config.yaml', file])
  assert.deepEqual(expect(elsewhere, { '~/.hermes/profiles/lab/config.yaml': 'model: m' }), [
    'm',
    null,
    'lab',
    '~/.hermes/profiles/lab/config.yaml',
  ])
  const { fallbacks, aliases } = expectedModel(workerOf({}), { person: '/home/x', files: filesOf({ [file]: yaml }) })
  assert.deepEqual(fallbacks, [
    { model: 'spare', provider: 'openrouter' },
    { model: 'last', provider: null },
  ])
  assert.deepEqual(aliases, { fast: 'm', slow: 'other' })
})

test('expected model: the configuration of the other kinds', () => {
  const of = (kind: AgentConfig['kind'], path: string, text: string) => expect({ kind }, { [path]: text })
  assert.deepEqual(of('claude', '~/.claude/settings.json', '{"model":"opus"}'), ['opus', null, null, '~/.claude/settings.json'])
  const project = '/srv/ANN/.claude/settings.json'
  assert.deepEqual(
    expect({ kind: 'claude' }, { '~/.claude/settings.json': '{"model":"opus"}', [project]: '{"model":"haiku"}' })[0],
    'haiku',
  )
  const toml = 'model = "a"\nmodel_provider = "p"\nprofile = "x"\n[model_providers.p]\nmodel = "no"\n[profiles.x]\nmodel = "b"\n'
  assert.deepEqual(of('codex', '~/.codex/config.toml', toml), ['b', 'p', null, '~/.codex/config.toml'])
  assert.deepEqual(of('opencode', '~/.config/opencode/opencode.json', '{"model":"p/m"} // x'), [
    'p/m',
    null,
    null,
    '~/.config/opencode/opencode.json',
  ])
  assert.deepEqual(of('gemini', '~/.gemini/settings.json', '{"model":{"name":"g"}}')[0], 'g')
  assert.deepEqual(of('qwen', '~/.qwen/settings.json', '{"model":"q"}')[0], 'q')
  assert.deepEqual(of('pi', '~/.pi/agent/settings.json', '{"defaultModel":"m","defaultProvider":"p"}').slice(0, 2), ['m', 'p'])
  for (const text of ['', '{', '[]', 'model: &a [*a]', '\u0000']) assert.equal(of('hermes', '~/.hermes/config.yaml', text)[0], null)
})
