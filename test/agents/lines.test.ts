/** Checks the text that reaches a composer: one line of burn, and no text of others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ParsedScreen } from '../../src/core/agent.ts'
import type { PaneHost } from '../../src/core/pane-host.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { agentNames } from '../../src/core/agent-kinds.ts'
import { compactRows, fileLine, composerContent, idIn, isTyped, lineFor, lineChecksum, deliveryTag } from '../../src/core/typed-line.ts'
import { linesFor } from '../../src/deliver/texts.ts'
import { anyCharacter } from '../support/any-character.ts'

const id = '0k3v9w2x4abcd'
const facts = { sha256: 'a1b2c3d4e5f60718'.repeat(4), lines: 841, longest: 120 }
const looking = (state: 'idle' | 'working', interrupts = false): ParsedScreen => ({
  reading: { state, detail: null, evidence: '' },
  composer: 'empty',
  composer_rows: [0, 1],
  draft: '',
  interrupts,
})
const typedBy = (kind: string, line: string, look: ParsedScreen) =>
  paneAgent({ kind })
    .place(line, look)
    .map((piece) => ('paste' in piece ? piece.paste : 'type' in piece ? piece.type : `<${piece.key}>`))

/** Texts that some composer expands. */
const expansions = [
  '@~/.ssh/id_ed25519',
  '@.env',
  '@/abs/file',
  '@file:secrets.txt',
  '@diff',
  '! cat .env',
  '/quit',
  '#remember',
  '& sleep 1',
  '$skill',
  '[Pasted text #1: 58 lines → /etc/passwd]',
  '[Pasted Content 4000 chars]',
  '[Image #1]',
  '/tmp/screen shot.png',
]

const hostile = fc.array(
  fc.oneof(fc.constantFrom(...expansions, '\n', ' ', '"', '\\', '`id`', '$(id)', 'words'), fc.string({ unit: anyCharacter })),
  {
    minLength: 1,
    maxLength: 10,
  },
)

/** Makes a machine whose workers are in `directory`. It keeps the texts that are written. */
function machineAt(directory: string) {
  const written = new Map<string, string>()
  const write: PaneHost['write'] = async (texts) => {
    for (const { id: text, text: content } of texts) written.set(text, content)
    return new Map(texts.map((text) => [text.id, { directory }]))
  }
  return { written, host: { write } }
}

test('lines: no text of an issue reaches any composer', async () => {
  const property = fc.asyncProperty(
    hostile,
    fc.constantFrom(...agentNames),
    fc.constantFrom('work', 'council', 'identity', 'follow_up', 'send'),
    fc.constantFrom('/home/ann/fleet/AZOTH', '/wo rk @home ~x', '/a/"b"/$(id)', `/${'d'.repeat(150)}`),
    fc.constantFrom(39, 57, 80, 200),
    async (parts, name, kind, directory, columns) => {
      const text = parts.join('')
      const { written, host } = machineAt(directory)
      const agent = paneAgent({ kind: name })
      const due = { delivery: { id, kind, text }, worker: { dir: directory }, kind: agent, columns } as const
      const typed = (await linesFor([due], host)).get(id)
      assert.ok(typed !== undefined && 'line' in typed)
      const { line } = typed
      assert.match(line, /^[ -~]+$/)
      assert.ok(!/["\\]/.test(line), line)
      assert.equal(
        agent.expands.some((expansion) => expansion.test(line.slice(deliveryTag(id).length + 1)) && name !== 'shell'),
        false,
        `${name} expands something in ${line}`,
      )
      if (written.has(id)) assert.equal(written.get(id), text.endsWith('\n') ? text : `${text}\n`)
      else assert.equal(kind === 'send' ? line : '', `${deliveryTag(id)} ${text}`)
      for (const look of [looking('idle'), looking('working'), looking('working', true)]) {
        const pieces = typedBy(name, line, look)
        assert.equal(pieces.join('').replace(/^\/queue /, ''), line)
        // OpenCode collapses a longer paste to a placeholder; every other composer accepts more than this.
        for (const piece of pieces) assert.ok(piece.length <= (name === 'opencode' ? 149 : 499))
      }
    },
  )
  await fc.assert(property, { numRuns: 400 })
})

test('lines: a person may type texts that no composer expands', () => {
  for (const name of agentNames) {
    const { expands } = paneAgent({ kind: name })
    for (const text of ['Stop after this issue, and list the open work.', 'yes'])
      assert.equal(isTyped(text, expands), true, `${name}: ${text}`)
    for (const text of [
      'two\nlines',
      'x'.repeat(201),
      'say "yes"',
      'a\\b',
      'Gr\u00fc\u00dfe',
      '',
      ' x',
      ...(name === 'shell' ? ['`id`'] : ['@x']),
    ])
      assert.equal(isTyped(text, expands), false, `${name}: ${text}`)
  }
  for (const kind of ['hermes', 'claude', 'codex', 'gemini', 'qwen', 'opencode', 'pi', 'custom'])
    for (const text of expansions.filter((each) => !/^[$&#]/.test(each)))
      assert.equal(isTyped(text, paneAgent({ kind }).expands), false, `${kind}: ${text}`)
})

test('lines: names a file by its absolute path if possible', () => {
  const named = (directory: string, columns: number) => / of (\S+) \(/.exec(lineFor(id, directory, facts, columns))?.[1]
  assert.equal(named('/home/ann/AZOTH', 120), `/home/ann/AZOTH/.burn/${id}.md`)
  assert.equal(named('/home/ann/AZOTH', 39), `.burn/${id}.md`)
  assert.equal(named('/home/ann/my work/@home', 120), `.burn/${id}.md`)
  assert.equal(named(`/${'d'.repeat(120)}`, 300), `.burn/${id}.md`)
  assert.match(fileLine(id, 'x', { ...facts, lines: 1 }), /Read the 1 line of x/)
  assert.match(fileLine(id, 'x', { ...facts, longest: 2001 }), /lines are long: use cat/)
})

test("lines: tells burn's line in a composer from a person's draft", () => {
  const line = lineFor(id, '/home/ann/AZOTH', facts, 200)
  const wrapped = (width: number) => line.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n') ?? ''
  for (const width of [10, 39, 57, 200]) assert.equal(composerContent(wrapped(width), id, line), 'line')
  assert.equal(composerContent(`/queue ${line}`, id, line), 'line')
  assert.equal(composerContent(line.slice(-60), id, line), 'line', 'a low composer shows its end')
  assert.equal(composerContent(line.slice(0, 60), id, line), 'beginning')
  assert.equal(composerContent(`${line} and more`, id, line), 'other')
  assert.equal(composerContent(`well, ${line}`, id, line), 'other')
  assert.equal(composerContent('a draft of a person', id, line), 'nothing')
  assert.equal(composerContent(line.slice(-10), id, line), 'nothing')
  assert.equal(composerContent(line, id, null), 'line', 'recognised by its form')
  assert.equal(composerContent(deliveryTag(id), id, null), 'beginning')
  assert.equal(composerContent(line, '0k3v9w2x4abce', null), 'nothing')
  assert.equal(idIn(wrapped(10)), id)
  assert.equal(idIn(line.slice(-100)), id, 'found in the name of its file')
  assert.equal(idIn('a draft'), null)
  fc.assert(
    fc.property(
      fc.string(),
      (draft) => composerContent(draft, id, line) !== 'line' || line.replaceAll(' ', '').endsWith(draft.replaceAll(/\s/g, '')),
    ),
  )
})

test('lines: reads rows without the frames that agents draw', () => {
  const rows = ['  ┃  ● [burn 0k3v9w2', '  ┃  x4abcd] Read all', '  ┃  2 lines', '', '  ┃  more']
  assert.equal(compactRows(rows), '●[burn0k3v9w2x4abcd]Readall2lines\nmore')
  assert.notEqual(lineChecksum(`${deliveryTag(id)} one`), lineChecksum(`${deliveryTag(id)} two`))
  assert.equal(lineChecksum(`${deliveryTag(id)} one `), lineChecksum('[burn 0k3v9w2x4abce] one'))
})
