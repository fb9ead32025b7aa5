import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ChangeDecision, ChangeSnapshot, ChangeStep } from '../../src/core/change-loop.ts'
import type { Check, ReviewThread } from '../../src/core/change-state.ts'
import { changeTransitions, conditionOf, stepTimeout } from '../../src/core/change-stages.ts'
import { decideChange } from '../../src/decide/change.ts'
import { reviewProblem } from '../../src/decide/change-texts.ts'
import { deletesBranch } from '../../src/decide/change-merge.ts'
import { checkOf, policy, protection, reviewOf, snapshotOf, stepOf, threadOf } from '../support/changes.ts'
import { now } from '../support/state.ts'

const green = [checkOf('test', 'passed')]
const red = [checkOf('test', 'failed'), checkOf('lint', 'passed')]
const decide = (seen: ChangeSnapshot, history: readonly ChangeStep[] = [], rules = policy, at = now) =>
  decideChange(seen, history, rules, at)
const brief = ({ do: what, stage, reason }: ChangeDecision) => `${what} ${stage} ${reason.code}`

test('change: tells a failed check once, then waits', () => {
  const first = decide(snapshotOf({ checks: red }))
  assert.equal(brief(first), 'fix_checks needs_work checks_failed')
  assert.ok(first.do === 'fix_checks')
  const told = [stepOf('fix_checks', first.signature)]
  assert.equal(brief(decide(snapshotOf({ checks: red }), told)), 'nothing no_push no_push_followed')
  assert.equal(brief(decide(snapshotOf({ checks: red }, { at_work: true }), told)), 'nothing at_work no_checks')
  assert.equal(brief(decide(snapshotOf({ checks: red, sha: 'head2' }), told)), 'fix_checks needs_work checks_failed')
})

test('change: reruns failed checks once before it tells the agent', () => {
  const checks = [checkOf('test', 'failed', true)]
  const first = decide(snapshotOf({ checks }))
  assert.equal(brief(first), 'rerun_checks watched checks_failed')
  const history = [stepOf('rerun_checks', 'head1')]
  assert.equal(brief(decide(snapshotOf({ checks: [checkOf('test', 'pending', true)] }), history)), 'nothing watched checks_not_green')
  assert.equal(brief(decide(snapshotOf({ checks }), history)), 'nothing watched rerun_awaited', 'the result from before the rerun')
  const again = [{ ...checkOf('test', 'failed', true), updated_at: now + 1 }]
  assert.equal(brief(decide(snapshotOf({ checks: again }), history)), 'fix_checks needs_work checks_failed')
  assert.equal(brief(decide(snapshotOf({ checks }), history, policy, now + 300_000)), 'fix_checks needs_work checks_failed')
})

test('change: repeats a step whose process was killed', () => {
  const planned = { outcome: 'planned' } as const
  const later = now + stepTimeout
  const checks = [checkOf('test', 'failed', true)]
  const rerun = [stepOf('rerun_checks', 'head1', planned)]
  const aheadOfUs = [{ ...checkOf('test', 'failed', true), updated_at: now + 60_000 }]
  assert.equal(brief(decide(snapshotOf({ checks: aheadOfUs }), rerun)), 'nothing watched rerun_awaited')
  const conflicting = snapshotOf({ mergeable: 'no' })
  const git = [stepOf('resolve_by_git', JSON.stringify(['head1', 'base1']), planned)]
  assert.equal(decide(conflicting, git).do, 'nothing')
  const rounds = ['a', 'b', 'c'].map((signature) => stepOf('fix_checks', signature, { head: signature }))
  const calls = [...rounds, stepOf('escalate', 'checks', planned)]
  assert.equal(decide(snapshotOf({ checks: red }), calls).do, 'nothing')
  const repeated = [
    decide(snapshotOf({ checks }), rerun, policy, later),
    decide(conflicting, git, policy, later),
    decide(snapshotOf({ checks: red }), calls, policy, later),
  ]
  assert.deepEqual(
    repeated.map((each) => (each.do === 'nothing' ? null : [each.do, each.attempt])),
    [
      ['rerun_checks', 1],
      ['resolve_by_git', 1],
      ['escalate', 1],
    ],
  )
})

test('change: repeats a text that no agent got', () => {
  const seen = snapshotOf({ checks: red })
  const signature = JSON.stringify(['head1', 'test'])
  const refused = (attempt: number) => stepOf('fix_checks', signature, { attempt, delivered: 'refused' })
  const second = decide(seen, [refused(1)])
  assert.ok(second.do === 'fix_checks' && second.attempt === 2)
  assert.equal(brief(decide(seen, [stepOf('fix_checks', signature, { delivered: 'planned' })])), 'nothing needs_work follow_up_waits')
  const third = [refused(1), refused(2), refused(3)]
  assert.equal(brief(decide(seen, third)), 'escalate escalated follow_up_failed')
  assert.equal(brief(decide(seen, [...third, stepOf('escalate', 'checks')])), 'nothing escalated follow_up_failed')
})

test('change: calls a person soon about a text without proof', () => {
  const told = [stepOf('fix_checks', JSON.stringify(['head1', 'test']), { delivered: 'unknown' })]
  assert.equal(brief(decide(snapshotOf({ checks: red }, { at_work: true }), told)), 'nothing at_work no_checks')
  assert.equal(brief(decide(snapshotOf({ checks: red }), told)), 'escalate escalated follow_up_unproven')
  assert.equal(brief(decide(snapshotOf({ checks: red }), [...told, stepOf('escalate', 'checks')])), 'nothing escalated follow_up_unproven')
  assert.equal(brief(decide(snapshotOf({ checks: red, sha: 'head2' }), told)), 'fix_checks needs_work checks_failed')
})

test('change: calls a person once after the last round', () => {
  const rounds = ['a', 'b', 'c'].map((signature) => stepOf('fix_checks', signature, { head: signature }))
  const last = decide(snapshotOf({ checks: red }), rounds)
  assert.equal(brief(last), 'escalate escalated rounds_used')
  assert.equal(brief(decide(snapshotOf({ checks: red }), [...rounds, stepOf('escalate', 'checks')])), 'nothing escalated rounds_used')
  const told = [stepOf('fix_checks', JSON.stringify(['head1', 'test']))]
  assert.equal(brief(decide(snapshotOf({ checks: red }), told, policy, now + policy.push_timeout)), 'escalate escalated no_push_followed')
})

test('change: tells requests of writers and named bots once', () => {
  const reviews = [reviewOf({ id: '1', state: 'changes_requested' }), reviewOf({ id: '2', state: 'changes_requested', author: 'eve' })]
  const threads = [
    threadOf({ id: '7' }),
    threadOf({ id: '8' }, 'eve'),
    threadOf({ id: '9', resolved: true }),
    threadOf({ id: '10' }, 'bot'),
  ]
  const first = decide(snapshotOf({ reviews, threads }))
  assert.ok(first.do === 'address_review')
  assert.deepEqual([first.reviews.map(({ id }) => id), first.threads.map(({ id }) => id)], [['1'], ['7', '10']])
  const told = [stepOf('address_review', first.signature)]
  assert.equal(brief(decide(snapshotOf({ reviews, threads, sha: 'head2' }), told)), 'nothing watched review_awaited')
  const reply = { id: '70', author: 'ann', body: 'not yet', created_at: now }
  const answered = [{ ...threadOf({ id: '7' }), comments: [...threadOf({ id: '7' }).comments, reply] }]
  const next = decide(snapshotOf({ reviews, threads: answered, sha: 'head2' }), told)
  assert.ok(next.do === 'address_review')
  assert.deepEqual([next.reviews.length, next.threads.map(({ id }) => id)], [0, ['7']])
})

test('change: a dismissed review, and a later approval, ask for nothing', () => {
  const asks = reviewOf({ id: '1', state: 'changes_requested' })
  assert.equal(decide(snapshotOf({ reviews: [{ ...asks, dismissed: true }] })).do, 'nothing')
  assert.equal(decide(snapshotOf({ reviews: [asks, reviewOf({ id: '2', state: 'approved' })] })).do, 'nothing')
  const disagree = [asks, reviewOf({ id: '2', state: 'approved', author: 'bob' })]
  assert.equal(decide(snapshotOf({ reviews: disagree }), [], { ...policy, merge: 'approved' }).do, 'address_review')
})

test('change: an approval settles earlier threads of its author', () => {
  const reviews = [reviewOf({ id: '1', state: 'changes_requested', dismissed: true }), reviewOf({ id: '2', state: 'approved' })]
  const asked = (...threads: readonly ReviewThread[]) => decide(snapshotOf({ reviews, threads })).do === 'address_review'
  const earlier = threadOf({ id: '7', review: '1' })
  const later = { id: '70', author: 'ann', body: 'not yet', created_at: now + 1 }
  const ofOther = threadOf({ id: '9', review: '1' }, 'bot')
  assert.equal(asked(earlier), false)
  assert.deepEqual(
    [{ ...earlier, review: '2' }, { ...earlier, comments: [...earlier.comments, later] }, ofOther].map((each) => asked(each)),
    [true, true, true],
  )
})

test('change: git resolves a conflict first, then the agent', () => {
  const seen = snapshotOf({ mergeable: 'no' })
  const first = decide(seen)
  assert.equal(brief(first), 'resolve_by_git needs_work change_conflict')
  assert.ok(first.do === 'resolve_by_git')
  const failed = [stepOf('resolve_by_git', first.signature, { outcome: 'failed' })]
  assert.equal(brief(decide(seen, failed)), 'resolve_conflict needs_work change_conflict')
  const gone = snapshotOf({ base_sha: null, mergeable: 'unknown' })
  const call = decide(gone)
  assert.equal(brief(call), 'escalate escalated base_gone')
  assert.ok(call.do === 'escalate')
  const closed = snapshotOf({ change: { ...gone.change.change, state: 'closed' } }, { protection: null })
  assert.equal(brief(decide(closed)), 'escalate escalated base_gone', 'Forgejo closes it with its base')
  // The base exists again, but conflicts with the change.
  const rounds = ['a', 'b'].map((head) => stepOf('resolve_conflict', head, { head }))
  const called = [...failed, ...rounds, stepOf('escalate', call.signature)]
  assert.equal(brief(decide(gone, called)), 'nothing escalated base_gone')
  assert.equal(brief(decide(seen, called)), 'escalate escalated rounds_used')
})

test('change: stops after a push by anybody but the agent', () => {
  const seen = snapshotOf({ checks: red, pushed: { login: 'eve', at: now } })
  assert.equal(brief(decide(seen)), 'nothing foreign pushed_by_other')
  assert.equal(decide({ ...seen, first_pusher: 'eve' }).do, 'fix_checks', 'the account pushed before burn looked')
  assert.equal(decide(snapshotOf({ checks: red, pushed: { unknown: 'no events' } })).do, 'fix_checks')
})

test('change: waits during a forced push', () => {
  const rules = { ...policy, merge: 'green' } as const
  assert.equal(brief(decide(snapshotOf({ sha: '', mergeable: 'unknown' }), [], rules)), 'nothing watched forge_thinks')
  assert.equal(brief(decide(snapshotOf({ checks: green, mergeable: 'unknown' }), [], rules)), 'nothing watched forge_thinks')
  const escalated = [stepOf('escalate', 'conflict', { reason: { code: 'base_gone', base: 'main' } })]
  assert.equal(brief(decide(snapshotOf({ checks: green }), escalated, rules)), 'merge merging merge_policy', 'the base is back')
})

test('follow-up: names threads on lines that no longer exist', () => {
  const { parts } = reviewProblem([], [threadOf({ id: '1', line: null }), threadOf({ id: '2', side: 'old' })])
  assert.deepEqual(
    parts.map((part) => part.split('\n')[0]),
    ['file: a.ts, the line no longer exists', 'file: a.ts, line 3 of the base'],
  )
})

test('change: ignores ended changes and conditions without rounds', () => {
  const merged = snapshotOf({ checks: red, change: { ...snapshotOf().change.change, state: 'merged' } })
  assert.equal(brief(decide(merged)), 'nothing ended change_merged')
  const off = { ...policy, rounds: { checks: 0, reviews: 0, conflict: 0 } }
  assert.equal(brief(decide(snapshotOf({ checks: red }), [], off)), 'nothing watched checks_failed')
})

test('change: merges only the head that is green and approved', () => {
  const rules = { ...policy, merge: 'approved' } as const
  const approved = [reviewOf({ id: '1', state: 'approved' })]
  assert.equal(brief(decide(snapshotOf({ checks: green, reviews: approved }))), 'nothing watched merge_by_person')
  assert.equal(brief(decide(snapshotOf({ checks: green }), [], rules)), 'nothing watched approvals_missing')
  assert.equal(brief(decide(snapshotOf({ checks: green, reviews: approved }), [], rules)), 'merge merging merge_policy')
  assert.equal(
    brief(decide(snapshotOf({ checks: green, reviews: approved, sha: 'head2' }), [], rules)),
    'nothing watched approvals_missing',
  )
  const stranger = [reviewOf({ id: '1', state: 'approved', author: 'eve' })]
  assert.equal(brief(decide(snapshotOf({ checks: green, reviews: stranger }), [], rules)), 'nothing watched approvals_missing')
  assert.equal(brief(decide(snapshotOf({}), [], { ...policy, merge: 'green' })), 'nothing watched no_checks')
  const strict = { ...protection, required_checks: ['build*'] }
  assert.equal(
    brief(decide(snapshotOf({ checks: green }, { protection: strict }), [], { ...policy, merge: 'green' })),
    'nothing watched checks_not_green',
  )
})

test('change: deletes only branches of dispatches, by spec or forge', () => {
  const { change } = snapshotOf({}).change
  const deletes = (more: Partial<typeof change>, forge: boolean | null, spec: boolean | null) =>
    deletesBranch({ change: { ...change, ...more } }, { delete_branch: forge }, { delete_branch: spec })
  assert.deepEqual([deletes({}, null, null), deletes({}, true, null), deletes({}, false, null)], [false, true, false])
  assert.deepEqual([deletes({}, true, false), deletes({}, false, true)], [false, true], 'the spec counts more')
  assert.deepEqual([deletes({ fork: true }, true, true), deletes({ dispatch_id: null }, true, true)], [false, false])
})

test('change: never merges protected paths, drafts, or without the right', () => {
  const rules = { ...policy, merge: 'green' } as const
  const at = (more: Partial<ChangeSnapshot>) => brief(decide(snapshotOf({ checks: green }, more), [], rules))
  assert.equal(at({ protected_paths: ['.gitea/workflows/ci.yml'] }), 'nothing watched merge_protected')
  assert.equal(at({ protected_paths: null }), 'nothing watched paths_unknown')
  assert.equal(at({ protection: { ...protection, may_merge: false } }), 'nothing ready merge_not_allowed')
  assert.equal(at({ protection: { ...protection, methods: [] } }), 'nothing ready merge_not_allowed')
  assert.equal(at({ base_taken_by: 'o/r!9' }), 'nothing ready base_taken')
  assert.equal(brief(decide(snapshotOf({ checks: green, draft: true }), [], rules)), 'nothing watched change_draft')
})

test('change: updates a branch, then waits for its checks', () => {
  const rules = { ...policy, merge: 'green' } as const
  const update = decide(snapshotOf({ checks: green, behind: true }), [], rules)
  assert.equal(brief(update), 'update_branch merging base_moved')
  const updated = [stepOf('update_branch', 'x')]
  assert.equal(
    brief(decide(snapshotOf({ checks: [checkOf('test', 'pending')], sha: 'head2' }), updated, rules)),
    'nothing merging checks_not_green',
  )
  const endless = decide(snapshotOf({ checks: [checkOf('test', 'pending')], sha: 'head2' }), updated, rules, now + 3_600_000)
  assert.equal(brief(endless), 'nothing watched checks_not_green', 'checks that never end free the base')
  const refused = [stepOf('merge', 'head1', { outcome: 'failed', reason: { code: 'merge_refused', result: 'try_again', why: 'later' } })]
  assert.equal(brief(decide(snapshotOf({ checks: green }), refused, rules)), 'nothing ready merge_refused')
  assert.equal(decide(snapshotOf({ checks: green }), refused, rules, now + 60_000).do, 'merge')
})

const states = fc.constantFrom<Check['state']>('passed', 'failed', 'pending', 'cancelled', 'skipped')
const world = fc.record({
  checks: fc.array(
    fc.tuple(fc.constantFrom('a', 'b'), states, fc.boolean()).map(([name, state, rerun]) => checkOf(name, state, rerun)),
    { maxLength: 2 },
  ),
  mergeable: fc.constantFrom('yes', 'no', 'unknown' as const),
  reviews: fc.array(
    fc
      .record({
        id: fc.constantFrom('1', '2'),
        author: fc.constantFrom('ann', 'bob', 'eve'),
        state: fc.constantFrom('approved', 'changes_requested', 'commented' as const),
      })
      .map(reviewOf),
    { maxLength: 2 },
  ),
  pushes: fc.boolean(),
  delivered: fc.constantFrom('seen', 'refused', 'unknown' as const),
})

test('change: tells no condition twice, in any history', () => {
  fc.assert(
    fc.property(fc.array(world, { maxLength: 12 }), fc.constantFrom('never', 'approved', 'green' as const), (turns, merge) => {
      const history: ChangeStep[] = []
      let stage: ChangeDecision['stage'] = 'watched'
      turns.forEach(({ pushes: _pushes, delivered, ...facts }, turn) => {
        const sha = `head${turns.slice(0, turn + 1).filter(({ pushes }) => pushes).length}`
        const decision = decide(snapshotOf({ ...facts, sha }), history, { ...policy, merge }, now + turn * 600_000)
        assert.ok(decision.stage === stage || changeTransitions[stage].includes(decision.stage), `${stage} → ${decision.stage}`)
        stage = decision.stage
        if (decision.do === 'nothing') return
        const isTold = conditionOf[decision.do] !== undefined
        const same = history.filter(({ action, signature }) => action === decision.do && signature === decision.signature)
        if (isTold)
          assert.ok(
            same.every((step) => step.delivered === 'refused'),
            `told twice: ${decision.signature}`,
          )
        if (decision.do === 'merge') assert.ok(facts.checks.every(({ state }) => state === 'passed' || state === 'skipped'))
        history.push(
          stepOf(decision.do, decision.signature, {
            attempt: decision.attempt,
            head: sha,
            at: now + turn * 600_000,
            ...(isTold ? { delivered } : {}),
          }),
        )
        assert.ok(history.filter((step) => step.action === 'fix_checks' && step.delivered !== 'refused').length <= policy.rounds.checks)
      })
    }),
  )
})
