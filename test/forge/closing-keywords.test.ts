/** Tests which texts of a change close issues. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { issuesClosedBy, maxClosedIssues } from '../../src/forge/closing-keywords.ts'

const url = 'https://forge.example.com/git'
const closes = (body: string, title = 'A change') => issuesClosedBy('o/r', url, { title, body })

test('issuesClosedBy: reads every form that Gitea and Forgejo read', () => {
  for (const word of ['close', 'closes', 'closed', 'fix', 'fixes', 'fixed', 'resolve', 'resolves', 'resolved', 'CLOSES', 'Fixes:'])
    assert.deepEqual(closes(`${word} #7`), ['o/r#7'], word)
  const forms: Record<string, readonly string[]> = {
    'Closes #1, fixes #2. Resolves #3!': ['o/r#1', 'o/r#2', 'o/r#3'],
    'Closes #1, #2': ['o/r#1'],
    '(closes #4)': ['o/r#4'],
    '**Closes #5**': ['o/r#5'],
    '_Closes #5_': ['o/r#5'],
    '- fixes #6\n- fixes #6': ['o/r#6'],
    '1. part\n\n    fixes #6': ['o/r#6'],
    'Closes other/repo#8': ['other/repo#8'],
    [`Closes ${url}/o/r/issues/9`]: ['o/r#9'],
    [`Closes HTTPS://FORGE.example.com/git/o/r/issues/9.`]: ['o/r#9'],
    'What.\r\n\r\nCloses #10\r\n': ['o/r#10'],
  }
  for (const [body, wanted] of Object.entries(forms)) assert.deepEqual(closes(body), wanted, body)
  assert.deepEqual(closes('', 'Fix #11: the parser'), ['o/r#11'])
})

test('issuesClosedBy: code, quotations, comments and other words close nothing', () => {
  const none = [
    '#1',
    'see #1, part of #2',
    'encloses #1, préfixes #1, unresolved #1, hotfix #1',
    'behebt #1, schließt #1, ferme #1, 修复 #1, закрывает #1',
    'closeſ #1',
    'closes#1',
    'closes #0, closes #01x, closes #1a, closes #1/2',
    'closes\n#1',
    'closes the issue #1',
    '`closes #1` and ``a ` closes #2``',
    '```\ncloses #1\n```',
    '~~~ text\ncloses #1\n```\ncloses #2\n~~~~',
    '```\ncloses #1, and never ends',
    'Like this:\n\n    closes #1\n\n    closes #2',
    '\tcloses #1',
    '> closes #1\n> closes #2',
    '- > closes #1',
    '<!-- closes #1 -->',
    '<!--\ncloses #1\n',
    'Closes https://elsewhere.example.com/o/r/issues/9',
    `Closes ${url}/o/r/issues/9x`,
    `Closes ${url}.example.net/o/r/issues/9`,
    'closes a/b/c#1',
    `closes ${'a'.repeat(101)}/b#1`,
  ]
  for (const body of none) assert.deepEqual(closes(body), [], body)
  assert.deepEqual(closes('a ` b\n\ncloses #1 `` c'), ['o/r#1'], 'runs of backticks without an end')
})

test('issuesClosedBy: takes bounded time and returns a bounded list', () => {
  assert.equal(closes(Array.from({ length: 10_000 }, (_, n) => `closes #${n + 1}`).join('\n')).length, maxClosedIssues)
  assert.equal(closes(Array.from({ length: 500 }, (_, n) => `closes #${n + 1}`).join(', ')).length, 500)
  const began = process.cpuUsage().user
  for (const part of [
    'closes ',
    '`',
    '``` ',
    '<!--',
    '> ',
    'closes #',
    'closes a/',
    'closes https://',
    '    ',
    '- ',
    '[',
    '\n',
    'closes: ',
  ])
    closes(part.repeat(250_000 / part.length))
  assert.ok(process.cpuUsage().user - began < 2_000_000, `${process.cpuUsage().user - began} µs`)
})

test('issuesClosedBy: returns valid references only, for any text', () => {
  const parts = [
    'closes',
    'Fixes:',
    ' ',
    '\n',
    '#1',
    '#22',
    'o/r#3',
    '`',
    '```',
    '> ',
    '<!--',
    '-->',
    '    ',
    '- ',
    '(',
    ')',
    ',',
    '*',
    'é',
    url,
    '/o/r/issues/4',
  ]
  const texts = fc.array(fc.constantFrom(...parts), { maxLength: 40 }).map((all) => all.join(''))
  fc.assert(
    fc.property(fc.oneof(texts, fc.string()), (body) => {
      for (const ref of closes(body)) assert.match(ref, /^[\w.-]+\/[\w.-]+#[1-9]\d*$/)
    }),
  )
})
