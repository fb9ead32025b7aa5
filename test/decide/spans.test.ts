/** The comparison of samples with open spans. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Span, SpanState } from '../../src/core/span.ts'
import { spanChanges } from '../../src/decide/spans.ts'

const minute = 60_000
const limits = { waiting_after: 2 * minute, longest_gap: 15 * minute }

function workerState(state: string, changes: Partial<SpanState> = {}): SpanState {
  const about = { kind: 'worker' as const, subject: 'm/W/A', machine: 'm', issue: null, incarnation: 'i1' }
  return { ...about, state, detail: null, evidence: state, ...changes }
}

/** Applies samples one after another, as the ledger would, and returns all spans and the kinds of all events. */
function replay(samples: readonly { at: number; state: (SpanState & { since?: number }) | null }[]): { spans: Span[]; events: string[] } {
  const ended: Span[] = []
  let open: Span[] = []
  const events: string[] = []
  for (const { at, state } of samples) {
    const changes = spanChanges(open, { at, states: state === null ? [] : [state], covers: () => true }, limits)
    ended.push(...changes.spans.filter(({ ended_at }) => ended_at !== null))
    open = changes.spans.filter(({ ended_at }) => ended_at === null)
    events.push(...changes.events.map(({ kind }) => kind))
  }
  return { spans: [...ended, ...open], events }
}

test('spanChanges: an unchanged state continues its span', () => {
  const { spans, events } = replay([0, 1, 2].map((at) => ({ at: at * minute, state: workerState('idle') })))
  assert.deepEqual(
    spans.map(({ began_at, seen_at, ended_at }) => [began_at, seen_at, ended_at]),
    [[0, 2 * minute, null]],
  )
  assert.deepEqual(events, [])
})

test('spanChanges: a new state, issue or agent begins a span', () => {
  const states = [
    workerState('idle'),
    workerState('working'),
    workerState('working', { issue: 'o/r#1' }),
    workerState('working', { issue: 'o/r#1', incarnation: 'i2' }),
  ]
  const { spans } = replay(states.map((state, at) => ({ at: at * minute, state })))
  assert.deepEqual(
    spans.map(({ state, issue, incarnation, began_at, ended_at }) => [state, issue, incarnation, began_at, ended_at]),
    [
      ['idle', null, 'i1', 0, minute],
      ['working', null, 'i1', minute, 2 * minute],
      ['working', 'o/r#1', 'i1', 2 * minute, 3 * minute],
      ['working', 'o/r#1', 'i2', 3 * minute, null],
    ],
  )
})

test('spanChanges: only a span of trouble keeps its evidence', () => {
  const { spans } = replay(['idle', 'working', 'waiting', 'idle'].map((state, at) => ({ at: at * minute, state: workerState(state) })))
  assert.deepEqual(
    spans.map(({ evidence }) => evidence),
    ['', '', 'waiting', 'idle'],
  )
})

test('spanChanges: a state that began earlier ends the state before', () => {
  const { spans } = replay([
    { at: 0, state: workerState('idle') },
    { at: 5 * minute, state: { ...workerState('working'), since: 2 * minute } },
    { at: 10 * minute, state: { ...workerState('working', { issue: 'o/r#2' }), since: 2 * minute } },
  ])
  assert.deepEqual(
    spans.map(({ began_at, ended_at }) => [began_at, ended_at]),
    [
      [0, 2 * minute],
      [2 * minute, 10 * minute],
      [10 * minute, null],
    ],
  )
})

test('spanChanges: reports a waiting worker once, and its end', () => {
  const waiting = [0, 1, 2, 3].map((at) => ({ at: at * minute, state: workerState('waiting') }))
  assert.deepEqual(replay(waiting.slice(0, 2)).events, [])
  assert.deepEqual(replay(waiting).events, ['worker.waiting'])
  const answered = [...waiting, { at: 4 * minute, state: workerState('working') }]
  assert.deepEqual(replay(answered).events, ['worker.waiting', 'worker.cleared'])
})

test('spanChanges: a question goes on if the issue changes', () => {
  const { spans, events } = replay(
    ['o/r#1', 'o/r#1', 'o/r#2', null].map((issue, at) => ({ at: at * minute, state: workerState('waiting', { issue }) })),
  )
  assert.deepEqual(
    spans.map(({ issue, began_at, ended_at }) => [issue, began_at, ended_at]),
    [['o/r#1', 0, null]],
  )
  assert.deepEqual(events, ['worker.waiting'])
})

test('spanChanges: reports errors, limits and ends of agents', () => {
  const states = [workerState('error', { detail: 'auth' }), workerState('error', { detail: 'rate limit' }), workerState('dead')]
  const { events } = replay(states.map((state, at) => ({ at: at * minute, state })))
  assert.deepEqual(events, ['worker.error', 'worker.cleared', 'worker.limited', 'worker.cleared', 'worker.dead'])
})

test('spanChanges: the time without samples belongs to no span', () => {
  const { spans, events } = replay([
    { at: 0, state: workerState('dead') },
    { at: minute, state: workerState('dead') },
    { at: 60 * minute, state: workerState('dead') },
  ])
  assert.deepEqual(
    spans.map(({ began_at, ended_at }) => [began_at, ended_at]),
    [
      [0, minute],
      [60 * minute, null],
    ],
  )
  assert.deepEqual(events, ['worker.dead'], 'the state did not end, so burn reports it once')
})

test('spanChanges: leaves the spans of other machines unchanged', () => {
  const open = spanChanges([], { at: 0, states: [workerState('idle')], covers: () => true }, limits).spans
  assert.deepEqual(spanChanges(open, { at: minute, states: [], covers: () => false }, limits), { spans: [], events: [] })
  assert.equal(spanChanges(open, { at: minute, states: [], covers: () => true }, limits).spans[0]?.ended_at, minute)
})

test('spanChanges: spans never overlap, and each report has one end', () => {
  const state = fc.option(
    fc.record({
      state: fc.constantFrom('idle', 'working', 'waiting', 'error', 'dead'),
      issue: fc.constantFrom(null, 'o/r#1'),
      incarnation: fc.constantFrom('i1', 'i2'),
      since: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
    }),
    { freq: 5 },
  )
  const steps = fc.array(fc.record({ after: fc.integer({ min: 1, max: 20 }), state }), { maxLength: 30 })
  fc.assert(
    fc.property(steps, (given) => {
      let at = 0
      const samples = given.map(({ after, state: each }) => ({
        at: (at += after * minute),
        state:
          each === null
            ? null
            : { ...workerState(each.state, each), ...(each.since === undefined ? {} : { since: at - each.since * minute }) },
      }))
      const { spans, events } = replay(samples)
      const ordered = spans.toSorted((a, b) => a.began_at - b.began_at)
      ordered.forEach((span, index) => {
        assert.ok((span.ended_at ?? Infinity) >= span.seen_at && span.seen_at >= span.began_at)
        const next = ordered[index + 1]
        if (next !== undefined) assert.ok((span.ended_at ?? Infinity) <= next.began_at)
      })
      assert.ok(spans.filter(({ ended_at }) => ended_at === null).length <= 1)
      const cleared = events.filter((kind) => kind === 'worker.cleared').length
      const reports = events.length - cleared
      assert.ok(reports === cleared || reports === cleared + 1)
    }),
  )
})

test('spanChanges: a clock that is set back makes no negative span', () => {
  const day = 24 * 60 * minute
  for (const back of [minute, day]) {
    const { spans, events } = replay([
      { at: back, state: workerState('error') },
      { at: 0, state: workerState('error') },
      { at: 5 * minute, state: workerState('idle') },
    ])
    assert.ok(spans.every(({ began_at, seen_at, ended_at }) => seen_at >= began_at && (ended_at ?? seen_at) >= began_at))
    assert.equal(spans.at(-1)?.state, 'idle')
    assert.deepEqual(events, ['worker.error', 'worker.cleared'], `${back}`)
  }
})
