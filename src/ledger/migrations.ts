/** How the tables came to be. A migration that was released never changes; a new one is added at the end. */
import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely, Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './schema.ts'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'
import { encodeReason } from '../core/reasons.ts'
import { ledgerVersion } from './schema.ts'

type Migration = (db: Kysely<Tables>, engine: Pick<Engine, 'serial'>) => Promise<void>

/** Columns as `name type`; `!` for one that is never null. */
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

async function createTables(tables: Readonly<Record<string, string>>, db: Kysely<Tables>, serial: Engine['serial']): Promise<void> {
  for (const [name, columns] of Object.entries(tables)) {
    let table = db.schema.createTable(name)
    for (const column of columns.split(/,\s+/)) table = addColumn(table, column, serial)
    await table.execute()
  }
}

function addColumn(table: CreateTableBuilder<string>, column: string, serial: Engine['serial']): CreateTableBuilder<string> {
  const [name = '', declared = ''] = column.split(' ')
  const type = declared.replace('!', '')
  const wanted = (c: ColumnDefinitionBuilder) => (declared.endsWith('!') ? c.notNull() : c)
  if (type === 'key') return table.addColumn(name, 'text', (c) => c.primaryKey())
  if (type === 'serial')
    return table.addColumn(name, serial, (c) => (serial === 'integer' ? c.primaryKey().autoIncrement() : c.primaryKey()))
  if (type === 'count') return table.addColumn(name, 'integer', (c) => wanted(c).defaultTo(0))
  if (type.includes('.')) return table.addColumn(name, 'text', (c) => wanted(c).references(type))
  // The other types that the texts above name.
  return table.addColumn(name, type as 'text' | 'integer' | 'bigint' | 'real', wanted)
}

/**
 * The unique ones hold the rules; the others find what is live, active or open without reading history. Each one more that is spread over
 * history costs every claim a page, so events are found by their subject alone, and a dispatch's delivery by the dispatch.
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

/** What stands in a queue, and what is to be judged, is found without reading what stands still. */
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

/** Disposable runs, each with the result it came to; leases by name; and issues that a worker leaves alone. */
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
 * A dispatch may have further texts; a delivery keeps what was typed and which proof it has; an issue or a repo may rest without a failed attempt; a repo may be
 * one that the forge does not let burn read; an issue may have open changes; trust covers a text and a time; a worker whose turn failed is known after it
 * recovered.
 */
const faults: Migration = async (db, { serial }) => {
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
  // Which changes are open is read with the next complete listing.
  await sql`update repo set listed_at = null`.execute(db)
  for (const statement of faultIndexes) await sql.raw(statement).execute(db)
}

const faultIndexes = [
  `create index open_change_of_issue on open_change (issue)`,
  `create index open_change_of_repo on open_change (repo)`,
  `create index open_change_of_url on open_change (url)`,
  `create index open_change_beside on open_change (issue) where dispatch is null`,
  `create index delivery_further on delivery (dispatch) where kind in ('follow_up', 'resume')`,
  `create index issue_resting on issue (rests_until) where rests_until is not null`,
  `drop index delivery_unknown`,
  `create index delivery_unproven on delivery (id) where state in ('unknown', 'mangled')`,
]

/** What the house needs: a function for each of its parts. */
const house: Migration = async (db, engine) => {
  await holdsAndJobs(db, engine)
  await untold(db)
  await typedEvents(db, engine)
  await typedRests(db)
}

/** What a dry run saw of an issue first: the event that is written about it by the next cycle. */
async function untold(db: Kysely<Tables>): Promise<void> {
  await db.schema.alterTable('issue').addColumn('untold', 'text').execute()
  await sql`create index issue_untold on issue (ref) where untold is not null`.execute(db)
}

/**
 * Holds are rows, whatever they hold, and a repo that the forge refuses is one of them; jobs are rows, and a lease by name is one of them; an issue has a
 * priority.
 */
const holdsAndJobs: Migration = async (db, { serial }) => {
  await createTables(houseTables, db, serial)
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
  for (const statement of houseChanges) await sql.raw(statement).execute(db)
}

const day = sql.lit(86_400_000)

const houseTables = {
  hold: 'id key, scope text!, name text!, code text!, reason text!, until bigint, actor text!, created_at bigint!',
  job: 'name key, period bigint, owner text, until bigint, last_run bigint, last_result text, next_run bigint',
}

const houseChanges = [
  `drop table lease`,
  `alter table worker drop column hold`,
  `alter table worker drop column retired_at`,
  `alter table repo drop column rests_until`,
  `alter table repo drop column rests_why`,
  `drop index delivery_further`,
  `create index delivery_further on delivery (dispatch) where kind in ('follow_up', 'correction', 'resume', 'command')`,
  // A text that tells an agent to disregard a changed one is told from other follow-ups by its kind.
  `update delivery set kind = 'correction' where kind = 'follow_up' and dispatch in (select d.id from dispatch d join delivery f on f.id = d.id
    where d.state = 'handed' and f.state = 'mangled')`,
  `drop index issue_queued`,
  `create index issue_queued on issue (repo, priority desc, created_at, number) where state = 'open' and standing = 'queued'`,
]

/** What rests because the forge refused it is told from other rests by its code. Other sentences stay as they are: the next look at the forge writes them anew. */
async function typedRests(db: Kysely<Tables>): Promise<void> {
  const refused = 'the forge refuses it: '
  const typed = (kept: string) => encodeReason({ code: 'forge_refuses', why: kept.slice(refused.length) })
  const issues = await db.selectFrom('issue').select(['ref', 'rests_why']).where('rests_why', 'like', `${refused}%`).execute()
  for (const { ref, rests_why } of issues)
    await db
      .updateTable('issue')
      .set({ rests_why: typed(rests_why ?? '') })
      .where('ref', '=', ref)
      .execute()
  for (const { id, reason } of await db.selectFrom('hold').select(['id', 'reason']).where('reason', 'like', `${refused}%`).execute())
    await db
      .updateTable('hold')
      .set({ reason: typed(reason) })
      .where('id', '=', id)
      .execute()
}

/** Events are typed: `payload` is JSON where an actor is named, and an older version's sentence where none is. */
const typedEvents: Migration = async (db, { serial }) => {
  await sql.raw(`alter table event rename column text to payload`).execute(db)
  await db.schema.alterTable('event').addColumn('actor', 'text').execute()
  if (serial !== 'bigserial') return
  // In two steps, since a default that differs by row would write every row of history anew.
  await sql.raw(`alter table event add column tx bigint not null default 0`).execute(db)
  await sql.raw(`alter table event alter column tx set default txid_current()`).execute(db)
  await sql.raw(`create index event_in_order on event (tx, seq)`).execute(db)
}

/** As many as `ledgerVersion` says: it stands beside the tables so that a start need not load this file. */
const migrations = [first, standings, sprints, faults, house] as const satisfies { readonly length: typeof ledgerVersion }

/**
 * Brings the tables up to `to`, all steps or none. Throws `ledger_newer` where they are past it, `ledger_moved` where another
 * place holds what was here, and `ledger_foreign` where the database holds tables of something else.
 */
export async function migrate(engine: Engine, to = ledgerVersion): Promise<void> {
  const stored = await engine.read(async (trx) => {
    const found = await storedVersion(trx, engine)
    if (found > 0) await refuseMoved(trx, engine)
    return found
  })
  if (refuseNewer(stored, engine) === to) return
  await engine.write(async (trx) => {
    const from = refuseNewer(await storedVersion(trx, engine), engine)
    if (from === to) return
    if (from === 0) await refuseForeign(trx, engine)
    if (from === 0)
      await trx.schema
        .createTable('meta')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('value', 'text', (c) => c.notNull())
        .execute()
    for (const migration of migrations.slice(from, to)) await migration(trx, engine)
    const row = { key: 'version', value: String(to) }
    await trx
      .insertInto('meta')
      .values(row)
      .onConflict((c) => c.column('key').doUpdateSet({ value: row.value }))
      .execute()
  })
}

/** 0 where there are no tables yet. */
async function storedVersion(trx: Transaction<Tables>, { tables }: Engine): Promise<number> {
  if (!(await tables(trx)).includes('meta')) return 0
  const row = await trx.selectFrom('meta').select('value').where('key', '=', 'version').executeTakeFirst()
  return Number(row?.value ?? 0)
}

function refuseNewer(found: number, { where }: Engine): number {
  if (found <= ledgerVersion) return found
  const hint = 'Nothing was changed. Run the newer burn that wrote it, or name another file under "ledger" in the spec.'
  throw new BurnError('ledger_newer', `the ledger ${where} has version ${found}, and this burn knows versions up to ${ledgerVersion}`, hint)
}

/** Two ledgers of one fleet would give the same issue out twice. */
async function refuseMoved(trx: Transaction<Tables>, { where }: Engine): Promise<void> {
  const moved = await trx.selectFrom('meta').select('value').where('key', '=', 'moved_to').executeTakeFirst()
  if (moved === undefined) return
  const hint = `Write its new place under "ledger" in the spec. To go back to this one all the same: delete the row "moved_to" of its table "meta".`
  throw new BurnError('ledger_moved', `the ledger ${where} was moved to ${moved.value}`, hint)
}

async function refuseForeign(trx: Transaction<Tables>, { where, tables }: Engine): Promise<void> {
  const [other] = await tables(trx)
  if (other === undefined) return
  const hint = 'Nothing was changed. Name a file, or a database or schema, of its own under "ledger" in the spec.'
  throw new BurnError('ledger_foreign', `${where} is a database of another program (it has a table "${other}")`, hint)
}
