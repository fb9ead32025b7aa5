/** The files that depend on the schema: the JSON Schema, the reference, the examples, and the snippets of the guide. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'jsonc-parser'
import { exampleChain } from '../../src/core/model-settings.ts'
import { modelStates } from '../../src/core/model.ts'
import { specReference } from '../../src/spec/reference.ts'
import { specJsonSchema } from '../../src/spec/schema-json.ts'
import { complete } from './specs.ts'

const read = (file: string) => readFileSync(resolve(import.meta.dirname, '../..', file), 'utf8')
const examples = ['examples/timmy/fleet-spec.json', 'examples/solo/fleet-spec.json', 'examples/allegro/fleet-spec.json']
const guides = ['declare-a-fleet', 'models', 'approve-issues', 'declare-a-custom-agent', 'change-the-prompts'].map((name) =>
  read(`docs/how-to/${name}.md`),
)
const snippets = guides.flatMap((guide) => [...guide.matchAll(/```jsonc\n([^]*?)```/g)]).map((match) => match[1] ?? '')

test('fleet-spec.schema.json: equals the generated schema', () => {
  assert.deepEqual(JSON.parse(read('fleet-spec.schema.json')), specJsonSchema(), 'run: burn spec schema > fleet-spec.schema.json')
})

test('spec-reference.md: equals the generated reference, and has nested keys', () => {
  const reference = specReference()
  assert.equal(read('docs/reference/spec-reference.md').trim(), reference.trim(), 'run: burn spec docs > docs/reference/spec-reference.md')
  for (const key of ['forge.token.file', 'dispatch.trust.authors', 'repos.*.check', 'machines.*.windows[].workers.*.sublane']) {
    assert.ok(reference.includes(`| \`${key}\` |`), key)
  }
})

test('spec-reference.md: describes every key in a sentence', () => {
  const rows = specReference()
    .split('\n')
    .filter((row) => /^\| \**`/.test(row))
  assert.ok(rows.length > 60)
  for (const row of rows) assert.match(row, /\.`? \|$/)
})

test('fleet-spec.schema.json: accepts all examples, and refuses unknown keys', () => {
  const validate = new Ajv2020({ strict: false }).compile(specJsonSchema())
  for (const text of [...examples.map(read), ...snippets]) {
    const spec: unknown = parse(text, [], { allowTrailingComma: true })
    assert.ok(validate(spec), JSON.stringify(validate.errors))
    assert.equal(validate({ ...(spec as object), machnes: {} }), false)
  }
})

test('how-to guides: each snippet is a valid spec', () => {
  assert.ok(snippets.length >= 7)
  for (const snippet of snippets) assert.ok(complete(snippet).workers.length > 0 || snippet.includes('"sprint"'))
})

test('models.md: has the chain and the states of the code', () => {
  const guide = read('docs/how-to/models.md')
  const snippet = snippets.find((each) => each.includes('"chain"')) ?? ''
  const { chain } = complete(snippet).fleet.models
  assert.deepEqual(
    chain.map(({ model, role }) => ({ model, role })),
    exampleChain,
  )
  for (const [state, meaning] of Object.entries(modelStates)) assert.ok(guide.includes(`| \`${state}\` | ${meaning} |`), state)
})

test('declare-a-fleet.md: twelve panes split evenly between two home repos', () => {
  const { fleet } = complete(snippets.find((snippet) => snippet.includes('sublanes')) ?? '')
  const homes = fleet.machines[0]?.windows[0]?.workers.map(({ home }) => home) ?? []
  assert.equal(homes.length, 12)
  assert.equal(homes[0], 'my-org/app')
  assert.ok(Math.abs(homes.filter((home) => home === 'my-org/app').length - 6) <= 1)
})

test('examples/timmy: has 112 panes in 10 windows', () => {
  const { fleet } = complete(read(examples[0] ?? ''))
  const windows = fleet.machines.flatMap((machine) => machine.windows)
  const workers = windows.flatMap((window) => window.workers)
  const count = (role: string, machine: string) => workers.filter((worker) => worker.role === role && worker.machine === machine).length
  assert.deepEqual([windows.length, workers.length], [10, 112])
  assert.deepEqual([count('worker', 'mac'), count('council', 'mac'), count('sentinel', 'mac')], [60, 8, 0])
  assert.deepEqual([count('worker', 'allegro'), count('council', 'allegro'), count('sentinel', 'allegro')], [36, 4, 4])
  assert.equal(new Set(workers.flatMap(({ repos }) => repos)).size, 8)
  const serving = (repo: string) =>
    windows.filter((window) => window.workers.some(({ repos }) => repos.includes(`Timmy_Foundation/${repo}`))).map(({ name }) => name)
  assert.deepEqual(serving('hermes-agent'), ['CRUCIBLE', 'GNOMES', 'FORGE'])
  assert.deepEqual(serving('the-door'), ['WARD', 'CRUCIBLE-2'])
  assert.deepEqual(serving('the-playground'), ['ANVIL'])
  assert.deepEqual(serving('turboquant'), ['WARD'])
})

test('examples/solo: is one machine with four workers and no server', () => {
  const { fleet, workers } = complete(read(examples[1] ?? ''))
  assert.deepEqual([fleet.machines.length, workers.length, fleet.forge.kind], [1, 4, 'folder'])
})
