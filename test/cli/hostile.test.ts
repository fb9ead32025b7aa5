/** No text of a forge, a model or a screen may control the terminal that a command prints to. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { sanitize } from '../../src/core/text.ts'
import { newId } from '../../src/core/ids.ts'
import { captureCommand } from '../../src/cli/commands/capture.ts'
import { openIo } from '../../src/cli/io.ts'
import { table } from '../../src/cli/table.ts'
import { widthOf } from '../../src/cli/wrap.ts'
import { openLedger } from '../../src/ledger/open.ts'
import { burn, scratch, writeIssues } from '../support/fleet.ts'
import { anyCharacter } from '../support/any-character.ts'
import { attacks, forbidden } from '../support/attacks.ts'

/** The colours and styles that burn itself prints. */
const own = /\u001b\[(?:1|22|3[0-9]|9[0-7])m/g
const hostile = fc
  .array(fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...attacks) }, fc.string({ unit: anyCharacter, maxLength: 12 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => `x${parts.join('')}`)

function assertSafe(text: string, where: string): void {
  const found = forbidden.exec(text.replace(own, ''))
  assert.equal(found, null, `${where} prints ${JSON.stringify(found?.[0])}: ${JSON.stringify(text)}`)
}

function recorder() {
  const printed = { text: '' }
  const add = (text: string) => void (printed.text += text)
  const io = openIo({
    out: add,
    err: add,
    input: async () => '',
    terminal: () => ({ width: 120, height: 40 }),
    colours: true,
    random: Math.random,
  })
  return { io, printed }
}

test('io: prints only its own sequences, whatever the text', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(hostile, hostile), { minLength: 1, maxLength: 4 }), hostile, (rows, line) => {
      const { io, printed } = recorder()
      io.out(io.paint('red', line), ...table(['A', 'B'], rows, 120))
      assert.equal(printed.text.split('\n').length, rows.length + 3, 'a text adds no line')
      io.err(line)
      io.write(line)
      assertSafe(printed.text.replaceAll('\r\n', '\n'), 'io')
      assert.ok(printed.text.startsWith('\u001b[31m'), 'its own colour is there')
    }),
  )
})

test('sanitize: removes every control character', () => {
  for (let code = 0; code <= 0xffff; code++) {
    const left = sanitize(`a${String.fromCharCode(code)}`)
    assert.doesNotMatch(left, forbidden, code.toString(16))
  }
})

test('io: JSON keeps every value and escapes control characters', () => {
  fc.assert(
    fc.property(fc.oneof(hostile, fc.json(), fc.dictionary(hostile, hostile)), fc.boolean(), (value, indented) => {
      const { io, printed } = recorder()
      io.json(value, indented)
      assert.deepEqual(JSON.parse(printed.text), JSON.parse(JSON.stringify(value)))
      assertSafe(printed.text, 'json')
    }),
  )
})

test('io: a foreign text cannot forge marks of own sequences', () => {
  const { io, printed } = recorder()
  const { io: other } = recorder()
  io.out(other.paint('red', 'x'), other.control('2J'))
  assert.doesNotMatch(printed.text, /\u001b/)
  assert.equal(widthOf(io.paint('red', 'abc')), 3, 'a mark takes no columns')
})

test('capture: keeps the colours of a screen, and no other sequence', () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1 }), (rows) => {
      const { io, printed } = recorder()
      captureCommand.present({ worker: 'w', rows: rows.map((row) => `\u001b[38;5;196m${row}\u001b[0m`) }, io, {}, 0)
      assertSafe(printed.text.replace(/\u001b\[[\d;:]*m/g, ''), 'capture')
      assert.ok(printed.text.startsWith('\u001b[38;5;196mx'))
    }),
  )
})

test('commands: no title, label, reason or transcript reaches the terminal raw', async (t) => {
  const dir = scratch(t)
  const home = join(dir, 'home')
  mkdirSync(home)
  const runner = { kind: 'runner', models: [{ model: 'm', url: 'http://127.0.0.1:1/v1' }] }
  const spec = {
    name: 'f',
    forge: { kind: 'folder', path: dir, owner: 'o' },
    ledger: `sqlite:${dir}/l.db`,
    machines: { box: { windows: [{ name: 'A', names: ['ANN'], panes: 1, repos: ['app'] }] } },
    sprint: { repos: ['app'], dir: join(dir, 'sprints'), backends: [runner], sandbox: { use: 'off' } },
  }
  const file = join(dir, 'fleet-spec.json')
  writeFileSync(file, JSON.stringify(spec))
  mkdirSync(join(dir, 'sprints/transcripts'), { recursive: true })
  const commands = [
    ['sprint', 'run', '--dry-run'],
    ['dispatch', '--dry-run'],
    ['explain', 'app#1'],
    ['explain', 'app#2'],
    ['sprint', 'list'],
    ['sprint', 'show', 'app#2', '--full'],
    ['sprint', 'results'],
    ['ledger'],
    ['log'],
    ['worker', 'skips'],
    ['issue', 'prompt', 'app#1'],
    ['status'],
    ['sprint', 'show', 'app#2', '--json'],
    ['ledger', 'export'],
    ['explain', 'app#1', '--json'],
  ]
  await fc.assert(
    fc.asyncProperty(hostile, hostile, hostile, async (title, label, reason) => {
      rmSync(join(dir, 'l.db'), { force: true })
      const issue = { body: reason, labels: [label] }
      writeIssues(dir, 'app', [
        { title, ...issue },
        { title: `${title} 2`, ...issue, author: label },
      ])
      assert.notEqual((await burn(['dispatch', '--dry-run'], { BURN_SPEC: file, HOME: home })).code, 2)
      await recordSprint(join(dir, 'l.db'), join(dir, 'sprints'), reason)
      for (const words of commands) {
        const { out, err } = await burn(words, { BURN_SPEC: file, HOME: home }, { terminal: true })
        assert.notEqual(out, '', `${words.join(' ')}: ${err}`)
        assertSafe(out + err, `burn ${words.join(' ')}`)
      }
    }),
    { numRuns: 3 },
  )
})

/** Writes a failed sprint, its transcript, a skipped issue and a hold, with a hostile text in every field. */
async function recordSprint(file: string, sprints: string, text: string): Promise<void> {
  const ledger = await openLedger(`sqlite:${file}`, { random: Math.random })
  const id = newId(Date.now(), Math.random)
  const reason = { code: 'prose', text } as const
  const claim = { id, issue: 'o/app#2', worker: 'sprint/here/1', slot: 0, host: text, attempt: 1, reason }
  assert.equal(await ledger.claimSprint(claim, 'a', Date.now() + 1000, Date.now()), 'won')
  await ledger.saveSprint(id, 'a', { model: text, backend: text, provider: text, check_command: text }, 1)
  const failure = { class: 'check_red', reason: text } as const
  await ledger.endSprint(id, 'a', { outcome: 'failed', failure, dispatch: 'failed', reason }, Date.now())
  await ledger.skip({ worker: 'sprint/here/1', issue: 'o/app#1', until: null, reason: text, at: Date.now() })
  await ledger.saveHolds([{ scope: 'worker', name: 'box/A/ANN', code: 'person', reason, until: null, actor: text }], Date.now())
  await ledger.close()
  const notes = [
    { kind: 'note', text },
    { kind: 'said', by: 'model', model: text, text },
    { kind: 'call', ok: false, tool: text, args: { a: text }, text },
    { kind: 'check', passed: false, command: text, text, ms: 1 },
  ]
  writeFileSync(join(sprints, 'transcripts', `${id}.jsonl`), notes.map((note) => `${JSON.stringify({ at: 1, ...note })}\n`).join(''))
}
