/** What people read: one sentence for each code. Nothing else in burn makes a sentence of a reason. */
import type { HoldScope } from '../core/nouns.ts'
import type { Reason, ReasonCode, ReasonData } from '../core/reasons.ts'

export const toSecond = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`
const minute = (at: number) => `${new Date(at).toISOString().slice(0, 16)}Z`

/** Says until when something is left alone, and why. */
export function backoffText({ until, why }: { readonly until: number; readonly why: Reason }): string {
  return `rests until ${toSecond(until)}: ${sentence(why)}`
}

/** Says why something is held, unless the hold is the worker's own what else it holds, and until when. */
export function holdText({ scope, name, until, why }: ReasonData['held']): string {
  const more = [
    ...(scope === 'worker' || scope === 'repo' ? [] : [heldName(scope, name)]),
    ...(until === null ? [] : [`until ${toSecond(until)}`]),
  ]
  return `${sentence(why)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`
}

/** A reason of a repo as what the repo does. */
const predicate = (why: Reason) => (why.code === 'held' ? `is ${sentence(why)}` : sentence(why))

/** What is held, for people. */
export function heldName(scope: HoldScope, name: string): string {
  return scope === 'worker' || scope === 'repo' ? name : scope === 'fleet' ? 'the whole fleet' : `${scope} ${name}`
}

const sentences: { readonly [C in ReasonCode]: (data: ReasonData[C]) => string } = {
  prose: ({ text }) => text,

  taken: () => 'a worker has it',
  skip_label: ({ label }) => `label "${label}" is skipped (dispatch.skip_labels)`,
  skip_title: ({ pattern }) => `title matches ${pattern} (dispatch.skip_titles)`,
  approval_unseen: ({ label }) => `its text was not seen with the label "${label}" yet`,
  approval_edited: ({ label }) =>
    `edited after it was approved by the label "${label}": take the label off until burn has seen that, then set it again (dispatch.trust)`,
  label_set: ({ label }) => `the label "${label}" approves its text`,
  label_gone: () => 'it no longer has a trusted label',
  author_not_listed: ({ author }) => `opened by ${author}, who is not among dispatch.trust.authors`,
  author_not_writer: ({ author, repo }) => `opened by ${author}, who may not write to ${repo} (dispatch.trust)`,
  writers_unknown: ({ repo }) => `the forge could not say who may write to ${repo}`,
  assigned: ({ assignees }) => `assigned to ${assignees.join(', ')}`,
  change_open: ({ change }) => `change ${change} is open`,
  claimed_elsewhere: ({ fleet, dispatch, seen_at }) => `claimed by fleet ${fleet} (dispatch ${dispatch}), seen ${minute(seen_at)}`,
  claimed_by_other_ledger: ({ dispatch, seen_at }) =>
    `claimed by another ledger of this fleet (dispatch ${dispatch}), seen ${minute(seen_at)}`,
  claim_unreadable: () => 'claimed by another fleet or ledger, or its comments could not be read',
  other_claim_released: () => 'a person released the claim of another ledger',
  done_before: () => 'done before (burn issue requeue gives it again)',
  attempts_used: ({ attempts }) => `given up after ${attempts} attempts (burn issue requeue gives it again)`,
  rests: (rest) => `${backoffText(rest)} (burn issue requeue gives it at once)`,
  retry_wait: ({ until, attempts }) =>
    `waits until ${toSecond(until)} after attempt ${attempts} (dispatch.retry_after; burn issue requeue gives it at once)`,
  not_served: ({ repo }) => `no window serves ${repo}`,
  queued: () => 'waits for its turn',
  routed: ({ worker, why }) => `to ${worker}: ${sentence(why)}`,
  council_rests: ({ why }) => `council label: ${predicate(why)}`,
  council_asked: ({ asked, of }) => `council label: asked of ${asked} of ${of} council and sentinel workers`,
  repo_resting: backoffText,
  workers_full: ({ workers, repo }) => `all ${workers} workers that serve ${repo} are full`,
  workers_closed: ({ workers, repo, first }) =>
    `none of the ${workers} workers that serve ${repo} can take work (the first is ${first === null ? 'missing' : sentence(first)})`,

  to_council: () => 'it is put to the council',
  taken_because: ({ why }) => `taken: ${sentence(why)}`,
  repo_rests: ({ why }) => `its repo ${predicate(why)}`,
  repo_unread: ({ why }) => why ?? 'its repo could not be asked about',
  sprint_label: ({ label }) => `label "${label}" is no work for a sprint (sprint.skip_labels)`,
  sprint_title: ({ pattern }) => `title matches ${pattern} (sprint.skip_titles)`,
  left_alone: ({ why }) => `left alone for a while: ${why}`,
  writers_unasked: () => 'the forge could not say who may write',
  not_in_ledger: () => 'the ledger no longer has it',
  issue_unread: ({ why }) => `it could not be read again: ${why}`,
  closed_meanwhile: () => 'it was closed',
  text_edited: () => 'its text was edited since it was picked',

  served: ({ repo, home, sublane, held, depth }) =>
    `${home ? `${repo} is its home repo` : `its window serves ${repo} and its home repo has nothing left`}${sublane === null ? '' : `, sublane ${sublane} matches a label`}; it held ${held} of ${depth}`,
  council_label: () => 'council label',
  named_by_person: () => 'a person named it',
  oldest: ({ repo }) => `the oldest of ${repo} and its peers`,
  priority_label: ({ label }) => `first by its label "${label}"`,

  role: ({ role }) => `a ${role}`,
  held: (hold) => `held: ${holdText(hold)}`,
  sent_nothing: ({ why }) => `sent nothing: ${sentence(why)}`,
  worker_state: ({ state }) => state,
  follow_up_first: () => 'to get a text about a change of its own first',
  looping: () => 'it takes its issues itself (burn worker loop)',
  composer_strange: ({ kind, strange, of, evidence }) =>
    `the composer of ${kind} is not recognised on ${strange} of ${of} workers (${evidence})`,
  texts_unproven: ({ kind, unproven, of, last }) =>
    `${unproven} of the last ${of} texts to ${kind} could not be proven (${sentence(last)})`,
  trouble: ({ kind, evidence, again }) => `in trouble (${kind}): ${evidence}; it is tried again at ${minute(again)}`,

  issue_closed: () => 'its issue is closed',
  sprint_gone: ({ begun }) => `the process that ran its sprint is gone${begun ? '' : ' before it began'}`,
  change_needs_work: ({ text }) => `its change needs work (text ${text})`,
  holder_gone: () => 'the agent that held it is gone',
  change_unlinked: ({ change }) => `its change ${change} no longer closes the issue`,
  change_merged: () => 'its change was merged',
  change_for_review: () => 'a change is open for review',
  change_rejected: () => 'its change was closed without being merged',
  change_published: ({ url }) => `a person published its change: ${url}`,
  trouble_lasts: ({ kind, evidence }) => `its worker did not recover from trouble (${kind}): ${evidence}`,
  turn_quiet: ({ minutes }) => `its turn ended without a change for review: the agent has had nothing to do for ${minutes} minutes`,
  turn_failed: ({ kind, evidence, minutes }) =>
    `its turn failed (${evidence === null ? 'no reason was seen' : `${kind ?? 'no kind'}: ${evidence}`}): the agent has had nothing to do for ${minutes} minutes`,
  told_to_disregard: () => 'its text arrived changed, and its agent was told to disregard it',
  claimed_first: ({ fleet, dispatch }) => `claimed by fleet ${fleet} (dispatch ${dispatch}) a moment before`,
  comment_refused: ({ why }) => `its comment could not be written: ${why}`,
  comments_unread: ({ why }) => `its comments could not be read: ${why}`,
  released_by_person: ({ forced }) => `released by a person${forced ? ' (forced)' : ''}`,
  sprint_began: () => 'its sprint has begun',
  disregard: ({ worker }) => `its text reached ${worker} cut or changed; ${worker} is told to disregard it`,
  worker_recovered: ({ kind }) => (kind === null ? 'its worker recovered' : `its worker may have recovered from trouble (${kind})`),
  sprint_failed: ({ class: failure, why, hint }) => `${failure}: ${why}${hint === '' ? '' : ` (${hint})`}`,
  protected_paths: ({ paths, sprint }) => `it touches ${paths}; see and publish it with: burn sprint publish ${sprint}`,

  forge_refuses: ({ why }) => `the forge refuses it: ${why}`,

  planned: () => 'it was not placed yet',
  line_placing: () => 'its line is being placed',
  enter_pressing: () => 'Enter is being pressed',
  id_there: () => 'its id is there already',
  hook_text: () => "its agent's own hook told of it, the whole line",
  hook_other: () => "its agent's own hook told of another text under its id",
  hook_id: () => "its agent's own hook told of its id",
  screen_text: () => 'its whole line is on the screen, outside the composer',
  screen_id: () => 'its id is on the screen, outside the composer',
  agent_gone: () => 'the agent it was meant for is gone',
  settled_later: () => 'settled only by its id showing up',
  has_ended: () => 'it has ended',
  pane_unreachable: () => 'its pane cannot be looked at',
  no_agent: () => 'no agent lives in its pane',
  agent_ended: ({ how }) => `its agent ended${how === null ? '' : ` ${how}`}: its pane shows why`,
  screen_unseen: () => 'its screen was not seen',
  worker_busy: () => 'another text for this worker is under way',
  agent_state: ({ state, detail }) => `the agent is ${state}${detail === null ? '' : ` (${detail})`}`,
  no_composer: () => 'no place to type was recognised',
  draft: () => 'a draft is in the composer',
  unwritten: ({ why }) => `its text could not be written to its file: ${why}`,
  not_placed: ({ seconds, why }) => `not placed in ${seconds} s: ${waited(why)}`,
  ended_before_enter: () => 'the agent ended before Enter was pressed',
  line_in_composer: () => 'its line is in the composer',
  composer_unseen: () => 'its composer was not seen',
  enter_too_soon: () => 'Enter would not count yet',
  enter_pressed: () => 'Enter was pressed',
  state_unread: ({ seconds }) => `its line is in the composer, and for ${seconds} s its agent's state could not be read`,
  enter_ignored: ({ presses }) => `Enter was pressed ${presses} times, and the text is still in the composer`,
  enter_interrupts: () => 'Enter would cut the running turn',
  left_composer: () => 'the text left the composer after Enter',
  agent_busy: () => 'its agent is busy with what came before',
  id_unseen: () => 'its id is not on the screen yet',
  line_unseen: () => 'its line is not in the composer yet',
  not_alone: () => 'its line is not alone in the composer',
  disturbed: ({ seconds }) => `something else stood in the composer beside its line for ${seconds} s`,
  submitted_unseen: ({ seconds }) => `submitted, but its id was not seen on the screen in ${seconds} s`,
  placing_unseen: ({ seconds }) => `its line was not seen in the composer in ${seconds} s`,
  unseen_since_enter: () => 'Enter was pressed, and the composer was not seen since',
  left_without_enter: () => 'its text left the composer without an Enter of ours',
  nothing_typed: ({ why }) => `nothing was typed: ${why}`,
  person_typing: () => 'a person is typing in this pane',
  pane_scrolled: () => 'somebody scrolls in this pane',
  input_synchronized: () =>
    'synchronize-panes is on in its pane, so its neighbours would get the text (tmux set-option -w synchronize-panes off)',
  input_disabled: () => 'input to its pane is disabled, so the text would be lost (tmux select-pane -e)',
  dispatch_ended: () => 'its dispatch ended before it was placed',
  sender_stopped: ({ why }) => `withdrawn, since its sender stopped waiting: ${waited(why)}`,
}

const waited = (why: Reason | null) => (why === null ? 'its turn did not come' : sentence(why))

/** Says a reason in words. A code that only a newer version knows is said as it is. */
export function sentence(reason: Reason): string {
  // Each entry takes the data of its own code, which the compiler cannot follow through a lookup.
  const say = sentences[reason.code] as ((data: Reason) => string) | undefined
  return say === undefined ? JSON.stringify(reason) : say(reason)
}

/** The value as JSON shows it: each reason becomes its sentence, and its code stands beside it, as `<key>_code`. */
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
