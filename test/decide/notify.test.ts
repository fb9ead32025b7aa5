/** The decider of notifications: rules, debounce, digests, quiet hours and recovery. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventKind } from '../../src/core/events.ts'
import type { NotifiedEvent, Notification } from '../../src/core/notify.ts'
import type { NotifyRule, NotifySettings } from '../../src/core/notify-settings.ts'
import { keysOf } from '../../src/core/json.ts'
import { eventKinds } from '../../src/decide/event-kinds.ts'
import { isAboutEvent, nextAttempt, planNotifications, topicOf } from '../../src/decide/notify.ts'
import { messageAbout } from '../../src/decide/notify-text.ts'
import { afterQuietHours, nextDigest } from '../../src/decide/quiet-hours.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const noon = Date.UTC(2026, 0, 1, 12)

const ruleOf = (kinds: readonly string[], more: Partial<NotifyRule> = {}): NotifyRule => {
  return { kinds, channels: ['phone'], debounce: 0, digest: 0, quiet_hours: null, recovery: true, ...more }
}
const settingsOf = (...rules: readonly NotifyRule[]): NotifySettings => {
  const channel = { kind: 'command', command: ['true'] } as const
  return { rules, report: null, zone: 'UTC', channels: { phone: channel, chat: channel } }
}
const event = (kind: EventKind, at = noon, subject = 'm/W/ANN'): NotifiedEvent => {
  return { kind, at, subject, issue: null, worker: null, text: '' }
}

/** A ledger and a sender in a few lines: plans are saved, and due notifications become messages. */
class Saved {
  rows: Notification[] = []
  #ids = 0

  plan(settings: NotifySettings, now: number, ...events: readonly NotifiedEvent[]): void {
    const { add, cancel } = planNotifications(events, this.rows.filter(isAboutEvent), settings, now)
    const rest = { message: null, state: 'pending', attempts: 0, last_error: null, created_at: now, sent_at: null } as const
    const kept = this.rows.filter(({ id }) => !cancel.includes(id))
    this.rows = [...kept, ...add.map((each) => ({ ...each, ...rest, id: String(this.#ids++).padStart(4, '0') }))]
  }

  /** Sends what is due, and returns the kinds of the events that it sent. */
  send(now: number): string[] {
    const due = this.rows.filter(({ message, next_at }) => message === null && (next_at ?? 0) <= now)
    this.rows = this.rows.map((row) => (due.includes(row) ? { ...row, message: due[0]!.id, state: 'sent' } : row))
    return due.map(({ content }) => content.kind)
  }
}

test('rules: the first rule with the kind and the channel counts', () => {
  const settings = settingsOf(
    ruleOf(['worker.waiting'], { debounce: hour }),
    ruleOf(['worker.*', 'issue.found'], { channels: ['phone', 'chat'] }),
  )
  const { add } = planNotifications([event('worker.waiting'), event('worker.dead'), event('machine.held')], [], settings, noon)
  const planned = add.map(({ channel, content, next_at }) => [channel, content.kind, next_at - noon])
  assert.deepEqual(planned, [
    ['phone', 'worker.waiting', hour],
    ['chat', 'worker.waiting', 0],
    ['phone', 'worker.dead', 0],
    ['chat', 'worker.dead', 0],
  ])
  assert.deepEqual(planNotifications([event('worker.dead', noon - day - 1)], [], settings, noon).add, [], 'burn was away for a day')
})

test('rules: a failing channel gets no event about itself', () => {
  const settings = settingsOf(ruleOf(['*'], { channels: ['phone', 'chat'] }))
  const { add } = planNotifications([event('notify.failed', noon, 'phone')], [], settings, noon)
  assert.deepEqual(
    add.map(({ channel }) => channel),
    ['chat'],
  )
})

test('recovery: follows only a beginning that was sent', () => {
  const settings = settingsOf(ruleOf(['worker.*']))
  const saved = new Saved()
  saved.plan(settings, noon, event('worker.cleared'))
  assert.deepEqual(saved.send(noon), [])
  saved.plan(settings, noon, event('worker.waiting'))
  assert.deepEqual(saved.send(noon), ['worker.waiting'])
  saved.plan(settings, noon, event('worker.cleared', noon, 'm/W/BOB'), event('worker.cleared'))
  assert.deepEqual(saved.send(noon), ['worker.cleared'])
  saved.plan(settings, noon, event('worker.cleared'))
  assert.deepEqual(saved.send(noon), [])
  const silent = settingsOf(ruleOf(['worker.waiting'], { recovery: false }))
  saved.plan(silent, noon, event('worker.waiting'))
  assert.deepEqual(saved.send(noon), ['worker.waiting'])
  saved.plan(silent, noon, event('worker.cleared'), event('worker.waiting'))
  assert.deepEqual(saved.send(noon), ['worker.waiting'])
})

test('recovery: a hold and a failure of one worker are apart', () => {
  const settings = settingsOf(ruleOf(['worker.held', 'worker.error']))
  const saved = new Saved()
  saved.plan(settings, noon, event('worker.held'), event('worker.error'))
  assert.deepEqual(saved.send(noon), ['worker.held', 'worker.error'])
  saved.plan(settings, noon, event('worker.resumed'))
  assert.deepEqual(saved.send(noon), ['worker.resumed'])
})

test('topicOf: each end of a state has a beginning', () => {
  const kinds = keysOf<EventKind>(eventKinds)
  const topic = (kind: EventKind) => topicOf({ kind, subject: 'x' })
  const ends = kinds.filter((kind) => /\.(?:cleared|resumed|read)$/.test(kind))
  assert.ok(ends.length > 8)
  for (const end of ends)
    assert.ok(
      kinds.some((kind) => kind !== end && topic(kind) === topic(end)),
      `nothing begins what ${end} ends`,
    )
  const alarms = kinds.filter((kind) => 'evidence' in eventKinds[kind].payload && 'since' in eventKinds[kind].payload)
  for (const kind of alarms) assert.match(topic(kind), /\.cleared x$/, `nothing ends ${kind}`)
})

test('debounce: a state that ends in time is never sent', () => {
  const settings = settingsOf(ruleOf(['machine.unreachable'], { debounce: 5 * minute }))
  const saved = new Saved()
  const at = (minutes: number) => noon + minutes * minute
  saved.plan(settings, at(0), event('machine.unreachable', at(0)))
  assert.deepEqual(saved.send(at(4)), [])
  saved.plan(settings, at(4), event('machine.cleared', at(4)))
  assert.deepEqual([saved.send(at(9)), saved.rows], [[], []])
  // A state that lasts is sent. Short ends of it are not.
  saved.plan(settings, at(10), event('machine.unreachable', at(10)))
  assert.deepEqual(saved.send(at(15)), ['machine.unreachable'])
  for (const minutes of [20, 23]) {
    saved.plan(settings, at(minutes), event('machine.cleared', at(minutes)))
    saved.plan(settings, at(minutes + 2), event('machine.unreachable', at(minutes + 2)))
    assert.deepEqual(saved.send(at(minutes + 2)), [])
  }
  assert.deepEqual(saved.send(at(33)), [], 'the receiver knows that the machine is unreachable')
  saved.plan(settings, at(33), event('machine.cleared', at(33)))
  assert.deepEqual(saved.send(at(38)), ['machine.cleared'])
  // Repetitions of an event that waits are not sent apart.
  saved.plan(settings, at(40), event('machine.unreachable', at(40)), event('machine.unreachable', at(41)))
  assert.deepEqual(saved.send(at(46)), ['machine.unreachable'])
})

test('digest: sends together at multiples since local midnight', () => {
  const zone = 'Asia/Kolkata'
  const at = (time: string) => Date.parse(`2026-01-01T${time}+05:30`)
  assert.equal(nextDigest(at('10:20'), hour, zone), at('11:00'))
  assert.equal(nextDigest(at('11:00'), hour, zone), at('11:00'))
  assert.equal(nextDigest(at('10:20'), day, zone), at('00:00') + day)
  assert.equal(nextDigest(at('23:30'), 7 * hour, zone), at('00:00') + day, 'the count begins again at midnight')
  const settings = { ...settingsOf(ruleOf(['issue.found'], { digest: hour })), zone }
  const [row] = planNotifications([event('issue.found', at('10:20'))], [], settings, at('10:21')).add
  assert.equal(row?.next_at, at('11:00'))
})

test('quiet hours: events wait until their end, in summer and winter', () => {
  const zone = 'Europe/Berlin'
  const night = { from: 22 * 60, to: 7 * 60 }
  const at = (time: string) => Date.parse(time)
  const quiet = { ...settingsOf(ruleOf(['issue.found'], { quiet_hours: night })), zone }
  const late = at('2026-01-10T23:00:00+01:00')
  assert.equal(planNotifications([event('issue.found', late)], [], quiet, late).add[0]?.next_at, at('2026-01-11T07:00:00+01:00'))
  assert.equal(afterQuietHours(at('2026-01-10T22:00:00Z'), { from: 23 * 60, to: 7 * 60 }, zone), at('2026-01-11T07:00:00+01:00'))
  assert.equal(afterQuietHours(at('2026-01-10T21:59:00+01:00'), night, zone), at('2026-01-10T21:59:00+01:00'))
  assert.equal(afterQuietHours(at('2026-01-10T22:00:00+01:00'), night, zone), at('2026-01-11T07:00:00+01:00'))
  assert.equal(afterQuietHours(at('2026-01-11T06:59:00+01:00'), night, zone), at('2026-01-11T07:00:00+01:00'))
  assert.equal(afterQuietHours(at('2026-01-11T07:00:00+01:00'), night, zone), at('2026-01-11T07:00:00+01:00'))
  // The clocks go forward at 2:00 on 29 March, and back at 3:00 on 25 October.
  assert.equal(afterQuietHours(at('2026-03-28T23:00:00+01:00'), night, zone), at('2026-03-29T07:00:00+02:00'))
  assert.equal(afterQuietHours(at('2026-10-24T23:00:00+02:00'), night, zone), at('2026-10-25T07:00:00+01:00'))
  // The change to summer time skips the end.
  assert.equal(afterQuietHours(at('2026-03-29T01:00:00+01:00'), { from: 0, to: 150 }, zone), at('2026-03-29T03:00:00+02:00'))
  // 2:30 comes twice.
  assert.equal(afterQuietHours(at('2026-10-25T01:00:00+02:00'), { from: 0, to: 150 }, zone), at('2026-10-25T02:30:00+02:00'))
  assert.equal(nextDigest(at('2026-10-25T02:10:00+02:00'), hour, zone), at('2026-10-25T02:00:00+01:00'))
  assert.equal(nextDigest(at('2026-03-29T01:10:00+01:00'), hour, zone), at('2026-03-29T03:00:00+02:00'))
  assert.equal(afterQuietHours(at('2026-01-10T12:30:00+01:00'), { from: 12 * 60, to: 13 * 60 }, zone), at('2026-01-10T13:00:00+01:00'))
})

test('nextAttempt: backs off, and gives up after days', () => {
  const pauses = [1, 2, 5, 20].map((failures) => nextAttempt(failures, noon, noon, null)! - noon)
  assert.deepEqual(pauses, [minute / 2, minute, 8 * minute, hour])
  assert.equal(nextAttempt(1, noon, noon, 10 * minute), noon + 10 * minute)
  assert.equal(nextAttempt(90, noon, noon + 3 * day - 1, null), noon + 3 * day - 1 + hour)
  assert.equal(nextAttempt(90, noon, noon + 3 * day, null), null)
})

test('messageAbout: quotes foreign text, short and inert', () => {
  const foreign = `“quoted” @here #3 <b> https://evil.test mailto:x\n${'x'.repeat(500)}`
  const events = Array.from({ length: 30 }, (_, index) => ({ ...event('worker.error', noon, `m/W/W${index}`), text: foreign }))
  const { title, text } = messageAbout('id', 'timmy', events)
  assert.equal(title, 'timmy: 30 events: its turn failed (30)')
  const lines = text.split('\n')
  assert.equal(lines.length, 13)
  assert.equal(lines.at(-1), 'and 18 more events: burn log')
  assert.match(lines[0]!, /^2026-01-01T12:00:00Z m\/W\/W0: its turn failed: “'quoted' @\u200bhere #\u200b3 <\u200bb> https:\u200b\/\/evil/)
  assert.ok(lines[0]!.length < 240)
  assert.deepEqual(messageAbout('id', 'timmy', events), messageAbout('id', 'timmy', events))
})

test('messageAbout: says in words what happened', () => {
  const titleOf = (kind: EventKind, text: string) => messageAbout('id', 'timmy', [{ ...event(kind, noon, 'm/W/W0'), text }]).title
  assert.equal(titleOf('worker.waiting', 'Allow?'), 'timmy: m/W/W0: waits for an answer')
  assert.equal(titleOf('agent.stopped', 'agents of this kind get no texts'), 'timmy: m/W/W0: “agents of this kind get no texts”')
  assert.equal(titleOf('worker.resumed', ''), 'timmy: m/W/W0: the hold ended')
  const { title } = messageAbout('id', 'timmy', [event('worker.dead'), event('change.stage'), event('worker.dead')])
  assert.equal(title, 'timmy: 3 events: its agent ended (2), change.stage (1)')
})
