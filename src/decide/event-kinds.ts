/**
 * The table of event kinds: the meaning, the payload and the text of each. `burn log kinds` prints it, and `docs/reference/events.md` is
 * generated from it.
 */
import type { Event, EventData, EventKind, Notice } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import { counted } from '../core/text.ts'
import { because, endText, reason, why, type Meaning } from './event-meaning.ts'
import { noticeKinds } from './notice-kinds.ts'
import { lasting } from './health-parts.ts'
import { sentence, stepName, toSecond } from './wording.ts'

/** Returns a sentence about a command in a comment, and why burn refused it. */
export function steeredText({ word, by, on, refusal }: EventData['issue.steered']): string {
  if (word === null) return `${by} commented on ${on}, and burn did nothing: ${refusal === null ? '' : sentence(refusal)}`
  return `${by} commented /burn ${word} on ${on}${refusal === null ? '' : `, and burn refused it: ${sentence(refusal)}`}`
}

const until = 'the end of the back-off (ISO 8601)'

const nothing = { payload: {}, text: () => '' }
const titled = { payload: { title: 'the title of the issue' }, text: ({ title }: { readonly title: string }) => title }
const withEnd = (data: { readonly reason: Reason; readonly until: number | null }) =>
  `${sentence(data.reason)}${data.until === null ? '' : `; until ${toSecond(data.until)}`}`
const backoffEvent = { payload: { reason, until }, text: withEnd }
const held = {
  payload: { reason, until: 'the end of the hold (ISO 8601); null: the hold lasts until a person ends it' },
  text: withEnd,
}
const step = {
  payload: { reason: 'the evidence, with its code in `reason_code`', presses: 'the number of times that burn has pressed Enter' },
  text: (data: { readonly reason: Reason; readonly presses: number }) =>
    `${sentence(data.reason)}${data.presses === 0 ? '' : ` (Enter pressed: ${data.presses})`}`,
}

const alarm = {
  payload: {
    since: 'start of the state (ISO 8601)',
    detail: 'kind of failure, or null',
    evidence: 'line that shows the state',
  },
  text: ({ since, evidence }: { readonly since: number; readonly evidence: string }) => `${evidence} (since ${toSecond(since)})`,
}
const cleared = {
  payload: {
    state: 'the ended state',
    now: 'the next state; null if there is none',
    ms: 'the duration (ms) of the state',
  },
  text: ({ state, now, ms }: { readonly state: string; readonly now: string | null; readonly ms: number }) =>
    `${state} for ${lasting(ms)}${now === null ? '' : `, now ${now}`}`,
}

const delegated = {
  payload: { agent: 'the agent', login: 'its login', reason },
  text: ({ login, reason: given }: { readonly login: string; readonly reason: Reason }) =>
    `${login === '' ? '' : `${login}: `}${sentence(given)}`,
}

/** All event kinds, in this order: issues and dispatches, deliveries, workers, machines, holds, notices. */
export const eventKinds: { readonly [K in EventKind]: Meaning<K> } = {
  'issue.found': { meaning: 'burn read an issue for the first time.', ...titled },
  'issue.closed': { meaning: 'An issue was closed on the forge, or deleted.', ...titled },
  'issue.reopened': { meaning: 'An issue was reopened on the forge.', ...titled },
  'issue.eligible': { meaning: 'burn judged an issue, and the issue is eligible.', ...because },
  'issue.ineligible': { meaning: 'burn judged an issue, and the issue is not eligible now.', ...because },
  'issue.approved': {
    meaning: 'A trusted label, or a person with `/burn go`, approves the text of an issue.',
    payload: { sha256: 'the SHA-256 hash of the approved text', by: 'the login of the person; absent if a label approves the text' },
    text: ({ sha256, by }) => `${by ?? 'a trusted label'} approves the text with the SHA-256 hash ${sha256}`,
  },
  'issue.unapproved': {
    meaning: 'The approval of an issue ended: it lost its trusted label, or somebody edited the text that a person approved.',
    payload: {},
    text: () => 'the issue no longer has an approval',
  },
  'issue.steered': {
    meaning: 'A person wrote a command in a comment, and burn carried it out or refused it.',
    payload: {
      word: '`go`, `stop` or `retry`; null if unclear',
      by: 'the author of the comment',
      on: 'the issue or change',
      comment: 'its id',
      refusal: 'why burn refused it, or null',
    },
    text: steeredText,
  },
  'issue.rests': {
    meaning: 'burn backs off from an issue, because the forge refused a write. This does not count as an attempt.',
    ...backoffEvent,
  },
  'issue.skipped': {
    meaning: 'One worker skips an issue. Other workers can get the issue.',
    payload: {
      why: 'the failure of the sprint, or the reason from a person',
      until: 'the end of the skip (ISO 8601); null: until a person removes it',
    },
    text: ({ why, until }) => `${why}${until === null ? '' : `; until ${toSecond(until)}`}`,
  },
  'issue.requeued': {
    meaning: 'A person requeued an issue, so burn reset the number of attempts.',
    payload: {},
    text: () => 'burn reset the number of attempts',
  },
  'change.stage': {
    meaning: 'A change in review entered a new stage.',
    payload: { change: 'the reference of the change', stage: 'the stage', reason },
    text: ({ change, stage, reason: because }) => `${change} ${stage.replaceAll('_', ' ')}: ${sentence(because)}`,
  },
  'change.approved': {
    meaning: 'burn saw an approval of a change by a person who may write to the repo, or by a bot of `changes.bots`.',
    payload: { change: 'the reference of the change', by: 'the login of the reviewer' },
    text: ({ change, by }) => `${by} approved ${change}`,
  },
  'change.step': {
    meaning: 'burn recorded or carried out a step for a change in review.',
    payload: { action: 'the step', attempt: 'the number of the attempt', outcome: '`planned`, `done` or `failed`', reason },
    text: ({ action, outcome, reason: because }) => `${stepName(action)} (${outcome}): ${sentence(because)}`,
  },
  'change.escalated': {
    meaning: 'burn stopped its attempts at a change, and called a person with a comment and a label.',
    payload: { change: 'the reference of the change', reason },
    text: ({ change, reason: because }) => `${change} needs a person: ${sentence(because)}`,
    level: 'warn',
  },
  'issue.over_budget': { meaning: 'An issue used more than its budget. burn wrote a comment and set a label.', ...because },
  'budget.warned': { meaning: 'At least 80 % of a budget is used.', ...because },
  'issue.prioritized': {
    meaning: 'A person set or removed the priority of an issue.',
    payload: { priority: 'the new priority: the highest goes first; 0: none' },
    text: ({ priority }) => (priority === 0 ? 'no priority' : `priority ${priority}`),
  },
  'repo.rests': { meaning: 'burn backs off from all issues of a repo, because the forge refused a write.', ...backoffEvent },
  'repo.unread': {
    meaning: 'burn could not read a repo.',
    payload: { why },
    text: ({ why }) => `burn could not read the repo: ${why}`,
    level: 'warn',
  },
  'repo.read': { meaning: 'burn can read a repo again.', payload: {}, text: () => 'burn can read the repo again' },
  'dispatch.claimed': { meaning: 'burn claimed an issue for a worker.', ...because },
  'dispatch.handed': { meaning: 'The prompt reached the agent, or may have reached it; or the sprint began.', ...because },
  'dispatch.review': { meaning: 'The change of a dispatch is open for review, or waits for a person to publish it.', ...because },
  'dispatch.done': { meaning: 'The issue of a dispatch was closed, or its change was merged.', ...because },
  'dispatch.failed': { meaning: 'A dispatch failed. The dispatch counts as an attempt.', ...because },
  'dispatch.lost': { meaning: 'The agent of a dispatch is gone. The dispatch counts as an attempt.', ...because },
  'dispatch.released': { meaning: 'burn released the issue of a dispatch. The dispatch does not count as an attempt.', ...because },
  'dispatch.commented': {
    meaning: 'burn wrote or edited the comment of a dispatch.',
    payload: { comment: "the forge's id of the comment", says: 'the dispatch state that the comment shows' },
    text: ({ comment, says }) => `comment ${comment} shows the state ${says}`,
  },
  'delegation.assigned': { meaning: 'burn assigned an issue to the login of an agent on the forge.', ...delegated },
  'delegation.left': { meaning: 'burn assigned an issue to no agent, because no score reaches `delegation.threshold`.', ...delegated },
  'delegation.started': { meaning: 'burn saw that somebody works on an issue that burn assigned.', ...delegated },
  'delegation.closed': { meaning: 'An issue that burn assigned was closed.', ...delegated },
  'delegation.changed': { meaning: 'A person changed the assignees of an issue that burn assigned.', ...delegated },
  'delegation.expired': { meaning: 'burn removed an assignment, because nobody started before the deadline.', ...delegated },
  'delegation.refused': {
    meaning: 'The forge refused to assign issues of a repo to a login. This is a fault of the repo or the account, not of an issue.',
    ...delegated,
    level: 'warn',
  },
  'delivery.planned': {
    meaning: 'burn stored a text, and types it when the pane is ready.',
    payload: {
      kind: 'the kind of the text: `work`, `identity`, …',
      bytes: 'the size of the text (bytes)',
      sha256: 'the SHA-256 hash of the text',
    },
    text: ({ kind, bytes, sha256 }) => `${kind}: ${counted(bytes, 'byte')}, sha256 ${sha256}`,
  },
  'delivery.placing': { meaning: 'burn is about to type the line that tells the agent to read a text.', ...step },
  'delivery.placed': { meaning: 'The line that burn typed is in the composer, or burn is about to press Enter.', ...step },
  'delivery.submitted': { meaning: 'The line that burn typed left the composer after Enter.', ...step },
  'delivery.seen': { meaning: 'burn has proof that the agent has the text.', ...step },
  'delivery.refused': { meaning: 'A text reached no agent.', ...step },
  'delivery.unknown': { meaning: 'burn cannot prove whether the agent has the text.', ...step },
  'delivery.mangled': { meaning: 'The agent recorded another text under the id of this delivery.', ...step },
  'delivery.taken_over': {
    meaning: 'Another process took over a delivery, because its lease expired.',
    payload: { owner: 'the process that took over', token: 'the new fencing token of the lease' },
    text: ({ owner, token }) => `by ${owner}, token ${token}`,
  },
  'worker.recorded': { meaning: 'burn saw a worker for the first time.', ...nothing },
  'worker.provisioned': {
    meaning: 'A person provisioned a worker.',
    payload: { missing: 'the failed steps; empty if the worker is ready' },
    text: ({ missing }) => (missing === '' ? 'the worker is ready for its agent' : missing),
  },
  'worker.retiring': { meaning: 'A person retires a worker: it gets no new work, and its pane ends when nothing is under way.', ...held },
  'worker.retired': { meaning: 'burn ended the pane of a worker that a person retires. The folder of the worker stays.', ...held },
  'worker.starting': {
    meaning: 'burn is about to start the agent of a worker.',
    payload: {
      continues: 'the id of the conversation to continue; null: the agent begins a new one',
      reason,
    },
    text: ({ continues, reason: cause }) =>
      continues === null ? `new conversation: ${sentence(cause)}` : `continues the conversation ${continues}`,
  },
  'worker.restarting': {
    meaning: 'burn is about to end the agent of a worker and to start another one.',
    payload: { successor: '`continue` or `fresh`: whether the new agent continues the conversation', why: 'the cause' },
    text: ({ successor, why: cause }) => `${cause}${successor === 'fresh' ? ' (new conversation)' : ''}`,
  },
  'worker.continued': {
    meaning: 'A new agent provably continues the conversation of an ended agent, and has its dispatch now. One event for each dispatch.',
    payload: { incarnation: 'the new agent', conversation: 'the id of the conversation' },
    text: ({ conversation }) => `the new agent continues the conversation ${conversation}`,
  },
  'worker.waiting': { meaning: 'An agent has waited for an answer for longer than `telemetry.waiting_after`.', ...alarm },
  'worker.error': { meaning: 'The last turn of an agent failed.', ...alarm },
  'worker.dead': { meaning: 'An agent ended.', ...alarm },
  'worker.limited': { meaning: 'An agent reached the usage limit of its account.', ...alarm },
  'worker.cleared': { meaning: 'A state of a worker that burn had reported has ended.', ...cleared },
  'machine.unreachable': { meaning: 'burn could not reach a machine while it took a sample.', ...alarm },
  'machine.cleared': { meaning: 'burn can reach a machine again.', ...cleared },
  'login.tried': {
    meaning: "burn ran an agent's command that renews a login. The payload contains no token.",
    payload: {
      outcome: '`renewed`, `kept` (not renewed), `refused` or `unknown`',
      before: 'the end (ISO 8601) before the attempt, or null',
      after: 'the end after it, or null',
    },
    text: ({ outcome, before, after }) => `${outcome}: ended ${endText(before)} before, ends ${endText(after)} now`,
  },
  'login.restored': {
    meaning: 'A login in trouble works again, or a login that was about to end has a later end.',
    payload: { ends_at: 'the end of the login (ISO 8601); null if unknown' },
    text: ({ ends_at }) => `the login works, and ends ${endText(ends_at)} unless it is renewed`,
  },
  'job.missed': { meaning: 'A scheduled job did not run when it was due, or its runs fail.', ...alarm },
  'job.cleared': { meaning: 'A job that burn had reported as missed runs again.', ...cleared },
  'dispatcher.silent': { meaning: 'A dispatcher did not end normally, and its next cycle is overdue by health.dispatcher.', ...alarm },
  'dispatcher.cleared': { meaning: 'A dispatcher that was silent runs cycles again, or another dispatcher began.', ...cleared },
  'drift.found': { meaning: 'An agent runs with other settings than it should, such as another model.', ...alarm },
  'drift.cleared': { meaning: 'An agent runs with the settings that it should again, or the kind of difference changed.', ...cleared },
  'drift.commanded': {
    meaning: 'burn types a command that changes the model of an agent.',
    payload: { what: 'the difference', model: 'the model', provider: 'the provider, or null', delivery: 'the id of the delivery' },
    text: ({ what }) => what,
  },
  'drift.restarted': {
    meaning: 'burn restarts an agent, because the agent ran with other settings than it should.',
    payload: { what: 'the difference' },
    text: ({ what }) => what,
  },
  'drift.escalated': {
    meaning: 'An agent runs with other settings than it should, and burn has no further remedy. A person must act.',
    payload: { what: 'the difference', why: 'the reason that burn has no further remedy' },
    text: ({ what, why }) => `${what}: ${why}`,
  },
  'worker.held': { meaning: 'A hold began: burn gives a worker no new work until the hold ends.', ...held },
  'worker.resumed': { meaning: 'The hold of a worker ended.', ...nothing },
  'lane.held': { meaning: 'A hold began: burn gives a lane no new work until the hold ends.', ...held },
  'lane.resumed': { meaning: 'The hold of a lane ended.', ...nothing },
  'machine.held': { meaning: 'A hold began: burn gives a machine no new work until the hold ends.', ...held },
  'machine.resumed': { meaning: 'The hold of a machine ended.', ...nothing },
  'repo.held': { meaning: 'A hold began: burn gives a repo no new work until the hold ends.', ...held },
  'repo.resumed': { meaning: 'The hold of a repo ended.', ...nothing },
  'account.held': { meaning: 'A hold began: the workers that use an account get no new work until the hold ends.', ...held },
  'account.resumed': { meaning: 'The hold of an account ended.', ...nothing },
  'fleet.held': { meaning: 'A hold began: burn gives the whole fleet no new work until the hold ends.', ...held },
  'fleet.resumed': { meaning: 'The hold of the whole fleet ended.', ...nothing },
  'fleet.stopping': {
    meaning: 'A person asked all dispatchers to end: burn stop.',
    payload: { drain: 'true: the dispatchers end only when nothing is under way' },
    text: ({ drain }) => (drain ? 'the dispatchers begin no new work, and end when nothing is under way' : 'the dispatchers end'),
  },
  'ledger.pruned': {
    meaning: 'burn deleted history that is older than the retention.',
    payload: {
      dispatches: 'number of deleted dispatches',
      deliveries: 'number of deleted deliveries without a dispatch',
      events: 'number of deleted events',
      before: 'burn deleted only history from before this time (ISO 8601)',
    },
    text: ({ dispatches, deliveries, events, before }) =>
      `deleted ${counted(dispatches, 'dispatch', 'dispatches')}, ${counted(deliveries, 'delivery without a dispatch', 'deliveries without a dispatch')} and ${counted(events, 'event')} from before ${toSecond(before)}`,
  },
  ...noticeKinds,
}

/** Returns the text of an event. Events that an older version of burn stored contain their text. */
export function eventText({ kind, payload }: Pick<Event | Notice, 'kind' | 'payload'>): string {
  if ('prose' in payload) return payload.prose
  // TypeScript cannot infer that the entry of a kind accepts the payload of that kind. If a newer version of burn wrote the event, its kind
  // may be missing here. The payload is then shown as JSON.
  const known = eventKinds[kind] as { readonly text: (data: typeof payload) => string } | undefined
  return known === undefined ? JSON.stringify(payload) : known.text(payload)
}
