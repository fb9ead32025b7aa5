/** How the tables came to be. A migration that was released never changes; a new one is added at the end. */
import type { Kysely, Transaction } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { BurnError } from '../core/errors.ts'

type Migration = (db: Kysely<Tables>, engine: Pick<Engine, 'serial'>) => Promise<void>

const first: Migration = async (db, { serial }) => {
  const { schema } = db
  await schema
    .createTable('issue')
    .addColumn('ref', 'text', (c) => c.primaryKey())
    .addColumn('repo', 'text', (c) => c.notNull())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('labels', 'text', (c) => c.notNull())
    .addColumn('assignees', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('comments', 'integer', (c) => c.notNull())
    .addColumn('url', 'text', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('done', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('eligible', 'integer')
    .addColumn('verdict', 'text')
    .addColumn('verdict_at', 'bigint')
    .execute()
  await schema
    .createTable('worker')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('drawn_seq', 'integer', (c) => c.notNull().unique())
    .addColumn('drawn', 'integer', (c) => c.notNull())
    .addColumn('hold', 'text')
    .addColumn('used_at', 'bigint')
    .addColumn('state', 'text')
    .addColumn('state_since', 'bigint')
    .addColumn('retired_at', 'bigint')
    .execute()
  await schema
    .createTable('repo')
    .addColumn('repo', 'text', (c) => c.primaryKey())
    .addColumn('cursor', 'text')
    .addColumn('writers', 'text')
    .addColumn('writers_at', 'bigint')
    .addColumn('listed_at', 'bigint')
    .addColumn('changes_at', 'bigint')
    .execute()
  await schema
    .createTable('dispatch')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('issue', 'text', (c) => c.notNull().references('issue.ref'))
    .addColumn('worker', 'text', (c) => c.notNull().references('worker.id'))
    .addColumn('slot', 'integer')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('attempt', 'integer', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('state_reason', 'text', (c) => c.notNull())
    .addColumn('comment_id', 'text')
    .addColumn('comment_says', 'text')
    .addColumn('incarnation', 'text')
    .addColumn('change_url', 'text')
    .addColumn('claimed_at', 'bigint', (c) => c.notNull())
    .addColumn('handed_at', 'bigint')
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .execute()
  await schema
    .createTable('delivery')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('issue', 'text')
    .addColumn('worker', 'text', (c) => c.notNull().references('worker.id'))
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('text', 'text', (c) => c.notNull())
    .addColumn('incarnation', 'text')
    .addColumn('evidence', 'text', (c) => c.notNull())
    .addColumn('presses', 'integer', (c) => c.notNull())
    .addColumn('planned_at', 'bigint', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addColumn('lease_owner', 'text')
    .addColumn('lease_token', 'integer', (c) => c.notNull())
    .addColumn('lease_until', 'bigint', (c) => c.notNull())
    .execute()
  await schema
    .createTable('event')
    .addColumn('seq', serial, (c) => (serial === 'integer' ? c.primaryKey().autoIncrement() : c.primaryKey()))
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('issue', 'text')
    .addColumn('worker', 'text')
    .addColumn('text', 'text', (c) => c.notNull())
    .execute()
  for (const statement of firstIndexes) await sql.raw(statement).execute(db)
}

/** The unique ones hold the rules; the others find what is live, active or open without reading history. */
const firstIndexes = [
  `create unique index dispatch_one_an_issue on dispatch (issue) where kind = 'work' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_asked on dispatch (issue, worker) where kind = 'council' and state in ('claimed', 'handed', 'review')`,
  `create unique index dispatch_one_a_slot on dispatch (worker, slot) where kind = 'work' and state in ('claimed', 'handed')`,
  `create index dispatch_live on dispatch (id) where state in ('claimed', 'handed', 'review')`,
  `create index dispatch_of_issue on dispatch (issue, id)`,
  `create index dispatch_of_worker on dispatch (worker, id)`,
  `create unique index delivery_one_pasting on delivery (worker) where state in ('placing', 'placed')`,
  `create index delivery_active on delivery (id) where state in ('planned', 'placing', 'placed', 'submitted')`,
  `create index delivery_of_worker on delivery (worker, id)`,
  `create index issue_open on issue (repo) where state = 'open'`,
  `create index event_of_subject on event (subject, seq)`,
  `create index event_of_issue on event (issue, seq)`,
  `create index event_of_worker on event (worker, seq)`,
]

const migrations: readonly Migration[] = [first]

/** The version that this program writes. */
export const version = migrations.length

/**
 * Brings the tables up to `version`, all steps or none. Throws `ledger_newer` where they are past it, and `ledger_foreign` where the
 * database holds tables of something else.
 */
export async function migrate(engine: Engine): Promise<void> {
  if (refuseNewer(await engine.read(storedVersion), engine) === version) return
  await engine.write(async (trx) => {
    const from = refuseNewer(await storedVersion(trx), engine)
    if (from === version) return
    if (from === 0) await refuseForeign(trx, engine)
    if (from === 0)
      await trx.schema
        .createTable('meta')
        .addColumn('key', 'text', (c) => c.primaryKey())
        .addColumn('value', 'text', (c) => c.notNull())
        .execute()
    for (const migration of migrations.slice(from)) await migration(trx, engine)
    const row = { key: 'version', value: String(version) }
    await trx
      .insertInto('meta')
      .values(row)
      .onConflict((c) => c.column('key').doUpdateSet({ value: row.value }))
      .execute()
  })
}

/** 0 where there are no tables yet. */
async function storedVersion(trx: Transaction<Tables>): Promise<number> {
  const tables = await trx.introspection.getTables()
  if (!tables.some(({ name }) => name === 'meta')) return 0
  const row = await trx.selectFrom('meta').select('value').where('key', '=', 'version').executeTakeFirst()
  return Number(row?.value ?? 0)
}

function refuseNewer(found: number, { where }: Engine): number {
  if (found <= version) return found
  const hint = 'Nothing was changed. Run the newer burn that wrote it, or name another file under "ledger" in the spec.'
  throw new BurnError('ledger_newer', `the ledger ${where} has version ${found}, and this burn knows versions up to ${version}`, hint)
}

async function refuseForeign(trx: Transaction<Tables>, { where }: Engine): Promise<void> {
  const tables = await trx.introspection.getTables()
  if (tables.length === 0) return
  const hint = 'Nothing was changed. Name a file of its own under "ledger" in the spec.'
  throw new BurnError('ledger_foreign', `${where} is a database of another program (it has a table "${tables[0]?.name}")`, hint)
}
