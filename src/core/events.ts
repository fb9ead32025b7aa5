/** The types of events: kind, subject, actor and payload. `decide/event-kinds` describes each kind. */
import type { ChangeStage, StepAction, StepOutcome } from './change-stages.ts'
import type { DelegationState } from './delegation.ts'
import type { DeliveryKind, DeliveryState, DispatchState } from './lifecycle.ts'
import type { HoldScope, Incarnation, IssueRef, Time, WorkerId } from './nouns.ts'
import type { Reason } from './reasons.ts'
import type { SteeringWord } from './steering.ts'
import type { SpanKind } from './span.ts'
import type { FailureClass } from './sprint.ts'

type None = Readonly<Record<never, never>>
type Titled = { readonly title: string }
type Because = { readonly reason: Reason }
type BackoffData = { readonly reason: Reason; readonly until: Time }
type Held = { readonly reason: Reason; readonly until: Time | null }
type Stepped = { readonly reason: Reason; readonly presses: number }

/** The agent of a delegation and its login; empty if no agent suits the issue. */
type DelegationData = { readonly agent: string; readonly login: string; readonly reason: Reason }

type Why = { readonly why: string }

/** A command in a comment. `refusal`: null if burn carried it out. */
type SteeredData = {
  readonly word: SteeringWord | null
  readonly by: string
  readonly on: string
  readonly comment: string
  readonly refusal: Reason | null
}

/** The payloads of notices, by kind. A notice is an event that a running command also prints. */
interface NoticeData {
  'ledger.unrenewed': Why
  'ledger.unsaved': Why
  'ledger.unnoted': Why
  'ledger.shared': { readonly what: string; readonly mend: string }
  'spec.deprecated': { readonly what: string }
  'forge.login_unknown': Why
  'forge.skipped': { readonly what: string }
  'forge.throttled': { readonly ms: number }
  'repo.rights_unknown': Why
  'repo.unusable': Why
  'issue.comment_failed': { readonly why: string; readonly rests: string | null }
  'issue.comment_deleted': None
  'issue.unclaimed': { readonly reason: Reason; readonly rests: string | null }
  'issue.undelivered': { readonly reason: Reason; readonly rests: string | null }
  'issue.unpicked': Because
  'issue.mangled': Because
  'delegation.failed': { readonly login: string; readonly why: string }
  'issue.change_unknown': Why
  'sprint.unwatched': Why
  'sprint.workspace_kept': Why
  'backend.unusable': { readonly name: string; readonly class: FailureClass; readonly why: string }
  'model.paused': { readonly until: Time; readonly why: string }
  'git.login_failed': Why
  'machine.lost': Why
  'agent.stopped': Because
  'login.ended': AboutLogin
  'login.failing': AboutLogin
  'login.copied': AboutLogin
  'login.ending': AboutLogin
  'cycle.failed': Why
  'job.failed': Why
  'notify.failed': Why
  'notify.dropped': { readonly why: string; readonly events: number }
}

/** A notable state of a worker, machine, job or dispatcher. `since`: the time at which the state began. */
type Alarm = { readonly since: Time; readonly detail: string | null; readonly evidence: string }
/** The end of a notable state. `now`: the next state; null if burn could not observe it. */
type Cleared = { readonly state: string; readonly now: string | null; readonly ms: number }

/**
 * The event of a trouble of a login. `ended`: only a person can log in again. `failing`: several attempts in a row did not renew the login.
 * `copied`: another file has a copy of the login.
 */
export type LoginTrouble = 'login.ended' | 'login.failing' | 'login.copied'
/** A login in trouble. `workers`: the number of workers that use it. */
type AboutLogin = { readonly ends_at: Time | null; readonly workers: number; readonly remedy: string }

/** The kinds of notices. */
export type NoticeKind = keyof NoticeData

/** The payload of each kind of event. */
export interface EventData
  extends
    NoticeData,
    Record<`dispatch.${DispatchState}`, Because>,
    Record<`delivery.${Exclude<DeliveryState, 'planned'>}`, Stepped>,
    Record<`delegation.${'left' | Exclude<DelegationState, 'assigning'>}`, DelegationData>,
    Record<`${HoldScope}.held`, Held>,
    Record<`${HoldScope}.resumed`, None>,
    Record<
      `worker.${'waiting' | 'error' | 'dead' | 'limited'}` | 'machine.unreachable' | 'job.missed' | 'dispatcher.silent' | 'drift.found',
      Alarm
    >,
    Record<`${SpanKind}.cleared`, Cleared> {
  'issue.found': Titled
  'issue.closed': Titled
  'issue.reopened': Titled
  'issue.eligible': Because
  'issue.ineligible': Because
  'issue.approved': { readonly sha256: string; readonly by?: string }
  'issue.steered': SteeredData
  'issue.unapproved': None
  'issue.rests': BackoffData
  'issue.skipped': { readonly why: string; readonly until: Time | null }
  'issue.requeued': None
  'issue.over_budget': Because
  'budget.warned': Because
  'change.stage': { readonly change: string; readonly stage: ChangeStage; readonly reason: Reason }
  'change.approved': { readonly change: string; readonly by: string }
  'change.step': { readonly action: StepAction; readonly attempt: number; readonly outcome: StepOutcome; readonly reason: Reason }
  'change.escalated': { readonly change: string; readonly reason: Reason }
  'issue.prioritized': { readonly priority: number }
  'repo.rests': BackoffData
  'repo.unread': Why
  'repo.read': None
  'login.tried': { readonly outcome: string; readonly before: Time | null; readonly after: Time | null }
  'login.restored': { readonly ends_at: Time | null }
  'dispatch.commented': { readonly comment: string; readonly says: string }
  'delivery.planned': { readonly kind: DeliveryKind; readonly bytes: number; readonly sha256: string }
  'delivery.taken_over': { readonly owner: string; readonly token: number }
  'drift.commanded': { readonly what: string; readonly model: string; readonly provider: string | null; readonly delivery: string }
  'drift.restarted': { readonly what: string }
  'drift.escalated': { readonly what: string; readonly why: string }
  'worker.recorded': None
  'worker.provisioned': { readonly missing: string }
  'worker.starting': { readonly continues: string | null; readonly reason: Reason }
  'worker.restarting': { readonly successor: 'continue' | 'fresh'; readonly why: string }
  'worker.continued': { readonly incarnation: Incarnation; readonly conversation: string }
  'worker.retiring': Held
  'worker.retired': Held
  'fleet.stopping': { readonly drain: boolean }
  'ledger.pruned': { readonly dispatches: number; readonly deliveries: number; readonly events: number; readonly before: Time }
}

export type EventKind = keyof EventData

/**
 * The cause of an event. `burn`: a burn process decided to act. `person`: a person ran a command. `forge`: burn saw a change of data on the
 * forge.
 */
export type Actor = 'burn' | 'person' | 'forge'

interface About {
  /** The id of the dispatch, delivery, worker, issue, repo or machine that the event is about. */
  readonly subject: string
  readonly issue: IssueRef | null
  readonly worker: WorkerId | null
}

/** The kinds of events that burn writes when it saves issues from the forge. */
export type SeenKind = 'issue.found' | 'issue.closed' | 'issue.reopened'

/** An event to write to the ledger. */
export type NewEvent = {
  readonly [K in EventKind]: About & { readonly kind: K; readonly actor: Actor; readonly payload: EventData[K] }
}[EventKind]

/** A notice: an event that a running command prints at once. */
export type Notice = {
  readonly [K in keyof NoticeData | 'repo.unread']: {
    readonly kind: K
    /** The id of the worker, issue, repo or machine that the notice is about. */
    readonly subject: string
    readonly payload: EventData[K]
  }
}[keyof NoticeData | 'repo.unread']

interface Kept extends About {
  /** The position of the event in the ledger. A reader passes the cursor as `after` to get later events. */
  readonly cursor: string
  readonly seq: number
  readonly at: Time
}

/** The payload of an event that an older version of burn wrote as a sentence. */
export interface Prose {
  readonly prose: string
}

/** An event in the ledger. `actor` is null if an older version of burn wrote the event. */
export type Event = {
  readonly [K in EventKind]: Kept & { readonly kind: K; readonly actor: Actor | null; readonly payload: EventData[K] | Prose }
}[EventKind]

/** A group of workers, repos and other subjects. An event belongs to the group if it belongs to one of its members. */
export interface EventsAbout {
  /** Events of these workers, and events of an issue while one of the workers had it. */
  readonly workers: readonly WorkerId[]
  readonly issues: readonly IssueRef[]
  /** Events of all issues of these repos. */
  readonly repos: readonly string[]
  /** Events with one of these subjects, such as a machine. */
  readonly subjects: readonly string[]
}

/** A filter for events. Without `after` and `until` it selects the newest events. */
export interface EventFilter {
  /**
   * A cursor. Selects the events after the cursor, oldest first. Excludes events that are not final, because an open transaction may still
   * add earlier events.
   */
  readonly after?: string
  /** A cursor. Selects the newest events up to and including the cursor. */
  readonly until?: string
  /** The kinds of events to select, or prefixes of kinds: `delivery.*`. */
  readonly kinds?: readonly string[]
  readonly issue?: IssueRef
  readonly worker?: WorkerId
  readonly subject?: string
  /** Selects the events that belong to each of these. */
  readonly about?: readonly EventsAbout[]
  readonly since?: Time
  readonly limit?: number
}

export type LogLevel = 'info' | 'warn' | 'error'

/** Returns true for an event that reports the merge of a change. */
export function isMerge({ kind, payload }: Pick<Event, 'kind' | 'payload'>): boolean {
  return kind === 'dispatch.done' && 'reason' in payload && payload.reason.code === 'change_merged'
}
