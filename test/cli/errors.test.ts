/** Errors as a person sees them: the code, and its explanation by `burn explain`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { errorReference } from '../../src/cli/commands/explain-code.ts'
import { burn } from '../support/fleet.ts'

const env = { HOME: resolve(import.meta.dirname, '../..') }

test('errors: burn prints the code after the message', async () => {
  const shown = await burn(['status', '--spec', 'nowhere.json'], env)
  assert.deepEqual([shown.code, shown.out], [2, ''])
  assert.match(shown.err, /^burn: there is no fleet spec at \S+nowhere\.json \(spec_missing\)\n {2}hint: write a spec/)
  const json = await burn(['status', '--spec', 'nowhere.json', '--json'], env)
  assert.deepEqual([json.code, json.err], [2, ''])
  assert.deepEqual(Object.keys(json.json<{ error: object }>().error), ['code', 'message', 'hint'])
})

test('explain: prints meaning and remedy of a code without a spec', async () => {
  const shown = await burn(['explain', 'ledger_full', '--spec', 'nowhere.json'], env)
  assert.deepEqual([shown.code, shown.err], [0, ''])
  assert.match(shown.out, /^ledger_full\n {2}The disk of the ledger is full.*\n {2}do: Free some space/)
  const { code, meaning, remedy } = (await burn(['explain', 'ledger_full', '--json'], env)).json<Record<string, string>>()
  assert.equal(code, 'ledger_full')
  assert.ok(meaning !== undefined && remedy !== undefined && meaning !== remedy)
})

test('explain: suggests the code that a mistyped word means', async () => {
  const near = await burn(['explain', 'legder_full'], env)
  assert.equal(near.code, 2)
  assert.match(near.err, /"legder_full" is neither an issue nor an error code \(issue_ref\)\n {2}hint: did you mean ledger_full\?/)
  assert.match((await burn(['explain', 'something-else'], env)).err, /hint: for an issue write something-else#7; burn explain --codes/)
  assert.match((await burn(['explain'], env)).err, /\[issue\|code\] is missing \(usage\)/)
})

test('explain: --codes prints docs/reference/errors.md, and every code as JSON', async () => {
  const document = readFileSync(resolve(import.meta.dirname, '../../docs/reference/errors.md'), 'utf8')
  assert.equal(document, errorReference(), 'run: burn explain --codes > docs/reference/errors.md')
  assert.equal((await burn(['explain', '--codes'], env)).out, document)
  const { codes } = (await burn(['explain', '--codes', '--json'], env)).json<{ codes: { code: string }[] }>()
  assert.equal(codes.length, document.split('\n| `').length - 1)
  assert.deepEqual(codes.filter(({ code }) => !document.includes(`| \`${code}\` | `)).length, 0)
})
