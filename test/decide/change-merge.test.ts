/** Approvals of changes that burn merges: which of them outlive an update of the branch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChangeDecision, ChangeSnapshot, ChangeStep } from '../../src/core/change-loop.ts'
import type { ChangeState, Review } from '../../src/core/change-state.ts'
import { decideChange } from '../../src/decide/change.ts'
import { checkOf, policy, protection, reviewOf, snapshotOf, stepOf } from '../support/changes.ts'
import { now } from '../support/state.ts'

const green = [checkOf('test', 'passed')]
const decide = (seen: ChangeSnapshot, history: readonly ChangeStep[], rules: typeof policy) => decideChange(seen, history, rules, now)
const brief = ({ do: what, stage, reason }: ChangeDecision) => `${what} ${stage} ${reason.code}`

/** An update by which burn merged the base into `from`. */
const mergedBase = (from: string, sha: string) =>
  stepOf('update_branch', JSON.stringify([from, 'base0']), { head: from, reason: { code: 'branch_updated', base: 'main', sha } })

test("change: an approval outlives only burn's merge of the base", () => {
  const rules = { ...policy, merge: 'approved' } as const
  const updates = [mergedBase('head1', 'head2'), mergedBase('head2', 'head3')]
  const after = (review: Parameters<typeof reviewOf>[0], sha = 'head3', history: readonly ChangeStep[] = updates) =>
    brief(decide(snapshotOf({ checks: green, sha, reviews: [reviewOf(review)] }), history, rules))
  const approved = { id: '1', state: 'approved' } as const
  assert.equal(after(approved), 'merge merging merge_policy')
  assert.equal(after(approved, 'head3', updates.slice(1)), 'nothing watched approvals_missing', 'burn did not record the first update')
  assert.equal(after(approved, 'head4'), 'nothing watched approvals_missing', 'somebody pushed')
  for (const more of [{ stale: true }, { dismissed: true }, { official: false }, { author: 'eve' }])
    assert.equal(after({ ...approved, ...more }), 'nothing watched approvals_missing', `the forge does not count it: ${Object.keys(more)}`)
})

test('change: asks again about an update whose process was killed', () => {
  const rules = { ...policy, merge: 'approved' } as const
  const reviews = [reviewOf({ id: '1', state: 'approved', commit: 'head1' })]
  const killed = (minutes: number) => [
    stepOf('update_branch', JSON.stringify(['head1', 'base0']), { head: 'head1', outcome: 'planned', at: now - minutes * 60_000 }),
  ]
  const updated = snapshotOf({ checks: green, sha: 'head2', reviews })
  assert.equal(brief(decide(updated, killed(9), rules)), 'nothing watched approvals_missing', 'the process may still run')
  const again = decide(updated, killed(10), rules)
  assert.deepEqual(again.do === 'update_branch' && [again.head, again.onto, again.attempt], ['head1', 'base0', 1])
  const byPerson = decide(
    updated,
    [stepOf('update_branch', 'person head1', { head: 'head1', outcome: 'planned', at: now - 600_000 })],
    rules,
  )
  assert.deepEqual(byPerson.do === 'update_branch' && byPerson.onto, null, 'burn change update')
  const pending = snapshotOf({ checks: [checkOf('test', 'pending')], sha: 'head2', reviews })
  assert.equal(decide(pending, killed(1), rules).stage, 'merging', 'no other change may use the base')
})

test('change: updates no approved head again if that costs the approval', () => {
  const rules = { ...policy, merge: 'approved' } as const
  const updates = [mergedBase('head1', 'head2')]
  const approval = (commit: string, stale: boolean) => reviewOf({ id: commit, state: 'approved', commit, stale })
  const seen = (...reviews: readonly Review[]) => snapshotOf({ checks: green, sha: 'head2', behind: true, reviews })
  assert.equal(decide(seen(approval('head1', false)), updates, rules).do, 'update_branch', 'the forge keeps the approval')
  const again = seen(approval('head1', true), approval('head2', false))
  assert.equal(decide(again, updates, rules).do, 'merge')
  const refusal = { outcome: 'failed', reason: { code: 'merge_refused', result: 'checks_missing', why: 'behind the base' } } as const
  assert.equal(decide(again, [...updates, stepOf('merge', 'head2', refusal)], rules).do, 'update_branch', 'the forge demands it')
  const rebased = stepOf('update_branch', JSON.stringify(['head1', 'base0']), { head: 'head1' })
  const moved = { head: 'head1', outcome: 'failed', reason: { code: 'merge_refused', result: 'head_moved', why: '' } } as const
  const killed = stepOf('update_branch', JSON.stringify(['head1', 'base0']), moved)
  const kept = seen(approval('head1', false), approval('head2', false))
  for (const step of [rebased, killed])
    assert.equal(decide(kept, [step], rules).do, 'merge', 'a rebase costs the approval, even if the forge keeps it')
  const empty = stepOf('update_branch', JSON.stringify(['head2', 'base1']), { head: 'head2' })
  assert.equal(decide(seen(approval('head2', false)), [empty], rules).do, 'merge', 'the base has nothing new')
})

test('change: merges only into the base of the repo', () => {
  const rules = { ...policy, merge: 'green' } as const
  const dev = { ...protection, base: 'dev', base_sha: 'dev1', required_approvals: 1 }
  const approved = (submitted_at: number) => [reviewOf({ id: '1', state: 'approved', submitted_at })]
  const moved = { checks: green, base: 'dev', base_sha: 'dev1', base_set_at: now }
  const decided = (facts: Partial<ChangeState>, repo_base = 'dev') =>
    brief(decide(snapshotOf({ ...moved, ...facts }, { protection: dev, repo_base }), [], rules))
  assert.equal(decided({}), 'nothing watched approvals_missing')
  assert.equal(decided({ reviews: approved(now) }), 'nothing watched approvals_missing', 'the approval is about the earlier base')
  assert.equal(decided({ reviews: approved(now + 1) }), 'merge merging merge_policy')
  assert.equal(decided({ reviews: approved(now + 1) }, 'main'), 'nothing ready other_base')
})
