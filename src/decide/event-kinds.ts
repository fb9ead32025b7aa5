/**
 * The one table of events: what each kind means, what its payload holds, what is said of it, and whether a person is told. `docs/reference/events.md` is made from it.
 */
import type { Event, EventData, EventKind, LogLevel, Notice } from '../core/events.ts'
import type { Reason } from '../core/reasons.ts'
import { sentence, toSecond } from './wording.ts'

interface Meaning<K extends EventKind> {
  readonly meaning: string
  readonly payload: { readonly [F in keyof EventData[K]]: string }
  /** What is said beside its name, its issue and its worker. */
  readonly text: (payload: EventData[K]) => string
  /** A person is told while it happens. */
  readonly level?: LogLevel
  /** It is only told: no row is written. */
  readonly fleeting?: true
  /** For a notice that is kept: what its subject is, so that its row is found by that issue or worker. */
  readonly subject?: 'issue' | 'worker'
}

const reason = 'why, as a code with data'
const until = 'the time (ms) when it ends'
const why = 'the error, or what was seen'
const backoffDoc = 'what rests because of it, and until when; or null'
const also = (rest: string | null) => (rest === null ? '' : `; ${rest}`)

const nothing = { payload: {}, text: () => '' }
const titled = { payload: { title: 'the title of the issue' }, text: ({ title }: { readonly title: string }) => title }
const because = { payload: { reason }, text: (data: { readonly reason: Reason }) => sentence(data.reason) }
const failed = { payload: { why }, text: (data: { readonly why: string }) => data.why }
const lasting = (data: { readonly reason: Reason; readonly until: number | null }) =>
  `${sentence(data.reason)}${data.until === null ? '' : `; until ${toSecond(data.until)}`}`
const backoffEvent = { payload: { reason, until }, text: lasting }
const held = { payload: { reason, until: `${until}; null: when it is resumed` }, text: lasting }
const step = {
  payload: { reason: 'the evidence, as a code with data', presses: 'how often burn pressed Enter so far' },
  text: (data: { readonly reason: Reason; readonly presses: number }) =>
    `${sentence(data.reason)}${data.presses === 0 ? '' : ` (Enter pressed: ${data.presses})`}`,
}

/** Each kind, in the order of its life. */
export const eventKinds: { readonly [K in EventKind]: Meaning<K> } = {
  'issue.found': { meaning: 'burn read an issue for the first time.', ...titled },
  'issue.closed': { meaning: 'An issue is closed on the forge, or gone from it.', ...titled },
  'issue.reopened': { meaning: 'An issue is open again on the forge.', ...titled },
  'issue.eligible': { meaning: 'burn judged an issue: it is work for the fleet.', ...because },
  'issue.ineligible': { meaning: 'burn judged an issue: it is not given now.', ...because },
  'issue.approved': {
    meaning: 'A trusted label approves the text of an issue.',
    payload: { sha256: 'the hash of the approved text' },
    text: ({ sha256 }) => `the text that a trusted label was first seen with: sha256 ${sha256}`,
  },
  'issue.unapproved': { meaning: 'An issue no longer has a trusted label.', payload: {}, text: () => 'no trusted label any more' },
  'issue.rests': { meaning: 'burn leaves an issue alone for a while. No attempt is counted.', ...backoffEvent },
  'issue.skipped': {
    meaning: 'One worker leaves an issue alone.',
    payload: { why: 'the failure of its sprint, or the words of a person', until: 'the time (ms) when it ends; null: never by itself' },
    text: ({ why, until }) => `${why}${until === null ? '' : `; until ${toSecond(until)}`}`,
  },
  'issue.requeued': {
    meaning: 'A person made an issue new again: its attempts are forgotten.',
    payload: {},
    text: () => 'attempts forgotten',
  },
  'issue.prioritised': {
    meaning: 'A person changed the priority of an issue.',
    payload: { priority: 'the higher the sooner' },
    text: ({ priority }) => `priority ${priority}`,
  },
  'repo.rests': { meaning: 'burn leaves all issues of a repo alone for a while.', ...backoffEvent },
  'repo.unread': {
    meaning: 'The forge did not let burn read a repo.',
    payload: { why },
    text: ({ why }) => `it could not be read: ${why}`,
    level: 'warn',
  },
  'repo.read': { meaning: 'burn can read a repo again.', payload: {}, text: () => 'it can be read again' },
  'dispatch.claimed': { meaning: 'burn claimed an issue for a worker.', ...because },
  'dispatch.handed': { meaning: 'The text of a dispatch left for its agent, or its sprint began.', ...because },
  'dispatch.review': { meaning: 'A change is open for review, or is kept for a person.', ...because },
  'dispatch.done': { meaning: 'The issue was closed, or its change was merged.', ...because },
  'dispatch.failed': { meaning: 'A dispatch came to nothing. It counts as an attempt.', ...because },
  'dispatch.lost': { meaning: 'The agent that held a dispatch is gone. It counts as an attempt.', ...because },
  'dispatch.released': { meaning: 'An issue was given back. It counts as no attempt.', ...because },
  'dispatch.commented': {
    meaning: 'burn wrote or edited the comment of a dispatch.',
    payload: { comment: "the forge's id of the comment", says: 'the state that the comment says' },
    text: ({ comment, says }) => `comment ${comment} says ${says}`,
  },
  'delivery.planned': {
    meaning: 'A text waits for its pane.',
    payload: { kind: 'what the text is: `work`, `identity`, …', bytes: 'its size', sha256: 'its hash' },
    text: ({ kind, bytes, sha256 }) => `${kind}: ${bytes} bytes, sha256 ${sha256}`,
  },
  'delivery.placing': { meaning: 'burn is about to type the line of a text.', ...step },
  'delivery.placed': { meaning: 'The line is in the composer, or burn is about to press Enter.', ...step },
  'delivery.submitted': { meaning: 'The line left the composer after Enter.', ...step },
  'delivery.seen': { meaning: 'It is proven that the agent has the text.', ...step },
  'delivery.refused': { meaning: 'A text reached nobody.', ...step },
  'delivery.unknown': { meaning: 'It cannot be proven whether the agent has the text.', ...step },
  'delivery.mangled': { meaning: 'The agent has another text under the id of this one.', ...step },
  'delivery.taken_over': {
    meaning: 'Another process carries a text on, because its lease ran out.',
    payload: { owner: 'the process', token: 'the fencing token of its lease' },
    text: ({ owner, token }) => `by ${owner}, token ${token}`,
  },
  'worker.recorded': { meaning: 'burn saw a worker for the first time.', ...nothing },
  'worker.held': { meaning: 'A worker gets nothing until it is resumed, or until a time.', ...held },
  'worker.resumed': { meaning: 'A worker is no longer held.', ...nothing },
  'lane.held': { meaning: 'A lane gets nothing until it is resumed, or until a time.', ...held },
  'lane.resumed': { meaning: 'A lane is no longer held.', ...nothing },
  'machine.held': { meaning: 'A machine gets nothing until it is resumed, or until a time.', ...held },
  'machine.resumed': { meaning: 'A machine is no longer held.', ...nothing },
  'repo.held': { meaning: 'A repo gets nothing until it is resumed, or until a time.', ...held },
  'repo.resumed': { meaning: 'A repo is no longer held.', ...nothing },
  'account.held': { meaning: 'An account gets nothing until it is resumed, or until a time.', ...held },
  'account.resumed': { meaning: 'An account is no longer held.', ...nothing },
  'fleet.held': { meaning: 'The whole fleet gets nothing until it is resumed, or until a time.', ...held },
  'fleet.resumed': { meaning: 'The whole fleet is no longer held.', ...nothing },
  'ledger.pruned': {
    meaning: 'burn forgot what ended long ago.',
    payload: {
      dispatches: 'how many dispatches',
      deliveries: 'how many texts of no dispatch',
      events: 'how many events',
      before: 'the time (ms) before which they ended',
    },
    text: ({ dispatches, deliveries, events, before }) =>
      `${dispatches} dispatches, ${deliveries} other texts and ${events} events from before ${toSecond(before)}`,
  },
  'ledger.unrenewed': {
    meaning: 'The leases of this process could not be renewed.',
    payload: { why },
    text: ({ why }) => `leases were not renewed: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unnoted': {
    meaning: 'A notice could not be kept.',
    payload: { why },
    text: ({ why }) => `a notice could not be kept: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.unsaved': {
    meaning: 'The states of the workers could not be kept.',
    payload: { why },
    text: ({ why }) => `since when each worker is in its state is not kept: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'ledger.shared': {
    meaning: 'Another ledger of this fleet has live claims.',
    payload: { what: 'what was seen', mend: 'what to do' },
    text: ({ what, mend }) => `${what} (${mend})`,
    level: 'warn',
    fleeting: true,
  },
  'spec.deprecated': {
    meaning: 'The spec has a key that goes with the next release.',
    payload: { what: 'the key, and what replaces it' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.login_unknown': {
    meaning: 'The forge could not say which account burn writes as.',
    payload: { why },
    text: ({ why }) => `who the fleet is could not be asked: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'forge.skipped': {
    meaning: 'burn left out something malformed of the forge.',
    payload: { what: 'what it is, and why' },
    text: ({ what }) => what,
    level: 'warn',
    fleeting: true,
  },
  'forge.throttled': {
    meaning: 'Requests wait, because `requests_per_minute` is used up.',
    payload: { ms: 'how long the next one waits (ms)' },
    text: ({ ms }) => `"requests_per_minute" of the spec is used up: requests wait ${Math.ceil(ms / 1000)} s and more`,
    level: 'info',
    fleeting: true,
  },
  'repo.rights_unknown': {
    meaning: 'The forge could not say who may write to a repo, so burn claims nothing of it.',
    payload: { why },
    text: ({ why }) => `nothing of it is claimed: who may write could not be asked: ${why}`,
    level: 'warn',
  },
  'issue.comment_failed': {
    meaning: 'The comment of a dispatch could not be written.',
    payload: { why, rests: backoffDoc },
    text: (data) => `its comment could not be written: ${data.why}${also(data.rests)}`,
    subject: 'issue',
    level: 'warn',
  },
  'issue.comment_deleted': {
    meaning: 'Somebody deleted the comment of a dispatch.',
    payload: {},
    text: () => 'its comment is not there any more: somebody deleted it',
    subject: 'issue',
    level: 'warn',
  },
  'issue.unclaimed': {
    meaning: 'burn did not claim an issue that was about to be given.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not claimed: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.undelivered': {
    meaning: 'burn claimed an issue, and types nothing for it yet.',
    payload: { reason, rests: backoffDoc },
    text: ({ reason, rests }) => `not delivered yet: ${sentence(reason)}${also(rests)}`,
    level: 'warn',
    fleeting: true,
  },
  'issue.unpicked': {
    meaning: 'A sprint passes an issue by that it had picked.',
    payload: { reason },
    text: ({ reason }) => `not claimed: ${sentence(reason)}`,
    level: 'info',
    fleeting: true,
  },
  'issue.mangled': {
    meaning: 'A text about an issue arrived changed, and its agent is told to disregard it.',
    ...because,
    level: 'warn',
    fleeting: true,
  },
  'issue.change_unknown': {
    meaning: 'burn could not ask whether the change of an issue is open.',
    payload: { why },
    text: ({ why }) => `whether its change is open could not be asked: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'sprint.unwatched': {
    meaning: 'A sprint could not look whether its claim is still its own.',
    payload: { why },
    text: ({ why }) => `its claim could not be looked at: ${why}`,
    level: 'warn',
    fleeting: true,
  },
  'sprint.workspace_kept': {
    meaning: 'The workspace of a sprint could not be removed.',
    payload: { why },
    text: ({ why }) => `its workspace stays: ${why}`,
    level: 'info',
    fleeting: true,
  },
  'backend.unusable': {
    meaning: 'A backend of sprints cannot work now.',
    payload: { name: 'the backend', class: 'the class of its failure', why },
    text: ({ name, class: failure, why }) => `${name}: ${failure}: ${why}`,
    level: 'warn',
  },
  'git.login_failed': { meaning: 'git could not be given the login of the forge.', ...failed, level: 'warn', fleeting: true },
  'machine.lost': { meaning: 'The connection to a machine was lost while burn delivered texts.', ...failed, level: 'error' },
  'agent.stopped': {
    meaning: 'burn sends nothing to a kind of agents that no longer behaves as known.',
    payload: { reason },
    text: ({ reason }) =>
      `nothing is sent to it any more: ${sentence(reason)}. Look at a pane (burn attach); docs/how-to/recover.md says more`,
    level: 'error',
  },
  'cycle.failed': { meaning: 'A cycle failed; the next one tries again.', ...failed, level: 'error', fleeting: true },
}

/** Says an event in words: those of an older ledger in its own. */
export function eventText({ kind, payload }: Pick<Event | Notice, 'kind' | 'payload'>): string {
  if ('prose' in payload) return payload.prose
  // Each entry takes the payload of its own kind, which the compiler cannot follow through a lookup. A newer version's kind is said as it is.
  const known = eventKinds[kind] as { readonly text: (data: typeof payload) => string } | undefined
  return known === undefined ? JSON.stringify(payload) : known.text(payload)
}
