/**
 * The registry of tables: their keys, columns, retention and leases. Copy, move, export, prune, counts and checks use this registry, so a
 * new table needs only an entry here, its row type in `tables.ts` and a migration. Both engines have the same tables.
 */
import type { RawBuilder } from 'kysely'
import type {
  AgentRow,
  ChangeStepRow,
  ChangeWatchRow,
  DelegationRow,
  DeliveryRow,
  DispatchRow,
  EventRow,
  HoldRow,
  IssueRow,
  JobRow,
  MeasureRow,
  MetaRow,
  ModelUseRow,
  NotificationRow,
  OpenChangeRow,
  OpenSpanRow,
  RepoRow,
  SkipRow,
  SpanGroupRow,
  SpanRow,
  SprintRow,
  SteeringRow,
  Tables,
  UsageGroupRow,
  UsageLimitRow,
  UsageRow,
  UsageSourceRow,
  WorkerRow,
} from './tables.ts'
import { sql } from 'kysely'
import { liveDelegations } from '../core/delegation.ts'
import { keysOf } from '../core/json.ts'
import { activeStates, liveStates } from '../core/lifecycle.ts'
import { groupAge } from './groups.ts'
import { inList } from './sql.ts'
import { usageBefore } from './usage.ts'

/** The version of the tables. It equals the number of migrations. */
export const ledgerVersion = 19

/** A lease that prevents a person from moving the ledger. */
export interface HeldLease {
  /** A name of the leased row for messages, such as "the sprint of acme/app#3". */
  readonly what: string
  readonly owner: string
  readonly until: number
}

interface TableRules {
  /**
   * Returns SQL that selects the keys of the rows that burn may delete: they ended before this time, and no other row needs them. If a
   * table has no such function, burn keeps all of its rows.
   */
  readonly prunable?: (before: number) => RawBuilder<unknown>
  /** Returns SQL that selects the leases that are valid at this time, as `HeldLease`. */
  readonly heldLeases?: (now: number) => RawBuilder<unknown>
}

interface Table extends TableRules {
  readonly key: string
  readonly columns: readonly string[]
}

/** The tables, in the order in which rows are copied: referenced tables come first. Rows are deleted in the reverse order. */
export const schema: { readonly [Name in keyof Tables]: Table } = {
  meta: table<MetaRow>()('key', 'key value'),
  repo: table<RepoRow>()(
    'repo',
    'repo cursor writers writers_at rights_at listed_at changes_at wait_reason unreadable_since unreadable_reason changed_at news_at comments_at',
  ),
  issue: table<IssueRow>()(
    'ref',
    'ref repo number title body labels assignees author state created_at updated_at comments url attempts done eligible verdict verdict_at backoff_until backoff_reason open_change approved_hash approved_by stopped_by text_at standing revision priority pending_event delegation_left due_at queue_rank',
  ),
  open_change: table<OpenChangeRow>()('id', 'id issue repo url name dispatch'),
  worker: table<WorkerRow>()('id', 'id drawn_seq drawn used_at state state_since start_seen error_at provision'),
  agent: table<AgentRow>()('id', 'id worker incarnation started_with continues conversation started_at ended_at successor', {
    prunable: earlierAgents,
  }),
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
  delegation: table<DelegationRow>()('id', 'id issue login agent state reason comment_id created_at deadline changed_at', {
    prunable: (before) => sql`select g.id from delegation g left join issue i on i.ref = g.issue
      where g.changed_at < ${before} and not ${inList('g.state', liveDelegations)} and (i.state is null or i.state <> 'open')`,
  }),
  steering: table<SteeringRow>()('id', 'id ref comment author word issue outcome reason created_at at acknowledged_at', {
    prunable: (before) => sql`select id from steering where at < ${before} and acknowledged_at is not null`,
  }),
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
  open_span: table<OpenSpanRow>()('id', 'id kind subject machine state detail issue incarnation evidence began_at seen_at reported'),
  // `rollUp` deletes old spans and measures, because telemetry has its own retention.
  span_group: table<SpanGroupRow>()('id', 'id hash used_at kind subject machine state detail repo incarnation'),
  span: table<SpanRow>()('id', 'id began_at seen_at ended_at number group_id evidence reported'),
  measure: table<MeasureRow>()('id', 'id subject at period numbers'),
  usage_group: table<UsageGroupRow>()(
    'id',
    'id hash used_at source worker incarnation repo agent provider model_asked model_answered subscription',
    { prunable: (before) => sql`select id from usage_group where used_at < ${before - groupAge}` },
  ),
  usage: table<UsageRow>()('id', 'id calls input cache_read cache_write output reasoning number group_id last_ms reported_cost', {
    prunable: usageBefore,
  }),
  usage_source: table<UsageSourceRow>()('id', 'id machine path inode position state read_at failure', {
    prunable: (before) => sql`select id from usage_source where read_at < ${before}`,
  }),
  model_use: table<ModelUseRow>()('id', 'id worker session at provider model_asked model_answered record incarnation idle', {
    prunable: (before) => sql`select id from model_use where at < ${before}`,
  }),
  usage_limit: table<UsageLimitRow>()('id', 'id worker name used resets_at at', {
    prunable: (before) => sql`select id from usage_limit where at < ${before}`,
  }),
  change_watch: table<ChangeWatchRow>()('dispatch', 'dispatch ref facts first_pusher protected_paths read_at stage reason staged_at', {
    prunable: () => sql`select dispatch from change_watch where not exists (select 1 from dispatch d where d.id = change_watch.dispatch)`,
  }),
  change_step: table<ChangeStepRow>()('id', 'id dispatch action signature attempt head worker delivery sprint_text outcome reason at', {
    prunable: () => sql`select id from change_step where not exists (select 1 from dispatch d where d.id = change_step.dispatch)`,
  }),
  notification: table<NotificationRow>()('id', 'id channel topic message content state attempts next_at last_error created_at sent_at', {
    prunable: (before) => sql`select id from notification where state <> 'pending' and created_at < ${before}`,
  }),
}

/** The names of the tables, in the order of the registry. */
export const tableNames = keysOf<keyof Tables>(schema)

/** A column as the database reports it. */
export interface Column {
  readonly table: string
  readonly column: string
}

/** Columns that only one engine has, and that are never copied. `event.tx` is PostgreSQL's transaction id. */
const engineColumns: readonly string[] = ['event.tx']

/** Returns one line for each column that differs between a database and the registry; empty if none differs. */
export function schemaDifferences(columns: readonly Column[]): string[] {
  const declared = tableNames.flatMap((table) => schema[table].columns.map((column) => `${table}.${column}`))
  const found = columns.map(({ table, column }) => `${table}.${column}`)
  return [
    ...declared.filter((name) => !found.includes(name)).map((name) => `${name} is missing`),
    ...found.filter((name) => !declared.includes(name) && !engineColumns.includes(name)).map((name) => `${name} is unknown`),
  ]
}

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text
/** Accepts only a string that lists all columns of the row and no others. */
type AllOf<Row, Names extends string> = [Words<Names>, keyof Row] extends [keyof Row, Words<Names>] ? Names : never

function table<Row>() {
  return <const Names extends string>(key: keyof Row & string, columns: AllOf<Row, Names>, rules: TableRules = {}): Table => {
    return { key, columns: columns.split(' '), ...rules }
  }
}

/**
 * The SQL condition that selects a dispatch's deliveries, except the delivery of its prompt. It must be identical to the condition of the
 * index `delivery_further`.
 */
export const isFurther = sql<boolean>`kind in ('follow_up', 'correction', 'resume', 'command')`

/**
 * Selects ended dispatches of closed issues. Skips the latest done dispatch of an issue, which proves that the issue is done. Keeps all
 * dispatches of open issues, because attempts are counted from them.
 */
function endedDispatches(before: number): RawBuilder<unknown> {
  return sql`select d.id from dispatch d join issue i on i.ref = d.issue
    where d.changed_at < ${before} and not ${inList('d.state', liveStates)} and i.state <> 'open' and (d.comment_id is null or d.comment_state = d.state)
    and not (d.kind = 'work' and d.state = 'done' and i.done = 1
      and d.id = (select max(l.id) from dispatch l where l.issue = d.issue and l.kind = 'work' and l.state = 'done'))`
}

/** Selects the agents that burn started before this time. Keeps each worker's last agent, and the agents of dispatches. */
function earlierAgents(before: number): RawBuilder<unknown> {
  return sql`select a.id from agent a where a.started_at < ${before} and a.id < (select max(l.id) from agent l where l.worker = a.worker)
    and not exists (select 1 from dispatch d where d.worker = a.worker and d.incarnation = a.incarnation)`
}

/**
 * Selects ended deliveries that belong to no dispatch. Keeps each worker's last delivery of each kind, because the last `identity` delivery
 * tells whether burn has told the agent its name.
 */
export function endedTexts(before: number): RawBuilder<unknown> {
  return sql`select v.id from delivery v where v.issue is null and v.changed_at < ${before} and not ${inList('v.state', activeStates)}
    and v.id < (select max(l.id) from delivery l where l.worker = v.worker and l.kind = v.kind and l.issue is null)`
}

/**
 * Selects the deliveries of `endedTexts`, and all deliveries of `endedDispatches`. The delivery of a prompt has the same id as its
 * dispatch.
 */
function endedDeliveries(before: number): RawBuilder<unknown> {
  const dispatches = endedDispatches(before)
  return sql`select id from (${dispatches}) as ended union all select id from (${endedTexts(before)}) as texts
    union all select id from delivery where ${isFurther} and dispatch in (${dispatches})`
}

/**
 * Selects the events of `endedDeliveries`, and all events whose subject is neither a dispatch nor a delivery. Keeps `issue.requeued`,
 * because attempts are counted from the last such event.
 */
function pastEvents(before: number): RawBuilder<unknown> {
  return sql`select e.seq from event e where e.at < ${before} and e.subject in (${endedDeliveries(before)})
    union all select e.seq from event e where e.at < ${before} and e.kind <> 'issue.requeued'
    and not exists (select 1 from dispatch d where d.id = e.subject) and not exists (select 1 from delivery v where v.id = e.subject)`
}
