/** Tests of the recovery from trouble that every issue would meet. Each test runs the deciders minute by minute on its own clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveDispatch, ResumeText } from '../../src/core/ledger/claims.ts'
import type { WorkerRecord } from '../../src/core/ledger/workers.ts'
import type { Reading, ReadingState, Time, Worker } from '../../src/core/nouns.ts'
import type { UnderWayState, WorkerSnapshot } from '../../src/core/fleet-state.ts'
import { rateLimitReset } from '../../src/decide/rate-limit-reset.ts'
import { workBlockReason, freeWorkers } from '../../src/decide/route.ts'
import { resumptions } from '../../src/decide/resumptions.ts'
import { dispatchMoves } from '../../src/decide/dispatch-moves.ts'
import { withTroubles } from '../../src/decide/trouble.ts'
import { givenAt } from '../../src/observe/told.ts'
import { said } from '../support/reasons.ts'
import { dispatchOf, stateOf } from '../support/state.ts'

const minute = 60_000
const start = Date.UTC(2026, 5, 1, 12)
const worker = { id: 'm/W/A', role: 'worker', depth: 2, repos: ['o/r'], home: null, sublane: null } as unknown as Worker

/** The course of a worker's trouble. `reading` gives its state by minute and by the number of texts that told it to continue. */
interface Night {
  readonly reading: (minutes: number, told: number) => Partial<Reading> & { readonly state: ReadingState }
  readonly minutes: number
  readonly idle_timeout?: number | null
  readonly dispatches?: readonly Partial<LiveDispatch>[]
}

/** Returns the moves and texts, each with its minute. Each text arrives at once. */
function night({ reading, minutes, idle_timeout = 30 * minute, dispatches = [{}] }: Night): string[] {
  const did: string[] = []
  const resumes = new Map<string, ResumeText[]>()
  let live = dispatches.map((each, index): LiveDispatch => {
    const own = { id: `d${index}`, issue: `o/r#${index}`, slot: index, incarnation: 'i', claimed_at: start, handed_at: start }
    return dispatchOf({ ...own, ...each })
  })
  let record: WorkerRecord = {
    id: worker.id,
    drawn: false,
    used_at: start,
    state: null,
    state_since: null,
    start_seen: true,
    error_at: null,
    provision: null,
  }
  let told = 0
  for (let at = 0; at <= minutes; at++) {
    const now = start + at * minute
    const seen: Reading = { detail: null, evidence: 'HTTP 401', ...reading(at, told) }
    const since = record.state === seen.state ? (record.state_since ?? now) : now
    const view = viewOf(now, { seen, since, record, resumes, live, idle_timeout })
    record = { ...record, state: seen.state, state_since: since }
    if (since === now)
      record = { ...record, ...(seen.state === 'error' ? { error_at: now } : seen.state === 'working' ? { error_at: null } : {}) }
    const moves = dispatchMoves(view)
    for (const { id, to } of moves) did.push(`${at} ${id} ${to}`)
    live = live.filter(({ id }) => moves.every((move) => move.id !== id))
    for (const { dispatch, before } of resumptions({ ...view, dispatches: live, records: [record] })) {
      const own = resumes.get(dispatch) ?? []
      assert.equal(before, own.length)
      resumes.set(dispatch, [...own, { state: 'seen', planned_at: now, changed_at: now }])
      did.push(`${at} ${dispatch} told`)
      told += 1
    }
  }
  return did
}

interface Seen {
  readonly seen: Reading
  readonly since: Time
  readonly record: WorkerRecord
  readonly resumes: UnderWayState['resumes']
  readonly live: readonly LiveDispatch[]
  readonly idle_timeout: number | null
}

function viewOf(now: Time, { seen, since, record, resumes, live, idle_timeout }: Seen): UnderWayState {
  const states = new Map([[worker.id, { state: seen.state, since }]])
  const snapshots = withTroubles([{ worker, reading: seen, incarnation: 'i' } as unknown as WorkerSnapshot], {
    records: [record],
    states,
    now,
  })
  const facts = { now, dispatches: live, records: [record], states, resumes, workers: snapshots, incarnations: new Map([[worker.id, 'i']]) }
  return stateOf(facts, { idle_timeout, stale_after: 24 * 60 * minute })
}

const auth = { state: 'error', detail: 'auth' } as const

test('trouble: resumes after growing pauses, then releases', () => {
  assert.deepEqual(night({ reading: () => auth, minutes: 60 }), ['5 d0 told', '15 d0 told', '30 d0 released'])
})

test('trouble: an agent that continues gets no second text', () => {
  const reading: Night['reading'] = (_, told) => (told === 0 ? auth : { state: 'working' })
  assert.deepEqual(night({ reading, minutes: 90 }), ['5 d0 told'])
})

test('trouble: a turn that fails again soon is the same trouble', () => {
  let last = 0
  const seen: Night['reading'] = (_, told) => {
    const worked = told > last
    last = told
    return worked ? { state: 'working' } : auth
  }
  assert.deepEqual(night({ reading: seen, minutes: 60 }), ['5 d0 told', '17 d0 told', '30 d0 released'])
})

test('trouble: a turn that worked for a while has new trouble', () => {
  const reading: Night['reading'] = (at) => (at < 6 ? auth : at < 60 ? { state: 'working' } : auth)
  assert.deepEqual(night({ reading, minutes: 100 }), ['5 d0 told', '65 d0 told', '75 d0 told', '90 d0 released'])
})

test('trouble: a recovered worker gets one text per dispatch', () => {
  const reading: Night['reading'] = (at) => (at < 3 ? auth : at < 5 ? { state: 'unknown' } : { state: 'idle' })
  assert.deepEqual(night({ reading, minutes: 20, dispatches: [{}, {}] }), ['5 d0 told', '5 d1 told'])
})

test('trouble: burn sends nothing if a person resumed the agent', () => {
  const reading: Night['reading'] = (at) => (at < 3 ? auth : at < 5 ? { state: 'working' } : { state: 'idle' })
  assert.deepEqual(night({ reading, minutes: 20 }), [])
})

test('trouble: resumes and releases all dispatches of an agent', () => {
  const two = [{ handed_at: start - minute }, { handed_at: start - 2 * minute }]
  assert.deepEqual(night({ reading: () => auth, minutes: 40, dispatches: two }), [
    '5 d0 told',
    '5 d1 told',
    '15 d0 told',
    '15 d1 told',
    '30 d0 released',
    '30 d1 released',
  ])
})

test('trouble: keeps the issue until the limit resets, then releases it', () => {
  const reading = () => ({ state: 'error', detail: 'rate limit', evidence: 'usage limit reached, try again in 3h 20m' }) as const
  assert.deepEqual(night({ reading, minutes: 300 }), ['200 d0 told', '210 d0 told', '230 d0 released'])
})

test('trouble: does not wait for a reset after stale_after', () => {
  const reading = () => ({ state: 'error', detail: 'rate limit', evidence: 'weekly limit reached, try again in 4 days' }) as const
  assert.deepEqual(night({ reading, minutes: 60 }), ['5 d0 told', '15 d0 told', '30 d0 released'])
})

test('trouble: a failure that the issue caused counts as an attempt', () => {
  for (const detail of ['context', 'empty answer', 'turn failed', null])
    assert.deepEqual(night({ reading: () => ({ state: 'error', detail }), minutes: 60 }), ['30 d0 failed'], String(detail))
})

test('trouble: without idle_timeout it resumes and never releases', () => {
  assert.deepEqual(night({ reading: () => auth, minutes: 40, idle_timeout: null }), ['5 d0 told', '15 d0 told', '35 d0 told'])
})

test('trouble: a worker in trouble gets one issue per hour', () => {
  const at = (minutes: number, record: Partial<WorkerRecord>, reading: Partial<Reading> = {}) => {
    const now = start + minutes * minute
    const full = {
      id: worker.id,
      drawn: false,
      used_at: null,
      state: 'error',
      state_since: start,
      error_at: start,
      provision: null,
      ...record,
    } as WorkerRecord
    const view = viewOf(now, {
      seen: { evidence: 'HTTP 401: no', ...auth, ...reading },
      since: full.state_since ?? now,
      record: full,
      resumes: new Map(),
      live: [],
      idle_timeout: null,
    })
    return { why: workBlockReason(view.workers[0]!, null), free: freeWorkers(view).freeSlots().get('o/r') ?? 0 }
  }
  assert.match(
    said(at(59, {}).why),
    /^burn sends nothing to this worker: in trouble \(auth\): HTTP 401: no; burn tries the worker again at 2026-06-01T13:00Z$/,
  )
  assert.deepEqual(at(60, {}), { why: null, free: 1 }, 'of a depth of two')
  assert.equal(at(90, { used_at: start + 61 * minute }).free, 0, 'it got an issue in between')
  assert.equal(at(90, { state_since: start + 62 * minute }).free, 0, 'it failed in between')
  assert.equal(at(90, {}, { detail: 'rate limit', evidence: 'limit reached, try again in 2h' }).free, 0, 'the text names the reset time')
  assert.equal(at(1, {}, { detail: 'context' }).free, 2, 'the next issue may be shorter')
})

test('reset: understands the words of agents for the reset time', () => {
  const zone = process.env['TZ']
  process.env['TZ'] = 'UTC'
  const minutesIn: Readonly<Record<string, number | null>> = {
    'Rate limit reached. Please try again in 20s.': 1 / 3,
    'its usage limit resets in 8h 36m. Send /retry': 516,
    'Limit resets at 14:05 (in 2h 05m).': 125,
    'Try again in 3 hours 12 minutes': 192,
    'Retry-After: 90': 1.5,
    // The limit may reset at the end of the minute.
    "You've hit your session limit · resets 3am (UTC)": 15 * 60 + 1,
    "You've hit your session limit · resets 3:30pm (Europe/Berlin)": 91,
    "You've hit your session limit · resets 12pm (UTC)": 1,
    'usage limit reached, try again at 14:05': 126,
    'resets at 2026-06-01T13:00:00Z': 60,
    'try again at 2:05 PM': 126,
    'HTTP 429: {"error":{"type":"usage_limit_reached","resets_at":1780318800}}': 60,
    '429 {"type":"usage_limit_reached","resets_in_seconds": 5400}': 90,
    '{"rate_limits":{"five_hour":{"used_percentage":100,"resets_at":"2026-06-01T13:00:00Z"}}}': 60,
    '{"resets_at":99999999999999}': null,
    'resets 3am (nowhere in particular)': 15 * 60 + 1,
    'HTTP 401: Incorrect API key': null,
    'after 3 retries: HTTP 500': null,
    'resets at 99:99': null,
    'in 400d': null,
  }
  try {
    for (const [text, expected] of Object.entries(minutesIn)) {
      const reset = rateLimitReset(text, start)
      assert.equal(reset === null ? null : (reset - start) / minute, expected, text)
    }
  } finally {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  }
})

test('trouble: an error is new only after a seen text', () => {
  const given = (state: ResumeText['state'], changed_at: Time) =>
    givenAt(
      [dispatchOf({ id: 'd', worker: worker.id, handed_at: start })],
      new Map([['d', [{ state, planned_at: start + minute, changed_at }]]]),
      start + 2 * minute,
    ).get(worker.id)
  // The agent has not begun a turn with the text yet, so its screen still shows the earlier failure.
  assert.equal(given('submitted', start + minute), start)
  assert.equal(given('unknown', start + minute), start)
  assert.equal(given('seen', start + 2 * minute - 9_999), start)
  assert.equal(given('seen', start + minute), start + minute)
})
