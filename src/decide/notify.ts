/** Decides which events burn sends to which channels, and when. Pure. */
import type { Event, EventKind } from '../core/events.ts'
import type { Time } from '../core/nouns.ts'
import type { NotifiedEvent, NotifiedReport, Notification } from '../core/notify.ts'
import type { NotifyRule, NotifySettings } from '../core/notify-settings.ts'
import { backoffMs } from './backoff.ts'
import { afterQuietHours, nextDigest } from './quiet-hours.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** The kinds of events that end a state, each with the kinds that begin the state. */
const beginnings: Readonly<Partial<Record<EventKind, readonly EventKind[]>>> = {
  'worker.cleared': ['worker.waiting', 'worker.error', 'worker.dead', 'worker.limited'],
  'machine.cleared': ['machine.unreachable'],
  'job.cleared': ['job.missed'],
  'dispatcher.cleared': ['dispatcher.silent'],
  'drift.cleared': ['drift.found'],
  'repo.read': ['repo.unread'],
  'login.restored': ['login.ended', 'login.failing', 'login.copied', 'login.ending'],
  ...Object.fromEntries(['worker', 'lane', 'machine', 'repo', 'account', 'fleet'].map((scope) => [`${scope}.resumed`, [`${scope}.held`]])),
}

const endings = new Map(Object.entries(beginnings).flatMap(([end, kinds]) => kinds.map((kind) => [kind, end] as const)))

/** Returns the topic of an event. The beginning and the end of a state have the same topic. */
export function topicOf({ kind, subject }: Pick<NotifiedEvent, 'kind' | 'subject'>): string {
  return `${endings.get(kind) ?? kind} ${subject}`
}

/** Events that are older than this (ms) are not sent: burn was away, and `burn report` shows them. */
const maxAge = day

/** A notification to save. The caller adds its id. */
export type PlannedNotification = Pick<Notification, 'channel' | 'topic'> & { readonly next_at: Time; readonly content: NotifiedEvent }

/** The notifications to save, and the ids of saved ones that burn no longer sends. */
export interface NotificationChanges {
  readonly add: readonly PlannedNotification[]
  readonly cancel: readonly string[]
}

/** A saved notification about an event. */
type EventNotification = Notification & { readonly content: NotifiedEvent }

/** Returns true if the notification is about an event, and is no report. */
export function isAboutEvent(notification: Notification): notification is EventNotification {
  return isEvent(notification.content)
}

const isEvent = (content: NotifiedEvent | NotifiedReport): content is NotifiedEvent => content.kind !== 'report'

/** A notification that burn may still cancel, from the ledger or from this plan. */
type Unsent = PlannedNotification & { readonly id: string | null }

/**
 * Returns the notifications for new events. `known` has the saved notifications about the same topics, as `notificationsOf` returns them.
 * The first rule that has the kind of an event and a channel decides when burn sends the event to that channel.
 */
export function planNotifications(
  events: readonly NotifiedEvent[],
  known: readonly EventNotification[],
  { rules, zone, channels }: Pick<NotifySettings, 'rules' | 'zone' | 'channels'>,
  now: Time,
): NotificationChanges {
  const told = new Map(known.filter(({ message }) => message !== null).map((each) => [`${each.channel} ${each.topic}`, each.content.kind]))
  let unsent: Unsent[] = known.flatMap((each) => (each.message === null ? [{ ...each, next_at: each.next_at ?? now }] : []))
  const cancel: string[] = []

  /** Cancels the unsent notifications of a channel about a topic that `which` selects. Returns true if there were any. */
  function drop(channel: string, topic: string, which: (kind: EventKind) => boolean): boolean {
    const gone = unsent.filter((each) => each.channel === channel && each.topic === topic && which(each.content.kind))
    cancel.push(...gone.flatMap(({ id }) => id ?? []))
    unsent = unsent.filter((each) => !gone.includes(each))
    return gone.length > 0
  }

  for (const event of events.filter(({ at }) => now - at <= maxAge)) {
    const topic = topicOf(event)
    const isEnd = beginnings[event.kind] !== undefined
    for (const channel of Object.keys(channels)) {
      // A channel that fails must not get messages about its own failure.
      if (event.kind.startsWith('notify.') && event.subject === channel) continue
      const last = told.get(`${channel} ${topic}`)
      const rule = isEnd ? ruleForEnd(rules, channel, event.kind, last) : ruleFor(rules, channel, event.kind)
      const back = drop(channel, topic, (kind) => (isEnd ? kind !== event.kind : beginnings[kind] !== undefined))
      // The receiver knows of this state, and burn has just cancelled the message that it ended.
      const isKnown = !isEnd && back && last === event.kind
      const isPlanned = unsent.some((each) => each.channel === channel && each.topic === topic && each.content.kind === event.kind)
      if (rule === null || isKnown || isPlanned) continue
      unsent.push({ id: null, channel, topic, next_at: timeFor(rule, event.at, zone, now), content: event })
    }
  }
  const add = unsent.flatMap(({ id, ...planned }) => (id === null ? [planned] : []))
  return { add, cancel }
}

const has = (rule: NotifyRule, kind: EventKind) =>
  rule.kinds.some((each) => (each.endsWith('*') ? kind.startsWith(each.slice(0, -1)) : kind === each))

function ruleFor(rules: readonly NotifyRule[], channel: string, kind: EventKind): NotifyRule | null {
  return rules.find((rule) => rule.channels.includes(channel) && has(rule, kind)) ?? null
}

/** Returns the rule for the end of a state: the rule for its beginning, if burn sent the beginning; or a rule that names the end itself. */
function ruleForEnd(rules: readonly NotifyRule[], channel: string, kind: EventKind, told: EventKind | undefined): NotifyRule | null {
  const isOpen = told !== undefined && told !== kind
  const own = isOpen ? ruleFor(rules, channel, told) : null
  if (own?.recovery === true) return own
  return rules.find((rule) => rule.channels.includes(channel) && rule.kinds.includes(kind)) ?? null
}

function timeFor({ debounce, digest, quiet_hours }: NotifyRule, at: Time, zone: string, now: Time): Time {
  const waited = Math.max(now, at + debounce)
  const due = digest === 0 ? waited : nextDigest(waited, digest, zone)
  return quiet_hours === null ? due : afterQuietHours(due, quiet_hours, zone)
}

/** Returns an event as the ledger keeps it for messages. `text` is the event in words, on one short line and without secrets. */
export function notified({ kind, at, subject, issue, worker }: Event, text: string): NotifiedEvent {
  return { kind, at, subject, issue, worker, text }
}

const retries = { first: minute / 2, longest: 60 * minute }
/** burn gives up a message after this time (ms). */
const giveUpAfter = 3 * day

/**
 * Returns the time of the next attempt after a failed one; null if burn gives up. `failures`: the number of failed attempts, with the last
 * one. `wait`: the pause (ms) that the receiver asks for; null if it asks for none.
 */
export function nextAttempt(failures: number, created_at: Time, now: Time, wait: number | null): Time | null {
  if (now - created_at >= giveUpAfter) return null
  return now + Math.max(backoffMs(failures, retries, 0), Math.min(wait ?? 0, day))
}
