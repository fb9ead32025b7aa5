/** Empties a ledger in PostgreSQL, because creating a new one for each test is slow. */
import { sql } from 'kysely'
import type { Engine } from '../../src/ledger/engine.ts'
import { tableNames } from '../../src/ledger/schema.ts'

// Deleting the rows in one statement is faster than `truncate`, which creates new files for each table.
const deletes = tableNames.map((name) => `delete from "${name}"${name === 'meta' ? " where key <> 'version'" : ''};`)
const empty = sql.raw(
  `do $$ begin set local session_replication_role = replica; ${deletes.join(' ')} alter sequence event_seq_seq restart; end $$`,
)

/** Deletes all rows except the version. */
export async function emptyTables({ db }: Pick<Engine, 'db'>): Promise<void> {
  await empty.execute(db)
}
