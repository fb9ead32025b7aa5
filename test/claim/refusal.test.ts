import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import type { Issue } from '../../src/core/nouns.ts'
import type { Forge, RepoRights } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'
import { classifyRefusal } from '../../src/claim/refusal.ts'

const fails = (code: ErrorCode) => new BurnError(code, `it says ${code}`, 'look')
const writable: RepoRights = { exists: true, write: true, archived: false, issues: true }
const issue = { ref: 'o/r#1', author: 'bob' } as Issue

interface Answers {
  readonly rights?: RepoRights | BurnError
  readonly issue?: Issue | null | BurnError
  readonly mayComment?: boolean
}

/** A forge that answers what it is asked about an issue; counts the questions. */
function answering({ rights = writable, issue: found = issue, mayComment = true }: Answers) {
  let asked = 0
  const give = async <T>(answer: T | BurnError): Promise<T> => {
    asked += 1
    if (answer instanceof BurnError) throw answer
    return answer
  }
  const forge = { rights: () => give(rights), issue: () => give(found), mayComment: () => give(mayComment) }
  return { forge: forge as unknown as Forge, asked: () => asked }
}

test('blame: codes that say enough cost no question', async () => {
  for (const [code, fault] of [
    ['forge_archived', 'repo'],
    ['forge_issues_off', 'repo'],
    ['forge_too_big', 'issue'],
    ['forge_auth', 'token'],
    ['secret_missing', 'token'],
    ['forge_timeout', 'forge'],
    ['forge_unavailable', 'forge'],
    ['forge_rate_limited', 'forge'],
  ] as const) {
    const { forge, asked } = answering({})
    const found = await classifyRefusal(fails(code), 'o/r#1', forge)
    assert.deepEqual([found.scope, found.permanent, asked()], [fault, fault !== 'forge', 0], code)
  }
})

const ambiguous: readonly (readonly [string, ErrorCode, Answers, string, boolean])[] = [
  ['the repo is gone', 'forge_not_found', { rights: { ...writable, exists: false } }, 'repo', true],
  ['the repo is archived', 'forge_forbidden', { rights: { ...writable, archived: true } }, 'repo', true],
  ['issues were disabled', 'forge_not_found', { rights: { ...writable, issues: false } }, 'repo', true],
  ['the issue is gone', 'forge_failed', { issue: null }, 'issue', true],
  ['the issue is locked', 'forge_forbidden', { issue: { ...issue, locked: true } }, 'issue', true],
  ['its author blocked the account', 'forge_forbidden', {}, 'issue', true],
  ['the token may only read', 'forge_forbidden', { mayComment: false }, 'token', true],
  ['the token may not even ask', 'forge_forbidden', { rights: fails('forge_forbidden') }, 'token', true],
  ['the token was withdrawn', 'forge_forbidden', { rights: fails('forge_auth') }, 'token', true],
  ['the forge is down by now', 'forge_failed', { rights: fails('forge_unavailable') }, 'forge', false],
  ['the forge fails for everything', 'forge_failed', { rights: fails('forge_failed') }, 'forge', false],
  ['nobody can say', 'forge_failed', {}, 'issue', false],
]

for (const [what, code, answers, fault, certain] of ambiguous)
  test(`blame: ${what}`, async () => {
    const found = await classifyRefusal(fails(code), 'o/r#1', answering(answers).forge)
    assert.deepEqual([found.scope, found.permanent], [fault, certain])
    assert.notEqual(found.why, '')
    assert.equal(
      found.author,
      what.includes('blocked') ? 'bob' : undefined,
      'other issues of an author rest only if they blocked the account',
    )
  })

test('blame: asks a forge that seems down if the request has failed for too long', async () => {
  const { forge, asked } = answering({})
  const found = await classifyRefusal(fails('forge_timeout'), 'o/r#1', forge, true)
  assert.deepEqual([found.scope, found.permanent, asked()], ['issue', false, 2])
})
