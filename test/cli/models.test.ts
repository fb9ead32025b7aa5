/** `burn model`: the models that the spec, Hermes and servers name, checked from the machine that uses them. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CheckedModel, ListedFleetModel } from '../../src/core/model.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { testFleet } from '../support/fleet.ts'
import { startModel } from '../stand-ins/model/server.ts'
import { startOllama } from '../stand-ins/model/ollama.ts'

const hour = 3_600_000
const key = 'sk-stays-on-the-machine'

test('model: lists and checks the chain, and models of other machines', async (t) => {
  const ollama = await startOllama({ models: ['hermes4:14b', 'phi3:3.8b', 'other:1b'], max_loaded: 1 })
  const keyed = await startModel({
    script: [{ json: { model: 'far', choices: [{ message: { content: 'H' }, finish_reason: 'length' }] } }],
    models: ['far'],
    key,
  })
  t.after(() => Promise.all([ollama.close(), keyed.close()]))
  const chain = ['hermes4:14b', 'phi3:3.8b', 'gemma3:1b'].map((model) => ({ model, role: `role of ${model}`, url: ollama.url }))
  const fleet = testFleet(t, (dir, socket) => ({
    name: 'f',
    socket,
    dir: join(dir, 'w'),
    ledger: `sqlite:${dir}/l.db`,
    forge: { kind: 'folder', path: dir, owner: 'me' },
    models: { chain, servers: [{ url: 'http://127.0.0.1:9/v1' }] },
    sprint: { repos: ['app'], backends: [{ kind: 'runner' }] },
    machines: {
      vps: { exec: [join(dir, 'vps')], windows: [{ name: 'A', names: ['ANN'], repos: ['app'] }] },
      bare: { exec: [join(dir, 'bare')], windows: [{ name: 'B', names: ['BEA'], repos: ['app'] }] },
    },
  }))
  const at = (...names: string[]) => join(fleet.dir, ...names)
  // The machine `vps` has a home of its own, and `bare` has no curl.
  mkdirSync(at('vps-home', '.hermes'), { recursive: true })
  mkdirSync(at('no-path'))
  writeFileSync(at('vps'), `#!/bin/sh\nHOME=${at('vps-home')} exec "$@"\n`, { mode: 0o755 })
  writeFileSync(at('bare'), `#!/bin/sh\nPATH=${at('no-path')}\nHOME=${at('vps-home')} exec /bin/"$@"\n`, { mode: 0o755 })
  const yaml = `model: { default: far, provider: mine }\nproviders: { mine: { base_url: "${keyed.url}", key_env: MY_KEY } }\n`
  writeFileSync(at('vps-home', '.hermes', 'config.yaml'), yaml)
  writeFileSync(at('vps-home', '.hermes', '.env'), `OTHER=1\nexport MY_KEY="${key}"\n`)

  const { models } = (await fleet.burn('model', 'list', '--json')).json<{ models: ListedFleetModel[] }>()
  const rows = models.map(({ machine, model, server, listed, loaded, uses }) => [machine, model, server, listed, loaded, uses.length > 0])
  assert.deepEqual(rows, [
    [null, 'hermes4:14b', 'ollama', true, false, true],
    [null, 'phi3:3.8b', 'ollama', true, false, true],
    [null, 'gemma3:1b', 'ollama', false, null, true],
    ['vps', 'far', 'other', true, null, true],
    ['bare', 'hermes', null, null, null, true],
    [null, '', null, null, null, true],
    [null, 'other:1b', 'ollama', true, false, false],
  ])
  const unloaded = await fleet.burn('model', 'chain')
  assert.deepEqual([unloaded.code, ollama.changes], [1, []])
  assert.match(unloaded.out, /^hermes4:14b → phi3:3\.8b → gemma3:1b\n/)
  assert.match(unloaded.out, /No loaded step answers\. 2 steps are not loaded: burn model chain --load asks each step\./)

  const loaded = await fleet.burn('model', 'chain', '--load')
  assert.deepEqual([loaded.code, ollama.loaded()], [0, ['hermes4:14b']], 'the first step stays loaded')
  assert.match(loaded.out, /The first step that answers is 1: hermes4:14b\.\n$/)

  const before = ollama.changes.length
  const ledger = await openLedger(`sqlite:${fleet.dir}/l.db`, { random: Math.random })
  t.after(() => ledger.close())
  const step = `model_step ${hostname().replaceAll(/[^A-Za-z0-9_-]+/g, '-')} ${ollama.url} hermes4:14b`
  await ledger.saveValue(step, JSON.stringify({ failures: 3, until: Date.now() + hour, last: { class: 'backend_down', reason: 'down' } }))
  const checked = async (...words: string[]) => {
    const { code, json } = await fleet.burn('model', 'check', '--json', ...words)
    const found = json<{ models: CheckedModel[] }>().models
    return { code, found, states: found.map(({ model, state }) => `${model} ${state}`) }
  }
  const { code, found, states } = await checked()
  assert.deepEqual(states, ['hermes4:14b answers', 'phi3:3.8b not_loaded', 'gemma3:1b no_such_model', 'far answers', 'hermes error'])
  assert.deepEqual([code, ollama.changes.length, found[0]?.paused_until], [3, before, null], 'an answer closes the circuit breaker')
  assert.ok(!JSON.stringify(found).includes(key))

  const now = Date.now()
  const tokens = { calls: 1, input: 4, cache_read: null, cache_write: null, output: 5, reasoning: null, reported_cost: null }
  const usage = { source: 'pane', worker: 'vps/A/ANN', incarnation: '', issue: '', agent: 'hermes', subscription: null } as const
  const used = { provider: 'mine', model_asked: 'far', model_answered: '' }
  await ledger.addUsage([{ ...usage, ...used, ...tokens, hour: Math.floor(now / hour) * hour, last_at: now - 1_000 }], [])
  const asked = keyed.requests.length
  const worked = await checked('far')
  assert.deepEqual([worked.states, worked.found[0]?.worked, keyed.requests.length], [['far answers'], true, asked])
  assert.match((await fleet.burn('model', 'check', 'other:1')).err, /there is no model "other:1".*\n.*did you mean other:1b/)
})
