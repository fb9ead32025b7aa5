/** Helpers that read thrown values. */
import assert from 'node:assert/strict'
import { lstat } from 'node:fs/promises'
import { test } from 'node:test'
import { messageWithHint, BurnError, codeOf, ifCode, noSuchPath } from '../../src/core/errors.ts'

test('ifCode: returns the value for a listed code, rethrows others', async () => {
  assert.equal(await lstat(`${import.meta.filename}/x`).catch(ifCode(noSuchPath, null)), null)
  await assert.rejects(lstat('\0').catch(ifCode(noSuchPath, null)), { code: 'ERR_INVALID_ARG_VALUE' })
  const broken = new BurnError('forge_timeout', 'x', 'y')
  assert.equal(ifCode(['forge_timeout'], 1)(broken), 1)
  for (const thrown of [broken, new TypeError('no function'), 'a text', null]) {
    assert.throws(
      () => ifCode(noSuchPath, null)(thrown),
      (caught) => caught === thrown,
    )
  }
  assert.deepEqual([broken, new Error('x'), null].map(codeOf), ['forge_timeout', '', ''])
})

test('messageWithHint: adds the code and the hint', () => {
  assert.equal(messageWithHint(new BurnError('ledger_full', 'no room', 'free some')), 'no room (ledger_full: free some)')
  assert.equal(messageWithHint(new BurnError('usage', 'a wrong word', '')), 'a wrong word (usage)')
  assert.equal(messageWithHint(new TypeError('no function')), 'no function')
})
