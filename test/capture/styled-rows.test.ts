/** Rows of `capture-pane -e` become styled texts, and no other escape sequence survives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { maskRows } from '../../src/capture/mask.ts'
import { ansiOf, parseRows, rowText } from '../../src/capture/styled-rows.ts'
import { masker } from '../../src/host/redact.ts'
import { anyCharacter } from '../support/any-character.ts'

const esc = '\u001b'
const [redOnBlue, plain] = [`${esc}[31;44m`, `${esc}[0m`]
const rowOf = (text: string) => parseRows([text])[0] ?? []

test('styled rows: a style continues in the next row', () => {
  const rows = parseRows([`a${redOnBlue}b`, `c${plain}d`])
  const styles = rows.map((row) => row.map(({ text, style }) => [text, style.foreground, style.background]))
  assert.deepEqual(styles, [
    [
      ['a', null, null],
      ['b', 1, 4],
    ],
    [
      ['c', 1, 4],
      ['d', null, null],
    ],
  ])
})

test('styled rows: reads every form of a colour', () => {
  for (const [codes, colour] of [
    ['35', 5],
    ['95', 13],
    ['38;5;196', 196],
    ['38:5:196', 196],
    ['38;2;255;128;0', '#ff8000'],
    ['38:2::255:128:0', '#ff8000'],
    ['38;2;255;128;0;1', '#ff8000'],
    ['31;39', null],
    ['31;0', null],
    ['31;', null],
    ['38;5;999', null],
    ['38', null],
  ] as const)
    assert.equal(rowOf(`${esc}[${codes}mx`)[0]?.style.foreground, colour, codes)
})

test('styled rows: attributes begin and end', () => {
  const [first, second] = rowOf(`${esc}[1;4:3;7;9ma${esc}[22;24mb`)
  assert.deepEqual(
    [first?.style.attributes, second?.style.attributes],
    [
      [1, 4, 7, 9],
      [7, 9],
    ],
  )
})

test('styled rows: draws the lines of the alternate character set', () => {
  assert.deepEqual(parseRows(['\u000elqk', 'x\u000fx']).map(rowText), ['┌─┐', '│x'])
})

test('styled rows: keeps coloured spaces at the end, and no others', () => {
  assert.equal(rowText(rowOf(`a${esc}[44m  ${esc}[49m  `)), 'a  ')
  assert.equal(rowText(rowOf(`a${esc}[31m  `)), 'a')
})

test('styled rows: keeps the text of a link without its address', () => {
  assert.equal(rowText(rowOf(`${esc}]8;id=1;http://evil.example${esc}\\link${esc}]8;;${esc}\\ ${esc}]52;c;cm0gLXJm\u0007x`)), 'link x')
})

test('styled rows: a tab reaches the next multiple of eight', () => {
  assert.equal(rowText(rowOf('漢\tb')), '漢      b')
})

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        `${esc}]8;;http://evil.example${esc}\\link${esc}]8;;${esc}\\`,
        `${esc}]52;c;cm0gLXJm\u0007`,
        `${esc}]0;no end`,
        `${esc}[2J`,
        `${esc}P+q${esc}\\`,
        `${esc}c`,
        '\u009b31m',
        '\u000e',
        '\u000f',
        '\u202e',
        '</script>',
        '漢字 🚀 é',
        `${esc}[38;5;1`,
        `${esc}[31m`,
        esc,
      ),
      fc.string({ unit: anyCharacter, maxLength: 12 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

test('styled rows: no control character survives, but styles do', () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 4 }), (given) => {
      const rows = parseRows(given)
      for (const row of rows) {
        assert.doesNotMatch(rowText(row), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
        assert.equal(ansiOf(row).replace(/\u001b\[[\d;]*m/g, ''), rowText(row))
      }
      assert.deepEqual(
        parseRows(rows.map(ansiOf)).map(rowText),
        rows.map((row) => rowText(row)),
      )
    }),
  )
})

test('mask: finds a secret across colours and wrapped rows', () => {
  const rows = parseRows([`key ghp_01234${redOnBlue}56789`, `abcdefghij${plain} end`, '', 'ghp_01'])
  const masked = maskRows(rows, 18, masker([])).map(rowText)
  assert.deepEqual(masked, [`key ${'*'.repeat(14)}`, `${'*'.repeat(10)} end`, '', 'ghp_01'])
  const apart = maskRows(rows, 30, masker([])).map(rowText)
  assert.deepEqual(apart, rows.map(rowText), 'a row that ends before the edge ends the line')
})

test('mask: a full row before an empty row keeps the positions', () => {
  const rows = parseRows(['abcd', '', 'pass hunter22', 'x'])
  assert.deepEqual(maskRows(rows, 4, masker(['hunter22'])).map(rowText), ['abcd', '', 'pass ********', 'x'])
})
