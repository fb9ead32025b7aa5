/** Notifications: rows that are composed to messages. The ledger saves each step before burn takes the next one. */
import type { Transaction } from 'kysely'
import type { NotificationLedger, NotificationPlan } from '../core/ledger/notifications.ts'
import type { Notification } from '../core/notify.ts'
import type { Db, NotificationRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { loadValue, saveValue } from './jobs.ts'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** The key under which the ledger saves the cursor of the last plan. */
export const notificationCursorKey = 'notifications'
// The index `notification_pending` has the same condition.
const pending = sql<boolean>`state = 'pending'`

/** Returns the cursor of the last plan. */
export async function notificationCursor(db: Db): Promise<string | null> {
  return loadValue(db, notificationCursorKey)
}

/** Saves a plan, unless another process has changed what the plan depends on. */
export async function savePlan(trx: Trx, { after, until, add, cancel }: NotificationPlan): Promise<boolean> {
  if ((await loadValue(trx, notificationCursorKey)) !== after) return false
  const found =
    cancel.length === 0
      ? []
      : await trx.selectFrom('notification').select('id').where('id', 'in', cancel).where('message', 'is', null).execute()
  if (found.length !== new Set(cancel).size) return false
  if (cancel.length > 0) await trx.deleteFrom('notification').where('id', 'in', cancel).execute()
  for (const part of chunks(add)) await trx.insertInto('notification').values(part.map(toRow)).execute()
  await saveValue(trx, notificationCursorKey, until)
  return true
}

/** Returns the notifications on which a plan for these topics depends, oldest first. */
export async function notificationsOf(trx: Trx, topics: readonly string[]): Promise<Notification[]> {
  const rows: NotificationRow[] = []
  for (const part of chunks(topics)) {
    const newest = trx
      .selectFrom('notification')
      .select((eb) => eb.fn.max('id').as('id'))
      .where('topic', 'in', part)
      .where('message', 'is not', null)
      .where('state', '<>', 'failed')
      .groupBy(['channel', 'topic'])
    const unsent = trx.selectFrom('notification').selectAll().where('topic', 'in', part).where('message', 'is', null).where(pending)
    rows.push(...(await trx.selectFrom('notification').selectAll().where('id', 'in', newest).execute()), ...(await unsent.execute()))
  }
  return rows.map(fromRow).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Returns the notifications of the next message of a channel. */
export async function composeMessage(
  trx: Trx,
  channel: string,
  at: number,
  { limit, now }: Parameters<NotificationLedger['composeMessage']>[2],
): Promise<Notification[]> {
  const ofChannel = trx.selectFrom('notification').selectAll().where('channel', '=', channel).where(pending).orderBy('id')
  const composed = (await ofChannel.where('message', 'is not', null).execute()).map(fromRow)
  const [first] = composed
  if (first !== undefined) return now || (first.next_at ?? 0) <= at ? composed.filter(({ message }) => message === first.message) : []
  const due = (await ofChannel.where('message', 'is', null).where('next_at', '<=', at).limit(limit).execute()).map(fromRow)
  const message = due[0]?.id ?? null
  if (message === null) return []
  const ids = due.map(({ id }) => id)
  await trx.updateTable('notification').set({ message }).where('id', 'in', ids).execute()
  return due.map((each) => ({ ...each, message }))
}

/** Saves the result of an attempt. Changes nothing if the message was sent, because a late failure must not repeat it. */
export async function saveAttempt(trx: Trx, message: string, result: Parameters<NotificationLedger['saveAttempt']>[1]): Promise<void> {
  await trx
    .updateTable('notification')
    .set((eb) => ({ ...result, attempts: eb('attempts', '+', 1) }))
    .where('message', '=', message)
    .where(pending)
    .execute()
}

/** Returns true if the channel may have something to send. Most passes send nothing, and need no write lock. */
export async function isDue(db: Db, channel: string, at: number, now: boolean): Promise<boolean> {
  const query = db.selectFrom('notification').select('id').where('channel', '=', channel).where(pending).limit(1)
  return (await (now ? query : query.where('next_at', '<=', at)).executeTakeFirst()) !== undefined
}

/** Gives up the pending notifications of channels that the spec no longer has. */
export async function dropOtherChannels(trx: Trx, channels: readonly string[]): Promise<number> {
  let query = trx
    .updateTable('notification')
    .set({ state: 'failed', next_at: null, last_error: 'the spec no longer has this channel' })
    .where(pending)
  if (channels.length > 0) query = query.where('channel', 'not in', channels)
  return (await query.returning('id').execute()).length
}

/** Returns pending notifications, and those that were created at or after `since`, oldest first. */
export async function notifications(trx: Trx, since: number): Promise<Notification[]> {
  const rows = await trx
    .selectFrom('notification')
    .selectAll()
    .where((eb) => eb.or([pending, eb('created_at', '>=', since)]))
    .orderBy('id')
    .execute()
  return rows.map(fromRow)
}

function toRow(notification: Notification): NotificationRow {
  return { ...notification, content: JSON.stringify(notification.content) }
}

function fromRow(row: NotificationRow): Notification {
  // The column holds the JSON that `toRow` wrote.
  return { ...row, content: JSON.parse(row.content) as Notification['content'] }
}
