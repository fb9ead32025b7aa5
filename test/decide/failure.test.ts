import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FailureClass } from '../../src/core/sprint.ts'
import { consequenceOf } from '../../src/decide/failure.ts'

/** The declaration of the failure classes. The tests read the names from it. */
const source = readFileSync(join(import.meta.dirname, '../../src/core/sprint.ts'), 'utf8')
const declared = /export type FailureClass =([^]*?)\n\n/.exec(source)?.[1] ?? ''
const classes = [...declared.matchAll(/\| '(\w+)'/g)].map(([, name]) => name as FailureClass)

test('failure: each class has consistent consequences', () => {
  assert.ok(classes.length >= 20, 'the pattern finds all classes')
  for (const each of classes) {
    const { next_backend, dispatch, ends_run, hint } = consequenceOf(each)
    if (next_backend && ends_run) assert.equal(dispatch, 'released', `${each}: trouble of a backend counts as no attempt`)
    const gone = each === 'issue_gone' || each === 'fenced'
    if (gone) assert.equal(hint, '', `${each}: there is no remedy if only the claim is gone`)
    else assert.notEqual(hint, '', `${each}: it has a remedy`)
    assert.doesNotMatch(hint, /\.$|^[A-Z]/, 'the hint fits into a sentence')
  }
})

test('failure: only failures that the issue caused are attempts', () => {
  const of = (dispatch: string) => classes.filter((each) => consequenceOf(each).dispatch === dispatch)
  for (const each of [
    'backend_down',
    'auth',
    'rate_limited',
    'forge_down',
    'disk_full',
    'stopped',
    'fenced',
    'issue_gone',
    'issue_refused',
    'repo_refused',
    'token_refused',
  ])
    assert.ok(of('released').includes(each as FailureClass), each)
  for (const each of ['workspace_unusable', 'no_change', 'check_red', 'conflict', 'budget', 'context_overflow', 'internal'])
    assert.ok(of('failed').includes(each as FailureClass), each)
})

test('failure: a run ends if every issue would fail alike', () => {
  const ends = classes.filter((each) => consequenceOf(each).ends_run)
  assert.deepEqual(
    ends.toSorted(),
    [
      'auth',
      'backend_down',
      'disk_full',
      'forge_down',
      'internal',
      'model_unknown',
      'rate_limited',
      'sandbox_failed',
      'sandbox_missing',
      'stopped',
      'token_refused',
    ].toSorted(),
  )
})
