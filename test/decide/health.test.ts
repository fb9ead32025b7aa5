/** The health rules. Each rule is judged with and without data, at and beyond its threshold. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { HealthFacts, HealthStatus } from '../../src/core/health.ts'
import type { RepoRecord } from '../../src/core/ledger/forge.ts'
import type { Span } from '../../src/core/span.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import { judgeHealth, worstOf } from '../../src/decide/health.ts'
import { completeHealth } from '../../src/spec/complete-observation.ts'
import { fleetOf } from '../simulate/storm.ts'

const minute = 60_000
const now = Date.UTC(2026, 10, 27, 6)
const workers = fleetOf(1, 4).machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
const ids = workers.map(({ id }) => id)

function spanOf(subject: string, state: string, age: number, changes: Partial<Span> = {}): Span {
  const about = { kind: 'worker' as const, machine: 'm1', detail: null, issue: null, incarnation: null, evidence: 'x' }
  const times = { began_at: now - age, seen_at: now - minute, ended_at: null, reported: null }
  return { subject, state, ...about, ...times, ...changes }
}
const dispatcher = (age: number, changes: Partial<Span> = {}) =>
  spanOf('d', 'running', 600 * minute, { kind: 'dispatcher', machine: null, seen_at: now - age, ...changes })
const repoOf = (unread: RepoRecord['unread']): RepoRecord => ({
  repo: 'o/a',
  cursor: null,
  writers: null,
  writers_at: null,
  rights_at: null,
  listed_at: now,
  changes_at: now,
  wait_reason: null,
  changed_at: null,
  news_at: null,
  comments_at: null,
  unread,
})
const empty: HealthFacts = {
  now,
  settings: completeHealth({}),
  interval: 5 * minute,
  workers,
  held: new Set(),
  spans: [],
  measures: [],
  repos: [],
  queued: new Map(),
  attempts: [],
  max_attempts: 3,
  last_change: null,
  last_commit: null,
  limited: [],
  sprints: [],
  tokens: new Map(),
  ledger_bytes: 0,
}
const well: HealthFacts = {
  ...empty,
  spans: [
    dispatcher(minute),
    spanOf('m1', 'up', 600 * minute, { kind: 'machine' }),
    ...ids.map((id) => spanOf(id, 'working', 20 * minute)),
    spanOf('m1 systemd a', 'on time', minute, { kind: 'job' }),
  ],
  measures: [
    {
      subject: 'machine m1',
      at: now,
      period: 0,
      numbers: { disk_total: 10, disk_free: 5, memory_total: 10, memory_free: 5, clock_offset: 1000, leftovers: 0, jobs: 1 },
    },
  ],
  repos: [repoOf(null)],
  last_change: now - 60 * minute,
  sprints: Array.from({ length: 6 }, () => ({ outcome: 'change' }) as Sprint),
}

function statusOf(rule: string, changes: Partial<HealthFacts>, base = well): HealthStatus {
  const found = judgeHealth({ ...base, ...changes }).find((each) => each.rule === rule)
  assert.ok(found !== undefined, rule)
  assert.ok(found.evidence !== '' && found.threshold !== '', `${rule} has evidence and a threshold`)
  assert.equal(found.remedy === '', found.status === 'ok', `${rule} has a remedy unless it is ok`)
  return found.status
}

test('health: a fleet at work is ok in every rule', () => {
  assert.deepEqual(
    judgeHealth(well).filter(({ status }) => status !== 'ok'),
    [],
  )
})

test('health: no rule is ok without data', () => {
  const certain = ['attempts', 'ledger', 'sprints']
  for (const { rule, status } of judgeHealth(empty)) assert.equal(status, certain.includes(rule) ? 'ok' : 'unknown', rule)
  assert.equal(worstOf(judgeHealth(empty)), 'unknown')
  const stale = { ...well, now: now + 60 * minute }
  for (const rule of ['forge', 'jobs', 'machines', 'workers', 'idle', 'turns', 'questions', 'limits'])
    assert.equal(statusOf(rule, {}, stale), 'unknown', rule)
})

test('health: a machine without a number makes its rules unknown', () => {
  const two = { spans: [...well.spans, spanOf('m2', 'up', minute, { kind: 'machine' })] }
  for (const rule of ['jobs', 'disk', 'memory', 'clock', 'leftovers']) assert.equal(statusOf(rule, two), 'unknown', rule)
  assert.equal(statusOf('jobs', { spans: well.spans.filter(({ kind }) => kind !== 'job'), measures: [] }), 'unknown', 'not read')
  assert.equal(statusOf('idle', { repos: [] }), 'unknown', 'the queue is not known')
})

test('health: a time in the future shows no present state', () => {
  const ahead = { ...well, now: now - 24 * 60 * minute }
  for (const rule of ['machines', 'workers', 'limits', 'jobs']) assert.equal(statusOf(rule, {}, ahead), 'unknown', rule)
})

test('health: the reference describes each rule', () => {
  const page = readFileSync(new URL('../../docs/reference/health.md', import.meta.url), 'utf8')
  for (const { rule } of judgeHealth(empty)) assert.ok(page.includes(`| \`${rule}\` |`), rule)
})

test('health: each injected stall makes its rule fail or warn', () => {
  const rest = well.spans.filter(({ subject }) => subject !== ids[0])
  const withWorker = (state: string, age: number, changes: Partial<Span> = {}) => ({
    spans: [...rest, spanOf(ids[0]!, state, age, changes)],
  })
  const withAll = (state: string) => ({
    spans: [...well.spans.filter(({ kind }) => kind !== 'worker'), ...ids.map((id) => spanOf(id, state, minute))],
  })
  const others = well.spans.filter(({ kind }) => kind !== 'dispatcher')
  const [measure] = well.measures
  const measured = (numbers: Record<string, number>) => ({ measures: [{ ...measure!, numbers: { ...measure!.numbers, ...numbers } }] })
  const queued = new Map([[workers[0]!.repos[0]!, 1]])
  const cases: readonly (readonly [string, Partial<HealthFacts>, HealthStatus])[] = [
    ['dispatcher', { spans: [...others, dispatcher(15 * minute)] }, 'ok'],
    ['dispatcher', { spans: [...others, dispatcher(16 * minute)] }, 'fail'],
    ['forge', { repos: [repoOf({ since: now - minute, why: '502' })] }, 'fail'],
    ['forge', { repos: [repoOf(null), repoOf({ since: now - minute, why: '502' })] }, 'warn'],
    ['jobs', { spans: [...well.spans, spanOf('m1 cron b', 'missed', minute, { kind: 'job' })] }, 'warn'],
    ['jobs', { spans: well.spans.filter(({ kind }) => kind !== 'job'), ...measured({ jobs: 0 }) }, 'ok'],
    ['ledger', { ledger_bytes: 3e9 }, 'warn'],
    ['workers', withWorker('dead', minute), 'warn'],
    ['workers', withWorker('error', minute, { detail: 'rate limit' }), 'ok'],
    ['idle', { ...withWorker('idle', 15 * minute), queued }, 'warn'],
    ['idle', { ...withWorker('idle', 14 * minute), queued }, 'ok'],
    ['idle', { ...withWorker('idle', 15 * minute), queued, held: new Set(ids) }, 'ok'],
    ['tokens', { ...withWorker('working', 30 * minute), tokens: new Map([[ids[0]!, 0]]) }, 'warn'],
    ['tokens', { ...withWorker('working', 30 * minute), tokens: new Map([[ids[0]!, 9]]) }, 'ok'],
    ['tokens', withWorker('working', 30 * minute), 'unknown'],
    ['turns', withWorker('working', 121 * minute), 'warn'],
    ['questions', withWorker('waiting', 30 * minute), 'warn'],
    ['limits', withWorker('error', minute, { detail: 'rate limit' }), 'warn'],
    ['changes', { ...withWorker('working', 7 * 60 * minute), last_change: now - 7 * 60 * minute }, 'warn'],
    ['changes', { ...withAll('idle'), last_change: null }, 'ok'],
    ['changes', { ...withWorker('working', 7 * 60 * minute), last_change: null, last_commit: now - 60 * minute }, 'ok'],
    ['limits', { limited: [{ name: 'max', created_at: now - minute }] }, 'warn'],
    ['limits', { ...empty, limited: [{ name: 'max', created_at: now - minute }] }, 'warn'],
    ['sprints', { sprints: [] }, 'ok'],
    ['sprints', { sprints: Array.from({ length: 6 }, () => ({ outcome: 'failed' }) as Sprint) }, 'fail'],
    ['attempts', { attempts: [{ issue: 'o/a#1', attempts: 3 }] }, 'warn'],
    ['attempts', { attempts: [{ issue: 'o/a#1', attempts: 2 }] }, 'ok'],
    ['machines', { spans: [...well.spans, spanOf('m2', 'unreachable', minute, { kind: 'machine' })] }, 'warn'],
    ['disk', measured({ disk_free: 0.9 }), 'warn'],
    ['disk', measured({ disk_free: 0.4 }), 'fail'],
    ['memory', measured({ memory_free: 0.9 }), 'warn'],
    ['clock', measured({ clock_offset: -31_000 }), 'warn'],
    ['leftovers', measured({ leftovers: 2, leftovers_memory: 5e8 }), 'warn'],
  ]
  for (const [rule, changes, status] of cases)
    assert.equal(statusOf(rule, changes), status, `${rule} ${JSON.stringify(Object.keys(changes))}`)
})

test('health: evidence is exact and tells whether the dispatcher ended normally', () => {
  const others = well.spans.filter(({ kind }) => kind !== 'dispatcher')
  const evidenceOf = (rule: string, changes: Partial<HealthFacts>) =>
    judgeHealth({ ...well, ...changes }).find((each) => each.rule === rule)?.evidence
  const measured = (numbers: Record<string, number>) => ({ measures: [{ ...well.measures[0]!, numbers }] })
  assert.equal(evidenceOf('dispatcher', { spans: [dispatcher(20_000)] }), 'the last cycle began 20 s ago')
  const ended = dispatcher(16 * minute, { ended_at: now - 16 * minute })
  assert.equal(evidenceOf('dispatcher', { spans: [...others, ended] }), 'the last cycle began 16 min ago')
  const killed = 'the last cycle began 16 min ago, and its dispatcher did not end normally'
  assert.equal(evidenceOf('dispatcher', { spans: [...others, dispatcher(16 * minute)] }), killed)
  const silent = dispatcher(0, { state: 'silent', began_at: now - 16 * minute })
  assert.equal(evidenceOf('dispatcher', { spans: [...others, silent] }), killed, 'a sample of the silence is no cycle')
  assert.equal(evidenceOf('machines', {}), '1 machine answers')
  const dead = { spans: [...well.spans, spanOf(ids[0]!, 'dead', minute)] }
  assert.equal(evidenceOf('workers', dead), `1 worker without a running agent: ${ids[0]}`)
  const away = spanOf(ids[1]!, 'unreachable', 2 * minute)
  const both = `1 worker without a running agent: ${ids[0]}; 1 worker on an unreachable machine: ${ids[1]}`
  assert.equal(evidenceOf('workers', { spans: [...dead.spans, away] }), both, 'an unreachable agent may still run')
  const machine = spanOf('m1', 'unreachable', minute, { kind: 'machine', evidence: 'm1 is unreachable: no route' })
  assert.equal(evidenceOf('machines', { spans: [machine] }), 'm1 is unreachable: no route')
  const turns = { spans: [spanOf(ids[0]!, 'working', 60 * minute), spanOf(ids[1]!, 'working', 60 * minute)] }
  const partly = '1 long turn uses tokens; burn knows no usage of 1 agent at work'
  assert.equal(evidenceOf('tokens', { ...turns, tokens: new Map([[ids[0]!, 5]]) }), partly)
  assert.equal(evidenceOf('leftovers', measured({ leftovers: 2 })), 'm1: 2 processes', 'unknown memory is not 0 MB')
  assert.equal(evidenceOf('clock', measured({ clock_offset: -61_000 })), 'm1: 61 s behind')
  assert.equal(evidenceOf('disk', measured({ disk_total: 100, disk_free: 4 })), 'm1: 4 % free')
  assert.equal(evidenceOf('ledger', { ledger_bytes: 4_200_000 }), '4 MB')
  const [sprint] = well.sprints
  assert.equal(evidenceOf('sprints', { sprints: [sprint!] }), '1 sprint ended, too few to judge')
})
