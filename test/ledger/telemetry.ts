/** The part of the suite about telemetry. */
import type { LastUse } from '../../src/core/model-use.ts'
import type { Span } from '../../src/core/span.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'

const hour = 3_600_000

function spanOf(changes: Partial<Span> = {}): Span {
  const about = { kind: 'worker' as const, subject: 'm/W/A', machine: 'm', state: 'idle', detail: null, issue: null, incarnation: null }
  return { ...about, evidence: '', began_at: 10, seen_at: 10, ended_at: null, reported: null, ...changes }
}

function recordOf(at: number): UsageRecord {
  const model = { provider: 'p', model_asked: 'a', model_answered: 'b', subscription: true }
  const tokens = { calls: 1, input: 3_000_000_000, cache_read: null, cache_write: 5, output: 2, reasoning: null, reported_cost: 0.1 }
  return { source: 'pane', worker: 'w', incarnation: 'i', issue: '', agent: 'claude', hour: at, last_at: at, ...model, ...tokens }
}

/** Declares the tests of this part. */
export function telemetry(holds: Holds): void {
  holds('saveSample: saves spans, measures and events together', async ({ ledger }) => {
    await ledger.saveSample({ spans: [spanOf()], measures: [], events: [] }, 10)
    const ended = spanOf({
      seen_at: 20,
      ended_at: 20,
      evidence: 'x',
      reported: 'worker.dead',
      detail: 'd',
      issue: 'o/r#7',
      incarnation: 'i',
    })
    const next = spanOf({ state: 'working', began_at: 20, seen_at: 20 })
    const payload = { since: 10, detail: null, evidence: 'x' }
    const about = { subject: 'm/W/A', issue: null, worker: 'm/W/A', actor: 'burn' as const }
    const measure = { subject: 'machine m', at: 20, period: 0, numbers: { load: 0.5 } }
    const saved = { spans: [next, ended], measures: [measure], events: [{ kind: 'worker.dead' as const, ...about, payload }] }
    await ledger.saveSample(saved, 20)
    assert.deepEqual(await ledger.openSpans(), [next])
    assert.deepEqual(await ledger.spans({ since: 0 }), [ended, next])
    assert.deepEqual(await ledger.spans({ since: 20 }), [next])
    assert.deepEqual(await ledger.measures({ since: 0 }), [measure])
    assert.deepEqual(
      (await ledger.events({ kinds: ['worker.dead'] })).map((event) => event.payload),
      [payload],
    )
  })

  holds.repeated('saveSample: a second open span of a subject saves nothing', async ({ ledger }) => {
    await ledger.saveSample({ spans: [spanOf()], measures: [], events: [] }, 10)
    const measure = { subject: 'machine m', at: 20, period: 0, numbers: {} }
    const other = spanOf({ began_at: 20, seen_at: 20 })
    await assert.rejects(ledger.saveSample({ spans: [other], measures: [measure], events: [] }, 20))
    assert.deepEqual([await ledger.measures({ since: 0 }), await ledger.openSpans()], [[], [spanOf()]])
  })

  holds('rollUp: replaces samples of full hours, and keeps later ones', async ({ ledger }) => {
    const sample = (at: number, load: number) => ({ subject: 'machine m', at, period: 0, numbers: { load } })
    const ended = spanOf({ ended_at: 20 })
    await ledger.saveSample({ spans: [ended], measures: [sample(1, 1), sample(2, 3), sample(hour + 1, 5)], events: [] }, 10)
    await ledger.rollUp(hour + 2, 10)
    const summary = { subject: 'machine m', at: 0, period: hour, numbers: { load: 2, max_load: 3 } }
    assert.deepEqual(await ledger.measures({ since: 0 }), [sample(hour + 1, 5)])
    await ledger.saveSample({ spans: [], measures: [sample(5, 7)], events: [] }, 10)
    await ledger.rollUp(hour + 2, 0)
    assert.deepEqual(await ledger.measures({ since: 0 }), [{ ...summary, numbers: { load: 7, max_load: 7 } }, sample(hour + 1, 5)])
    assert.deepEqual(await ledger.spans({}), [ended])
    await ledger.rollUp(0, 21)
    assert.deepEqual(await ledger.spans({}), [])
  })

  holds('rollUp: deletes positions of files without new tokens', async ({ ledger }) => {
    const source = (path: string, read_at: number) =>
      ({ machine: 'm', path, inode: null, position: 1, state: null, read_at, failure: null }) as const
    await ledger.addUsage([], [source('', 1), source('/old', 1), source('/new', hour)])
    await ledger.rollUp(hour, 0)
    const left = await ledger.usageSources('m', ['', '/old', '/new'])
    assert.deepEqual(left.map(({ path }) => path).toSorted(), ['', '/new'])
  })

  holds('rollUp: deletes groups that no span needs', async ({ ledger }) => {
    const end = async (state: string, ended_at: number) =>
      ledger.saveSample({ spans: [spanOf({ state, ended_at })], measures: [], events: [] }, ended_at)
    await end('idle', hour)
    await end('idle', 49 * hour)
    await end('dead', 2 * hour)
    const kept = async () => [(await ledger.spans({})).map(({ state }) => state), (await ledger.check()).rows['span_group']]
    await ledger.rollUp(0, hour)
    assert.deepEqual(await kept(), [['idle', 'dead', 'idle'], 2])
    await ledger.rollUp(0, 48 * hour)
    assert.deepEqual(await kept(), [['idle'], 1])
    await end('idle', 50 * hour)
    await ledger.rollUp(0, 99 * hour)
    assert.deepEqual(await kept(), [[], 0])
  })

  holds('prune: deletes usage with its groups', async ({ ledger }) => {
    const record = (worker: string, at: number) => ({ ...recordOf(at), worker })
    await ledger.addUsage([record('v', hour), record('w', hour)], [])
    await ledger.addUsage([record('w', 60 * hour)], [])
    await ledger.prune(59 * hour, 60 * hour, false)
    assert.deepEqual(await ledger.usage({ since: 0 }), [record('w', 60 * hour)])
    assert.equal((await ledger.check()).rows['usage_group'], 1)
  })

  holds('spans: are found by time and subject, also after a clock was set back', async ({ ledger }) => {
    const saved = [
      spanOf({ began_at: 10, ended_at: 20 }),
      spanOf({ began_at: 20, ended_at: 30, subject: 'm/W/B' }),
      spanOf({ began_at: 5, ended_at: 8, kind: 'machine', subject: 'm' }),
    ]
    await ledger.saveSample({ spans: saved, measures: [], events: [] }, 25)
    await ledger.saveSample({ spans: [spanOf({ began_at: 30 })], measures: [], events: [] }, 22)
    const found = async (filter: Parameters<typeof ledger.spans>[0]) => (await ledger.spans(filter)).map(({ began_at }) => began_at)
    assert.deepEqual(await found({}), [5, 10, 20, 30])
    assert.deepEqual(
      [await found({ since: 19 }), await found({ since: 20 }), await found({ since: 29, until: 30 })],
      [[10, 20, 30], [20, 30], [20]],
    )
    assert.deepEqual([await found({ kind: 'machine' }), await found({ subject: 'm/W/A', until: 30 })], [[5], [10]])
  })

  holds('addUsage: keeps the last use of each conversation', async ({ ledger }) => {
    const use = (session: string, at: number, more: Partial<LastUse> = {}): LastUse => {
      const model = { provider: 'p', model_asked: 'a', model_answered: '', record: '/f', incarnation: 'i', idle: false }
      return { worker: 'w', session, at, ...model, ...more }
    }
    await ledger.addUsage([], [], [use('one', 2), use('two', 1, { idle: true })])
    await ledger.addUsage(
      [],
      [],
      [use('one', 1, { model_asked: 'old' }), use('two', 3, { incarnation: '' }), use('one', 9, { worker: 'v' })],
    )
    assert.deepEqual(await ledger.modelUses(), [use('one', 2), use('two', 3, { idle: true }), use('one', 9, { worker: 'v' })])
    const many = Array.from({ length: 8 }, (_, index) => use(`more ${index}`, 10 + index))
    await ledger.addUsage([], [], many)
    assert.deepEqual(await ledger.modelUses(), [use('one', 9, { worker: 'v' }), ...many])
  })

  holds('saveUsageLimits: keeps the newest report of each limit', async ({ ledger }) => {
    const limit = { worker: 'w', name: '5h', used: 42.5, resets_at: 9_000_000_000_000, at: 5 }
    await ledger.saveUsageLimits([limit, { ...limit, name: '7d', resets_at: null, at: 3 }])
    await ledger.saveUsageLimits([
      { ...limit, used: 1, at: 4 },
      { ...limit, worker: 'v', at: 4 },
    ])
    const saved = (await ledger.usageLimits()).map(({ worker, name, used, at }) => [worker, name, used, at]).toSorted()
    assert.deepEqual(saved, [
      ['v', '5h', 42.5, 4],
      ['w', '5h', 42.5, 5],
      ['w', '7d', 42.5, 3],
    ])
  })

  holds('addUsage: adds tokens by hour, and saves positions with them', async ({ ledger }) => {
    const record = { ...recordOf(hour), last_at: hour + 9 }
    const source = { machine: 'm', path: '/f', inode: '7', position: 10, state: { a: [1] }, read_at: 5, failure: null }
    await ledger.addUsage([record, { ...record, hour: 2 * hour }], [source, { ...source, machine: 'n' }])
    await ledger.addUsage([{ ...record, last_at: hour + 3 }], [{ ...source, position: 20, failure: 'locked' }])
    assert.deepEqual(await ledger.usage({ since: hour + 5, until: 2 * hour }), [
      { ...record, calls: 2, input: 6_000_000_000, cache_write: 10, output: 4, reported_cost: 0.2 },
    ])
    assert.deepEqual(await ledger.usage({ since: 2 * hour }), [{ ...record, hour: 2 * hour }])
    assert.deepEqual(await ledger.usage({ since: 2 * hour, issues: ['o/r#1'] }), [])
    assert.equal((await ledger.usage({ since: 0, issues: ['', 'o/r#1'] })).length, 2)
    const saved = { ...source, position: 20, failure: 'locked' }
    assert.deepEqual(await ledger.usageSources('m', ['/f', '/g']), [saved])
    assert.deepEqual(await ledger.failedUsageSources(), [saved])
    // A record without a worker breaks a rule of the table, so the position is not saved either.
    const broken = { ...record, worker: null } as unknown as typeof record
    await assert.rejects(ledger.addUsage([broken], [{ ...source, position: 30 }]))
    assert.equal((await ledger.usageSources('m', ['/f']))[0]?.position, 20)
    await ledger.check()
  })
}
