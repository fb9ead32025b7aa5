/** The one table of events: what each kind means, what its payload holds, and whether a person is told. `docs/events.md` is made from it. */
import type { EventData, EventKind, LogLevel } from './events.ts'

/** What a kind means, and what its payload holds. */
interface Meaning<K extends EventKind> {
  readonly meaning: string
  readonly payload: { readonly [F in keyof EventData[K]]: string }
  /** A person is told while it happens. */
  readonly level?: LogLevel
  /** It is only told: no row is written. */
  readonly fleeting?: true
}

const reason = 'why, as a code with data'
const until = 'the time (ms) when it ends'
const held = { reason, until: `${until}; null: when it is resumed` }
const why = 'the error, or what was seen'
const title = 'the title of the issue'
const step = { reason: 'the evidence, as a code with data', presses: 'how often burn pressed Enter so far' }

/** Each kind, in the order of its life. */
export const eventKinds: { readonly [K in EventKind]: Meaning<K> } = {
  'issue.found': { meaning: 'burn read an issue for the first time.', payload: { title } },
  'issue.closed': { meaning: 'An issue is closed on the forge, or gone from it.', payload: { title } },
  'issue.reopened': { meaning: 'An issue is open again on the forge.', payload: { title } },
  'issue.eligible': { meaning: 'burn judged an issue: it is work for the fleet.', payload: { reason } },
  'issue.ineligible': { meaning: 'burn judged an issue: it is not given now.', payload: { reason } },
  'issue.approved': { meaning: 'A trusted label approves the text of an issue.', payload: { sha256: 'the hash of the approved text' } },
  'issue.unapproved': { meaning: 'An issue no longer has a trusted label.', payload: {} },
  'issue.rests': { meaning: 'burn leaves an issue alone for a while. No attempt is counted.', payload: { reason, until } },
  'issue.skipped': {
    meaning: 'One worker leaves an issue alone.',
    payload: { why: 'the failure of its sprint, or the words of a person', until: 'the time (ms) when it ends; null: never by itself' },
  },
  'issue.requeued': { meaning: 'A person made an issue new again: its attempts are forgotten.', payload: {} },
  'issue.prioritised': { meaning: 'A person changed the priority of an issue.', payload: { priority: 'the higher the sooner' } },
  'repo.rests': { meaning: 'burn leaves all issues of a repo alone for a while.', payload: { reason, until } },
  'repo.unread': { meaning: 'The forge did not let burn read a repo.', payload: { why }, level: 'warn' },
  'repo.read': { meaning: 'burn can read a repo again.', payload: {} },
  'dispatch.claimed': { meaning: 'burn claimed an issue for a worker.', payload: { reason } },
  'dispatch.handed': { meaning: 'The text of a dispatch left for its agent, or its sprint began.', payload: { reason } },
  'dispatch.review': { meaning: 'A change is open for review, or is kept for a person.', payload: { reason } },
  'dispatch.done': { meaning: 'The issue was closed, or its change was merged.', payload: { reason } },
  'dispatch.failed': { meaning: 'A dispatch came to nothing. It counts as an attempt.', payload: { reason } },
  'dispatch.lost': { meaning: 'The agent that held a dispatch is gone. It counts as an attempt.', payload: { reason } },
  'dispatch.released': { meaning: 'An issue was given back. It counts as no attempt.', payload: { reason } },
  'dispatch.commented': {
    meaning: 'burn wrote or edited the comment of a dispatch.',
    payload: { comment: "the forge's id of the comment", says: 'the state that the comment says' },
  },
  'delivery.planned': {
    meaning: 'A text waits for its pane.',
    payload: { kind: 'what the text is: `work`, `identity`, …', bytes: 'its size', sha256: 'its hash' },
  },
  'delivery.placing': { meaning: 'burn is about to type the line of a text.', payload: step },
  'delivery.placed': { meaning: 'The line is in the composer, or burn is about to press Enter.', payload: step },
  'delivery.submitted': { meaning: 'The line left the composer after Enter.', payload: step },
  'delivery.seen': { meaning: 'It is proven that the agent has the text.', payload: step },
  'delivery.refused': { meaning: 'A text reached nobody.', payload: step },
  'delivery.unknown': { meaning: 'It cannot be proven whether the agent has the text.', payload: step },
  'delivery.mangled': { meaning: 'The agent has another text under the id of this one.', payload: step },
  'delivery.taken_over': {
    meaning: 'Another process carries a text on, because its lease ran out.',
    payload: { owner: 'the process', token: 'the fencing token of its lease' },
  },
  'worker.recorded': { meaning: 'burn saw a worker for the first time.', payload: {} },
  'worker.held': { meaning: 'A worker gets nothing until it is resumed, or until a time.', payload: held },
  'worker.resumed': { meaning: 'A worker is no longer held.', payload: {} },
  'lane.held': { meaning: 'A lane gets nothing until it is resumed, or until a time.', payload: held },
  'lane.resumed': { meaning: 'A lane is no longer held.', payload: {} },
  'machine.held': { meaning: 'A machine gets nothing until it is resumed, or until a time.', payload: held },
  'machine.resumed': { meaning: 'A machine is no longer held.', payload: {} },
  'repo.held': { meaning: 'A repo gets nothing until it is resumed, or until a time.', payload: held },
  'repo.resumed': { meaning: 'A repo is no longer held.', payload: {} },
  'account.held': { meaning: 'An account gets nothing until it is resumed, or until a time.', payload: held },
  'account.resumed': { meaning: 'An account is no longer held.', payload: {} },
  'fleet.held': { meaning: 'The whole fleet gets nothing until it is resumed, or until a time.', payload: held },
  'fleet.resumed': { meaning: 'The whole fleet is no longer held.', payload: {} },
  'ledger.pruned': {
    meaning: 'burn forgot what ended long ago.',
    payload: {
      dispatches: 'how many dispatches',
      deliveries: 'how many texts of no dispatch',
      events: 'how many events',
      before: 'the time (ms) before which they ended',
    },
  },
  'ledger.unrenewed': { meaning: 'The leases of this process could not be renewed.', payload: { why }, level: 'warn', fleeting: true },
  'ledger.unnoted': { meaning: 'A notice could not be kept.', payload: { why }, level: 'warn', fleeting: true },
  'ledger.unsaved': { meaning: 'The states of the workers could not be kept.', payload: { why }, level: 'warn', fleeting: true },
  'ledger.shared': {
    meaning: 'Another ledger of this fleet has live claims.',
    payload: { what: 'what was seen', mend: 'what to do' },
    level: 'warn',
    fleeting: true,
  },
  'spec.deprecated': {
    meaning: 'The spec has a key that goes with the next release.',
    payload: { what: 'the key, and what replaces it' },
    level: 'warn',
    fleeting: true,
  },
  'forge.login_unknown': {
    meaning: 'The forge could not say which account burn writes as.',
    payload: { why },
    level: 'warn',
    fleeting: true,
  },
  'forge.skipped': {
    meaning: 'burn left out something malformed of the forge.',
    payload: { what: 'what it is, and why' },
    level: 'warn',
    fleeting: true,
  },
  'forge.throttled': {
    meaning: 'Requests wait, because `requests_per_minute` is used up.',
    payload: { ms: 'how long the next one waits (ms)' },
    level: 'info',
    fleeting: true,
  },
  'repo.rights_unknown': {
    meaning: 'The forge could not say who may write to a repo, so burn claims nothing of it.',
    payload: { why },
    level: 'warn',
  },
  'issue.comment_failed': {
    meaning: 'The comment of a dispatch could not be written.',
    payload: { why, rests: 'what rests because of it, and until when; or null' },
    level: 'warn',
  },
  'issue.comment_deleted': { meaning: 'Somebody deleted the comment of a dispatch.', payload: {}, level: 'warn' },
  'issue.unclaimed': {
    meaning: 'burn did not claim an issue that was about to be given.',
    payload: { reason, rests: 'what rests because of it, and until when; or null' },
    level: 'warn',
    fleeting: true,
  },
  'issue.undelivered': {
    meaning: 'burn claimed an issue, and types nothing for it yet.',
    payload: { reason, rests: 'what rests because of it, and until when; or null' },
    level: 'warn',
    fleeting: true,
  },
  'issue.unpicked': { meaning: 'A sprint passes an issue by that it had picked.', payload: { reason }, level: 'info', fleeting: true },
  'issue.mangled': {
    meaning: 'A text about an issue arrived changed, and its agent is told to disregard it.',
    payload: { reason },
    level: 'warn',
    fleeting: true,
  },
  'issue.change_unknown': {
    meaning: 'burn could not ask whether the change of an issue is open.',
    payload: { why },
    level: 'warn',
    fleeting: true,
  },
  'sprint.unwatched': {
    meaning: 'A sprint could not look whether its claim is still its own.',
    payload: { why },
    level: 'warn',
    fleeting: true,
  },
  'sprint.workspace_kept': { meaning: 'The workspace of a sprint could not be removed.', payload: { why }, level: 'info', fleeting: true },
  'backend.unusable': {
    meaning: 'A backend of sprints cannot work now.',
    payload: { name: 'the backend', class: 'the class of its failure', why },
    level: 'warn',
  },
  'git.login_failed': { meaning: 'git could not be given the login of the forge.', payload: { why }, level: 'warn', fleeting: true },
  'machine.lost': { meaning: 'The connection to a machine was lost while burn delivered texts.', payload: { why }, level: 'error' },
  'agent.stopped': {
    meaning: 'burn sends nothing to a kind of agents that no longer behaves as known.',
    payload: { reason },
    level: 'error',
  },
  'cycle.failed': { meaning: 'A cycle failed; the next one tries again.', payload: { why }, level: 'error', fleeting: true },
}
