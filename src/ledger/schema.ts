/**
 * The registry of tables: their rows, keys, columns, retention and leases. Copy, move, export, prune, counts and checks derive from it, so
 * a new table needs only an entry here and a migration. Both engines have the same tables: booleans are 0 and 1, JSON is text, and times
 * are milliseconds.
 */
import type { Generated, Kysely, RawBuilder } from 'kysely'
import type { Actor, EventKind, SeenKind } from '../core/events.ts'
import type { Delivery, Dispatch } from '../core/lifecycle.ts'
import type { Standing } from '../core/ledger/backlog.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { Job } from '../core/ledger/jobs.ts'
import type { Skip } from '../core/ledger/sprints.ts'
import type { Issue, ReadingState } from '../core/nouns.ts'
import type { Sprint } from '../core/sprint.ts'
import { sql } from 'kysely'
import { keysOf } from '../core/json.ts'
import { activeStates, liveStates } from '../core/lifecycle.ts'
import { inList } from './sql.ts'

/** A row of `issue`. */
export type IssueRow = Omit<Issue, 'labels' | 'assignees' | 'locked'> & {
  /** JSON arrays of strings. */
  labels: string
  assignees: string
  attempts: Generated<number>
  done: Generated<number>
  /** The verdict: all three are set, or none. */
  eligible: number | null
  verdict: string | null
  verdict_at: number | null
  /** Both columns of the back-off are set, or none. */
  backoff_until: Generated<number | null>
  backoff_reason: Generated<string | null>
  /** The name of an open change for the issue, from `open_change`. */
  open_change: Generated<string | null>
  /** The hash of the text that the issue had when burn first saw it with a trusted label. */
  approved_hash: Generated<string | null>
  /** Null if the next cycle has to judge the issue. */
  standing: Standing | null
  revision: Generated<number>
  /** Issues with a higher number come first. */
  priority: Generated<number>
  /** The kind of the event that a quiet save left out; null if there is none. */
  pending_event: Generated<SeenKind | null>
}

/** A row of `worker`. */
export interface WorkerRow {
  id: string
  /** The position in the order of recording. */
  drawn_seq: number
  drawn: number
  used_at: number | null
  state: ReadingState | null
  state_since: number | null
  error_at: number | null
}

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
  /** Both columns are set, or none. */
  unreadable_since: number | null
  unreadable_reason: string | null
  changed_at: number | null
}

/** An open change and one issue that it belongs to. `id` consists of the issue and the URL. */
export interface OpenChangeRow {
  id: string
  issue: string
  /** The repo of the change. */
  repo: string
  url: string
  name: string
  /** The dispatch whose branch the change comes from; null if it comes from another branch. */
  dispatch: string | null
}

/** A row of `dispatch`. Reasons are encoded by `encodeReason`. */
export type DispatchRow = Omit<Dispatch, 'reason' | 'state_reason'> & { reason: string; state_reason: string }

/** A row of `delivery`. `issue` is the issue of its dispatch: it is stored here so that events need no join. */
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

/** A row of `sprint`. It has no references to other rows, because results are kept longer than dispatches. */
export type SprintRow = {
  -readonly [Key in keyof Sprint]: Sprint[Key]
}

/** A row of `job`. */
export type JobRow = Job

/** A row of `hold`. `id` consists of the scope, the name and the code. */
export type HoldRow = Omit<Hold, 'reason'> & { id: string; reason: string }

/** A row of `skip`. `id` consists of the worker and the issue. */
export type SkipRow = Skip & { id: string }

/** A value about the whole ledger, such as `version`. */
export interface MetaRow {
  key: string
  value: string
}

/** The rows of all tables. */
export interface Tables {
  issue: IssueRow
  worker: WorkerRow
  hold: HoldRow
  repo: RepoRow
  open_change: OpenChangeRow
  dispatch: DispatchRow
  delivery: DeliveryRow
  event: EventRow
  sprint: SprintRow
  job: JobRow
  skip: SkipRow
  meta: MetaRow
}

/** The database under Kysely. */
export type Db = Kysely<Tables>

/** The version of the tables, which is the number of migrations. */
export const ledgerVersion = 6

/** A lease that keeps a ledger from being moved. */
export interface HeldLease {
  /** The leased row for people, such as "the sprint of acme/app#3". */
  readonly what: string
  readonly owner: string
  readonly until: number
}

interface TableRules {
  /** Selects the keys of rows that ended before a time and that nothing needs. A table without this rule keeps all rows. */
  readonly prunable?: (before: number) => RawBuilder<unknown>
  /** Selects the leases at a time, as `HeldLease`. */
  readonly heldLeases?: (now: number) => RawBuilder<unknown>
}

interface Table extends TableRules {
  readonly key: string
  readonly columns: readonly string[]
}

/** The tables in the order in which rows are copied: a table comes after those that it refers to. Rows are deleted in the reverse order. */
export const schema: { readonly [Name in keyof Tables]: Table } = {
  meta: table<MetaRow>()('key', 'key value'),
  repo: table<RepoRow>()(
    'repo',
    'repo cursor writers writers_at rights_at listed_at changes_at wait_reason unreadable_since unreadable_reason changed_at',
  ),
  issue: table<IssueRow>()(
    'ref',
    'ref repo number title body labels assignees author state created_at updated_at comments url attempts done eligible verdict verdict_at backoff_until backoff_reason open_change approved_hash standing revision priority pending_event',
  ),
  open_change: table<OpenChangeRow>()('id', 'id issue repo url name dispatch'),
  worker: table<WorkerRow>()('id', 'id drawn_seq drawn used_at state state_since error_at'),
  dispatch: table<DispatchRow>()(
    'id',
    'id kind issue worker slot state attempt reason state_reason comment_id comment_state incarnation change_url claimed_at handed_at changed_at',
    { prunable: endedDispatches },
  ),
  delivery: table<DeliveryRow>()(
    'id',
    'id kind dispatch issue worker state text typed proof incarnation evidence presses planned_at changed_at lease_owner lease_token lease_until',
    {
      prunable: endedDeliveries,
      heldLeases: (now) => sql`select 'a text for ' || worker as what, lease_owner as owner, lease_until as until from delivery
        where ${inList('state', activeStates)} and lease_until > ${now}`,
    },
  ),
  sprint: table<SprintRow>()(
    'id',
    'id issue worker host stage backend model provider turns tokens_in tokens_out cost outcome failure failure_text check_command check_result change_url started_at ended_at lease_owner lease_until',
    {
      prunable: endedDispatches,
      heldLeases: (now) => sql`select 'the sprint of ' || issue as what, lease_owner as owner, lease_until as until from sprint
        where ended_at is null and lease_until > ${now}`,
    },
  ),
  event: table<EventRow>()('seq', 'seq at kind subject issue worker actor payload', { prunable: pastEvents }),
  hold: table<HoldRow>()('id', 'id scope name code reason until actor created_at', {
    prunable: (before) => sql`select id from hold where until < ${before}`,
  }),
  job: table<JobRow>()('name', 'name period owner until last_run last_result next_run', {
    prunable: (before) => sql`select name from job where period is null and owner is null and last_run < ${before}`,
    heldLeases: (now) => sql`select 'the job ' || name as what, owner, until from job where owner is not null and until > ${now}`,
  }),
  skip: table<SkipRow>()('id', 'id worker issue until reason at', {
    prunable: (before) => sql`select id from skip where until < ${before}`,
  }),
}

/** The names of the tables, in the order of the registry. */
export const tableNames = keysOf<keyof Tables>(schema)

/** A column of the database. */
export interface Column {
  readonly table: string
  readonly column: string
}

/** Columns that only one engine has, and that are never copied: the ids of PostgreSQL's transactions. */
const engineColumns: readonly string[] = ['event.tx']

/** Returns a line for each column in which a database differs from the registry; empty if they are the same. */
export function schemaDifferences(columns: readonly Column[]): string[] {
  const declared = tableNames.flatMap((table) => schema[table].columns.map((column) => `${table}.${column}`))
  const found = columns.map(({ table, column }) => `${table}.${column}`)
  return [
    ...declared.filter((name) => !found.includes(name)).map((name) => `${name} is missing`),
    ...found.filter((name) => !declared.includes(name) && !engineColumns.includes(name)).map((name) => `${name} is unknown`),
  ]
}

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text
/** Accepts only text that names all columns of the row and no others. */
type AllOf<Row, Names extends string> = [Words<Names>, keyof Row] extends [keyof Row, Words<Names>] ? Names : never

function table<Row>() {
  return <const Names extends string>(key: keyof Row & string, columns: AllOf<Row, Names>, rules: TableRules = {}): Table => {
    return { key, columns: columns.split(' '), ...rules }
  }
}

/** The condition for texts that follow a dispatch's prompt. It repeats the condition of the index `delivery_further` exactly. */
export const isFurther = sql<boolean>`kind in ('follow_up', 'correction', 'resume', 'command')`

/**
 * Selects ended dispatches of closed issues, except the one that proves that its issue is done. Open issues keep all dispatches, because
 * attempts are counted from them.
 */
function endedDispatches(before: number): RawBuilder<unknown> {
  return sql`select d.id from dispatch d join issue i on i.ref = d.issue
    where d.changed_at < ${before} and not ${inList('d.state', liveStates)} and i.state <> 'open' and (d.comment_id is null or d.comment_state = d.state)
    and not (d.kind = 'work' and d.state = 'done' and i.done = 1
      and d.id = (select max(l.id) from dispatch l where l.issue = d.issue and l.kind = 'work' and l.state = 'done'))`
}

/**
 * Selects ended deliveries without a dispatch, except each worker's last one of a kind. The last identity tells whether the agent was
 * christened.
 */
export function endedTexts(before: number): RawBuilder<unknown> {
  return sql`select v.id from delivery v where v.issue is null and v.changed_at < ${before} and not ${inList('v.state', activeStates)}
    and v.id < (select max(l.id) from delivery l where l.worker = v.worker and l.kind = v.kind and l.issue is null)`
}

/** Selects the deliveries of `endedTexts`, and all deliveries of `endedDispatches`. A dispatch's prompt has the dispatch's id. */
function endedDeliveries(before: number): RawBuilder<unknown> {
  const dispatches = endedDispatches(before)
  return sql`select id from (${dispatches}) as ended union all select id from (${endedTexts(before)}) as texts
    union all select id from delivery where ${isFurther} and dispatch in (${dispatches})`
}

/**
 * Selects the events of `endedDeliveries`, and events whose subject is neither a dispatch nor a delivery. `issue.requeued` stays, because
 * attempts are counted from the last one.
 */
function pastEvents(before: number): RawBuilder<unknown> {
  return sql`select e.seq from event e where e.at < ${before} and e.subject in (${endedDeliveries(before)})
    union all select e.seq from event e where e.at < ${before} and e.kind <> 'issue.requeued'
    and not exists (select 1 from dispatch d where d.id = e.subject) and not exists (select 1 from delivery v where v.id = e.subject)`
}
