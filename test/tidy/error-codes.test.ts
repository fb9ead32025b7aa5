/** The catalogue of error codes. The compiler finds missing codes; these tests find unused ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorTexts } from '../../src/core/error-codes.ts'
import { isNode, nameOf, nodesOf, sourcesIn, type Node, type Source } from './sources.ts'

const textIn = (node: unknown): string[] =>
  nodesOf(node).flatMap((each) => (each.type === 'Literal' && typeof each['value'] === 'string' ? [each['value']] : []))

const firstOf = (call: Node): unknown => (call['arguments'] as Node[])[0]

/** Returns the error codes in a source: where an error is created, and in tables with `code` or `as`. */
function codesMadeIn({ body }: Pick<Source, 'body'>): string[] {
  return nodesOf(body).flatMap((node) => {
    if (node.type === 'NewExpression' && /^(?:BurnError|NotifyError)$/.test(nameOf(node['callee']))) return textIn(firstOf(node))
    if (node.type === 'CallExpression') {
      if (isNode(node['callee']) && node['callee'].type === 'Super') return textIn(firstOf(node))
      if (nameOf(node['callee']) === 'failure') return textIn(firstOf(node))
      return nameOf(node['callee']) === 'unknownNameError' ? textIn(firstOf(node)).map((noun) => `${noun}_unknown`) : []
    }
    if (node.type === 'Property') return ['code', 'as'].includes(nameOf(node['key'])) ? textIn(node['value']) : []
    return node.type === 'LogicalExpression' && node['operator'] === '??' ? textIn(node['right']) : []
  })
}

const sources = sourcesIn('src').filter(({ path }) => !path.endsWith('error-codes.ts'))

test('error codes: something throws each of them', () => {
  const made = new Set(sources.flatMap(codesMadeIn))
  const unused = errorTexts().flatMap(([code]) => (made.has(code) ? [] : [code]))
  assert.deepEqual(unused, [], 'take these codes out of the catalogue, or rename them with the error')
})

test('error codes: no code is listed in two areas', () => {
  const codes = errorTexts().map(([code]) => code)
  assert.deepEqual([...new Set(codes)], codes)
})

test('error codes: meaning and remedy are short plain sentences', () => {
  for (const [code, { meaning, remedy }] of errorTexts())
    for (const text of [meaning, remedy]) {
      assert.match(text, /^(?:[A-Z]|`?(?:burn|git|tmux|bubblewrap)\b).*\.$/, code)
      assert.ok(text.split(/\s+/).length <= 20, `${code}: over 20 words: ${text}`)
    }
})
