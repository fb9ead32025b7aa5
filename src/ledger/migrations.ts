/** The migrations, one for each version of the tables. A released migration never changes: add a new one at the end of `migrations`. */
import type { Kysely } from 'kysely'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { encodeReason } from '../core/reasons.ts'
import { createTables, type Migration } from './create-tables.ts'
import { laterMigrations } from './later-migrations.ts'
import { renamedColumns } from './renamed-columns.ts'
import type { ledgerVersion } from './schema.ts'

const firstTables: Readonly<Record<string, string>> = {
  issue: `ref key, repo text!, number bigint!, title text!, body text!, labels text!, assignees text!, author text!, state text!, created_at bigint!,
    updated_at bigint!, comments integer!, url text!, attempts count!, done count!, eligible integer, verdict text, verdict_at bigint`,
  worker: 'id key, drawn_seq integer!, drawn integer!, hold text, used_at bigint, state text, state_since bigint, retired_at bigint',
  repo: 'repo key, cursor text, writers text, writers_at bigint, listed_at bigint, changes_at bigint',
  dispatch: `id key, kind text!, issue issue.ref!, worker worker.id!, slot integer, state text!, attempt integer!, reason text!, state_reason text!,
    comment_id text, comment_says text, incarnation text, change_url text, claimed_at bigint!, handed_at bigint, changed_at bigint!`,
  delivery: `id key, kind text!, issue text, worker worker.id!, state text!, text text!, incarnation text, evidence text!, presses integer!,
    planned_at bigint!, changed_at bigint!, lease_owner text, lease_token integer!, lease_until bigint!`,
  event: 'seq serial, at bigint!, kind text!, subject text!, issue text, worker text, text text!',
}

const first: Migration = async (db, { serial }) => {
  await createTables(firstTables, db, serial)
  for (const statement of firstIndexes) await sql.raw(statement).execute(db)
}

/**
 * The unique indexes enforce the ledger's rules. The partial indexes find live, active and open rows without reading history. Every other
 * index on history adds a page write to each claim. Therefore events have only one index. For the same reason a dispatch and its first
 * delivery share an id: finding the delivery needs no further index.
 */
const firstIndexes = [
  `create unique index dispatch_one_an_issue on dispatch (issue) where kind = 'work' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_asked on dispatch (issue, worker) where kind = 'council' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_a_slot on dispatch (worker, slot) where kind = 'work' and state in ('claimed', 'handed')`,
  `create index dispatch_live on dispatch (id) where state in ('claimed', 'handed', 'review')`,
  `create index dispatch_unsaid on dispatch (id) where comment_id is not null and comment_says <> state`,
  `create index dispatch_of_issue on dispatch (issue, id)`,
  `create index dispatch_of_worker on dispatch (worker, id)`,
  `create unique index delivery_one_pasting on delivery (worker) where state in ('placing', 'placed')`,
  `create index delivery_active on delivery (id) where state in ('planned', 'placing', 'placed', 'submitted')`,
  `create index delivery_of_worker on delivery (worker, kind, id) where issue is null`,
  `create unique index worker_order on worker (drawn_seq)`,
  `create index issue_open on issue (repo) where state = 'open'`,
  `create index event_of_subject on event (subject, seq)`,
]

/** Adds the indexes that find queued and unjudged issues without reading the other issues. */
const standings: Migration = async (db) => {
  await db.schema.alterTable('issue').addColumn('standing', 'text').execute()
  await db.schema
    .alterTable('issue')
    .addColumn('revision', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('repo').addColumn('waits', 'text').execute()
  for (const statement of standingIndexes) await sql.raw(statement).execute(db)
  await sql`update issue set standing = 'taken' where ref in
    (select issue from dispatch where kind = 'work' and state in ('claimed', 'handed', 'review'))`.execute(db)
}

const standingIndexes = [
  `create index issue_queued on issue (repo, created_at, number) where state = 'open' and standing = 'queued'`,
  `create index issue_standing on issue (standing) where state = 'open'`,
  `create index issue_closed_at_work on issue (ref) where standing = 'taken' and state <> 'open'`,
  `create index delivery_unknown on delivery (id) where state = 'unknown'`,
]

/** Adds sprints with their results, named leases, and the issues that a worker skips. */
const sprints: Migration = async (db, { serial }) => {
  await createTables(sprintTables, db, serial)
  await sql.raw(`create index sprint_live on sprint (id) where ended_at is null`).execute(db)
}

const sprintTables = {
  sprint: `id key, issue text!, worker text!, host text!, stage text!, backend text, model text, provider text, turns count!, tokens_in bigint!,
    tokens_out bigint!, cost real, outcome text, failure text, failure_text text, check_command text, check_result text, change_url text,
    started_at bigint!, ended_at bigint, lease_owner text, lease_until bigint!`,
  lease: 'name key, owner text!, until bigint!',
  skip: 'id key, worker text!, issue text!, until bigint, reason text!, at bigint!',
}

/**
 * Adds columns and tables for: a dispatch's further messages, a delivery's typed line and proof, back-offs of issues and repos, unreadable
 * repos, open changes, approved texts of issues, and the time of a worker's last failed turn.
 */
const backoffsAndChanges: Migration = async (db, { serial }) => {
  for (const column of ['dispatch', 'typed', 'proof']) await db.schema.alterTable('delivery').addColumn(column, 'text').execute()
  await db.schema.alterTable('issue').addColumn('rests_until', 'bigint').execute()
  await db.schema.alterTable('issue').addColumn('rests_why', 'text').execute()
  await db.schema.alterTable('repo').addColumn('rests_until', 'bigint').execute()
  await db.schema.alterTable('repo').addColumn('rests_why', 'text').execute()
  await db.schema.alterTable('repo').addColumn('unread_since', 'bigint').execute()
  await db.schema.alterTable('repo').addColumn('unread_why', 'text').execute()
  await db.schema.alterTable('issue').addColumn('approved', 'text').execute()
  await db.schema.alterTable('repo').addColumn('rights_at', 'bigint').execute()
  await db.schema.alterTable('worker').addColumn('error_at', 'bigint').execute()
  await sql`update delivery set dispatch = id where issue is not null`.execute(db)
  await createTables({ open_change: 'id key, issue text!, repo text!, url text!, name text!, dispatch text' }, db, serial)
  await db.schema.alterTable('issue').addColumn('open_change', 'text').execute()
  await db.schema.alterTable('repo').addColumn('changed_at', 'bigint').execute()
  // Forces a complete listing of each repo, which also reads its open changes.
  await sql`update repo set listed_at = null`.execute(db)
  for (const statement of backoffAndChangeIndexes) await sql.raw(statement).execute(db)
}

const backoffAndChangeIndexes = [
  `create index open_change_of_issue on open_change (issue)`,
  `create index open_change_of_repo on open_change (repo)`,
  `create index open_change_of_url on open_change (url)`,
  `create index open_change_beside on open_change (issue) where dispatch is null`,
  `create index delivery_further on delivery (dispatch) where kind in ('follow_up', 'resume')`,
  `create index issue_resting on issue (rests_until) where rests_until is not null`,
  `drop index delivery_unknown`,
  `create index delivery_unproven on delivery (id) where state in ('unknown', 'mangled')`,
]

/** Adds pending events, holds, jobs and priorities. Gives types to events and to the reasons of back-offs. */
const holdsJobsAndEvents: Migration = async (db, engine) => {
  await holdsAndJobs(db, engine)
  await pendingEvents(db)
  await typedEvents(db, engine)
  await typedBackoffReasons(db)
}

/** A dry run saves issues without recording events. This column stores the kind of the event, and the next cycle records it. */
async function pendingEvents(db: Kysely<Tables>): Promise<void> {
  await db.schema.alterTable('issue').addColumn('untold', 'text').execute()
  await sql`create index issue_untold on issue (ref) where untold is not null`.execute(db)
}

/** Moves the holds of workers and repos into one table, turns named leases into jobs, and adds a priority to issues. */
const holdsAndJobs: Migration = async (db, { serial }) => {
  await createTables(holdAndJobTables, db, serial)
  await sql`insert into hold (id, scope, name, code, reason, until, actor, created_at)
    select 'worker ' || id || ' person', 'worker', id, 'person', hold, null, '',
      coalesce((select max(e.at) from event e where e.subject = worker.id and e.kind = 'worker.held'), 0)
    from worker where hold is not null`.execute(db)
  await sql`insert into hold (id, scope, name, code, reason, until, actor, created_at)
    select 'repo ' || repo || ' forge_refused', 'repo', repo, 'forge_refused', rests_why, rests_until, '',
      coalesce((select max(e.at) from event e where e.subject = repo.repo and e.kind = 'repo.rests'), 0)
    from repo where rests_until is not null`.execute(db)
  await sql`insert into job (name, owner, until) select name, owner, until from lease`.execute(db)
  for (const [name, key] of [
    ['retention', 'kept.pruned_at'],
    ['sprint prune', 'kept.sprints_pruned_at'],
  ]) {
    await sql`insert into job (name, period, last_run, next_run) select cast(${name} as text), ${day}, cast(value as bigint),
      cast(value as bigint) + ${day} from meta where key = ${key}`.execute(db)
    await sql`delete from meta where key = ${key}`.execute(db)
  }
  await db.schema
    .alterTable('issue')
    .addColumn('priority', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
  for (const statement of holdAndJobChanges) await sql.raw(statement).execute(db)
}

const day = sql.lit(86_400_000)

const holdAndJobTables = {
  hold: 'id key, scope text!, name text!, code text!, reason text!, until bigint, actor text!, created_at bigint!',
  job: 'name key, period bigint, owner text, until bigint, last_run bigint, last_result text, next_run bigint',
}

const holdAndJobChanges = [
  `drop table lease`,
  `alter table worker drop column hold`,
  `alter table worker drop column retired_at`,
  `alter table repo drop column rests_until`,
  `alter table repo drop column rests_why`,
  `drop index delivery_further`,
  `create index delivery_further on delivery (dispatch) where kind in ('follow_up', 'correction', 'resume', 'command')`,
  // Corrections, which tell an agent to disregard a mangled message, get their own kind.
  `update delivery set kind = 'correction' where kind = 'follow_up' and dispatch in (select d.id from dispatch d join delivery f on f.id = d.id
    where d.state = 'handed' and f.state = 'mangled')`,
  `drop index issue_queued`,
  `create index issue_queued on issue (repo, priority desc, created_at, number) where state = 'open' and standing = 'queued'`,
]

/**
 * Adds a code to the reasons of back-offs that followed a refusal by the forge. Other reasons stay plain sentences until burn next reads
 * the forge.
 */
async function typedBackoffReasons(db: Kysely<Tables>): Promise<void> {
  const refused = 'the forge refuses it: '
  const typed = (kept: string) => encodeReason({ code: 'forge_refuses', why: kept.slice(refused.length) })
  const issues = await sql<{
    ref: string
    why: string
  }>`select ref, rests_why as why from issue where rests_why like ${`${refused}%`}`.execute(db)
  for (const { ref, why } of issues.rows) await sql`update issue set rests_why = ${typed(why)} where ref = ${ref}`.execute(db)
  for (const { id, reason } of await db.selectFrom('hold').select(['id', 'reason']).where('reason', 'like', `${refused}%`).execute())
    await db
      .updateTable('hold')
      .set({ reason: typed(reason) })
      .where('id', '=', id)
      .execute()
}

/** Gives events typed payloads. If a row has an actor, `payload` is JSON; otherwise it is a sentence by an older version of burn. */
const typedEvents: Migration = async (db, { serial }) => {
  await sql.raw(`alter table event rename column text to payload`).execute(db)
  await db.schema.alterTable('event').addColumn('actor', 'text').execute()
  if (serial !== 'bigserial') return
  // Adding the column with this default would rewrite the whole table, because the default differs by row. So the default is set in a
  // second step.
  await sql.raw(`alter table event add column tx bigint not null default 0`).execute(db)
  await sql.raw(`alter table event alter column tx set default txid_current()`).execute(db)
  await sql.raw(`create index event_in_order on event (tx, seq)`).execute(db)
}

/** Renames columns and their indexes to names that describe their content. */
const plainNames: Migration = async (db) => {
  for (const { table, from, to } of renamedColumns) await sql.raw(`alter table ${table} rename column ${from} to ${to}`).execute(db)
  for (const statement of renamedIndexes) await sql.raw(statement).execute(db)
}

const renamedIndexes = [
  `drop index issue_resting`,
  `create index issue_backoff on issue (backoff_until) where backoff_until is not null`,
  `drop index issue_untold`,
  `create index issue_pending_event on issue (ref) where pending_event is not null`,
  `drop index dispatch_unsaid`,
  `create index dispatch_pending_comment on dispatch (id) where comment_id is not null and comment_state <> state`,
]

/**
 * The compiler checks the length against `ledgerVersion`. That constant is in `schema.ts`, because most starts of burn do not load this
 * file.
 */
export const migrations = [
  first,
  standings,
  sprints,
  backoffsAndChanges,
  holdsJobsAndEvents,
  plainNames,
  ...laterMigrations,
] as const satisfies {
  readonly length: typeof ledgerVersion
}
