/** The spec's `models`: defaults, contradictions, and chains of other programs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainText, exampleChain } from '../../src/core/model-settings.ts'
import { importedChain } from '../../src/spec/model-chain.ts'
import { SpecError } from '../../src/spec/findings.ts'
import { modelChainCommand } from '../../src/cli/commands/model.ts'
import { complete, messagesOf, specOf } from './specs.ts'

const windows = [{ name: 'W', panes: 1, repos: ['app'] }]

test('models: a runner without models uses the chain', () => {
  const sprint = { backends: [{ kind: 'runner' }, { kind: 'runner', hermes_home: '~/.hermes' }] }
  const { fleet } = complete(specOf(windows, { models: { chain: exampleChain }, sprint }))
  assert.equal(chainText(fleet.models.chain), 'hermes4:14b → qwen2.5:7b → phi3:3.8b → gemma3:1b')
  assert.deepEqual(new Set(fleet.models.chain.map(({ url }) => url)), new Set(['http://127.0.0.1:11434/v1']))
  const models = fleet.sprint?.backends.map((backend) => (backend.kind === 'runner' ? backend.models.length : null))
  assert.deepEqual(models, [4, 0], 'a Hermes home of its own has its own models')
})

test('models: reports unknown machines and repeated steps with their place', () => {
  const step = { model: 'phi3', role: 'primary' }
  const models = {
    chain: [step, { ...step, url: 'http://127.0.0.1:11434/v1/' }],
    servers: [{ url: 'http://127.0.0.1:9/v1', machine: 'bax' }],
  }
  const messages = messagesOf(specOf(windows, { models }))
  assert.equal(messages.length, 2)
  assert.match(messages[0] ?? '', /^\d+:\d+ step 1 of the chain has the same model and URL/)
  assert.match(messages[1] ?? '', /the fleet has no machine bax\. did you mean "box"/)
  assert.match(messagesOf(specOf(windows, { models: { chain: [{ model: 'x' }] } })).join(), /role/)
  assert.match(messagesOf(specOf(windows, { models: { chain: [{ ...step, url: 'http://me:pw@host/v1' }] } })).join(), /without credentials/)
})

test('import: reads the forms of model-chain.json', () => {
  const steps = [
    { model: 'hermes4:14b', role: 'primary' },
    { model: 'gemma3:1b', role: 'fallback' },
  ]
  for (const file of [
    ['hermes4:14b', 'gemma3:1b'],
    { chain: [{ model: 'hermes4:14b' }, { name: 'gemma3:1b', role: 'fallback', size: 1 }] },
    { updated: 'today', models: steps },
  ])
    assert.deepEqual(importedChain(JSON.stringify(file), 'f'), steps)
  const url = 'http://gpu:11434/v1'
  assert.deepEqual(importedChain(JSON.stringify([{ model: 'a', base_url: url }]), 'f'), [{ model: 'a', role: 'primary', url }])
})

test('import: names the line and column of an error', () => {
  const thrown = (text: string) => {
    try {
      return JSON.stringify(importedChain(text, '/f.json'))
    } catch (error) {
      assert.ok(error instanceof SpecError)
      return error.message
    }
  }
  assert.match(thrown('{"chain": [\n  {"role": "primary"}]}'), /^\/f\.json:2:3: this step names no model/)
  assert.match(thrown('{"chain": [}'), /^\/f\.json:1:\d+: this is not valid JSON/)
  for (const text of ['{}', '[]', '3', ''])
    assert.match(thrown(text), /^\/f\.json:1:1: (?:the file has no list of models|this is not valid JSON)/)
})

test('model chain --help: prints the chain of the code', () => {
  assert.ok(modelChainCommand.notes?.some((note) => note.includes(chainText(exampleChain))))
})
