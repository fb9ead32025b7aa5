/** Plans notifications for new events, and sends messages to channels. Each step is saved before the next one begins. */
import type { Notification } from '../core/notify.ts'
import type { NotifySettings } from '../core/notify-settings.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, codedMessageOf } from '../core/errors.ts'
import { NotifyError } from '../core/notify.ts'
import { oneLine } from '../core/text.ts'
import { eventText } from '../decide/event-kinds.ts'
import { isAboutEvent, nextAttempt, notified, planNotifications, topicOf } from '../decide/notify.ts'
import { messageAbout } from '../decide/notify-text.ts'
import { redactor } from '../host/redact.ts'

/** The maximum number of events that one pass reads. */
const pageSize = 500
/** The maximum number of events in one message. */
const maxEvents = 100
/** The maximum number of messages that one run sends to a channel, so that a run does not delay the next cycle for long. */
const maxMessages = 5
const maxText = 200

/** The numbers of one run. */
export interface NotifyResult {
  /** Notifications that the run planned. */
  readonly planned: number
  /** Messages that channels accepted. */
  readonly sent: number
  readonly failed: number
}

type NotifySession = Pick<Session, 'fleet' | 'ledger' | 'clock' | 'newId' | 'notify' | 'channel'>

/**
 * Reads the events since the last run, plans notifications, and sends those that are due. With `now` it also retries the messages that wait for
 * their next attempt. A message is sent at least once: if the process dies after it sent a message, the next run sends the same message
 * again, with the same id. Errors of a channel stop only that channel.
 */
export async function sendNotifications(session: NotifySession, now: boolean): Promise<NotifyResult> {
  const { fleet, ledger } = session
  if (fleet.notify === null) return { planned: 0, sent: 0, failed: 0 }
  const names = Object.keys(fleet.notify.channels)
  const planned = await plan(fleet.notify, session)
  await ledger.dropOtherChannels(names)
  const results = await Promise.all(names.map((name) => sendTo(name, session, now)))
  const sum = (key: 'sent' | 'failed') => results.reduce((all, result) => all + result[key], 0)
  return { planned, sent: sum('sent'), failed: sum('failed') }
}

/** Plans notifications for the events after the saved cursor, page by page. Returns the number of saved notifications. */
async function plan(settings: NotifySettings, { ledger, clock, newId }: NotifySession): Promise<number> {
  // Without secrets to look for, the redactor removes what looks like a secret.
  const redact = redactor([])
  for (let planned = 0; ;) {
    const [after, horizon] = [await ledger.notificationCursor(), await ledger.horizon()]
    // The first run begins with the events after it.
    if (after === null) return (await ledger.savePlan({ after, until: horizon, add: [], cancel: [] }), planned)
    if (after === horizon) return planned
    const events = await ledger.events({ after, until: horizon, limit: pageSize })
    const isLast = events.length < pageSize
    const news = events.map((event) => notified(event, oneLine(redact(eventText(event)), maxText)))
    const known = await ledger.notificationsOf([...new Set(news.map(topicOf))])
    const at = clock.now()
    const { add, cancel } = planNotifications(news, known.filter(isAboutEvent), settings, at)
    const until = isLast ? horizon : (events.at(-1)?.cursor ?? horizon)
    const rows = add.map((each): Notification => ({ ...each, ...fresh, id: newId(), created_at: at }))
    // If another process saved a plan at the same time, this process leaves the rest to the next run.
    if (!(await ledger.savePlan({ after, until, add: rows, cancel }))) return planned
    planned += rows.length
    if (isLast) return planned
  }
}

const fresh = { message: null, state: 'pending', attempts: 0, last_error: null, sent_at: null } as const

async function sendTo(name: string, session: NotifySession, now: boolean): Promise<{ readonly sent: number; readonly failed: number }> {
  const { fleet, ledger, clock } = session
  for (let sent = 0; sent < maxMessages; sent++) {
    const rows = await ledger.composeMessage(name, clock.now(), { limit: maxEvents, now })
    const id = rows[0]?.message
    if (id == null) return { sent, failed: 0 }
    const message = messageAbout(
      id,
      fleet.name,
      rows.map(({ content }) => content),
    )
    try {
      await (await session.channel(name)).send(message, clock.now())
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || thrown.code.startsWith('ledger_')) throw thrown
      const isDelivered = thrown instanceof NotifyError && thrown.delivered
      await saveFailure(thrown, id, rows, { ...session, name })
      if (isDelivered) continue
      return { sent, failed: 1 }
    }
    await ledger.saveAttempt(id, { state: 'sent', next_at: null, last_error: null, sent_at: clock.now() })
  }
  return { sent: maxMessages, failed: 0 }
}

async function saveFailure(
  error: BurnError,
  message: string,
  rows: readonly Notification[],
  { ledger, clock, notify, name }: NotifySession & { readonly name: string },
): Promise<void> {
  const why = oneLine(codedMessageOf(error), maxText)
  if (error instanceof NotifyError && error.delivered) {
    await ledger.saveAttempt(message, { state: 'sent', next_at: null, last_error: why, sent_at: clock.now() })
    return notify({ kind: 'notify.failed', subject: name, payload: { why } })
  }
  const wait = error instanceof NotifyError ? error.retry_after_ms : null
  const began = Math.min(...rows.map(({ created_at }) => created_at))
  const attempts = Math.max(...rows.map((row) => row.attempts)) + 1
  const next_at = nextAttempt(attempts, began, clock.now(), wait)
  await ledger.saveAttempt(message, { state: next_at === null ? 'failed' : 'pending', next_at, last_error: why, sent_at: null })
  if (next_at === null) notify({ kind: 'notify.dropped', subject: name, payload: { why, events: rows.length } })
  else notify({ kind: 'notify.failed', subject: name, payload: { why } })
}
