import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseHookEvent } from '../../src/core/hook-event.ts'
import { anyCharacter } from '../support/any-character.ts'

test('hook event: is parsed with and without detail and ids', () => {
  assert.deepEqual(parseHookEvent('7 1795236843 pre_tool_call clarify 1m7y6ewdbs30w:1325527265,1m7y6ewdd85cv'), {
    seq: 7,
    at: 1_795_236_843_000,
    event: 'pre_tool_call',
    detail: 'clarify',
    conversation: null,
    deliveries: [
      { id: '1m7y6ewdbs30w', sum: '1325527265' },
      { id: '1m7y6ewdd85cv', sum: null },
    ],
  })
  const stop = { seq: 1, at: 2000, event: 'Stop', detail: null, deliveries: [] }
  assert.deepEqual(parseHookEvent('1 2 Stop - -'), { ...stop, conversation: null })
  assert.deepEqual(parseHookEvent('1 2 Stop - - -'), { ...stop, conversation: null })
  assert.deepEqual(parseHookEvent('1 2 Stop - - 20261127_2048_fe8b'), { ...stop, conversation: '20261127_2048_fe8b' })
})

test('hook event: any other text is null, without an exception', () => {
  for (const text of [
    '',
    'x',
    '1 2 Stop',
    '1 2 Stop - - - -',
    '1 2 Stop - - a/b',
    '-1 2 Stop - -',
    '1 2 St op - - -',
    '1 2 Stop - NOTANID',
  ])
    assert.equal(parseHookEvent(text), null)
  fc.assert(fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), (text) => void parseHookEvent(text)))
})
