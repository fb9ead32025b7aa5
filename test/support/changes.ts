/** Changes in review for tests of deciders: open, green and without reviews, except for what a test changes. */
import type { ChangeSnapshot, ChangeStep } from '../../src/core/change-loop.ts'
import type { ChangePolicy, StepAction } from '../../src/core/change-stages.ts'
import type { ChangeState, Check, Protection, Review, ReviewThread } from '../../src/core/change-state.ts'
import { id, now } from './state.ts'

export const policy: ChangePolicy = {
  merge: 'never',
  method: null,
  delete_branch: null,
  rounds: { checks: 3, reviews: 3, conflict: 2 },
  bots: ['bot'],
  push_timeout: 3_600_000,
}

export const protection: Protection = {
  base: 'main',
  base_sha: 'base1',
  required_checks: [],
  required_approvals: 0,
  methods: ['merge'],
  may_merge: true,
  may_rebase: false,
  delete_branch: null,
}

export function checkOf(name: string, state: Check['state'], rerunnable = false): Check {
  return { name, state, summary: '', url: null, job: rerunnable ? { run: '1', id: name, rerunnable } : null, updated_at: now }
}

export function reviewOf(review: Partial<Review> & Pick<Review, 'id' | 'state'>): Review {
  const rest = {
    author: 'ann',
    body: 'please',
    commit: 'head1',
    stale: false,
    dismissed: false,
    official: true,
    submitted_at: now,
    url: '',
  }
  return { ...rest, ...review }
}

export function threadOf(thread: Partial<ReviewThread> & Pick<ReviewThread, 'id'>, author = 'ann'): ReviewThread {
  const comments = [{ id: thread.id, author, body: 'rename it', created_at: now }]
  const place = { review: null, path: 'a.ts', line: 3, side: 'new', hunk: '+a', commit: 'head1' } as const
  return { ...place, resolved: false, url: '', comments, ...thread }
}

/** Returns the facts of a change that is open, with the head `head1`. */
export function changeOf(facts: Partial<ChangeState> = {}): ChangeState {
  return {
    ref: 'o/r!1',
    change: {
      dispatch_id: id,
      name: '#1',
      url: 'http://f/1',
      state: 'open',
      author: 'fleet',
      fork: false,
      closes: ['o/r#1'],
      created_at: now,
    },
    branch: `burn/${id}`,
    sha: 'head1',
    base: 'main',
    base_sha: 'base1',
    base_set_at: null,
    behind: false,
    draft: false,
    mergeable: 'yes',
    pushed: { login: 'fleet', at: now },
    checks: [],
    reviews: [],
    threads: [],
    skipped: [],
    updated_at: now,
    ...facts,
  }
}

/** Returns a snapshot of a change in review, whose agent is not at work. */
export function snapshotOf(facts: Partial<ChangeState> = {}, more: Partial<ChangeSnapshot> = {}): ChangeSnapshot {
  return {
    dispatch: id,
    issue: 'o/r#1',
    repo: 'o/r',
    ref: 'o/r!1',
    change: changeOf(facts),
    protection,
    repo_base: 'main',
    at_work: false,
    idle_since: now,
    writers: new Set(['ann', 'bob']),
    login: 'fleet',
    first_pusher: 'fleet',
    protected_paths: [],
    base_taken_by: null,
    ...more,
  }
}

/** Returns a step that burn took. A follow-up was seen by its agent. */
export function stepOf(action: StepAction, signature: string, more: Partial<ChangeStep> = {}): ChangeStep {
  const isTold = action === 'fix_checks' || action === 'address_review' || action === 'resolve_conflict'
  const text = isTold
    ? ({ delivery: 'd', delivered: 'seen', outcome: 'planned' } as const)
    : ({ delivery: null, delivered: null, outcome: 'done' } as const)
  return {
    dispatch: id,
    action,
    signature,
    attempt: 1,
    head: 'head1',
    worker: isTold ? 'm/W/A' : null,
    ...text,
    reason: { code: 'no_checks' },
    at: now,
    ...more,
  }
}
