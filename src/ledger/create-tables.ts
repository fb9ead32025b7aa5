/** Creates tables from a short notation, for migrations. */
import type { Kysely } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'

/** Changes the tables from one version to the next. */
export type Migration = (db: Kysely<Tables>, engine: Pick<Engine, 'serial'>) => Promise<void>

type Notation = Readonly<Record<string, string>>

/**
 * Creates tables. `tables` has the columns of each table, as `name type`. `!` means not null. `name table.column!` is a foreign key. The
 * ledger itself chooses each `numeric-key`, in ascending order, so PostgreSQL leaves no room between them.
 */
export async function createTables(tables: Notation, db: Kysely<Tables>, serial: Engine['serial']): Promise<void> {
  for (const statement of tableStatements(tables, serial)) await sql.raw(statement).execute(db)
}

/** Returns the statements that create tables. It has the notation of `createTables`. */
export function tableStatements(tables: Notation, serial: Engine['serial']): string[] {
  return Object.entries(tables).map(([name, columns]) => {
    const declared = columns.split(/,\s+/).map((column) => declarationOf(column, serial))
    return `create table "${name}" (${declared.join(', ')})`
  })
}

function declarationOf(column: string, serial: Engine['serial']): string {
  const [name = '', notation = ''] = column.split(' ')
  const type = notation.replace('!', '')
  return `"${name}" ${typeOf(type, serial)}${notation.endsWith('!') ? ' not null' : ''}`
}

function typeOf(type: string, serial: Engine['serial']): string {
  if (type === 'key') return 'text primary key'
  if (type === 'numeric-key') return serial === 'integer' ? 'integer primary key' : 'bigint primary key with (fillfactor = 100)'
  if (type === 'serial') return serial === 'integer' ? 'integer primary key autoincrement' : 'bigserial primary key'
  if (type === 'count') return 'integer default 0'
  if (type === 'rank') return 'bigint default 0'
  const [table, key] = type.split('.')
  // The remaining types are SQL types.
  return key === undefined ? type : `text references "${table}" ("${key}")`
}
