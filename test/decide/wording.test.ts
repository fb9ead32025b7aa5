import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Reason, ReasonCode, ReasonData } from '../../src/core/reasons.ts'
import { decodeReason, encodedPrefix, encodeReason } from '../../src/core/reasons.ts'
import { sentence, worded } from '../../src/decide/wording.ts'

const why: Reason = { code: 'draft' }
const none = {}

/** An example for each code. The compiler refuses a code without one. */
const examples: { readonly [C in ReasonCode]: ReasonData[C] } = {
  prose: { text: 'an old sentence' },
  taken: none,
  skip_label: { label: 'epic' },
  skip_title: { pattern: '^epic' },
  approval_unseen: { label: 'ok' },
  approval_edited: { label: 'ok' },
  label_set: { label: 'ok' },
  label_gone: {},
  author_not_listed: { author: 'eve' },
  author_not_writer: { author: 'eve', repo: 'o/r' },
  writers_unknown: { repo: 'o/r' },
  assigned: { assignees: ['bob', 'eve'] },
  change_open: { change: '#12' },
  claimed_elsewhere: { fleet: 'other', dispatch: 'd', seen_at: 0 },
  claimed_by_other_ledger: { dispatch: 'd', seen_at: 0 },
  claim_unreadable: none,
  other_claim_released: none,
  done_before: none,
  attempts_used: { attempts: 3 },
  rests: { until: 0, why },
  retry_wait: { until: 0, attempts: 1 },
  not_served: { repo: 'o/r' },
  queued: none,
  routed: { worker: 'm/W/A', why },
  council_rests: { why },
  council_asked: { asked: 1, of: 2 },
  repo_resting: { until: 0, why },
  workers_full: { workers: 2, repo: 'o/r' },
  workers_closed: { workers: 2, repo: 'o/r', first: null },
  to_council: none,
  taken_because: { why },
  repo_rests: { why },
  repo_unread: { why: null },
  sprint_label: { label: 'design' },
  sprint_title: { pattern: '^epic' },
  left_alone: { why: 'no_change' },
  writers_unasked: none,
  not_in_ledger: none,
  issue_unread: { why: 'no route' },
  closed_meanwhile: none,
  text_edited: none,
  served: { repo: 'o/r', home: true, sublane: null, held: 0, depth: 2 },
  council_label: none,
  named_by_person: none,
  oldest: { repo: 'o/r' },
  priority_label: { label: 'bug' },
  role: { role: 'council' },
  held: { scope: 'lane', name: 'mac/CRUCIBLE', until: 0, why },
  retiring: { why: 'by ann' },
  retired: { why: 'by ann' },
  sent_nothing: { why },
  worker_state: { state: 'dead' },
  looping: none,
  follow_up_first: none,
  composer_strange: { kind: 'hermes', strange: 3, of: 4, evidence: 'a new screen' },
  texts_unproven: { kind: 'hermes', unproven: 3, of: 4, last: why },
  budget_spent: { scope: 'fleet', name: 'all', issue: null, unit: 'usd', spent: 41.2, allowed: 50 },
  limit_reached: { worker: 'm/W/A', evidence: 'limit reached', pause: 300_000 },
  trouble: { kind: 'auth', evidence: 'HTTP 401', again: 0 },
  issue_closed: none,
  sprint_gone: { begun: false },
  holder_gone: none,
  change_needs_work: { text: 'd2' },
  change_unlinked: { change: '#12' },
  change_merged: none,
  change_for_review: none,
  change_rejected: none,
  change_published: { url: 'http://f/1' },
  trouble_lasts: { kind: 'auth', evidence: 'HTTP 401' },
  turn_quiet: { minutes: 40 },
  turn_failed: { kind: null, evidence: null, minutes: 40 },
  told_to_disregard: none,
  claimed_first: { fleet: 'other', dispatch: 'd' },
  comment_refused: { why: 'archived' },
  repo_fault: { what: 'pull requests are disabled in o/r' },
  comments_unread: { why: 'no route' },
  released_by_person: { forced: true },
  sprint_began: none,
  disregard: { worker: 'm/W/A' },
  worker_recovered: { kind: null },
  pushed_by_other: { login: 'eve' },
  follow_up_waits: { action: 'fix_checks' },
  change_conflict: { base: 'main' },
  base_gone: { base: 'main' },
  checks_failed: { checks: ['test'] },
  review_asks: { by: ['bob'], threads: 2 },
  rounds_used: { condition: 'checks', rounds: 3, why },
  no_push_followed: { action: 'fix_checks' },
  change_draft: none,
  checks_not_green: { is: 'pending', checks: ['test'] },
  no_checks: none,
  review_awaited: none,
  approvals_missing: { approvals: 0, required: 1 },
  forge_thinks: none,
  merge_by_person: none,
  paths_unknown: none,
  merge_protected: { paths: ['.github/x.yml'] },
  merge_not_allowed: { why: 'no right' },
  merge_refused: { result: 'head_moved', why: 'moved' },
  merge_policy: { policy: 'green' },
  base_moved: { base: 'main' },
  base_taken: { change: 'o/r!2' },
  git_resolves: { why: null },
  no_agent_for_change: { worker: 'm/W/A', why: null },
  sprint_failed: { class: 'budget', why: 'used up', hint: '' },
  protected_paths: { paths: '.drone.yml', sprint: 'd' },
  forge_refuses: { why: 'archived' },
  planned: none,
  line_placing: none,
  enter_pressing: none,
  id_there: none,
  hook_text: none,
  hook_other: none,
  hook_id: none,
  screen_text: none,
  screen_id: none,
  agent_gone: none,
  settled_later: none,
  has_ended: none,
  pane_unreachable: none,
  no_agent: none,
  agent_ended: { how: null },
  screen_unseen: none,
  worker_busy: none,
  agent_state: { state: 'waiting', detail: null },
  no_composer: none,
  draft: none,
  unwritten: { why: 'disk full' },
  not_placed: { seconds: 900, why: null },
  ended_before_enter: none,
  line_in_composer: none,
  composer_unseen: none,
  enter_too_soon: none,
  enter_pressed: none,
  state_unread: { seconds: 20 },
  enter_ignored: { presses: 3 },
  enter_interrupts: none,
  left_composer: none,
  agent_busy: none,
  id_unseen: none,
  line_unseen: none,
  not_alone: none,
  disturbed: { seconds: 20 },
  submitted_unseen: { seconds: 20 },
  placing_unseen: { seconds: 20 },
  unseen_since_enter: none,
  left_without_enter: none,
  nothing_typed: { why: 'dead' },
  person_typing: none,
  pane_scrolled: none,
  input_synchronized: none,
  input_disabled: none,
  dispatch_ended: none,
  sender_stopped: { why: null },
}

const reasons = Object.entries(examples).map(([code, data]) => ({ code, ...data }) as Reason)

test('reasons: each code has its own sentence with its data', () => {
  const sentences = reasons.map((reason) => [reason.code, sentence(reason)] as const)
  for (const [code, text] of sentences) assert.doesNotMatch(text, /undefined|\[object|NaN|^$/, code)
  assert.equal(new Set(sentences.map(([, text]) => text)).size, sentences.length)
})

test('reasons: the ledger stores each one whole, its code first', () => {
  for (const reason of reasons) {
    const kept = encodeReason(reason)
    assert.deepEqual(decodeReason(kept), reason)
    if (reason.code !== 'prose') assert.ok(kept.startsWith(encodedPrefix(reason.code)), kept)
  }
  const late = { at: 1, code: 'claimed_by_other_ledger', dispatch: 'd', seen_at: 5 } as unknown as Reason
  assert.ok(encodeReason(late).startsWith(encodedPrefix('claimed_by_other_ledger')), 'in any order of its keys')
})

test('reasons: older sentences and newer codes stay readable', () => {
  assert.deepEqual(decodeReason('the issue is closed'), { code: 'prose', text: 'the issue is closed' })
  assert.equal(sentence(decodeReason('{"code":"of_tomorrow","x":1}')), '{"code":"of_tomorrow","x":1}')
})

test('reasons: JSON shows the sentence and its code at any depth', () => {
  assert.deepEqual(worded({ all: [{ reason: why, n: 1 }], verdict: { reason: null } }), {
    all: [{ reason: 'a draft is in the composer', reason_code: 'draft', n: 1 }],
    verdict: { reason: null },
  })
})
