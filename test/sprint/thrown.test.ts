/** The classes of failures of exceptions in a sprint. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../src/core/error-codes.ts'
import { BurnError } from '../../src/core/errors.ts'
import { consequenceOf } from '../../src/decide/failure.ts'
import { SprintFailure } from '../../src/sprint/context.ts'
import { failureOfThrown } from '../../src/sprint/failure.ts'

const classOf = (code: ErrorCode) => failureOfThrown(new BurnError(code, 'a reason', '')).class

test('failureOfThrown: classifies each error code', () => {
  const expected: readonly (readonly [ErrorCode, string])[] = [
    ['git_empty', 'repo_unusable'],
    ['git_auth', 'push_refused'],
    ['git_conflict', 'conflict'],
    ['git_unreachable', 'forge_down'],
    ['forge_timeout', 'forge_down'],
    ['forge_failed', 'forge_down'],
    ['forge_archived', 'repo_refused'],
    ['forge_too_big', 'issue_refused'],
    ['forge_auth', 'token_refused'],
    ['secret_missing', 'token_refused'],
    ['sandbox_missing', 'sandbox_missing'],
    ['sandbox_failed', 'sandbox_failed'],
    ['workspace_unusable', 'workspace_unusable'],
    ['git_stopped', 'stopped'],
    ['usage', 'internal'],
  ]
  for (const [code, is] of expected) assert.equal(classOf(code), is, code)
  assert.equal(failureOfThrown(Object.assign(new Error('no room'), { code: 'ENOSPC' })).class, 'disk_full')
  const failure = { class: 'budget', reason: 'used up' } as const
  assert.equal(failureOfThrown(new SprintFailure(failure)), failure)
})

test('failureOfThrown: a missing sandbox costs the issue no attempt', () => {
  for (const code of ['sandbox_missing', 'sandbox_failed'] as const) {
    const { dispatch, ends_run } = consequenceOf(classOf(code))
    assert.deepEqual([dispatch, ends_run], ['released', true])
  }
})

test('failureOfThrown: rethrows errors of the ledger', () => {
  const thrown = new BurnError('ledger_busy', 'locked', '')
  assert.throws(() => failureOfThrown(thrown), thrown)
})

test('failureOfThrown: a reason is one short line', () => {
  const { reason } = failureOfThrown(new Error(`a\nb\u001b[31m${'c'.repeat(5000)}`))
  assert.ok(reason.length <= 500 && !/[\n\u001b]/.test(reason))
})
