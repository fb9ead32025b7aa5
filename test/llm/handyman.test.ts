/** The stand-in model: it understands the demo's issues, and does them with the runner's tools, whatever their arguments are called. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { backlog } from '../../demo/backlog.ts'
import type { Tool } from '../../src/core/sprint.ts'
import { openBackend } from '../../src/llm/open.ts'
import { handyman, wishIn } from '../stand-ins/model/handyman.ts'
import { at, deps, folder, model, never, task } from './rig.ts'

test('handyman: understands every issue of the demo with work', () => {
  const workIssues = backlog.filter(({ expected }) => expected.kind === 'work')
  assert.ok(workIssues.length > 15)
  for (const { title, body, expected } of workIssues) {
    const files = expected.kind === 'work' ? expected.wants.map(({ file }) => file) : []
    assert.deepEqual(
      wishIn(body)?.jobs.map(({ path }) => path),
      files,
      title,
    )
  }
})

/** Returns tools unlike burn's own: they number the lines, and their arguments have other names. */
function tools(dir: string): Tool[] {
  const tool = (name: string, args: readonly string[], act: (...values: string[]) => string): Tool => ({
    name,
    description: name,
    parameters: { type: 'object', properties: Object.fromEntries(args.map((arg) => [arg, { type: 'string' }])), required: args },
    run: async (given) => {
      assert.deepEqual(Object.keys(given).sort(), [...args].sort())
      return { ok: true, text: act(...args.map((arg) => String(given[arg]))) }
    },
  })
  const read = (path: string) => readFileSync(join(dir, path), 'utf8')
  const write = (path: string, text: string) => (
    mkdirSync(dirname(join(dir, path)), { recursive: true }),
    writeFileSync(join(dir, path), text),
    'written'
  )
  return [
    tool('read_file', ['path'], (path = '') =>
      read(path)
        .replace(/\n$/, '')
        .split('\n')
        .map((line, index) => `${String(index + 1).padStart(6)}\t${line}`)
        .join('\n'),
    ),
    tool('edit_file', ['path', 'old_text', 'new_text'], (path = '', old = '', now = '') =>
      write(
        path,
        read(path).replace(old, () => now),
      ),
    ),
    tool('write_file', ['path', 'content'], write as (...values: string[]) => string),
    tool('run_command', ['command'], (command = '') => (rmSync(join(dir, /'(.+)'/.exec(command)?.[1] ?? '')), '')),
  ]
}

const issues: readonly (readonly [string, Readonly<Record<string, string>>, Readonly<Record<string, string | null>>])[] = [
  [
    'Please rename `toF` to `toFahrenheit` in a.js and b/c.js, so that the code says it.',
    { 'a.js': 'toF(1)\n\ntoF(2) toFu\n', 'b/c.js': 'x = toF\n' },
    { 'a.js': 'toFahrenheit(1)\n\ntoFahrenheit(2) toFu\n', 'b/c.js': 'x = toFahrenheit\n' },
  ],
  [
    'Set the version in package.json to 1.0.0, the tag follows.',
    { 'package.json': '{\n  "version": "0.9.0"\n}\n' },
    { 'package.json': '{\n  "version": "1.0.0"\n}\n' },
  ],
  ['Remove the file src/legacy.js, please.', { 'src/legacy.js': 'x' }, { 'src/legacy.js': null }],
  ['Please add a file `docs/new.md` that says:\n\n```\n# New\n\nYes.\n```\n', {}, { 'docs/new.md': '# New\n\nYes.\n' }],
]
for (const [body, before, after] of issues) {
  test(`handyman: does an issue through the runner: ${body.split('\n')[0]}`, async (t) => {
    const dir = folder(t)
    for (const [path, text] of Object.entries(before)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true })
      writeFileSync(join(dir, path), text)
    }
    const server = await model(t, { script: handyman })
    const conversation = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t)).begin(
      task(dir, { tools: tools(dir) }),
    )
    const answer = await conversation.say(`An issue:\n\n${body}`, never)
    assert.equal(answer.failure, null)
    assert.match(answer.text, /: done\.$/)
    for (const [path, text] of Object.entries(after)) {
      if (text === null) assert.throws(() => readFileSync(join(dir, path)))
      else assert.equal(readFileSync(join(dir, path), 'utf8'), text)
    }
  })
}
