/**
 * The registry of tables: their rows, keys, columns, the order in which they are copied, how long rows are kept, and what keeps a ledger from being moved.
 * Copying, moving, export, prune, counts and checks derive from it: a new table is an entry here and a migration. Both engines have the same: booleans as 0 and 1,
 * JSON as text, times in milliseconds.
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
  /** Both are set, or none. */
  backoff_until: Generated<number | null>
  backoff_reason: Generated<string | null>
  /** The name of an open change for it, from `open_change`. */
  open_change: Generated<string | null>
  /** Hash of the text that a trusted label was first seen with. */
  approved_hash: Generated<string | null>
  /** Null where it is to be judged. */
  standing: Standing | null
  revision: Generated<number>
  /** Higher comes first. */
  priority: Generated<number>
  /** The kind of the event that is still to be written of its state; null where none is. */
  pending_event: Generated<SeenKind | null>
}

export interface WorkerRow {
  id: string
  /** Order of recording. */
  drawn_seq: number
  drawn: number
  used_at: number | null
  state: ReadingState | null
  state_since: number | null
  error_at: number | null
}

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
  /** Both are set, or none. */
  unreadable_since: number | null
  unreadable_reason: string | null
  changed_at: number | null
}

/** An open change and one issue that it belongs to; `id` is both. */
export interface OpenChangeRow {
  id: string
  issue: string
  /** The repo of the change. */
  repo: string
  url: string
  name: string
  /** The dispatch whose branch it comes from. */
  dispatch: string | null
}

/** Reasons as `encodeReason` writes them. */
export type DispatchRow = Omit<Dispatch, 'reason' | 'state_reason'> & { reason: string; state_reason: string }

/** `issue` is that of its dispatch: kept here so that its events need no join. */
export type DeliveryRow = Omit<Delivery, 'evidence'> & { evidence: string; issue: string | null }

export interface EventRow {
  seq: Generated<number>
  at: number
  kind: EventKind
  subject: string
  issue: string | null
  worker: string | null
  /** Null where an older version wrote it: `payload` is a sentence then. */
  actor: Actor | null
  /** JSON. */
  payload: string
}

/** Nothing in it refers to a row that could be gone: results outlive what they are of. */
export type SprintRow = {
  -readonly [Key in keyof Sprint]: Sprint[Key]
}

export type JobRow = Job

/** `id` is scope, name and code. */
export type HoldRow = Omit<Hold, 'reason'> & { id: string; reason: string }

/** `id` is worker and issue. */
export type SkipRow = Skip & { id: string }

/** What is true of the whole ledger, e.g. `version`. */
export interface MetaRow {
  key: string
  value: string
}

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

export type Db = Kysely<Tables>

/** The version of the tables: how many migrations lead to them. */
export const ledgerVersion = 6

/** What holds a lease: a ledger in use is not moved. */
export interface Busy {
  readonly what: string
  readonly owner: string
  readonly until: number
}

interface Rules {
  /** Keys of rows that ended before then and are needed for nothing any more; without it rows are kept. */
  readonly forgets?: (before: number) => RawBuilder<unknown>
  /** Rows that hold a lease then, as `Busy`. */
  readonly busy?: (now: number) => RawBuilder<unknown>
}

interface Table extends Rules {
  readonly key: string
  readonly columns: readonly string[]
}

/** In an order in which rows can be copied: parents before what refers to them. They are forgotten the other way round. */
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
    { forgets: endedDispatches },
  ),
  delivery: table<DeliveryRow>()(
    'id',
    'id kind dispatch issue worker state text typed proof incarnation evidence presses planned_at changed_at lease_owner lease_token lease_until',
    {
      forgets: endedDeliveries,
      busy: (now) => sql`select 'a text for ' || worker as what, lease_owner as owner, lease_until as until from delivery
        where ${inList('state', activeStates)} and lease_until > ${now}`,
    },
  ),
  sprint: table<SprintRow>()(
    'id',
    'id issue worker host stage backend model provider turns tokens_in tokens_out cost outcome failure failure_text check_command check_result change_url started_at ended_at lease_owner lease_until',
    {
      forgets: endedDispatches,
      busy: (now) => sql`select 'the sprint of ' || issue as what, lease_owner as owner, lease_until as until from sprint
        where ended_at is null and lease_until > ${now}`,
    },
  ),
  event: table<EventRow>()('seq', 'seq at kind subject issue worker actor payload', { forgets: pastEvents }),
  hold: table<HoldRow>()('id', 'id scope name code reason until actor created_at', {
    forgets: (before) => sql`select id from hold where until < ${before}`,
  }),
  job: table<JobRow>()('name', 'name period owner until last_run last_result next_run', {
    forgets: (before) => sql`select name from job where period is null and owner is null and last_run < ${before}`,
    busy: (now) => sql`select 'the job ' || name as what, owner, until from job where owner is not null and until > ${now}`,
  }),
  skip: table<SkipRow>()('id', 'id worker issue until reason at', {
    forgets: (before) => sql`select id from skip where until < ${before}`,
  }),
}

export const tableNames = keysOf<keyof Tables>(schema)

/** A column of the database. */
export interface Column {
  readonly table: string
  readonly column: string
}

/** Columns that an engine has for itself, and that are never copied: in which order PostgreSQL's transactions began. */
const ofEngines: readonly string[] = ['event.tx']

/** How a database differs from the registry, one line a column; empty where it is the same. */
export function differences(there: readonly Column[]): string[] {
  const declared = tableNames.flatMap((table) => schema[table].columns.map((column) => `${table}.${column}`))
  const found = there.map(({ table, column }) => `${table}.${column}`)
  return [
    ...declared.filter((name) => !found.includes(name)).map((name) => `${name} is missing`),
    ...found.filter((name) => !declared.includes(name) && !ofEngines.includes(name)).map((name) => `${name} is not the ledger's`),
  ]
}

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text
/** Names every column of the row, and nothing else. */
type AllOf<Row, Names extends string> = [Words<Names>, keyof Row] extends [keyof Row, Words<Names>] ? Names : never

function table<Row>() {
  return <const Names extends string>(key: keyof Row & string, columns: AllOf<Row, Names>, rules: Rules = {}): Table => {
    return { key, columns: columns.split(' '), ...rules }
  }
}

/** A text that follows a dispatch's first one; word for word as the index of such texts says it. */
export const isFurther = sql<boolean>`kind in ('follow_up', 'correction', 'resume', 'command')`

/** Dispatches of issues that are closed, but the one that says that its issue is done. An open issue keeps its whole story: its attempts are counted from it. */
function endedDispatches(before: number): RawBuilder<unknown> {
  return sql`select d.id from dispatch d join issue i on i.ref = d.issue
    where d.changed_at < ${before} and not ${inList('d.state', liveStates)} and i.state <> 'open' and (d.comment_id is null or d.comment_state = d.state)
    and not (d.kind = 'work' and d.state = 'done' and i.done = 1
      and d.id = (select max(l.id) from dispatch l where l.issue = d.issue and l.kind = 'work' and l.state = 'done'))`
}

/** Texts of no dispatch, but each worker's last of a kind: it says whether its agent was told who it is. */
export function endedTexts(before: number): RawBuilder<unknown> {
  return sql`select v.id from delivery v where v.issue is null and v.changed_at < ${before} and not ${inList('v.state', activeStates)}
    and v.id < (select max(l.id) from delivery l where l.worker = v.worker and l.kind = v.kind and l.issue is null)`
}

/** Those, and all texts of dispatches that are forgotten: the first has the dispatch's id. */
function endedDeliveries(before: number): RawBuilder<unknown> {
  const dispatches = endedDispatches(before)
  return sql`select id from (${dispatches}) as ended union all select id from (${endedTexts(before)}) as texts
    union all select id from delivery where ${isFurther} and dispatch in (${dispatches})`
}

/** Events of what is forgotten, and of what is no dispatch and no text. Requeuing bounds how far back attempts are counted, so it stays. */
function pastEvents(before: number): RawBuilder<unknown> {
  return sql`select e.seq from event e where e.at < ${before} and e.subject in (${endedDeliveries(before)})
    union all select e.seq from event e where e.at < ${before} and e.kind <> 'issue.requeued'
    and not exists (select 1 from dispatch d where d.id = e.subject) and not exists (select 1 from delivery v where v.id = e.subject)`
}
