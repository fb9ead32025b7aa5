/** Creates tables from a short notation, for migrations. */
import type { ColumnDefinitionBuilder, CreateTableBuilder, Kysely } from 'kysely'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'

/** Creates tables. `tables` has the columns of each table, as `name type`. `!` means not null. `name table.column!` is a foreign key. */
export async function createTables(tables: Readonly<Record<string, string>>, db: Kysely<Tables>, serial: Engine['serial']): Promise<void> {
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
  // The remaining types are SQL types.
  return table.addColumn(name, type as 'text' | 'integer' | 'bigint' | 'real' | 'float8', wanted)
}
