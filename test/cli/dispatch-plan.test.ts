/** The plan of a dry run names each open issue that burn leaves out, with the reason. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Action } from '../../src/core/actions.ts'
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'
import { leftOut } from '../../src/cli/dispatch-plan.ts'
import { issueOf } from '../ledger/fixtures.ts'
import { said } from '../support/reasons.ts'
import { untouched } from '../support/records.ts'
import { stateOf } from '../support/state.ts'

test('dry run: says why each issue is left out', () => {
  const record = (number: number, more: Partial<IssueRecord> = {}): IssueRecord => ({ issue: issueOf(number), ...untouched, ...more })
  const judge = { do: 'judge', revision: 0, rank: 0, standing: 'queued', eligible: true } as const
  const actions: Action[] = [
    { ...judge, issue: 'o/r#2', reason: { code: 'queued' } },
    { ...judge, issue: 'o/r#3', eligible: false, reason: { code: 'skip_label', label: 'epic' } },
    { do: 'wait', repo: 'o/r', reason: { code: 'workers_full', workers: 1, repo: 'o/r' } },
    { do: 'delegate', step: 'assigned', issue: 'o/r#6', agent: 'a', login: 'a', deadline: 0, revision: 0, reason: { code: 'queued' } },
  ]
  const verdict = { eligible: false, reason: { code: 'assigned', assignees: ['bob'] }, at: 1 } as const
  const open = [
    record(2),
    record(3),
    record(4, { verdict }),
    record(5, { standing: 'taken', verdict: { eligible: true, reason: { code: 'prose', text: 'to ANN' }, at: 1 } }),
    record(6),
    record(1, { priority: 9, standing: 'queued', verdict: { eligible: true, reason: { code: 'queued' }, at: 1 } }),
  ]
  const left = leftOut({ actions, state: stateOf({ issues: open }) }, open)
  assert.deepEqual(
    left.map(({ issue, reason }) => [issue, said(reason)]),
    [
      ['o/r#1', 'the only available worker that serves o/r has no free slot'],
      ['o/r#2', 'the only available worker that serves o/r has no free slot'],
      ['o/r#3', 'label "epic" is in dispatch.skip_labels'],
      ['o/r#4', 'assigned to bob'],
      ['o/r#5', 'taken: to ANN'],
    ],
  )
})
