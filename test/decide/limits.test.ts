/** Tests of the holds on accounts at their usage limit. Each test runs the deciders minute by minute on its own clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FleetState, WorkerSnapshot } from '../../src/core/fleet-state.ts'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { ResumeText } from '../../src/core/ledger/claims.ts'
import type { Reading, Time, Worker, WorkerId } from '../../src/core/nouns.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { freeWorkers } from '../../src/decide/route.ts'
import { settle } from '../../src/decide/settle.ts'
import type { UsageLimit } from '../../src/core/usage-limit.ts'
import { sprintLimit } from '../../src/decide/limits.ts'
import { workerTrouble } from '../../src/decide/trouble.ts'
import { loginLimits, withUsageLimits } from '../../src/decide/usage-limits.ts'
import { said } from '../support/reasons.ts'
import { dispatchOf, stateOf } from '../support/state.ts'

const minute = 60_000
const start = Date.UTC(2026, 5, 1, 12)
const [cut, other, foreign] = ['m/W/A', 'm/W/B', 'm/X/C'] as const
const workerOf = (id: WorkerId) => ({ id, role: 'worker', depth: 1, repos: ['o/r'], home: null, sublane: null }) as unknown as Worker
const limit = (evidence: string) => ({ state: 'error', detail: 'rate limit', evidence }) as const
const [idle, working] = [{ state: 'idle' } as const, { state: 'working' } as const]

type Seen = Partial<Reading> & Pick<Reading, 'state'>

/** The readings of the workers of account `max`, by minute and by the number of resume texts; `foreign` has no account. */
interface Course {
  readonly minutes: number
  readonly readings: (at: number, told: number) => readonly [Seen, Seen]
  /** The worker whose turn was cut has a dispatch. */
  readonly busy?: boolean
}

/** Returns the holds and texts of each minute, and the number of workers that can get an issue whenever that number changes. */
function course({ minutes, readings, busy = true }: Course): string[] {
  const did: string[] = []
  let holds: Hold[] = []
  let resumes: ResumeText[] = []
  let free = -1
  const states = new Map<WorkerId, { state: Reading['state']; since: Time; told: number }>()
  for (let at = 0; at <= minutes; at++) {
    const now = start + at * minute
    const seen = new Map<WorkerId, Seen>([
      [foreign, idle],
      ...([cut, other] as const).map((id, index) => [id, readings(at, resumes.length)[index] ?? idle] as const),
    ])
    for (const [id, { state }] of seen) {
      const before = states.get(id)
      // As `observe/state` does: an error after a new text is a new error.
      const again = id === cut && state === 'error' && before?.told !== resumes.length
      if (before?.state !== state || again) states.set(id, { state, since: now, told: resumes.length })
    }
    const state = stateAt(now, seen, {
      states,
      holds,
      dispatches: busy ? [dispatchOf({ worker: cut, incarnation: 'i', handed_at: start })] : [],
      resumes: new Map([[dispatchOf().id, resumes]]),
    })
    const settled = settle(state)
    for (const { do: _do, before, ...hold } of actionsOf(settled.actions, 'hold')) {
      assert.equal(before, holds[0]?.created_at ?? null)
      holds = [{ ...hold, actor: 'burn', created_at: now }]
      did.push(`${at} ${hold.scope} ${hold.name} held until ${(hold.until - start) / minute}`)
    }
    for (const { name, before } of actionsOf(settled.actions, 'end_hold')) {
      assert.equal(before, holds[0]?.created_at)
      holds = []
      did.push(`${at} ${name} resumed`)
    }
    for (const { worker } of actionsOf(settled.actions, 'tell')) {
      resumes = [...resumes, { state: 'seen', planned_at: now, changed_at: now }]
      did.push(`${at} ${worker} told`)
    }
    const slots = freeWorkers(settled.state).freeSlots().get('o/r') ?? 0
    if (slots !== free) did.push(`${at} ${slots} free`)
    free = slots
  }
  return did
}

function stateAt(now: Time, seen: ReadonlyMap<WorkerId, Seen>, more: Partial<FleetState>): FleetState {
  const workers = [...seen].map(([id, reading]): WorkerSnapshot => {
    return { worker: workerOf(id), reading: { detail: null, evidence: '', ...reading }, incarnation: 'i' }
  })
  const state = stateOf(
    { now, workers, incarnations: new Map([...seen.keys()].map((id) => [id, 'i'])), ...more },
    { idle_timeout: 24 * 60 * minute, stale_after: 24 * 60 * minute },
  )
  return { ...state, fleet: { ...state.fleet, accounts: [{ name: 'max', workers: [cut, other] }] } }
}

test('limits: an account gets nothing until its reset', () => {
  const readings: Course['readings'] = (at, told) => [
    told === 0 && at >= 3 ? limit('usage limit reached, try again in 60m') : working,
    idle,
  ]
  assert.deepEqual(course({ minutes: 80, readings }), [
    '0 2 free',
    '3 account max held until 63',
    '3 1 free',
    '63 m/W/A told',
    '63 2 free',
    '64 max resumed',
  ])
})

test('limits: one text resumes a worker whose turn was cut', () => {
  const readings: Course['readings'] = (_, told) => [told === 0 ? limit('resets 12:30 (UTC)') : working, working]
  assert.deepEqual(
    course({ minutes: 600, readings }).filter((line) => line.endsWith('told')),
    ['31 m/W/A told'],
  )
})

test('limits: pauses grow while the reset time is unknown', () => {
  const readings: Course['readings'] = (_, told) => [told < 4 ? limit('HTTP 429: too many requests') : working, idle]
  const held = course({ minutes: 200, readings }).filter((line) => !line.endsWith('free'))
  assert.deepEqual(held, [
    '0 account max held until 5',
    '5 m/W/A told',
    '6 account max held until 16',
    '16 m/W/A told',
    '17 account max held until 37',
    '37 m/W/A told',
    '38 account max held until 78',
    '78 m/W/A told',
    '79 max resumed',
  ])
})

test('limits: a later reset of another worker extends the hold', () => {
  const readings: Course['readings'] = (at) => [limit('try again in 30m'), at < 10 ? idle : limit('weekly limit, try again in 5h')]
  const held = course({ minutes: 60, readings, busy: false }).filter((line) => line.includes('held'))
  assert.deepEqual(held, ['0 account max held until 30', '10 account max held until 310'])
})

test('limits: an old message does not extend an ended hold', () => {
  const readings: Course['readings'] = () => [limit('HTTP 429'), limit('HTTP 429')]
  assert.deepEqual(
    course({ minutes: 30, readings, busy: false }).filter((line) => line.includes('held')),
    ['0 account max held until 5'],
  )
})

test('limits: the hold ends early if its worker works again', () => {
  const readings: Course['readings'] = (at) => [at < 5 ? limit('try again in 5h') : working, idle]
  assert.deepEqual(course({ minutes: 20, readings }), ['0 account max held until 300', '0 1 free', '7 max resumed', '7 2 free'])
})

test('limits: the reason names the worker and its message', () => {
  const states = new Map([[cut, { state: 'error' as const, since: start }]])
  const [action] = actionsOf(settle(stateAt(start, new Map([[cut, limit('HTTP 429')]]), { states })).actions, 'hold')
  assert.equal(said(action?.reason), 'm/W/A reached the usage limit: HTTP 429 (the reset time is unknown)')
})

test('limits: a sprint holds the account of its backend', () => {
  const accounts = [
    { name: 'max', workers: [cut] },
    { name: 'team', workers: [], backends: ['cli claude'] },
  ]
  const found = (backend: string, worker: string, failure: { reason: string; wait_ms?: number }, holds: readonly Hold[] = []) => {
    const limited = { backend, worker, failure: { class: 'rate_limited', ...failure } as const }
    const action = sprintLimit(limited, { accounts, holds, now: start })
    return action === null ? null : `${action.name} ${(action.until - start) / minute}`
  }
  assert.equal(found('cli claude', 'sprint/box/1', { reason: 'slow down', wait_ms: 7 * minute }), 'team 7')
  assert.equal(found('cli claude', 'sprint/box/1', { reason: `usage limit reached|${(start + 90 * minute) / 1000}` }), 'team 90')
  assert.equal(found('cli claude', 'sprint/box/1', { reason: 'slow down', wait_ms: 90 * 24 * 60 * minute }), 'team 5', 'no such limit')
  assert.equal(found('cli codex', cut, { reason: 'slow down' }), 'max 5', 'the account of the worker')
  assert.equal(found('cli codex', 'sprint/box/1', { reason: 'slow down' }), null, 'no account')
  const reason = { code: 'limit_reached', worker: cut, evidence: '', pause: null } as const
  const held = {
    scope: 'account',
    name: 'team',
    code: 'limit',
    reason,
    until: start + 60 * minute,
    actor: 'burn',
    created_at: start,
  } as const
  assert.equal(found('cli claude', 'sprint/box/1', { reason: 'slow down', wait_ms: 7 * minute }, [held]), null, 'held already')
})

test('limits: a new report of an agent gives the reset time', () => {
  const failedAt = start + 60 * minute
  const report = { name: '5h', used: 100, resets_at: failedAt + 90 * minute, at: failedAt - minute }
  const reset = (...limits: readonly UsageLimit[]) => {
    const reading = limit("You've hit your usage limit")
    return workerTrouble({ reading, usage_limits: limits }, failedAt)?.reset ?? null
  }
  assert.equal(reset(report), report.resets_at)
  assert.equal(reset(report, { ...report, name: '7d', used: 17, resets_at: failedAt + 999 * minute }), report.resets_at)
  assert.equal(reset({ ...report, at: failedAt - 6 * minute }), null, 'the login may have got further usage')
  assert.equal(reset({ ...report, used: 99.9 }), null)
  assert.equal(reset({ ...report, resets_at: null }), null)
  assert.equal(reset({ ...report, resets_at: failedAt }), null)
})

test('limits: workers of one account share the reports of their agents', () => {
  const workers = [cut, other, foreign].map((id): WorkerSnapshot => ({
    worker: workerOf(id),
    reading: { ...limit('x') },
    incarnation: 'i',
  }))
  const report = { worker: other, name: '5h', used: 100, resets_at: start + 90 * minute, at: start }
  const accounts = [{ name: 'max', workers: [cut, other] }]
  const seen = withUsageLimits(workers, [{ ...report, used: 1, at: start - 1 }, report], accounts)
  assert.deepEqual(
    seen.map((snapshot) => workerTrouble(snapshot, start)?.reset ?? null),
    [report.resets_at, report.resets_at, null],
  )
  const shown = loginLimits([report, { ...report, worker: cut, used: 3, at: start + 1 }], accounts, start + minute)
  assert.deepEqual(
    shown.map(({ account, worker, used }) => [account, worker, used]),
    [['max', cut, 3]],
  )
  assert.equal(loginLimits([report], [], report.resets_at)[0]?.used, null, 'the period has ended')
})
