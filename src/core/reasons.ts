/**
 * The reasons for decisions, refusals and transitions. A reason is a code with data. Functions compare the codes, and `decide/wording`
 * makes sentences from reasons.
 */
import type { ChangeCondition, StepAction } from './change-stages.ts'
import type { Match, TrackRecord } from './delegation-settings.ts'
import type { FailureClass } from './sprint.ts'
import type { HoldScope, ReadingState, RepoRef, Role, Time, WorkerId } from './nouns.ts'

type None = Readonly<Record<never, never>>

/** The data of a reason, by its code. */
export interface ReasonData {
  /** A reason that an older version of burn stored as a sentence. */
  prose: { readonly text: string }

  // Reasons that a verdict about an issue can give
  taken: None
  skip_label: { readonly label: string }
  skip_title: { readonly pattern: string }
  approval_unseen: { readonly label: string }
  approval_edited: { readonly label: string }
  stopped: { readonly login: string }
  label_set: { readonly label: string }
  label_gone: None
  approved_text_edited: { readonly login: string }
  author_not_listed: { readonly author: string }
  author_not_writer: { readonly author: string; readonly repo: RepoRef }
  writers_unknown: { readonly repo: RepoRef }
  assigned: { readonly assignees: readonly string[] }
  change_open: { readonly change: string }
  claimed_elsewhere: { readonly fleet: string; readonly dispatch: string; readonly seen_at: Time }
  claimed_by_other_ledger: { readonly dispatch: string; readonly seen_at: Time }
  claim_unreadable: None
  blocked: { readonly by: readonly string[] }
  other_claim_released: None
  done_before: None
  attempts_used: { readonly attempts: number }
  rests: { readonly until: Time; readonly why: Reason }
  retry_wait: { readonly until: Time; readonly attempts: number }
  not_served: { readonly repo: RepoRef }
  queued: None
  routed: { readonly worker: WorkerId; readonly why: Reason }
  council_rests: { readonly why: Reason }
  council_asked: { readonly asked: number; readonly of: number }
  repo_resting: { readonly until: Time; readonly why: Reason }
  workers_full: { readonly workers: number; readonly repo: RepoRef }
  workers_closed: { readonly workers: number; readonly repo: RepoRef; readonly first: Reason | null }

  // Reasons why a sprint may or may not pick an issue
  to_council: None
  taken_because: { readonly why: Reason }
  repo_rests: { readonly why: Reason }
  repo_fault: { readonly what: string }
  repo_unread: { readonly why: string | null }
  sprint_label: { readonly label: string }
  sprint_title: { readonly pattern: string }
  left_alone: { readonly why: string }
  writers_unasked: None
  not_in_ledger: None
  issue_unread: { readonly why: string }
  closed_meanwhile: None
  text_edited: None

  // Reasons for delegations
  /** `tie`: the criterion that decided between agents with equal scores. `full`: better agents that have reached their capacity. */
  delegated: {
    readonly points: number
    readonly threshold: number
    readonly matches: readonly Match[]
    readonly record: TrackRecord
    readonly runner_up: { readonly agent: string; readonly points: number } | null
    readonly tie: 'record' | 'load' | 'order' | null
    readonly full: readonly string[]
  }
  no_suitable_agent: { readonly threshold: number; readonly best: { readonly agent: string; readonly points: number } | null }
  started_by: { readonly what: 'dispatch' | 'change' | 'comment' }
  not_started: { readonly deadline: Time }
  assignees_changed: { readonly assignees: readonly string[] }
  not_assignable: { readonly login: string; readonly repo: RepoRef }
  queued_lane: { readonly lane: string }

  // Reasons why a worker or a sprint gets an issue
  served: {
    readonly repo: RepoRef
    readonly home: boolean
    readonly sublane: string | null
    readonly held: number
    readonly depth: number
  }
  council_label: None
  named_by_person: None
  oldest: { readonly repo: RepoRef }
  priority_label: { readonly label: string }
  priority_set: { readonly priority: number }
  due: { readonly at: Time }

  // Reasons why a worker gets no work
  role: { readonly role: Role }
  held: { readonly scope: HoldScope; readonly name: string; readonly until: Time | null; readonly why: Reason }
  /** `pause`: the length of the hold (ms); null if the agent told the reset time. */
  limit_reached: { readonly worker: WorkerId; readonly evidence: string; readonly pause: number | null }
  /** `issue`: null for the budget of a day. */
  budget_spent: {
    readonly scope: HoldScope
    readonly name: string
    readonly issue: string | null
    readonly unit: 'usd' | 'tokens'
    readonly spent: number
    readonly allowed: number
  }
  /** A person retires the worker. */
  retiring: { readonly why: string }
  /** burn ended the pane of the worker. */
  retired: { readonly why: string }
  sent_nothing: { readonly why: Reason }
  worker_state: { readonly state: ReadingState }
  looping: None
  starting: None
  follow_up_first: None
  composer_strange: { readonly kind: string; readonly strange: number; readonly of: number; readonly evidence: string }
  texts_unproven: { readonly kind: string; readonly unproven: number; readonly of: number; readonly last: Reason }
  trouble: { readonly kind: string; readonly evidence: string; readonly again: Time }

  // Reasons for transitions of dispatches
  issue_closed: None
  sprint_gone: { readonly begun: boolean }
  holder_gone: None
  change_unlinked: { readonly change: string }
  change_merged: None
  change_for_review: None
  change_rejected: None
  change_published: { readonly url: string }
  trouble_lasts: { readonly kind: string; readonly evidence: string }
  turn_quiet: { readonly minutes: number }
  turn_failed: { readonly kind: string | null; readonly evidence: string | null; readonly minutes: number }
  told_to_disregard: None
  claimed_first: { readonly fleet: string; readonly dispatch: string }
  comment_refused: { readonly why: string }
  comments_unread: { readonly why: string }
  released_by_person: { readonly forced: boolean }
  sprint_began: None
  change_needs_work: { readonly text: string }
  disregard: { readonly worker: WorkerId }
  worker_recovered: { readonly kind: string | null }
  agent_restarted: None
  sprint_failed: { readonly class: FailureClass; readonly why: string; readonly hint: string }
  protected_paths: { readonly paths: string; readonly sprint: string }

  // Reasons for the stage of a change in review, and for its steps
  pushed_by_other: { readonly login: string }
  follow_up_waits: { readonly action: StepAction }
  change_conflict: { readonly base: string }
  base_gone: { readonly base: string }
  rerun_awaited: None
  checks_failed: { readonly checks: readonly string[] }
  review_asks: { readonly by: readonly string[]; readonly threads: number }
  rounds_used: { readonly condition: ChangeCondition; readonly rounds: number; readonly why: Reason }
  no_push_followed: { readonly action: StepAction }
  follow_up_unproven: { readonly action: StepAction }
  follow_up_failed: { readonly attempts: number; readonly why: Reason }
  change_draft: None
  checks_not_green: { readonly is: 'failed' | 'pending' | 'missing' | 'unclear'; readonly checks: readonly string[] }
  no_checks: None
  review_awaited: None
  approvals_missing: { readonly approvals: number; readonly required: number }
  forge_thinks: None
  merge_by_person: None
  paths_unknown: None
  merge_protected: { readonly paths: readonly string[] }
  other_base: { readonly base: string; readonly expected: string }
  merge_not_allowed: { readonly why: string }
  merge_refused: { readonly result: string; readonly why: string }
  merge_policy: { readonly policy: 'approved' | 'green' | 'person' }
  base_moved: { readonly base: string }
  branch_updated: { readonly base: string; readonly sha: string }
  base_taken: { readonly change: string }
  step_interrupted: None
  git_resolves: { readonly why: string | null }
  no_agent_for_change: { readonly worker: WorkerId; readonly why: Reason | null }
  // Reasons why an agent begins a new conversation
  fresh_asked: None
  no_conversation: None
  kind_changed: { readonly kind: string }
  not_provable: { readonly why: string | null }
  agent_may_run: None
  work_taken: None
  conversation_missing: { readonly conversation: string }

  // Reasons why burn refuses a command of a comment
  steering_unclear: { readonly text: string }
  steering_text_new: None
  steering_homeless: None
  steering_on_change: None

  // Reasons for back-offs
  forge_refuses: { readonly why: string }

  // Reasons why a delivery waits, changes its state or is refused
  planned: None
  /** `after`: the last text of the pane before this one; absent if an older version of burn typed the line. */
  line_placing: { readonly after?: string }
  enter_pressing: None
  id_there: None
  hook_text: None
  hook_other: None
  hook_id: None
  screen_text: None
  command_done: None
  screen_id: None
  agent_gone: None
  settled_later: None
  has_ended: None
  pane_unreachable: None
  no_agent: None
  agent_ended: { readonly how: string | null }
  screen_unseen: None
  worker_busy: None
  agent_state: { readonly state: ReadingState; readonly detail: string | null }
  no_composer: None
  draft: None
  unwritten: { readonly why: string }
  not_placed: { readonly seconds: number; readonly why: Reason | null }
  ended_before_enter: None
  line_in_composer: None
  composer_unseen: None
  enter_too_soon: None
  enter_pressed: None
  state_unread: { readonly seconds: number }
  enter_ignored: { readonly presses: number }
  enter_interrupts: None
  left_composer: None
  agent_busy: None
  id_unseen: None
  line_unseen: None
  not_alone: None
  disturbed: { readonly seconds: number }
  submitted_unseen: { readonly seconds: number }
  placing_unseen: { readonly seconds: number }
  unseen_since_enter: None
  left_without_enter: None
  nothing_typed: { readonly why: string }
  person_typing: None
  pane_scrolled: None
  input_synchronized: None
  input_disabled: None
  dispatch_ended: None
  sender_stopped: { readonly why: Reason | null }
}

export type ReasonCode = keyof ReasonData
/** A reason: its code and the data of that code. */
export type Reason = { readonly [C in ReasonCode]: { readonly code: C } & ReasonData[C] }[ReasonCode]

/** Returns a reason as the ledger stores it: JSON that starts with the code, so that a query can search for the code. */
export function encodeReason(reason: Reason): string {
  return reason.code === 'prose' ? reason.text : JSON.stringify(Object.assign({ code: '' }, reason))
}

/** Returns the string with which every stored reason with this code starts. */
export function encodedPrefix(code: ReasonCode): string {
  return `{"code":${JSON.stringify(code)}`
}

/** Parses a stored reason. Returns code `prose` for a sentence that an older version of burn stored. */
export function decodeReason(kept: string): Reason {
  if (!kept.startsWith('{"code":')) return { code: 'prose', text: kept }
  // The cast is safe: only `encodeReason` writes such JSON.
  return JSON.parse(kept) as Reason
}
