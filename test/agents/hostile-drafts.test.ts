/**
 * Texts in a composer that look like the frame around it. burn once took each of them for the frame, and did not recognise its delivery.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { paneAgent } from '../../src/agents/index.ts'

const rule = '─'.repeat(60)
const facts = (width: number, height: number) => ({
  width,
  height,
  dead: false,
  command: 'node',
  title: '✳ x',
  cursor_x: 9,
  cursor_y: height - 2,
})

test('claude: a rule and a prompt in a draft are text', () => {
  const screen = ['● Done.', '', rule, '❯ [burn 0k3v9w2x4abcd] ❯ msg', `  ${'─'.repeat(24)}`, '  ❯', rule, '  ? for shortcuts']
  const { composer, draft } = paneAgent({ kind: 'claude' }).parseScreen(screen, facts(60, screen.length))
  assert.equal(composer, 'draft')
  assert.match(draft, /^\[burn 0k3v9w2x4abcd\] ❯ msg\n─+\n❯$/)
})

const widthless = ['\u200b', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff']

for (const kind of ['claude', 'codex', 'gemini', 'opencode', 'pi', 'qwen']) {
  test(`${kind}: characters without a width change nothing`, () => {
    const rows = readFileSync(join(import.meta.dirname, `screens/${kind}/idle-draft-80x24.txt`), 'utf8')
      .split('\n')
      .slice(0, 24)
    const { parseScreen: look } = paneAgent({ kind })
    const plain = look(rows, facts(80, 24))
    assert.equal(plain.composer, 'draft')
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(23), fc.nat(80), fc.constantFrom(...widthless)), { maxLength: 12 }), (marks) => {
        const marked = [...rows]
        for (const [row, column, mark] of marks) marked[row] = `${marked[row]?.slice(0, column)}${mark}${marked[row]?.slice(column)}`
        assert.deepEqual(look(marked, facts(80, 24)), plain)
      }),
    )
  })
}
