/** The part of the suite about events: their types, filters and cursors. */
import assert from 'node:assert/strict'
import type { EventsAbout, NewEvent } from '../../src/core/events.ts'
import type { Holds } from './conformance.ts'
import { because } from '../support/reasons.ts'
import { claimOf, hand, idOf, withCode, workers } from './fixtures.ts'

const reason = because('it was decided')

/** Declares the tests of this part. */
export function eventful(holds: Holds): void {
  holds('noteEvents: records an event once while it lasts', async ({ ledger }) => {
    const note = (subject: string, since: number) => {
      const payload = { reason: because('80 %') }
      return { event: { kind: 'budget.warned', subject, issue: null, worker: null, actor: 'burn', payload }, since } as const
    }
    for (const at of [20, 30, 40]) await ledger.noteEvents([note('fleet', 10), note('lane bugs', 25)], at)
    const events = await ledger.events({ kinds: ['budget.warned'] })
    assert.deepEqual(
      events.map(({ at, subject }) => `${at} ${subject}`),
      ['20 fleet', '20 lane bugs', '30 lane bugs'],
    )
  })

  holds('events: have an actor and a typed payload', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches(
      [{ id: idOf(1), from: ['handed'], to: 'released', reason: { code: 'released_by_person', forced: false } }],
      11,
    )
    const found = await ledger.events({ subject: idOf(1), kinds: ['dispatch.*'] })
    assert.deepEqual(
      found.map(({ at, kind, actor, payload }) => ({ at, kind, actor, payload })),
      [
        { at: 10, kind: 'dispatch.claimed', actor: 'burn', payload: { reason: because('its home repo') } },
        { at: 10, kind: 'dispatch.handed', actor: 'burn', payload: { reason: because('its id shows') } },
        { at: 11, kind: 'dispatch.released', actor: 'person', payload: { reason: { code: 'released_by_person', forced: false } } },
      ],
    )
  })

  holds('events: are found by kind, issue, worker and time', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await hand(ledger, claimOf(2, { issue: 'o/r#2', worker: workers[1] }), 20)
    const kinds = async (filter: Parameters<typeof ledger.events>[0]) => (await ledger.events(filter)).map(({ kind }) => kind)
    assert.deepEqual(await kinds({ kinds: ['delivery.seen'], worker: workers[1] }), ['delivery.seen'])
    assert.deepEqual(await kinds({ kinds: ['dispatch.claimed', 'delivery.p*'], issue: 'o/r#1' }), [
      'dispatch.claimed',
      'delivery.planned',
      'delivery.placing',
    ])
    assert.deepEqual(await kinds({ since: 20, kinds: ['dispatch.*'] }), ['dispatch.claimed', 'dispatch.handed'])
    assert.deepEqual(await kinds({ kinds: ['dispatch.*'], limit: 1 }), ['dispatch.handed'], 'the newest')
    assert.deepEqual(await kinds({ after: '0.0', kinds: ['dispatch.*'], issue: 'o/r#2', worker: workers[1] }), [
      'dispatch.claimed',
      'dispatch.handed',
    ])
    assert.deepEqual(await kinds({ kinds: ['%'] }), [])
  })

  holds('events: belong to the worker that had the issue at that time', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.prioritize('o/r#1', 1, 11)
    await ledger.prioritize('o/r#2', 2, 11)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'done', reason }], 12)
    await ledger.prioritize('o/r#1', 3, 13)
    await hand(ledger, claimOf(2, { issue: 'o/r#1', worker: workers[1] }), 14)
    const nothing = { workers: [], issues: [], repos: [], subjects: [] }
    const seen = async (...about: readonly Partial<EventsAbout>[]) => {
      const groups = about.map((group) => ({ ...nothing, ...group }))
      const events = await ledger.events({ about: groups, kinds: ['issue.prioritized', 'dispatch.*'], since: 10 })
      return events.map(({ kind, at }) => `${kind.slice(kind.indexOf('.') + 1)} ${at}`)
    }
    const first = ['claimed 10', 'handed 10', 'prioritized 11', 'done 12']
    assert.deepEqual(await seen({ workers: workers.slice(0, 1) }), first)
    assert.deepEqual(await seen({ workers: workers.slice(0, 1) }, { issues: ['o/r#1'] }), first)
    assert.deepEqual(await seen({ issues: ['o/r#2'] }), ['prioritized 11'])
    assert.equal((await seen({ repos: ['o/r'] })).length, (await seen()).length)
    assert.deepEqual([await seen({ repos: ['o/x'] }), await seen({ subjects: ["it's"] })], [[], []])
  })

  holds('events: a cursor reads every event once, in order', async ({ ledger }) => {
    const start = await ledger.horizon()
    await hand(ledger, claimOf(1), 10)
    const all = await ledger.events({ after: start })
    assert.ok(all.length > 4)
    const read: string[] = []
    for (let after = start; ;) {
      const page = await ledger.events({ after, limit: 2 })
      read.push(...page.map(({ cursor }) => cursor))
      if (page.length === 0) break
      after = page.at(-1)?.cursor ?? ''
    }
    assert.deepEqual(
      read,
      all.map(({ cursor }) => cursor),
    )
    const end = await ledger.horizon()
    assert.deepEqual(
      (await ledger.events({ until: end, limit: 3 })).map(({ cursor }) => cursor),
      read.slice(-3),
    )
    assert.deepEqual(await ledger.events({ after: end }), [])
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'done', reason }], 11)
    assert.deepEqual(
      (await ledger.events({ after: end })).map(({ kind }) => kind),
      ['dispatch.done'],
    )
    await assert.rejects(ledger.events({ after: 'yesterday' }), withCode('cursor'))
  })

  holds('events: lasting trouble is saved hourly, and when it changes', async ({ ledger }) => {
    const lost = (why: string): NewEvent => {
      return { kind: 'machine.lost', subject: 'm', issue: null, worker: null, actor: 'burn', payload: { why } }
    }
    const hour = 3_600_000
    for (const [why, at] of [
      ['no route', 1],
      ['no route', hour],
      ['refused', hour + 1],
      ['no route', hour + 2],
      ['no route', 2 * hour + 3],
    ] as const)
      await ledger.recordEvents([lost(why)], at)
    assert.deepEqual(
      (await ledger.events({ subject: 'm' })).map(({ at }) => at),
      [1, hour + 1, hour + 2, 2 * hour + 3],
    )
  })
}
