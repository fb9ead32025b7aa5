/** The sentence for each reason code. Only this file turns a reason into a sentence. */
import type { StepAction } from '../core/change-stages.ts'
import type { HoldScope } from '../core/nouns.ts'
import type { Reason, ReasonCode, ReasonData } from '../core/reasons.ts'
import { counted } from '../core/text.ts'
import { deliverySentences } from './delivery-wording.ts'

/** Returns a time in ISO 8601, in UTC and to the second. */
export const toSecond = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`
const toMinute = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`

/** Returns the end and the reason of a back-off as a phrase. The caller puts the name of the issue or repo before it. */
export function backoffText({ until, why }: { readonly until: number; readonly why: Reason }): string {
  return `backed off until ${toSecond(until)}: ${sentence(why)}`
}

/** Returns the reason of a hold and its end. For a hold on a lane, machine, account or the fleet, it also names that target. */
export function holdText({ scope, name, until, why }: ReasonData['held']): string {
  const details = [
    ...(scope === 'worker' || scope === 'repo' ? [] : [heldName(scope, name)]),
    ...(until === null ? [] : [`until ${toSecond(until)}`]),
  ]
  return `${sentence(why)}${details.length === 0 ? '' : ` (${details.join(', ')})`}`
}

/** Returns the name of a hold's target, with its scope if the name does not show it. */
export function heldName(scope: HoldScope, name: string): string {
  return scope === 'worker' || scope === 'repo' ? name : scope === 'fleet' ? 'the whole fleet' : `${scope} ${name}`
}

/** Returns the sentence that a machine is unreachable. Some reasons begin with this sentence already. */
export function unreachableText(machine: string, reason: string): string {
  return reason.startsWith(`${machine} `) ? reason : `${machine} is unreachable: ${reason}`
}

/** Returns the name of a step of a change, for people. */
export const stepName = (action: StepAction) => action.replaceAll('_', ' ')

const sentences: { readonly [C in ReasonCode]: (data: ReasonData[C]) => string } = {
  prose: ({ text }) => text,

  taken: () => 'a worker has the issue',
  skip_label: ({ label }) => `label "${label}" is in dispatch.skip_labels`,
  skip_title: ({ pattern }) => `the title matches ${pattern} in dispatch.skip_titles`,
  approval_unseen: ({ label }) => `burn has not read the text of the issue since the label "${label}" was set`,
  approval_edited: ({ label }) =>
    `edited after the label "${label}" approved the text: remove the label, wait for the next cycle, then set the label again; or comment /burn go (dispatch.trust)`,
  stopped: ({ login }) =>
    `${login} stopped the issue with /burn stop (to allow it again: /burn go or /burn retry in a comment, or burn issue requeue)`,
  label_set: ({ label }) => `the label "${label}" approves the text of the issue`,
  label_gone: () => 'the issue no longer has a trusted label',
  approved_text_edited: ({ login }) => `edited after ${login} approved the text with /burn go`,
  author_not_listed: ({ author }) => `opened by ${author}, who is not in dispatch.trust.authors (to approve the text: comment /burn go)`,
  author_not_writer: ({ author, repo }) =>
    `opened by ${author}, who has no write access to ${repo} (to approve the text: comment /burn go)`,
  writers_unknown: ({ repo }) => `the forge did not say who has write access to ${repo}`,
  assigned: ({ assignees }) => `assigned to ${assignees.join(', ')}`,
  change_open: ({ change }) => `change ${change} is open`,
  claimed_elsewhere: ({ fleet, dispatch, seen_at }) =>
    `claimed by fleet ${fleet} (dispatch ${dispatch}); burn saw the claim at ${toMinute(seen_at)}`,
  claimed_by_other_ledger: ({ dispatch, seen_at }) =>
    `claimed by another ledger of this fleet (dispatch ${dispatch}); burn saw the claim at ${toMinute(seen_at)}`,
  blocked: ({ by }) => `blocked by ${by.join(', ')}`,
  claim_unreadable: () => 'another fleet or ledger claimed the issue, or burn could not read the comments',
  other_claim_released: () => 'a person released the claim of another ledger',
  done_before: () => 'already done (to dispatch it again: burn issue requeue)',
  attempts_used: ({ attempts }) => `given up after ${counted(attempts, 'attempt')} (to retry it: burn issue requeue)`,
  rests: (backoff) => `${backoffText(backoff)} (to retry it now: burn issue requeue)`,
  retry_wait: ({ until, attempts }) =>
    `attempt ${attempts} failed; next attempt after ${toSecond(until)} (dispatch.retry_after; to retry it now: burn issue requeue)`,
  not_served: ({ repo }) => `no window serves ${repo}`,
  queued: () => 'waiting for a free slot',
  routed: ({ worker, why }) => `assigned to ${worker}: ${sentence(why)}`,
  council_rests: ({ why }) => `council label: the repo is ${sentence(why)}`,
  council_asked: ({ asked, of }) => `council label: asked ${asked} of ${counted(of, 'council or sentinel worker')}`,
  repo_resting: backoffText,
  workers_full: ({ workers, repo }) =>
    workers === 1
      ? `the only available worker that serves ${repo} has no free slot`
      : `all ${workers} available workers that serve ${repo} have no free slot`,
  workers_closed: ({ workers, repo, first }) =>
    first === null
      ? `no worker serves ${repo}`
      : workers === 1
        ? `the only worker that serves ${repo} cannot get work: ${sentence(first)}`
        : `none of the ${workers} workers that serve ${repo} can get work; the first: ${sentence(first)}`,

  to_council: () => 'the issue is a question for the council',
  taken_because: ({ why }) => `taken: ${sentence(why)}`,
  repo_rests: ({ why }) => `the repo is ${sentence(why)}`,
  repo_fault: ({ what }) => what,
  repo_unread: ({ why }) => why ?? 'burn could not read the repo',
  sprint_label: ({ label }) => `label "${label}" is in sprint.skip_labels`,
  sprint_title: ({ pattern }) => `the title matches ${pattern} in sprint.skip_titles`,
  left_alone: ({ why }) => `this worker skips the issue for now: ${why}`,
  writers_unasked: () => 'the forge did not say who has write access',
  not_in_ledger: () => 'the ledger no longer has the issue',
  issue_unread: ({ why }) => `burn could not read the issue again: ${why}`,
  closed_meanwhile: () => 'the issue was closed',
  text_edited: () => 'the text of the issue was edited after burn picked the issue',

  delegated: delegatedText,
  no_suitable_agent: ({ threshold, best }) =>
    `no agent reaches the threshold ${threshold}${best === null ? '' : `; the best is ${best.agent} with ${rounded(best.points)}`} (delegation.threshold)`,
  started_by: ({ what }) => `work began: burn saw a ${what}`,
  not_started: ({ deadline }) => `nobody started before ${toMinute(deadline)} (delegation.deadline)`,
  assignees_changed: ({ assignees }) =>
    assignees.length === 0 ? 'somebody removed the assignee' : `somebody assigned the issue to ${assignees.join(', ')}`,
  not_assignable: ({ login, repo }) => `the forge does not let ${login} be assigned to issues of ${repo}`,
  queued_lane: ({ lane }) => `waiting for a free slot in the lane ${lane}, which stands behind the assignee`,

  served: ({ repo, home, sublane, held, depth }) => {
    const match = home
      ? `${repo} is the worker's home repo`
      : `the worker's window serves ${repo}, and the worker's home repo has no waiting issue`
    return `${match}${sublane === null ? '' : `, sublane ${sublane} matches a label`}; ${held} of ${counted(depth, 'slot')} in use`
  },
  council_label: () => 'council label',
  named_by_person: () => 'a person named the issue',
  oldest: ({ repo }) => `the oldest eligible issue, from ${repo}`,
  priority_set: ({ priority }) => `priority ${priority}, set by a person`,
  due: ({ at }) => `due on ${new Date(at).toISOString().slice(0, 10)}`,
  priority_label: ({ label }) => `label "${label}" gives the issue priority`,

  role: ({ role }) => `the role of this worker is ${role}`,
  held: (hold) => `held: ${holdText(hold)}`,
  limit_reached: ({ worker, evidence, pause }) =>
    `${worker} reached the usage limit: ${evidence}${pause === null ? '' : ' (the reset time is unknown)'}`,
  budget_spent: ({ scope, name, issue, unit, spent, allowed }) => {
    const amounts = unit === 'usd' ? `${spent.toFixed(2)} of ${allowed.toFixed(2)} USD` : `${spent} of ${counted(allowed, 'token')}`
    return `${issue ?? heldName(scope, name)} has used ${amounts}${issue === null ? ' today' : ''} (budget)`
  },
  retiring: ({ why }) => `the worker is retiring: ${why}`,
  retired: ({ why }) => `the worker is retired: ${why}`,
  sent_nothing: ({ why }) => `burn sends nothing to this worker: ${sentence(why)}`,
  worker_state: ({ state }) =>
    state === 'dead' ? 'the worker has no running agent (to start one: burn start, or burn christen)' : `the worker is ${state}`,
  follow_up_first: () => 'the worker first gets a text about its own change',
  starting: () => 'a process of burn starts or restarts the agent',
  looping: () => 'the worker claims its issues itself (burn worker loop)',
  composer_strange: ({ kind, strange, of, evidence }) =>
    `burn does not recognise the composer of ${kind} on ${strange} of ${counted(of, 'worker')} (${evidence})`,
  texts_unproven: ({ kind, unproven, of, last }) =>
    `burn could not prove that ${unproven} of the last ${counted(of, 'text')} to ${kind} arrived (${sentence(last)})`,
  trouble: ({ kind, evidence, again }) => `in trouble (${kind}): ${evidence}; burn tries the worker again at ${toMinute(again)}`,

  issue_closed: () => 'the issue is closed',
  sprint_gone: ({ begun }) => `the process of the sprint is gone${begun ? '' : ', and the sprint had not begun'}`,
  change_needs_work: ({ text }) => `the change needs work (text ${text})`,
  holder_gone: () => 'the agent that worked on the issue is gone',
  change_unlinked: ({ change }) => `change ${change} no longer closes the issue`,
  change_merged: () => 'the change was merged',
  change_for_review: () => 'a change is open for review',
  change_rejected: () => 'the change was closed without a merge',
  change_published: ({ url }) => `a person published the change: ${url}`,
  trouble_lasts: ({ kind, evidence }) => `the worker did not recover from trouble (${kind}): ${evidence}`,
  turn_quiet: ({ minutes }) => `the turn ended without a change for review; the agent has been idle for ${counted(minutes, 'minute')}`,
  turn_failed: ({ kind, evidence, minutes }) =>
    `the turn failed (${evidence === null ? 'burn found no reason' : `${kind ?? 'unknown kind'}: ${evidence}`}); the agent has been idle for ${counted(minutes, 'minute')}`,
  told_to_disregard: () => 'the text arrived changed, and burn told the agent to disregard it',
  claimed_first: ({ fleet, dispatch }) => `fleet ${fleet} claimed the issue first (dispatch ${dispatch})`,
  comment_refused: ({ why }) => `burn could not write the comment on the issue: ${why}`,
  comments_unread: ({ why }) => `burn could not read the comments on the issue: ${why}`,
  released_by_person: ({ forced }) => `released by a person${forced ? ' (forced)' : ''}`,
  sprint_began: () => 'the sprint has begun',
  disregard: ({ worker }) => `the text reached ${worker} changed, so burn tells ${worker} to disregard it`,
  worker_recovered: ({ kind }) => (kind === null ? 'the worker recovered' : `the worker may have recovered from trouble (${kind})`),
  agent_restarted: () => 'a new agent continues the conversation',
  sprint_failed: ({ class: failure, why, hint }) => `${failure}: ${why}${hint === '' ? '' : ` (${hint})`}`,
  protected_paths: ({ paths, sprint }) => `the change touches ${paths}; to review and publish it: burn sprint publish ${sprint}`,

  pushed_by_other: ({ login }) => `${login} pushed to the branch, so burn does not act on the change`,
  follow_up_waits: ({ action }) => `the text about the change waits for its agent (${stepName(action)})`,
  change_conflict: ({ base }) => `the change conflicts with ${base}`,
  base_gone: ({ base }) => `the base branch ${base} no longer exists`,
  rerun_awaited: () => 'burn asked the forge to rerun the failed checks',
  step_interrupted: () => 'the process of this step ended before it saved the outcome',
  checks_failed: ({ checks }) => `${counted(checks.length, 'check')} failed: ${checks.join(', ')}`,
  review_asks: ({ by, threads }) => `${by.join(', ')} asked for changes${threads === 0 ? '' : ` (${counted(threads, 'open thread')})`}`,
  rounds_used: ({ condition, rounds, why }) =>
    `${sentence(why)}; burn has told an agent ${counted(rounds, 'time')} (changes.rounds.${condition})`,
  no_push_followed: ({ action }) => `the agent ended its turn without a push (${stepName(action)})`,
  follow_up_unproven: ({ action }) =>
    `burn cannot prove that the agent got the text about the change (${stepName(action)}), and no push followed`,
  follow_up_failed: ({ attempts, why }) => `${sentence(why)}; no agent got the text about it in ${counted(attempts, 'attempt')}`,
  change_draft: () => 'the change is a draft',
  checks_not_green: ({ is, checks }) => `${counted(checks.length, 'check')} ${is}: ${checks.join(', ')}`,
  no_checks: () => 'the change has no checks, so burn cannot know whether it is green',
  review_awaited: () => 'burn waits for the reviewers',
  approvals_missing: ({ approvals, required }) => `${approvals} of ${counted(required, 'approval')}`,
  forge_thinks: () => 'the forge has not determined yet whether the change can be merged',
  merge_by_person: () => 'a person merges the change (changes.merge: never)',
  paths_unknown: () => 'the forge did not list the changed files, so burn does not merge',
  merge_protected: ({ paths }) => `only a person may merge changes of protected paths: ${paths.join(', ')}`,
  other_base: ({ base, expected }) => `the base of the change is ${base}, and burn merges only into ${expected}`,
  merge_not_allowed: ({ why }) => `burn may not merge: ${why}`,
  merge_refused: ({ result, why }) => `the forge did not merge the change (${result.replaceAll('_', ' ')}): ${why}`,
  merge_policy: ({ policy }) => (policy === 'person' ? 'a person asked for it' : `the change may be merged (changes.merge: ${policy})`),
  base_moved: ({ base }) => `${base} has moved since the checks ran`,
  branch_updated: ({ base, sha }) => `burn merged ${base} into the branch (new head: ${sha.slice(0, 12)})`,
  base_taken: ({ change }) => `burn merges ${change} into the same base first`,
  git_resolves: ({ why }) => (why === null ? 'git resolved the conflict' : `git could not resolve the conflict: ${why}`),
  no_agent_for_change: ({ worker, why }) =>
    `${worker} is gone, and no other worker of its lane is free${why === null ? '' : `: ${sentence(why)}`}`,
  fresh_asked: () => 'a person asked for a new conversation',
  no_conversation: () => 'burn knows no conversation of the worker',
  kind_changed: ({ kind }) => `the last conversation was with ${kind}`,
  not_provable: ({ why }) => `the agent could not prove that it continues${why === null ? '' : `: ${why}`}`,
  agent_may_run: () => 'burn could not prove that the last agent has ended',
  work_taken: () => 'the issue of the last conversation went back to the queue',
  conversation_missing: ({ conversation }) => `the agent did not find the conversation ${conversation}`,

  steering_unclear: ({ text }) =>
    `a comment must have one of the commands /burn go, /burn stop and /burn retry, and this one has: /burn ${text}`,
  steering_text_new: () => 'burn had not read the present text of the issue before the comment: read the text, and comment again',
  steering_homeless: () => 'burn knows no issue of this change',
  steering_on_change: () => 'to approve the text of an issue, comment on the issue itself',

  forge_refuses: ({ why }) => `the forge refuses writes: ${why}`,

  ...deliverySentences,
  not_placed: ({ seconds, why }) => `not typed within ${seconds} s: ${blockedBy(why)}`,
  sender_stopped: ({ why }) => `withdrawn, because the sender stopped waiting: ${blockedBy(why)}`,
}

const rounded = (points: number) => String(Math.round(points * 10) / 10)

function delegatedText({ points, threshold, matches, record, runner_up, tie, full }: ReasonData['delegated']): string {
  const decided = { record: 'the better record', load: 'more free capacity', order: 'the order in the spec' } as const
  const found = matches.map(({ what, place, points: each }) => `${what} (${place} ${rounded(each)})`)
  return [
    `score ${rounded(points)} (threshold ${threshold}): ${found.join(', ')}`,
    ...(record.ended === 0 ? [] : [`finished ${record.done} of ${counted(record.ended, 'issue')}`]),
    runner_up === null ? 'no other agent matches' : `next is ${runner_up.agent} with ${rounded(runner_up.points)}`,
    ...(tie === null ? [] : [`the scores are equal, so ${decided[tie]} decided`]),
    ...(full.length === 0 ? [] : [`at capacity: ${full.join(', ')}`]),
  ].join('; ')
}

const blockedBy = (why: Reason | null) => (why === null ? 'burn did not process the text in time' : sentence(why))

/**
 * Returns the sentence for a reason. If a newer version of burn stored the reason, its code may be missing here. The reason is then
 * returned as JSON.
 */
export function sentence(reason: Reason): string {
  // TypeScript cannot infer that the entry of a code accepts the data of that code.
  const textOf = sentences[reason.code] as ((data: Reason) => string) | undefined
  return textOf === undefined ? JSON.stringify(reason) : textOf(reason)
}

/** Returns a copy of a value for JSON output: each reason becomes a sentence, and the key `<key>_code` has the code of the reason. */
export function worded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(worded)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, each]): [string, unknown][] =>
    isReason(each)
      ? [
          [key, sentence(each)],
          [`${key}_code`, each.code],
        ]
      : [[key, worded(each)]],
  )
  return Object.fromEntries(entries)
}

function isReason(value: unknown): value is Reason {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'string' && value.code in sentences
}
