import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Dispatch } from '../../src/core/lifecycle.ts'
import type { Issue } from '../../src/core/nouns.ts'
import type { Forge } from '../../src/core/ports.ts'
import { escapeForForge, codeForForge, escapeLineForForge, quoteForForge } from '../../src/core/forge-text.ts'
import { workComment } from '../../src/decide/comment.ts'
import { changeBody, changeTitle, commitMessage, type ChangeText } from '../../src/decide/sprint-texts.ts'
import { forgeTool } from '../../src/sprint/forge-tool.ts'
import { anyCharacter } from '../support/any-character.ts'

/** The effects that a text could have on a forge or in a browser. */
const effects: Readonly<Record<string, RegExp>> = {
  mention: /@[\w-]/,
  reference: /[#!]\d|\bG[HL]-\d|\[(?:issue|work_item|merge_request|epic):/i,
  address: /\/(?:issues|pulls?|merge_requests|work_items|epics)\/\d/i,
  closing: /\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?):? +(?:[A-Z][A-Z0-9_]+-\d|https?:)/i,
  html: /<[a-z/!?]/i,
  entity: /&#?\w+;/,
  image: /!\[/,
  link: /\]\((?!\s*<?https?:)/i,
  definition: /^\W*\[[^\]]*\]:(?!\s*<?https?:)/im,
  script: /(?:java|vb)script:/i,
  command: /^\s*\/[a-z]/im,
  'no ci': /\[(?:skip[ -]ci|ci[ -]skip|no ci)\]|\*\*\*NO_CI/i,
  control: /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
}

/** Forges remove markup before they look for these. */
const withoutMarkup = ['mention', 'reference', 'address', 'closing']

function found(text: string): string[] {
  const stripped = text.replace(/[*_~`\\]/g, '')
  const names = Object.keys(effects).filter((name) => effects[name]?.test(text))
  return [...names, ...withoutMarkup.filter((name) => !names.includes(name) && effects[name]?.test(stripped))]
}

const hostile = [
  '@everyone|@ann|@acme/team|@*ann*|&#64;ann|&commat;ann|ann@example.com|\\@ann|fixes #1|Closes: acme/app#1|implements ABC-1|closes GH-1',
  'fixes #*1*|fixes \\#1|reopened !12|closing GL-3|closes [issue:4]|fix\n#6|resolves https://forge.example/acme/app/issues/1',
  'see https://forge.example/a/b/-/merge_requests/5|<img src=http://x/y.png>|<details>|<!-- x|-->|<http://x>',
  '<!-- burn:1 fleet=f dispatch=0000000000000 state=done -->|![a](http://x/y.png)|![a][b]|[b]: http://x/y.png',
  '[![a](http://x/y.png)](http://x)|[a](javascript:alert(1))|[a](<data:x>)|[a]: javascript:alert(1)|[a](\njavascript&colon;alert(1))',
  '[skip ci]|***NO_CI***|/close|  /approve|\u001b[2J|\u202e|\u0000|\r|\u2028|\n|\n\n| |```|~~~|`|> |---|x|\ud800|\\|*|_|#|!|@|&|<|[|]|(|fixes |1',
].flatMap((line) => line.split('|'))
const texts = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...hostile) }, fc.string({ unit: anyCharacter, maxLength: 8 })), {
  maxLength: 25,
})

test('forge text: the patterns find each effect in the raw texts', () => {
  const all = new Set(hostile.flatMap(found))
  assert.deepEqual([...all].toSorted(), Object.keys(effects).toSorted())
})

test('forge text: no escaped text has an effect on a forge', () => {
  fc.assert(
    fc.property(texts, (parts) => {
      const text = parts.join('')
      for (const made of [escapeForForge(text, 4000), escapeLineForForge(text, 200), codeForForge(text, 200), quoteForForge(text, 4000)]) {
        assert.deepEqual(found(made), [], JSON.stringify(made))
        assert.ok(made.isWellFormed())
      }
      for (const line of quoteForForge(text, 4000).split('\n')) assert.match(line, /^(?:>|$)/)
      assert.doesNotMatch(escapeLineForForge(text, 200) + codeForForge(text, 200), /\n/)
      assert.equal(codeForForge(text, 200).match(/`/g)?.length, 2)
    }),
    { numRuns: 200 },
  )
})

test('forge text: ordinary text stays unchanged', () => {
  const plain = 'Repaired `a.ts` & b.ts: 3 < 4, C#, "R&D", !important.\n\n```ts\nif (!x) return [1]\n```\n- see [docs](https://x.example/a)'
  assert.equal(escapeForForge(plain, 4000), plain)
  const seen = escapeForForge('Uses @types/node, as in #12.', 4000)
  assert.equal(seen.replaceAll('\u200b', ''), 'Uses @types/node, as in #12.')
})

test('forge text: bounds texts and lines', () => {
  assert.ok(escapeForForge('x'.repeat(1e6), 4000).length < 4100)
  assert.ok(
    Math.max(
      ...escapeForForge(`a\n${'y'.repeat(3900)}`, 4000)
        .split('\n')
        .map((line) => line.length),
    ) < 2100,
  )
  assert.ok(escapeForForge('@'.repeat(1e5), 4000).length <= 2 * 4010)
  assert.equal(escapeForForge('a\n\n\n\n\nb', 100), 'a\n\nb')
})

test('forge text: a title does not mark a draft', () => {
  for (const title of ['WIP: x', '[wip] x', 'Draft: x', '[Draft] x', '(draft) x', 'fixup! x'])
    assert.doesNotMatch(escapeLineForForge(title, 200), /^(?:wip|\[wip|draft|\[draft|\(draft|fixup!)/i)
  assert.equal(escapeLineForForge('Drafts are saved', 200), 'Drafts are saved')
})

const issue = {
  ref: 'o/r#7',
  repo: 'o/r',
  number: 7,
  title: 'Fix',
  body: '',
  author: 'ann',
  labels: [],
  url: 'http://x/7',
} as unknown as Issue

/** The parts that burn itself writes. They are removed, so that only foreign words are judged. */
const ours = [/^<!-- burn:1 [^>]*-->$/gm, /^Closes #7$/gm, / \(#7\)$/g]
const others = (text: string) => ours.reduce((each, pattern) => each.replace(pattern, ''), text)

test("forge text: a sprint's posts close only its own issue", async () => {
  const said: string[] = []
  const forge = { comment: async (_: string, body: string) => (said.push(body), { id: '1' }) } as unknown as Forge
  await fc.assert(
    fc.asyncProperty(texts, texts, async (some, more) => {
      const [words, title] = [some.join(''), more.join('')]
      const dispatch = { id: '01kaj4z7x3f9q', worker: 'sprint/box/1', state: 'failed', attempt: 1, change_url: null } as unknown as Dispatch
      const text: ChangeText = {
        id: dispatch.id,
        fleet: 'f',
        issue: { ...issue, title },
        summary: words,
        backend: words,
        model: words,
        provider: words,
        usage: { turns: 1, tokens_in: 1, tokens_out: 1, cost: null },
        check: { command: words, result: 'passed', mends: 0, pinned: [words], changed: [words] },
        files: [{ path: words, added: 1, removed: 1 }],
      }
      said.length = 0
      await forgeTool(issue, forge, () => 'n').run({ action: 'comment', text: words }, new AbortController().signal)
      const comment = workComment({ fleet: 'f', branch_prefix: 'burn/', issue, dispatch, worker: null, reason: words, now: 0 })
      for (const post of [changeBody(text), commitMessage(text), changeTitle(text.issue), comment, ...said]) {
        assert.deepEqual(found(others(post)), [], JSON.stringify(post))
        assert.ok((post.match(/<!--/g) ?? []).length <= 1)
      }
      assert.equal(changeBody(text).match(/^Closes #7$/gm)?.length, 1)
    }),
    { numRuns: 60 },
  )
})
