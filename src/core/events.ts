/** Everything that happens, as typed values: the kind, what it happened to, who did it, and the data. `docs/events.md` is made from the table below. */
import type { DeliveryKind, DeliveryState, DispatchState } from './lives.ts'
import type { HoldScope, IssueRef, Time, WorkerId } from './nouns.ts'
import type { Reason } from './reasons.ts'

type None = Readonly<Record<never, never>>
type Titled = { readonly title: string }
type Because = { readonly reason: Reason }
type Rested = { readonly reason: Reason; readonly until: Time }
type Held = { readonly reason: Reason; readonly until: Time | null }
type Stepped = { readonly reason: Reason; readonly presses: number }

/** The payload of each kind. */
export interface EventData
  extends
    Record<`dispatch.${DispatchState}`, Because>,
    Record<`delivery.${Exclude<DeliveryState, 'planned'>}`, Stepped>,
    Record<`${HoldScope}.held`, Held>,
    Record<`${HoldScope}.resumed`, None> {
  'issue.found': Titled
  'issue.closed': Titled
  'issue.reopened': Titled
  'issue.eligible': Because
  'issue.ineligible': Because
  'issue.approved': { readonly sha256: string }
  'issue.unapproved': None
  'issue.rests': Rested
  'issue.skipped': { readonly why: string; readonly until: Time | null }
  'issue.requeued': None
  'issue.prioritised': { readonly priority: number }
  'repo.rests': Rested
  'repo.unread': { readonly why: string }
  'repo.read': None
  'dispatch.commented': { readonly comment: string; readonly says: string }
  'delivery.planned': { readonly kind: DeliveryKind; readonly bytes: number; readonly sha256: string }
  'delivery.taken_over': { readonly owner: string; readonly token: number }
  'worker.recorded': None
  'ledger.pruned': { readonly dispatches: number; readonly deliveries: number; readonly events: number; readonly before: Time }
}

export type EventKind = keyof EventData

/** `burn`: a process of the fleet decided it. `person`: a person asked for it. `forge`: it was seen on the forge. */
export type Actor = 'burn' | 'person' | 'forge'

interface About {
  /** The id of what it happened to: dispatch, delivery, worker, issue, repo or machine. */
  readonly subject: string
  readonly issue: IssueRef | null
  readonly worker: WorkerId | null
}

/** What a listing of the forge says of an issue. */
export type SeenKind = 'issue.found' | 'issue.closed' | 'issue.reopened'

/** An event to write. */
export type NewEvent = {
  readonly [K in EventKind]: About & { readonly kind: K; readonly actor: Actor; readonly payload: EventData[K] }
}[EventKind]

interface Kept extends About {
  /** Its position in the ledger: `after` it come the events that a reader has not seen. */
  readonly cursor: string
  readonly seq: number
  readonly at: Time
}

/** What an older ledger kept of an event: its kind, and a sentence. */
export interface Prose {
  readonly prose: string
}

/** An event as the ledger has it. `actor` is null if an older version wrote it. */
export type Event = {
  readonly [K in EventKind]: Kept & { readonly kind: K; readonly actor: Actor | null; readonly payload: EventData[K] | Prose }
}[EventKind]

/** Which events to read. Without `after` or `until`: the newest. */
export interface EventFilter {
  /** A cursor: events after it, the oldest first, up to the oldest transaction that is still open. */
  readonly after?: string
  /** A cursor: the newest events up to it. */
  readonly until?: string
  /** Kinds, or their beginnings with a trailing glob: `delivery.*`. */
  readonly kinds?: readonly string[]
  readonly issue?: IssueRef
  readonly worker?: WorkerId
  readonly subject?: string
  readonly since?: Time
  readonly limit?: number
}

/** What a kind means, and what its payload holds. */
interface Meaning<K extends EventKind> {
  readonly meaning: string
  readonly payload: { readonly [F in keyof EventData[K]]: string }
}

const reason = 'why, as a code with data'
const until = 'the time (ms) when it ends'
const held = { reason, until: `${until}; null: when it is resumed` }
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
  'repo.unread': { meaning: 'The forge did not let burn read a repo.', payload: { why: 'the error' } },
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
}
