/** The row types of the ledger's tables. Booleans are stored as 0 and 1, JSON as text, and times as Unix milliseconds. */
import type { Generated, Kysely } from 'kysely'
import type { AgentRecord } from '../core/agent-record.ts'
import type { Actor, EventKind, SeenKind } from '../core/events.ts'
import type { Delegation } from '../core/delegation.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { Standing } from '../core/ledger/backlog.ts'
import type { ChangeStep } from '../core/change-loop.ts'
import type { WatchedChange } from '../core/ledger/changes.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { Job } from '../core/ledger/jobs.ts'
import type { Skip } from '../core/ledger/sprints.ts'
import type { Notification } from '../core/notify.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Issue, ReadingState } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Tokens, UsageRecord, UsageSource } from '../core/usage.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'

/** A row of `issue`. */
export type IssueRow = Omit<Issue, 'labels' | 'assignees' | 'locked' | 'due_at'> & {
  /** JSON arrays of strings. */
  labels: string
  assignees: string
  attempts: Generated<number>
  done: Generated<number>
  /** The verdict. Either all three columns are set, or none is. */
  eligible: number | null
  verdict: string | null
  verdict_at: number | null
  /** The back-off. Either both columns are set, or none is. */
  backoff_until: Generated<number | null>
  backoff_reason: Generated<string | null>
  /** The name of an open change that belongs to the issue, copied from the table `open_change`. */
  open_change: Generated<string | null>
  /** The hash of the issue's title and body when burn first saw the issue with a trusted label. */
  approved_hash: Generated<string | null>
  /** The login that approved the text with a comment; null if a label approved the text, or nothing did. */
  approved_by: Generated<string | null>
  /** The login that stopped the issue with a comment; null if the issue is not stopped. */
  stopped_by: Generated<string | null>
  /** `updated_at` of the issue when burn first read its present title and body. */
  text_at: number | null
  /** Null if the next cycle must judge the issue. */
  standing: Standing | null
  revision: Generated<number>
  due_at: number | null
  /** burn dispatches issues with a higher number first. */
  priority: Generated<number>
  /** Among issues of the same priority, burn dispatches those with a lower rank first. See `decide/queue`. */
  queue_rank: Generated<number>
  /** The kind of the event that a save with `quiet` did not record; null if there is none. */
  pending_event: Generated<SeenKind | null>
  /** The rules of delegation and the revision for which no agent suits the issue; null if burn has not decided so. */
  delegation_left: Generated<string | null>
}

/** A row of `change_watch`. `facts` is JSON: the state of the change and the rules of its base. `protected_paths` is a JSON array of strings. */
export type ChangeWatchRow = Omit<WatchedChange, 'state' | 'protection' | 'protected_paths' | 'reason'> & {
  facts: string
  protected_paths: string | null
  reason: string
}

/** A row of `change_step`. */
export type ChangeStepRow = Omit<ChangeStep, 'delivered' | 'reason'> & { id: string; reason: string; sprint_text: string | null }

/** A row of `worker`. */
export interface WorkerRow {
  id: string
  /** The worker's position in the order in which workers were recorded. */
  drawn_seq: number
  drawn: number
  used_at: number | null
  state: ReadingState | null
  state_since: number | null
  /** 0 if the state may have begun long before `state_since`; null if an older version of burn saved the state. */
  start_seen: number | null
  error_at: number | null
  /** A `ProvisionRecord` as JSON. */
  provision: string | null
}

/** A row of `agent`. `started_with` is JSON. */
export type AgentRow = { -readonly [Key in keyof Omit<AgentRecord, 'started_with'>]: AgentRecord[Key] } & { started_with: string }

/** A row of `repo`. */
export interface RepoRow {
  repo: string
  cursor: string | null
  /** JSON array of strings. */
  writers: string | null
  writers_at: number | null
  rights_at: number | null
  listed_at: number | null
  changes_at: number | null
  wait_reason: string | null
  /** Either both columns are set, or none is. */
  unreadable_since: number | null
  unreadable_reason: string | null
  changed_at: number | null
  /** The newest time of an issue or a change in the listings. */
  news_at: number | null
  /** burn has read all comments with commands before this time. */
  comments_at: number | null
}

/** One pair of an open change and an issue that it belongs to. `id` is composed of the issue and the URL. */
export interface OpenChangeRow {
  id: string
  issue: string
  /** The repo that has the change. */
  repo: string
  url: string
  name: string
  /** The dispatch whose branch the change comes from; null if the branch belongs to no dispatch. */
  dispatch: string | null
}

/** A row of `dispatch`. `encodeReason` encodes its reasons. */
export type DispatchRow = Omit<Dispatch, 'reason' | 'state_reason'> & { reason: string; state_reason: string }

/** A row of `delivery`. `issue` is copied from its dispatch, so that events need no join. */
export type DeliveryRow = Omit<Delivery, 'evidence'> & { evidence: string; issue: string | null }

/** A row of `event`. */
export interface EventRow {
  seq: Generated<number>
  at: number
  kind: EventKind
  subject: string
  issue: string | null
  worker: string | null
  /** Null if an old version of burn wrote the event. */
  actor: Actor | null
  /** JSON or, if `actor` is null, a sentence. */
  payload: string
}

/** A row of `delegation`. `id` is composed of the issue and the login in lower case. */
export type DelegationRow = Omit<Delegation, 'reason'> & { id: string; reason: string }

/** A row of `steering`: a handled command. `id` is composed of the issue or change and the comment. `outcome` is `done` or `refused`. */
export interface SteeringRow {
  id: string
  ref: string
  comment: string
  author: string
  word: string | null
  issue: string | null
  outcome: 'done' | 'refused'
  /** The encoded reason of a refusal; null if burn carried the command out. */
  reason: string | null
  created_at: number
  at: number
  acknowledged_at: number | null
}

/** A row of `sprint`. It has no foreign keys, because results are kept longer than dispatches. */
export type SprintRow = {
  -readonly [Key in keyof Sprint]: Sprint[Key]
}

/** A row of `job`. */
export type JobRow = Job

/** A row of `hold`. `id` is composed of the scope, the name and the code. */
export type HoldRow = Omit<Hold, 'reason'> & { id: string; reason: string }

/** A row of `skip`. `id` is composed of the worker and the issue. */
export type SkipRow = Skip & { id: string }

/** A row of `open_span`. `id` is composed of the kind and the subject. */
export type OpenSpanRow = { -readonly [Key in keyof Omit<Span, 'ended_at'>]: Span[Key] } & { id: string }

/** A row of `span`: a span that has ended. `id` begins with a time that is not before the end (`groups.ts`). */
export interface SpanRow {
  id: number
  began_at: number
  seen_at: number
  ended_at: number
  /** The number of the issue; null if there was none. */
  number: number | null
  group_id: number
  evidence: string
  reported: string | null
}

/** A row of `span_group`: texts that many spans share. `repo` is the repo of their issues. */
export type SpanGroupRow = GroupRow & {
  -readonly [Key in 'kind' | 'subject' | 'machine' | 'state' | 'detail' | 'incarnation']: Span[Key]
} & {
  repo: string | null
}

interface GroupRow {
  id: number
  /** A hash of the texts. */
  hash: string
  /** A time that is at most a day before the times of the group's rows. */
  used_at: number
}

/** A row of `measure`. `id` is composed of the subject, the time and the period; `numbers` is JSON. */
export type MeasureRow = Omit<Measure, 'numbers'> & { id: string; numbers: string }

/** A row of `usage`. `id` begins with the hour (`groups.ts`). */
export type UsageRow = { -readonly [Key in keyof Tokens]: UsageRecord[Key] } & {
  id: number
  /** The number of the issue; 0 if the tokens belong to none. */
  number: number
  group_id: number
  /** The time (ms) from the begin of the hour to the last tokens. */
  last_ms: number
}

/** A row of `usage_group`: texts that many rows of `usage` share. `subscription`: 1, 0, or null if unknown. */
export type UsageGroupRow = GroupRow & {
  -readonly [Key in 'source' | 'worker' | 'incarnation' | 'agent' | 'provider' | 'model_asked' | 'model_answered']: UsageRecord[Key]
} & { repo: string; subscription: number | null }

/** A row of `usage_source`. `id` is composed of the machine and the path; `state` is JSON. */
export type UsageSourceRow = Omit<UsageSource, 'state'> & { id: string; state: string }

/** A row of `model_use`. `id` is composed of the worker and the conversation. `idle`: 1 or 0. */
export type ModelUseRow = { -readonly [Key in keyof Omit<LastUse, 'idle'>]: LastUse[Key] } & { id: string; idle: number }

/** A row of `usage_limit`. `id` is composed of the worker and the name of the limit. */
export type UsageLimitRow = { -readonly [Key in keyof WorkerLimit]: WorkerLimit[Key] } & { id: string }

/** A row of `notification`. `content` is JSON. */
export type NotificationRow = { -readonly [Key in keyof Omit<Notification, 'content'>]: Notification[Key] } & { content: string }

/** A value about the whole ledger, such as `version`. */
export interface MetaRow {
  key: string
  value: string
}

/** The row type of each table. */
export interface Tables {
  issue: IssueRow
  worker: WorkerRow
  agent: AgentRow
  hold: HoldRow
  repo: RepoRow
  open_change: OpenChangeRow
  change_watch: ChangeWatchRow
  change_step: ChangeStepRow
  dispatch: DispatchRow
  delivery: DeliveryRow
  event: EventRow
  delegation: DelegationRow
  steering: SteeringRow
  sprint: SprintRow
  job: JobRow
  skip: SkipRow
  open_span: OpenSpanRow
  span_group: SpanGroupRow
  span: SpanRow
  measure: MeasureRow
  usage_group: UsageGroupRow
  usage: UsageRow
  usage_source: UsageSourceRow
  model_use: ModelUseRow
  usage_limit: UsageLimitRow
  notification: NotificationRow
  meta: MetaRow
}

/** The database under Kysely. */
export type Db = Kysely<Tables>
