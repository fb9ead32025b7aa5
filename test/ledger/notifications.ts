/** The part of the suite about notifications. */
import type { Notification } from '../../src/core/notify.ts'
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'

function rowOf(id: string, changes: Partial<Notification> = {}): Notification {
  const content = { kind: 'worker.dead', at: 10, subject: 'm/W/A', issue: null, worker: null, text: 'é 🜂' } as const
  const rest = { message: null, state: 'pending', attempts: 0, last_error: null, created_at: 10, sent_at: null } as const
  return { id, channel: 'phone', topic: 'worker.cleared m/W/A', content, next_at: 10, ...rest, ...changes }
}

const how = { limit: 10, now: false }

/** Declares the tests of this part. */
export function notifications(holds: Holds): void {
  holds('savePlan: saves rows with the cursor, or nothing', async ({ ledger }) => {
    assert.equal(await ledger.notificationCursor(), null)
    assert.equal(await ledger.savePlan({ after: null, until: '0.1', add: [rowOf('a')], cancel: [] }), true)
    assert.equal(await ledger.savePlan({ after: null, until: '0.2', add: [rowOf('b')], cancel: ['a'] }), false)
    assert.equal(await ledger.notificationCursor(), '0.1')
    assert.deepEqual(await ledger.notifications(0), [rowOf('a')])
    await ledger.composeMessage('phone', 10, how)
    const late = { after: '0.1', until: '0.2', add: [rowOf('b')], cancel: ['a'] }
    assert.equal(await ledger.savePlan(late), false, 'a composed message keeps its events')
    assert.equal(await ledger.savePlan({ ...late, cancel: [] }), true)
    assert.equal(await ledger.savePlan({ after: '0.2', until: '0.3', add: [], cancel: ['b'] }), true)
    assert.deepEqual(
      (await ledger.notifications(0)).map(({ id }) => id),
      ['a'],
    )
  })

  holds('composeMessage: keeps a message until it is sent', async ({ ledger }) => {
    const rows = [rowOf('a'), rowOf('b', { next_at: 90 }), rowOf('c'), rowOf('d'), rowOf('e', { channel: 'chat' })]
    await ledger.savePlan({ after: null, until: '0.1', add: rows, cancel: [] })
    const compose = async (at: number, more: Partial<typeof how> = {}) =>
      (await ledger.composeMessage('phone', at, { ...how, ...more })).map(({ id, message, attempts }) => [id, message, attempts])
    assert.deepEqual(await compose(9), [])
    const first = [
      ['a', 'a', 0],
      ['c', 'a', 0],
    ]
    assert.deepEqual(await compose(10, { limit: 2 }), first)
    assert.deepEqual(await compose(10), first, 'a process that died had composed it')
    await ledger.saveAttempt('a', { state: 'pending', next_at: 50, last_error: 'no', sent_at: null })
    assert.deepEqual(await compose(49), [], 'later events wait for the first message')
    assert.deepEqual(
      (await compose(49, { now: true })).map(([id, , attempts]) => [id, attempts]),
      [
        ['a', 1],
        ['c', 1],
      ],
    )
    await ledger.saveAttempt('a', { state: 'sent', next_at: null, last_error: null, sent_at: 50 })
    assert.deepEqual(await compose(90), [
      ['b', 'b', 0],
      ['d', 'b', 0],
    ])
    await ledger.saveAttempt('a', { state: 'pending', next_at: 1, last_error: 'late', sent_at: null })
    assert.equal((await ledger.notifications(0)).find(({ id }) => id === 'a')?.state, 'sent')
  })

  holds('notificationsOf: returns unsent rows and the newest sent ones', async ({ ledger }) => {
    const sent = { message: 'x', state: 'sent', next_at: null, sent_at: 1 } as const
    const rows = [rowOf('a', sent), rowOf('b', sent), rowOf('c'), rowOf('d'), rowOf('e', { ...sent, channel: 'chat' })]
    const others = [
      rowOf('f', { topic: 'other' }),
      rowOf('g', { ...sent, state: 'failed', channel: 'old' }),
      rowOf('h', { channel: 'gone' }),
    ]
    await ledger.savePlan({ after: null, until: '0.1', add: [...rows, ...others], cancel: [] })
    assert.equal(await ledger.dropOtherChannels(['phone', 'chat']), 1)
    assert.deepEqual(
      (await ledger.notificationsOf([rowOf('a').topic, 'unknown'])).map(({ id }) => id),
      ['b', 'c', 'd', 'e'],
    )
    assert.deepEqual(await ledger.notificationsOf([]), [])
  })
}
