import { untouched } from '../support/records.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'
import type { Issue } from '../../src/core/nouns.ts'
import type { FleetState } from '../../src/core/fleet-state.ts'
import { pickIssues, type PickRequest } from '../../src/decide/pick.ts'
import { because, said } from '../support/reasons.ts'
import { stateOf } from '../support/state.ts'

const repos = ['o/a', 'o/b']
const policy = { skip_labels: ['Design'], skip_titles: ['^epic'] }

type Changes = Partial<Omit<IssueRecord, 'issue'>> & { readonly issue?: Partial<Issue> }

function record(number: number, { issue = {}, ...others }: Changes = {}): IssueRecord {
  const repo = issue.repo ?? 'o/a'
  const plain = { ref: `${repo}#${number}`, repo, number, title: 'Fix it', body: '', labels: [], assignees: [], author: 'ann', url: '' }
  return {
    issue: { ...plain, state: 'open', created_at: number, updated_at: 1, comments: 0, ...issue } as Issue,
    ...untouched,
    revision: number,
    ...others,
  }
}

function viewOf(issues: readonly IssueRecord[], changes: Partial<FleetState> = {}): FleetState {
  const rules = {
    skip_labels: ['epic'],
    skip_titles: [],
    priority_labels: [['urgent'], ['Bug']],
    council_labels: ['rfc'],
    assigned: 'skip',
    max_attempts: 3,
    retry_after: 60_000,
  } as const
  const writers = new Map(repos.map((repo) => [repo, new Set(['ann'])]))
  return stateOf({ now: 1_000_000, issues, writers, ...changes }, rules)
}

const requestOf = (changes: Partial<PickRequest> = {}): PickRequest => ({ repos, issue: null, skips: [], ...changes })
const pick = (issues: readonly IssueRecord[], wanted: Partial<PickRequest> = {}, changes: Partial<FleetState> = {}) =>
  pickIssues(viewOf(issues, changes), policy, requestOf(wanted))
const refs = ({ picks }: ReturnType<typeof pick>) => picks.map(({ issue }) => issue.ref)
const why = ({ refused }: ReturnType<typeof pick>) => refused.map(({ reason }) => reason)
const labelled = (...labels: readonly string[]) => ({ issue: { labels } })

test('pick: orders by priority label, then by age', () => {
  const issues = [record(1), record(2, labelled('bug')), record(3, labelled('BUG', 'urgent')), record(4, labelled('bug'))]
  const picked = pick(issues)
  assert.deepEqual(refs(picked), ['o/a#3', 'o/a#2', 'o/a#4', 'o/a#1'])
  assert.deepEqual(
    picked.picks.map(({ reason }) => said(reason)),
    [
      'label "urgent" gives the issue priority',
      'label "bug" gives the issue priority',
      'label "bug" gives the issue priority',
      'the oldest eligible issue, from o/a',
    ],
  )
})

test('pick: gives the reason for each issue that it refuses', () => {
  const reasons: readonly [IssueRecord, RegExp][] = [
    [record(1, labelled('epic')), /^label "epic" is in dispatch\.skip_labels$/],
    [record(2, labelled('design')), /^label "design" is in sprint\.skip_labels$/],
    [record(3, { issue: { title: 'EPIC: all of it' } }), /^the title matches \^epic in sprint\.skip_titles$/],
    [record(4, labelled('rfc')), /^the issue is a question for the council$/],
    [record(5, { standing: 'taken', verdict: { eligible: true, reason: because('to m/W/A'), at: 1 } }), /^taken: to m\/W\/A$/],
    [record(6, { issue: { author: 'eve' } }), /opened by eve, who has no write access/],
    [record(7, { issue: { assignees: ['bob'] } }), /assigned to bob/],
    [record(8, { done: true }), /^already done /],
    [record(9, { attempts: 3 }), /given up after 3 attempts/],
    [record(10, { attempts: 1, failed_at: 999_999 }), /^attempt 1 failed; next attempt after /],
  ]
  for (const [issue, reason] of reasons) {
    const picked = pick([issue])
    assert.deepEqual(refs(picked), [])
    assert.match(said(why(picked)[0]), reason)
  }
  const down = pick([record(1)], {}, { writers: new Map(), repos_down: new Map([['o/a', 'no route']]) })
  assert.deepEqual(why(down).map(said), ['no route'])
  assert.deepEqual(why(pick([record(1)], {}, { writers: new Map() })).map(said), ['burn could not read the repo'])
})

test('pick: takes only from the requested repos', () => {
  const issues = [record(1), record(2, { issue: { repo: 'o/b' } }), record(3, { issue: { repo: 'o/c' } })]
  assert.deepEqual(refs(pick(issues, { repos: ['o/b'] })), ['o/b#2'])
  assert.deepEqual(refs(pick(issues)), ['o/a#1', 'o/b#2'])
})

test('pick: leaves out the issues that this worker skips', () => {
  const skips = [{ worker: 'w', issue: 'o/a#1', until: null, reason: 'no_change: it said so', at: 1 }]
  const picked = pick([record(1), record(2)], { skips })
  assert.deepEqual([refs(picked), why(picked).map(said)], [['o/a#2'], ['this worker skips the issue for now: no_change: it said so']])
})

test('pick: a named issue overrides the skip rules only', () => {
  const skips = [{ worker: 'w', issue: 'o/a#1', until: null, reason: 'r', at: 1 }]
  const named = pick([record(1, labelled('design')), record(2)], { issue: 'o/a#1', skips })
  assert.deepEqual([refs(named), named.picks[0]?.reason], [['o/a#1'], { code: 'named_by_person' }])
  assert.deepEqual(refs(pick([record(1, labelled('epic'))], { issue: 'o/a#1' })), ['o/a#1'])
  assert.deepEqual(refs(pick([record(1, { standing: 'taken' })], { issue: 'o/a#1' })), [])
  assert.deepEqual(refs(pick([record(1, { issue: { author: 'eve' } })], { issue: 'o/a#1' })), [])
})

const drawn = fc.record({
  repo: fc.constantFrom('o/a', 'o/b', 'o/c'),
  labels: fc.subarray(['urgent', 'bug', 'design', 'epic', 'rfc', 'other'], { maxLength: 3 }),
  created_at: fc.integer({ min: 1, max: 4 }),
  author: fc.constantFrom('ann', 'ann', 'eve'),
  standing: fc.constantFrom(null, null, 'queued' as const, 'taken' as const),
  done: fc.boolean(),
})

test('pick: the order is total and independent of the input', () => {
  fc.assert(
    fc.property(fc.array(drawn, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (all, chance) => {
      const issues = all.map(({ standing, done, ...issue }, index) => record(index + 1, { issue, standing, done }))
      const shuffled = issues
        .map((issue) => ({ issue, by: chance.next().value }))
        .toSorted((a, b) => a.by - b.by)
        .map(({ issue }) => issue)
      const picked = pick(issues)
      assert.deepEqual(refs(pick(shuffled)), refs(picked))
      const known = new Map(issues.map((each) => [each.issue.ref, each]))
      const ranks = picked.picks.map(({ issue }) => {
        assert.ok(known.get(issue.ref)?.done === false && known.get(issue.ref)?.standing !== 'taken')
        assert.ok(issue.author === 'ann' && repos.includes(issue.repo))
        assert.ok(!issue.labels.some((label) => ['design', 'epic', 'rfc'].includes(label)))
        const rank = issue.labels.includes('urgent') ? 0 : issue.labels.includes('bug') ? 1 : 2
        return rank * 1000 + issue.created_at
      })
      assert.deepEqual(
        ranks,
        ranks.toSorted((a, b) => a - b),
      )
      const asked = issues.filter(({ issue }) => repos.includes(issue.repo)).length
      assert.equal(picked.picks.length + picked.refused.length, asked, 'each issue is picked or has a reason')
    }),
  )
})
