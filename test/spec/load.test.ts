/** Reading a spec: syntax errors, schema errors, and text that could be an attack. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SpecError } from '../../src/spec/findings.ts'
import { parseSpec } from '../../src/spec/load.ts'
import { findingsIn, messagesOf, specOf } from './specs.ts'

const minimal = specOf([{ name: 'A', repos: ['app'] }])

test('parseSpec: accepts comments, trailing commas and a byte order mark', () => {
  const text = `\ufeff// mine\n${minimal.replace(/\}$/, ', /* no more */ }')}`
  assert.equal(parseSpec(text, 'f').machines?.['box']?.windows[0]?.name, 'A')
})

test('parseSpec: reports all mistakes with place and correction', () => {
  const text = `{
  "forge": { "kind": "gitae" },
  "dispatch": { "depth": 0, "interval": "soon", "asigned": "skip" },
  "machines": { "mac": { "windows": [{ "name": "A", "panes": "12", "role": "counsil" }] } }
}`
  assert.deepEqual(messagesOf(text), [
    '2:22 forge.kind must be "gitea" or "folder". did you mean "gitea"?',
    '3:26 dispatch.depth is 0, but must be at least 1. for example: "depth": 2',
    '3:41 dispatch.interval must be a duration: "60s", "24h", "1h30m", "2d", or a number of seconds. for example: "interval": "60s"',
    '3:49 unknown key "asigned" in dispatch. did you mean "assigned"?',
    '4:62 machines.mac.windows[0].panes is text, but must be a whole number. for example: "panes": 12',
    '4:76 machines.mac.windows[0].role must be "worker", "council" or "sentinel". did you mean "council"?',
  ])
})

test('spec: refuses an unknown agent kind where it is written', () => {
  const window = { name: 'A', repos: ['app'], agent: { kind: 'cluade' }, workers: { X: { agent: { kind: 'custm' } } }, names: ['X'] }
  const sprint = { backends: [{ kind: 'cli', agent: 'gemini' }] }
  const kinds = '"hermes", "claude", "codex", "gemini", "opencode", "pi", "qwen", "shell" or "custom"'
  const must = (key: string, meant: string) => `${key}.kind must be ${kinds}. did you mean "${meant}"?`
  assert.deepEqual(
    messagesOf(specOf([window], { agent: { kind: 'hermse' }, sprint })).map((message) => message.replace(/^[0-9:]+ /, '')),
    [
      must('machines.box.windows[0].agent', 'claude'),
      must('machines.box.windows[0].workers.X.agent', 'custom'),
      must('agent', 'hermes'),
      'sprint.backends[0].agent must be "hermes", "claude", "codex", "opencode" or "custom". for example: "agent": "hermes"',
    ],
  )
})

test('parseSpec: throws file:line:column of each mistake, with exit code 2', () => {
  assert.throws(
    () => parseSpec('{"forge": 1}', 'my/fleet-spec.json'),
    (thrown) => {
      assert.ok(thrown instanceof SpecError)
      assert.equal(thrown.code, 'spec_invalid')
      assert.equal(thrown.exit, 2)
      assert.match(
        thrown.message,
        /^my\/fleet-spec\.json:1:1: machines is missing\. For example: .*\nmy\/fleet-spec\.json:1:11: forge is a number/,
      )
      return true
    },
  )
})

test('parseSpec: reports broken JSON at its place, and nothing else', () => {
  assert.deepEqual(messagesOf('{\n  "forge": {}\n  "machnes": {}\n}'), ['3:3 a comma is missing here. write "," between two entries'])
  assert.deepEqual(messagesOf("{\n'forge': 1}"), ['2:1 the text is in single quotes. use double quotes'])
  assert.deepEqual(messagesOf(''), ['1:1 a value is missing here. write a value, or delete the key or comma before it'])
})

test('parseSpec: refuses a repeated key, and __proto__', () => {
  assert.match(messagesOf('{"machines": {"a": 1,\n "a": 2}}')[0] ?? '', /^2:2 "a" occurs twice in this object/)
  assert.match(messagesOf('{"machines": {"__proto__": {}}}')[0] ?? '', /^1:15 "__proto__" is not allowed as a name/)
})

const hostile = ['-x', 'a:b', 'a.b', '#{x}', 'a=b', '%1', '@1', 'a b', '', 'é', 'a\n', '!x', '$(id)', 'a/b']

test('names: refuse options and tmux syntax', () => {
  for (const bad of hostile) {
    assert.equal(messagesOf(specOf([{ name: bad, repos: ['app'] }])).length, 1, `window ${bad}`)
    assert.equal(messagesOf(specOf([{ name: 'A', repos: ['app'], names: [bad] }])).length, 1, `worker ${bad}`)
    assert.equal(messagesOf(specOf([{ name: 'A', repos: ['app'] }], { session: bad, socket: bad })).length, 2, `session ${bad}`)
    assert.ok(messagesOf(minimal.replace('"box"', JSON.stringify(bad))).length > 0, `machine ${bad}`)
  }
})

test('names: refuse other letters than ASCII, and say so', () => {
  const text = specOf([{ name: 'Über', repos: ['app'], names: ['ЯСОН'] }])
  const must = 'must be 1 to 64 letters (a to z, A to Z), digits, "_" or "-", and start with a letter or a digit'
  assert.deepEqual(
    messagesOf(text).map((message) => message.replace(/\. .*/, '')),
    [`11:19 machines.box.windows[0].name ${must}`, `16:13 machines.box.windows[0].names[0] ${must}`],
  )
})

test('repos: may begin with a dot, but name no folder', () => {
  const repo = (name: string) => messagesOf(specOf([{ name: 'A', repos: [name] }]))
  for (const good of ['.github', 'acme/.profile', '..x']) assert.deepEqual(repo(good), [], good)
  for (const bad of ['.', '..', 'acme/..', '.acme/app', 'acme/', 'a/b/c']) assert.equal(repo(bad).length, 1, bad)
})

test('hosts and glyphs: refuse options and tmux formats', () => {
  const hosted = (host: string) => specOf([], { machines: { vps: { host, windows: [{ name: 'A', repos: ['app'] }] } } })
  for (const bad of ['-oProxyCommand=id', 'me@-x', '-x@host', 'a b', 'host;id', 'ssh://host', ''])
    assert.equal(messagesOf(hosted(bad)).length, 1, bad)
  for (const good of ['vps', 'burn@vps.example.com', 'fe80::1', '10.0.0.1']) assert.deepEqual(messagesOf(hosted(good)), [], good)
  for (const bad of ['#[fg=red]', '\u001b[31m', '%H', '{', ' ', ''])
    assert.equal(messagesOf(specOf([{ name: 'A', repos: ['app'], glyphs: [bad] }])).length, 1, bad)
})

test('parseSpec: never repeats a misplaced secret', () => {
  const text = specOf([{ name: 'A', repos: ['app'] }], {
    forge: { kind: 'gitea', url: 'https://ada:hunter2@forge.example.com', owner: 'acme' },
  })
  assert.match(messagesOf(text).join(), /forge.url contains credentials/)
  const token = specOf([{ name: 'A', repos: ['app'] }], {
    forge: { kind: 'gitea', url: 'https://x.example', owner: 'acme', token: 'hunter2' },
  })
  for (const messages of [messagesOf(text), messagesOf(token)])
    assert.ok(messages.length === 1 && !messages.join().includes('hunter2'), messages.join())
})

test('forge.headers: refuses own headers of burn, and a secret itself', () => {
  const withHeaders = (headers: object) =>
    messagesOf(specOf([{ name: 'A', repos: ['app'] }], { forge: { kind: 'gitea', url: 'https://x.example', owner: 'acme', headers } }))
  assert.deepEqual(withHeaders({ 'CF-Access-Client-Id': { file: '~/id' }, Cookie: { env: 'C' } }), [])
  for (const name of ['Authorization', 'host', 'Content-Length', 'Proxy-Authorization', 'a b', 'a:b', ''])
    assert.match(
      withHeaders({ [name]: { env: 'C' } }).join(),
      /^\d+:\d+ .*must be the name of an HTTP header that burn does not set itself/,
      name,
    )
  const misplaced = withHeaders({ 'X-Access': 'hunter2' })
  assert.ok(misplaced.length === 1 && !misplaced.join().includes('hunter2'), misplaced.join())
})

test('parseSpec: reads or refuses any text, with findings', () => {
  const broken = fc
    .tuple(fc.nat(minimal.length), fc.nat(12), fc.string({ maxLength: 6 }))
    .map(([at, cut, put]) => minimal.slice(0, at) + put + minimal.slice(at + cut))
  fc.assert(
    fc.property(fc.oneof(broken, fc.json(), fc.string()), (text) => {
      for (const { line, column, what } of findingsIn(text)) assert.ok(line >= 1 && column >= 1 && what !== '')
    }),
    { numRuns: 300 },
  )
})
