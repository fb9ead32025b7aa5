/** Notifications between burn processes on one PostgreSQL ledger (LISTEN and NOTIFY), so that no process has to poll. */
import type { Transaction } from 'kysely'
import type { Tables } from './schema.ts'
import { sql } from 'kysely'
import { Client, type ClientConfig } from 'pg'
import { whenAborted } from './engine.ts'

const channel = 'burn'

/** The notifications of one process. */
export interface Notifications {
  /** The name of this process in its notifications. */
  readonly own: string
  /** Resolves when another process has notified since the last call, or when `stop` is aborted. */
  waitForChange(stop: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * Notifies the other processes when the transaction is committed. The server runs such commits one after the other, so frequent writes,
 * such as claims and transitions of deliveries, do not notify.
 */
export async function notify(trx: Transaction<Tables>, own: string): Promise<void> {
  await sql`select pg_notify(${sql.lit(channel)}, current_schema() || ' ' || ${own})`.execute(trx)
}

/**
 * Returns the notifications of this process, over a separate connection. `waitForChange` opens the connection, and opens it again if it was
 * lost. Notifications in between are missed.
 */
export function openNotifications(connection: ClientConfig, random: () => number): Notifications {
  const own = random().toString(36).slice(2)
  let client: Client | null = null
  let isNotified = false
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
        isNotified = true
        wake()
      })
    } catch {
      // Without notifications the process waits for its interval, as on SQLite. The reads of the next cycle report what is wrong with the
      // server.
      lost()
      await opened.end().catch(() => {
        // The connection was never open.
      })
    }
  }
  return {
    own,
    waitForChange: async (stop) => {
      if (client === null) await Promise.race([listen(), whenAborted(stop)])
      const notified = new Promise<void>((done) => {
        wake = done
        if (isNotified) done()
      })
      await Promise.race([notified, whenAborted(stop)])
      isNotified = false
    },
    close: async () => client?.end(),
  }
}
