/** Tables of commands on terminals of any width. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { openIo } from '../../src/cli/io.ts'
import { fittingTable, listTable, table } from '../../src/cli/table.ts'
import { widthOf, wrap } from '../../src/cli/wrap.ts'
import { anyCharacter } from '../support/any-character.ts'

const head = ['DISPATCH', 'ISSUE', 'WORKER', 'STATE', 'TOKENS', 'WHY']
const rows = [
  ['0k3v9w2x4abcd', 'somebody/kettle#12', 'mac/CRUCIBLE/AZOTH', 'handed', '12', 'the first text of the dispatch left the composer'],
  ['0k3v9w2x4abce', 'somebody/a-very-long-name#7', 'box/FOUNDRY/WAYLAND', 'in review, stale', '1.2K', 'a change is open'],
]
const drop = ['DISPATCH', 'TOKENS', 'WHY']

test('table: cuts the last column, then names, then leaves columns out', () => {
  assert.deepEqual(table(head, rows, 80, drop), [
    'ISSUE               WORKER   STATE             WHY',
    'kettle#12           AZOTH    handed            the first text of the dispatch l…',
    'a-very-long-name#7  WAYLAND  in review, stale  a change is open',
  ])
  assert.deepEqual(fittingTable(head, rows, 40, drop).hidden, drop)
  assert.deepEqual(table(head, rows, Infinity, drop).length, 3)
})

test('table: keeps issue numbers and last parts of names', () => {
  assert.deepEqual(table(['A', 'B'], [['owner/a-very-long-name#1234', 'mac/CRUCIBLE/AZOTH']], 22), [
    'A                B',
    'a-very-lo…#1234  AZOTH',
  ])
})

test('table: leaves out empty columns on a terminal only', () => {
  const sparse = [['a', '', 'b']]
  assert.deepEqual(table(['X', 'Y', 'Z'], sparse, 80), ['X  Z', 'a  b'])
  assert.deepEqual(table(['X', 'Y', 'Z'], sparse), ['X  Y  Z', 'a     b'])
})

test('list table: names the columns for which there is no room', () => {
  const terminal = () => ({ width: 40, height: 24 })
  const io = openIo({ out: () => {}, err: () => {}, input: async () => '', random: Math.random, terminal })
  assert.deepEqual(listTable(head, rows, io, drop).slice(3), ['more in a wider terminal, or with', '--json: DISPATCH, TOKENS, WHY'])
})

test('table: no line is wider than the terminal, for any text', () => {
  const cell = fc.oneof(
    fc.string({ unit: anyCharacter, maxLength: 40 }),
    fc.constantFrom('漢字漢字漢字漢字漢字', '🚀🚀🚀🚀', 'o/r#7', '', '123'),
  )
  const anyRows = fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { maxLength: 4 })
  fc.assert(
    fc.property(anyRows, fc.integer({ min: 6, max: 120 }), (cells, width) => {
      for (const line of table(['A', 'B', 'C', 'D'], cells, width, ['B'])) assert.ok(widthOf(line) <= width, `${width}: ${line}`)
    }),
    { numRuns: 60 },
  )
})

test('wrap: counts wide characters, and indents the lines that follow', () => {
  assert.deepEqual(wrap('漢字 漢字 漢字', 10, '  '), ['漢字 漢字', '  漢字'])
})
