/** The interface to notifications in the ledger. */
import type { Time } from '../nouns.ts'
import type { Notification } from '../notify.ts'

/** The changes of one pass over new events. */
export interface NotificationPlan {
  /** The cursor of the last event that an earlier pass has read; null for the first pass. */
  readonly after: string | null
  /** The cursor of the last event that this pass has read. */
  readonly until: string
  readonly add: readonly Notification[]
  /** The ids of notifications to cancel. The caller must not list a notification that is already part of a message. */
  readonly cancel: readonly string[]
}

/** The operations on notifications in the ledger. */
export interface NotificationLedger {
  /** Returns the cursor of the last event for which notifications were planned; null if there was none. */
  notificationCursor(): Promise<string | null>
  /**
   * Saves a plan and its cursor in one transaction. Returns false, and saves nothing, if another process has saved a plan or has composed a
   * message from a cancelled notification since.
   */
  savePlan(plan: NotificationPlan): Promise<boolean>
  /** Returns, for each channel and topic, the notifications that are not in a message, and the newest one that is. Oldest first. */
  notificationsOf(topics: readonly string[]): Promise<readonly Notification[]>
  /**
   * Returns the notifications of the channel's next message; empty if none is due. A message that was composed before comes first, and must
   * be due unless `now` is true. Else composes a message from at most `limit` due notifications.
   */
  composeMessage(channel: string, at: Time, how: { readonly limit: number; readonly now: boolean }): Promise<readonly Notification[]>
  /** Saves the result of an attempt to send a message. */
  saveAttempt(message: string, result: Pick<Notification, 'state' | 'next_at' | 'last_error' | 'sent_at'>): Promise<void>
  /** Gives up all pending notifications of channels that are not in the list. Returns how many these were. */
  dropOtherChannels(channels: readonly string[]): Promise<number>
  /** Returns pending notifications, and those that ended after `since`, oldest first. */
  notifications(since: Time): Promise<readonly Notification[]>
}
