/** The migrations since version 7. A released migration never changes. */
import { sql } from 'kysely'
import { createTables, type Migration } from './create-tables.ts'
import { groupedTelemetry } from './grouped-telemetry.ts'

/** Adds spans, measures, usage and notifications. */
const telemetry: Migration = async (db, { serial }) => {
  await createTables(telemetryTables, db, serial)
  for (const statement of telemetryIndexes) await sql.raw(statement).execute(db)
}

const telemetryTables = {
  span: `id key, kind text!, subject text!, machine text, state text!, detail text, issue text, incarnation text, evidence text!, began_at bigint!,
    seen_at bigint!, ended_at bigint, reported text`,
  measure: 'id key, subject text!, at bigint!, period bigint!, numbers text!',
  usage: `id key, source text!, worker text!, incarnation text!, issue text!, agent text!, provider text!, model_asked text!, model_answered text!,
    hour bigint!, last_at bigint!, calls bigint!, input bigint!, cache_read bigint, cache_write bigint, output bigint!, reasoning bigint, reported_cost float8,
    subscription integer`,
  usage_source: 'id key, machine text!, path text!, inode text, position bigint!, state text!, read_at bigint!, failure text',
  notification: `id key, channel text!, topic text!, message text, content text!, state text!, attempts integer!, next_at bigint, last_error text,
    created_at bigint!, sent_at bigint`,
}

const telemetryIndexes = [
  `create unique index span_open on span (kind, subject) where ended_at is null`,
  `create index span_began on span (began_at)`,
  `create index measure_at on measure (at)`,
  `create index usage_hour on usage (hour)`,
  `create index usage_issue on usage (issue)`,
  `create index notification_pending on notification (channel, id) where state = 'pending'`,
  `create index notification_topic on notification (topic)`,
  `create index notification_message on notification (message)`,
  `create index usage_source_failed on usage_source (id) where failure is not null`,
]

/** Adds the records of agents that burn started. */
const agents: Migration = async (db, { serial }) => {
  await createTables({ agent: 'id key, worker worker.id!, incarnation text, started_with text!, started_at bigint!' }, db, serial)
  await sql.raw(`create index agent_worker on agent (worker, id)`).execute(db)
}

/** Adds the last provisioning of each worker. */
const provisions: Migration = async (db) => {
  await sql.raw(`alter table worker add column provision text`).execute(db)
}

/** Adds the last use of a model by each worker. */
const modelUses: Migration = async (db, { serial }) => {
  await createTables(
    { model_use: 'worker key, at bigint!, provider text!, model_asked text!, model_answered text!, record text!, incarnation text!' },
    db,
    serial,
  )
}

/** Adds the changes in review that burn watches, and the steps that burn took for them. */
const changesInReview: Migration = async (db, { serial }) => {
  await createTables(changeTables, db, serial)
  await sql.raw(`create index change_step_of_dispatch on change_step (dispatch, at)`).execute(db)
}

const changeTables = {
  change_watch: `dispatch key, ref text!, facts text!, first_pusher text, protected_paths text, read_at bigint!, stage text!, reason text!,
    staged_at bigint!`,
  change_step: `id key, dispatch text!, action text!, signature text!, attempt integer!, head text!, worker text, delivery text, sprint_text text, outcome text!,
    reason text!, at bigint!`,
}

/** Adds delegations, and the mark of issues that suit no agent. */
const delegated: Migration = async (db, { serial }) => {
  const columns = 'issue text!, login text!, agent text!, state text!, reason text!, comment_id text'
  await createTables({ delegation: `id key, ${columns}, created_at bigint!, deadline bigint!, changed_at bigint!` }, db, serial)
  await sql
    .raw(`create unique index delegation_one_an_issue on delegation (issue) where state in ('assigning', 'assigned', 'started')`)
    .execute(db)
  await db.schema.alterTable('issue').addColumn('delegation_left', 'text').execute()
  await sql.raw(`create index issue_assigned on issue (ref) where state = 'open' and assignees <> '[]'`).execute(db)
}

/** Adds the conversations of agents, and how restarts continue them. */
const conversations: Migration = async (db) => {
  for (const column of ['continues text', 'conversation text', 'ended_at bigint', 'successor text'])
    await sql.raw(`alter table agent add column ${column}`).execute(db)
}

/** Adds the order of the queue by labels and due dates. burn learns the due dates when it lists the issues again. */
const queueOrder: Migration = async (db) => {
  await sql.raw(`alter table issue add column due_at bigint`).execute(db)
  await sql.raw(`alter table issue add column queue_rank bigint not null default 0`).execute(db)
  await sql.raw(`drop index issue_queued`).execute(db)
  const columns = 'repo, priority desc, queue_rank, created_at, number'
  await sql.raw(`create index issue_queued on issue (${columns}) where state = 'open' and standing = 'queued'`).execute(db)
}

/** Adds commands in comments. The listing of all open changes, which the next cycle makes, tells the time from which comments count. */
const steering: Migration = async (db, { serial }) => {
  await createTables(
    { steering: `id key, ref text!, ${steeringColumns}, created_at bigint!, at bigint!, acknowledged_at bigint` },
    db,
    serial,
  )
  await sql.raw(`create index steering_unacknowledged on steering (at) where acknowledged_at is null`).execute(db)
  for (const column of ['approved_by text', 'stopped_by text', 'text_at bigint'])
    await sql.raw(`alter table issue add column ${column}`).execute(db)
  for (const column of ['news_at bigint', 'comments_at bigint']) await sql.raw(`alter table repo add column ${column}`).execute(db)
  await sql`update issue set text_at = updated_at`.execute(db)
  await sql`update repo set changes_at = null`.execute(db)
}

const steeringColumns = 'comment text!, author text!, word text, issue text, outcome text!, reason text'

/** Adds whether burn saw the start of each worker's state. */
const startsSeen: Migration = async (db) => {
  await sql.raw(`alter table worker add column start_seen integer`).execute(db)
}

/** Keeps the last use of a model by conversation. The next requests of the agents fill the table again. */
const usesByConversation: Migration = async (db, { serial }) => {
  await sql.raw(`drop table model_use`).execute(db)
  const columns =
    'worker text!, session text!, at bigint!, provider text!, model_asked text!, model_answered text!, record text!, incarnation text!, idle integer!'
  await createTables({ model_use: `id key, ${columns}` }, db, serial)
  await sql.raw(`create index model_use_worker on model_use (worker, at)`).execute(db)
}

/** Adds the usage limits that agents report. */
const usageLimits: Migration = async (db, { serial }) => {
  await createTables({ usage_limit: 'id key, worker text!, name text!, used float8!, resets_at bigint, at bigint!' }, db, serial)
}

/** The migrations since version 7, in order. */
export const laterMigrations = [
  telemetry,
  agents,
  provisions,
  modelUses,
  changesInReview,
  delegated,
  conversations,
  queueOrder,
  steering,
  startsSeen,
  usesByConversation,
  usageLimits,
  groupedTelemetry,
] as const
