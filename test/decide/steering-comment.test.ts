/** A comment commands burn only by a line of its own, outside of code, quotations and HTML comments. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { steeringWords } from '../../src/core/steering.ts'
import { steeringIn } from '../../src/decide/steering-comment.ts'

test('steering: finds a command on a line of its own', () => {
  for (const body of ['/burn stop', 'wrong way\r\n\r\n  /Burn  STOP \r\nsorry', '/burn stop\n/burn stop', '- a\n\n/burn\tstop'])
    assert.deepEqual(steeringIn(body), { word: 'stop' }, body)
})

test('steering: refuses unknown and several commands', () => {
  assert.deepEqual(steeringIn('/burn stop, please'), { word: null, text: 'stop, please' })
  assert.deepEqual(steeringIn('/burn'), { word: null, text: '' })
  assert.deepEqual(steeringIn('/burn go\n/burn stop'), { word: null, text: 'go, stop' })
  assert.equal(steeringIn(`/burn ${'x'.repeat(900)}`)?.word, null)
})

test('steering: ignores quotations, code and other texts', () => {
  const quiet = [
    '',
    'use /burn stop',
    '> /burn stop',
    '`/burn stop`',
    '```\n/burn stop\n```',
    '~~~\n/burn stop',
    '    /burn stop',
    '/burning stop',
  ]
  const hidden = [
    '<!-- \n/burn stop\n-->',
    '/burn/stop',
    '- /burn stop',
    '| /burn stop |',
    '``\n/burn stop\n``',
    '\\/burn stop',
    '> a\n> /burn go',
  ]
  for (const body of [...quiet, ...hidden]) assert.equal(steeringIn(body), null, body)
  for (const body of ['/burn `x` stop', '/burn <!-- x --> stop']) assert.equal(steeringIn(body)?.word ?? null, null, body)
})

test('steering: no wrapping of a command is obeyed', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '/', 'b', '\n', '.', '/burn', 'go', '#') })
  const wrap = fc.constantFrom(
    (line: string) => `> ${line}`,
    (line: string) => `\`${line}\``,
    (line: string) => `\`\`\`\n${line}\n\`\`\``,
    (line: string) => `<!--\n${line}\n-->`,
    (line: string) => `so ${line}`,
  )
  fc.assert(
    fc.property(fc.constantFrom(...steeringWords), wrap, text, (word, wrapped, more) => {
      const body = `${wrapped(`/burn ${word}`)}\n\n${more.replaceAll('/burn', '')}`
      assert.equal(steeringIn(body), null, body)
      assert.deepEqual(steeringIn(`${more.replaceAll('/burn', '').replaceAll(/[`<>]/g, '')}\n\n/burn ${word}`), { word })
    }),
    { numRuns: 50 },
  )
  // Strings of `unit: 'binary'` would cost two seconds, because fast-check first indexes all code points.
  const any = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
      text,
    ),
    { maxLength: 300 },
  )
  fc.assert(fc.property(any, (parts) => void steeringIn(parts.join(''))))
})
