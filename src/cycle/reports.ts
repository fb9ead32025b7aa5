/** Queues reports for channels. The job `notify` sends them, as it sends messages about events. */
import type { Time } from '../core/nouns.ts'
import type { Notification } from '../core/notify.ts'
import type { Session } from '../observe/session.ts'
import { reportContent } from '../decide/notify-text.ts'
import { periodReport } from '../decide/period-report.ts'
import { redactor } from '../host/redact.ts'
import { readReportFacts } from '../observe/period.ts'

/**
 * Saves a report about the time since `since` for each channel of `notify.report`. Skips channels for which a report with the same topic
 * is saved, so a second call after a crash repeats nothing. Returns the saved notifications. Throws BurnError `ledger_*`.
 */
export async function queueReport(
  session: Session,
  { topic, since }: { readonly topic: string; readonly since: Time },
): Promise<readonly Notification[]> {
  const { fleet, ledger, clock, newId } = session
  const channels = fleet.notify?.report?.channels ?? []
  const known = new Set((await ledger.notificationsOf([topic])).map(({ channel }) => channel))
  const missing = channels.filter((channel) => !known.has(channel))
  if (missing.length === 0) return []
  const now = clock.now()
  const { title, text, kind } = reportContent(periodReport(await readReportFacts(session, since, now)))
  // Without secrets to look for, the redactor removes what looks like a secret.
  const content = { kind, title, text: redactor([])(text) }
  const add = missing.map((channel): Notification => {
    const id = newId()
    // The notification is composed already: the report is a message of its own, with this id.
    const fresh = { state: 'pending', attempts: 0, next_at: now, last_error: null, created_at: now, sent_at: null } as const
    return { id, channel, topic, message: id, content, ...fresh }
  })
  for (;;) {
    const after = await ledger.notificationCursor()
    // If another process has just planned notifications, its cursor is newer.
    if (await ledger.savePlan({ after, until: after ?? (await ledger.horizon()), add, cancel: [] })) return add
  }
}
