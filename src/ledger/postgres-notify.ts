/** What burn processes on one PostgreSQL ledger tell each other (LISTEN and NOTIFY), so that none asks again and again. */
import type { Transaction } from 'kysely'
import type { Tables } from './schema.ts'
import { sql } from 'kysely'
import { Client, type ClientConfig } from 'pg'
import { aborted } from './engine.ts'

const channel = 'burn'

export interface Notifications {
  /** Names this process in what it tells. */
  readonly own: string
  waitForChange(stop: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * Told as the transaction is committed, or not at all. The server lets one such commit through at a time: writes that are many (claims, steps of
 * deliveries) tell nothing.
 */
export async function notify(trx: Transaction<Tables>, own: string): Promise<void> {
  await sql`select pg_notify(${sql.lit(channel)}, current_schema() || ' ' || ${own})`.execute(trx)
}

/** Its connection is opened by the first `changed`, and again after it was lost; what is told in between is missed. */
export function openNotifications(connection: ClientConfig, random: () => number): Notifications {
  const own = random().toString(36).slice(2)
  let client: Client | null = null
  let heard = false
  let wake = () => {}
  const listen = async (): Promise<void> => {
    const opened = new Client(connection)
    client = opened
    const lost = () => {
      if (client === opened) client = null
    }
    opened.on('error', lost)
    opened.on('end', lost)
    try {
      await opened.connect()
      await opened.query(`listen ${channel}`)
      const { rows } = await opened.query<{ schema: string }>('select current_schema() as schema')
      const schema = rows[0]?.schema ?? ''
      opened.on('notification', ({ payload = '' }) => {
        if (!payload.startsWith(`${schema} `) || payload.endsWith(` ${own}`)) return
        heard = true
        wake()
      })
    } catch {
      // Who can't be told looks after its pause, as on a file; the cycle's own reads say what is wrong with the server.
      lost()
      await opened.end().catch(() => {
        // It never was open.
      })
    }
  }
  return {
    own,
    waitForChange: async (stop) => {
      if (client === null) await Promise.race([listen(), aborted(stop)])
      const told = new Promise<void>((done) => {
        wake = done
        if (heard) done()
      })
      await Promise.race([told, aborted(stop)])
      heard = false
    },
    close: async () => client?.end(),
  }
}
