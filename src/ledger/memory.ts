/** Words kept from one process to the next, beside the tables' own version. */
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

const own = (key: string) => `kept.${key}`

export async function remembered(trx: Transaction<Tables>, key: string): Promise<string | null> {
  const row = await trx.selectFrom('meta').select('value').where('key', '=', own(key)).executeTakeFirst()
  return row?.value ?? null
}

export async function remember(trx: Transaction<Tables>, key: string, value: string): Promise<void> {
  await trx
    .insertInto('meta')
    .values({ key: own(key), value })
    .onConflict((c) => c.column('key').doUpdateSet({ value }))
    .execute()
}
