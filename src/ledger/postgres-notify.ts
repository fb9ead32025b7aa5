/** Notifications between the burn processes that share a PostgreSQL ledger (LISTEN and NOTIFY), so that no process has to poll. */
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'
import { sql } from 'kysely'
import { Client, type ClientConfig } from 'pg'
import { whenAborted } from './engine.ts'

const channel = 'burn'

/** The notifications that one process sends and receives. */
export interface Notifications {
  /** The id of this process in the notifications that it sends, so that the process can ignore its own notifications. */
  readonly own: string
  /** Resolves when another process has sent a notification since the last call, or when `stop` is aborted. */
  waitForChange(stop: AbortSignal): Promise<void>
  close(): Promise<void>
}

/**
 * Notifies the other processes when the transaction commits. The server serializes commits that notify. So frequent writes, such as claims
 * and transitions of deliveries, do not notify.
 */
export async function notify(trx: Transaction<Tables>, own: string): Promise<void> {
  await sql`select pg_notify(${sql.lit(channel)}, current_schema() || ' ' || ${own})`.execute(trx)
}

/**
 * Returns the notifications of this process, which use a separate connection. `waitForChange` opens the connection, and reopens it after a
 * failure. Notifications that are sent while the connection is closed are missed.
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
      // Without notifications the process waits for its interval, as with SQLite. If the server is down, the reads of the next cycle report
      // this failure.
      lost()
      await opened.end().catch(() => {
        // Ending the connection fails if it was never open.
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
