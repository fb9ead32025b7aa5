/** The causes of refusals: clear error codes, and questions to the forge. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import type { Issue } from '../../src/core/nouns.ts'
import type { Forge, RepoRights } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'
import { classifyRefusal } from '../../src/claim/refusal.ts'

const fails = (code: ErrorCode) => new BurnError(code, `it says ${code}`, 'look')
const writable: RepoRights = { exists: true, write: true, archived: false, issues: true, changes: true, default_branch: 'main' }
const issue = { ref: 'o/r#1', author: 'bob' } as Issue

interface Answers {
  readonly rights?: RepoRights | BurnError
  readonly issue?: Issue | null | BurnError
  readonly mayComment?: boolean
}

/** Imitates a forge with the given responses, and counts the requests. */
function forgeWith({ rights = writable, issue: found = issue, mayComment = true }: Answers) {
  let requests = 0
  const respond = async <T>(answer: T | BurnError): Promise<T> => {
    requests += 1
    if (answer instanceof BurnError) throw answer
    return answer
  }
  const forge = { rights: () => respond(rights), issue: () => respond(found), mayComment: () => respond(mayComment) }
  return { forge: forge as unknown as Forge, requests: () => requests }
}

test('classifyRefusal: asks the forge nothing if the code is clear', async () => {
  for (const [code, scope] of [
    ['forge_archived', 'repo'],
    ['forge_issues_off', 'repo'],
    ['forge_too_big', 'issue'],
    ['forge_auth', 'token'],
    ['secret_missing', 'token'],
    ['forge_timeout', 'forge'],
    ['forge_unavailable', 'forge'],
    ['forge_rate_limited', 'forge'],
  ] as const) {
    const { forge, requests } = forgeWith({})
    const found = await classifyRefusal(fails(code), 'o/r#1', forge)
    assert.deepEqual([found.scope, found.permanent, requests()], [scope, scope !== 'forge', 0], code)
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
  ['the token may not read the repo', 'forge_forbidden', { rights: fails('forge_forbidden') }, 'token', true],
  ['the token was revoked', 'forge_forbidden', { rights: fails('forge_auth') }, 'token', true],
  ['the forge went down', 'forge_failed', { rights: fails('forge_unavailable') }, 'forge', false],
  ['every request fails', 'forge_failed', { rights: fails('forge_failed') }, 'forge', false],
  ['the cause is unknown', 'forge_failed', {}, 'issue', false],
]

for (const [what, code, answers, scope, permanent] of ambiguous)
  test(`classifyRefusal: ${what}`, async () => {
    const found = await classifyRefusal(fails(code), 'o/r#1', forgeWith(answers).forge)
    assert.deepEqual([found.scope, found.permanent], [scope, permanent])
    assert.notEqual(found.why, '')
    assert.equal(
      found.author,
      what.includes('blocked') ? 'bob' : undefined,
      'burn backs off from other issues of an author only if they blocked the account',
    )
  })

test('classifyRefusal: says what to do about the repo', async () => {
  for (const [rights, advice] of [
    [{ ...writable, archived: true }, /archived.*: unarchive the repo, or remove it from "repos"/],
    [{ ...writable, issues: false }, /issues are disabled.*: enable .* or remove the repo from "repos"/],
    [{ ...writable, exists: false }, /does not exist.*: correct "repos" in the spec, or give the account access/],
  ] as const) {
    const { why } = await classifyRefusal(fails('forge_not_found'), 'o/r#1', forgeWith({ rights }).forge)
    assert.match(why, advice)
  }
})

test('classifyRefusal: asks a forge that seems down if told to', async () => {
  const { forge, requests } = forgeWith({})
  const found = await classifyRefusal(fails('forge_timeout'), 'o/r#1', forge, true)
  assert.deepEqual([found.scope, found.permanent, requests()], ['issue', false, 2])
})
