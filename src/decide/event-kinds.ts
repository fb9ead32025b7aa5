/**
 * The table of event kinds: the meaning, the payload and the text of each. `burn log kinds` prints it, and `docs/reference/events.md` is
 * generated from it.
 */
import type { Event, EventData, EventKind, LogLevel, Notice } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import { counted } from '../core/text.ts'
import { sentence, toSecond } from './wording.ts'

interface Meaning<K extends EventKind> {
  readonly meaning: string
  readonly payload: { readonly [F in keyof EventData[K]]: string }
  /** Returns the text of one event. `burn log` shows it after the kind, the issue and the worker. */
  readonly text: (payload: EventData[K]) => string
  /** The log level at which burn also prints the event when it happens. Without a level, burn only stores it. */
  readonly level?: LogLevel
  /** If true, burn prints the event and does not store it. */
  readonly fleeting?: true
  /** The type of the event's subject, if burn prints the event and also stores it. With it, a query by issue or worker finds the event. */
  readonly subject?: 'issue' | 'worker'
}

const reason = 'the reason, with its code in `reason_code`'
const until = 'the end of the back-off (ms since 1970)'
const why = 'the error or the observation'
const backoffDoc = 'a sentence that says until when burn backs off; null if burn does not back off'
const also = (backoff: string | null) => (backoff === null ? '' : `; ${backoff}`)

const nothing = { payload: {}, text: () => '' }
const titled = { payload: { title: 'the title of the issue' }, text: ({ title }: { readonly title: string }) => title }
const because = { payload: { reason }, text: (data: { readonly reason: Reason }) => sentence(data.reason) }
const failed = { payload: { why }, text: (data: { readonly why: string }) => data.why }
const lasting = (data: { readonly reason: Reason; readonly until: number | null }) =>
  `${sentence(data.reason)}${data.until === null ? '' : `; until ${toSecond(data.until)}`}`
const backoffEvent = { payload: { reason, until }, text: lasting }
const held = {
  payload: { reason, until: 'the end of the hold (ms since 1970); null: the hold lasts until a person ends it' },
  text: lasting,
}
const step = {
  payload: { reason: 'the evidence, with its code in `reason_code`', presses: 'the number of times that burn has pressed Enter' },
  text: (data: { readonly reason: Reason; readonly presses: number }) =>
    `${sentence(data.reason)}${data.presses === 0 ? '' : ` (Enter pressed: ${data.presses})`}`,
}

/** All event kinds, in this order: issues and dispatches, deliveries, workers and holds, ledger, spec, forge, sprints. */
export const eventKinds: { readonly [K in EventKind]: Meaning<K> } = {
  'issue.found': { meaning: 'burn read an issue for the first time.', ...titled },
  'issue.closed': { meaning: 'An issue was closed on the forge, or deleted.', ...titled },
  'issue.reopened': { meaning: 'An issue was reopened on the forge.', ...titled },
  'issue.eligible': { meaning: 'burn judged an issue, and the issue is eligible.', ...because },
  'issue.ineligible': { meaning: 'burn judged an issue, and the issue is not eligible now.', ...because },
  'issue.approved': {
    meaning: 'A trusted label approves the text of an issue.',
    payload: { sha256: 'the SHA-256 hash of the approved text' },
    text: ({ sha256 }) => `a trusted label approves the text with the SHA-256 hash ${sha256}`,
  },
  'issue.unapproved': {
    meaning: 'An issue no longer has a trusted label.',
    payload: {},
    text: () => 'the issue no longer has a trusted label',
  },
  'issue.rests': {
    meaning: 'burn backs off from an issue, because the forge refused a write. This does not count as an attempt.',
    ...backoffEvent,
  },
  'issue.skipped': {
    meaning: 'One worker skips an issue. Other workers can get the issue.',
    payload: {
      why: 'the failure of the sprint, or the reason from a person',
      until: 'the end of the skip (ms since 1970); null: until a person removes it',
    },
    text: ({ why, until }) => `${why}${until === null ? '' : `; until ${toSecond(until)}`}`,
  },
  'issue.requeued': {
    meaning: 'A person requeued an issue, so burn reset the number of attempts.',
    payload: {},
    text: () => 'burn reset the number of attempts',
  },
  'issue.prioritised': {
    meaning: 'A person changed the priority of an issue.',
    payload: { priority: 'the new priority; burn prefers issues with a higher priority' },
    text: ({ priority }) => `priority ${priority}`,
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
  'ledger.pruned': {
    meaning: 'burn deleted history that is older than the retention.',
    payload: {
      dispatches: 'number of deleted dispatches',
      deliveries: 'number of deleted deliveries without a dispatch',
      events: 'number of deleted events',
      before: 'burn deleted only history from before this time (ms since 1970)',
    },
    text: ({ dispatches, deliveries, events, before }) =>
      `deleted ${counted(dispatches, 'dispatch', 'dispatches')}, ${counted(deliveries, 'delivery without a dispatch', 'deliveries without a dispatch')} and ${counted(events, 'event')} from before ${toSecond(before)}`,
  },
  'ledger.unrenewed': {
    meaning: 'burn could not renew the leases of this process.',
    payload: { why },
    text: ({ why }) => `burn could not renew its leases: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unnoted': {
    meaning: 'burn could not store an event that it printed.',
    payload: { why },
    text: ({ why }) => `burn could not store an event that it printed: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unsaved': {
    meaning: 'burn could not store the states of the workers.',
    payload: { why },
    text: ({ why }) => `burn could not store the states of the workers: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.shared': {
    meaning: 'Another ledger of this fleet has live claims.',
    payload: { what: 'the claims that burn found', mend: 'the remedy' },
    text: ({ what, mend }) => `${what} (${mend})`,
    level: 'warn',
    fleeting: true,
  },
  'spec.deprecated': {
    meaning: 'The spec has a key that the next release removes.',
    payload: { what: 'the key, and what replaces it' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.login_unknown': {
    meaning: "The forge did not return the account of burn's token.",
    payload: { why },
    text: ({ why }) => `the forge did not return the account of burn's token: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'forge.skipped': {
    meaning: 'burn ignored malformed data from the forge.',
    payload: { what: 'the ignored data, and what is wrong with it' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.throttled': {
    meaning: 'Requests to the forge wait, because the limit `requests_per_minute` is reached.',
    payload: { ms: 'the time (ms) that the next request waits' },
    text: ({ ms }) => `the limit "requests_per_minute" of the spec is reached: the next request waits ${Math.ceil(ms / 1000)} s`,
    level: 'info',
    fleeting: true,
  },
  'repo.rights_unknown': {
    meaning: 'The forge did not return the users with write access to a repo, so burn claims no issue of that repo.',
    payload: { why },
    text: ({ why }) => `burn claims no issue of the repo, because the forge did not return the users with write access: ${why}`,
    level: 'warn',
  },
  'issue.comment_failed': {
    meaning: 'burn could not write the comment of a dispatch.',
    payload: { why, rests: backoffDoc },
    text: (data) => `burn could not write the comment on the issue: ${data.why}${also(data.rests)}`,
    subject: 'issue',
    level: 'warn',
  },
  'issue.comment_deleted': {
    meaning: 'Somebody deleted the comment of a dispatch.',
    payload: {},
    text: () => "somebody deleted burn's comment",
    subject: 'issue',
    level: 'warn',
  },
  'issue.unclaimed': {
    meaning: 'burn did not claim an issue that it had assigned.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not claimed: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.undelivered': {
    meaning: 'burn claimed an issue, but has not typed the prompt yet.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not delivered yet: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.unpicked': {
    meaning: 'A sprint did not claim the issue that it had picked.',
    payload: { reason },
    text: ({ reason }) => `not claimed: ${sentence(reason)}`,
    level: 'info',
    fleeting: true,
  },
  'issue.mangled': {
    meaning: 'A text about an issue arrived changed, so burn tells the agent to disregard the text.',
    ...because,
    level: 'warn',
    fleeting: true,
  },
  'issue.change_unknown': {
    meaning: 'burn could not check whether the change of an issue is open.',
    payload: { why },
    text: ({ why }) => `burn could not check whether the change of the issue is open: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'sprint.unwatched': {
    meaning: 'A sprint could not check whether it still has its claim.',
    payload: { why },
    text: ({ why }) => `the sprint could not check its claim: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'sprint.workspace_kept': {
    meaning: 'burn could not remove the workspace of a sprint.',
    payload: { why },
    text: ({ why }) => `burn could not remove the workspace of the sprint: ${why}`,
    level: 'info',
    fleeting: true,
  },
  'backend.unusable': {
    meaning: 'Sprints cannot use a backend now.',
    payload: { name: 'the backend', class: 'the kind of failure, such as `auth`', why },
    text: ({ name, class: failure, why }) => `${name}: ${failure}: ${why}`,
    level: 'warn',
  },
  'git.login_failed': { meaning: 'burn could not pass the credentials for the forge to git.', ...failed, level: 'warn', fleeting: true },
  'machine.lost': { meaning: 'The connection to a machine was lost while burn delivered texts.', ...failed, level: 'error' },
  'agent.stopped': {
    meaning:
      'burn sends no texts to an agent kind, because it does not recognise the screens of these agents or could not prove that they got the last texts.',
    payload: { reason },
    text: ({ reason }) => `agents of this kind get no texts: ${sentence(reason)}. Look at a pane: burn attach (see docs/how-to/recover.md)`,
    level: 'error',
  },
  'cycle.failed': { meaning: 'A cycle failed. burn tries again in the next cycle.', ...failed, level: 'error', fleeting: true },
}

/** Returns the text of an event. Events that an older version of burn stored contain their text. */
export function eventText({ kind, payload }: Pick<Event | Notice, 'kind' | 'payload'>): string {
  if ('prose' in payload) return payload.prose
  // TypeScript cannot infer that the entry of a kind accepts the payload of that kind. If a newer version of burn wrote the event, its kind
  // may be missing here. The payload is then shown as JSON.
  const known = eventKinds[kind] as { readonly text: (data: typeof payload) => string } | undefined
  return known === undefined ? JSON.stringify(payload) : known.text(payload)
}
