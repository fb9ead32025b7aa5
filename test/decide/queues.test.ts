import { untouched } from '../support/records.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'
import type { Worker } from '../../src/core/nouns.ts'
import type { FleetState } from '../../src/core/fleet-state.ts'
import { fleetOf } from '../simulate/storm.ts'
import { dispatchOf, stateOf } from '../support/state.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { assign } from '../../src/decide/assign.ts'
import { inQueueOrder, orderReason, queueRank, queueRules } from '../../src/decide/queue.ts'
import { freeWorkers } from '../../src/decide/route.ts'

const repos = ['o/a', 'o/b', 'o/c', 'o/d']
const labels = ['ui', 'api', 'epic', 'other']

const someRepos = fc.subarray(repos, { minLength: 1 })
const workerOf = fc.record({
  repos: someRepos,
  home: fc.option(fc.constantFrom(...repos), { nil: null }),
  depth: fc.integer({ min: 1, max: 3 }),
  sublane: fc.option(fc.constantFrom('UI', 'api', 'db'), { nil: null }),
  role: fc.constantFrom('worker' as const, 'worker' as const, 'worker' as const, 'council' as const),
  hold: fc.option(fc.constant('by hand'), { nil: null, freq: 8 }),
  used_at: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
  taken: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }),
  dead: fc.boolean(),
  following: fc.boolean(),
})
const issueOf = fc.record({
  repo: fc.constantFrom(...repos, 'o/unserved'),
  labels: fc.subarray(labels, { maxLength: 2 }),
  created_at: fc.integer({ min: 1, max: 30 }),
  attempts: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: -1, max: 1 }),
  due_at: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
})

const holdOf = (name: string, text: string): Hold => {
  const by = { until: null, actor: 'ann', created_at: 1 }
  return { scope: 'worker', name, code: 'person', reason: { code: 'prose', text }, ...by }
}

const priority_labels = [['api'], ['*'], ['ui']]
const queue = queueRules({ priority_labels })
const rules = {
  skip_labels: ['epic'],
  council_labels: ['other'],
  max_attempts: 3,
  trust: { authors: 'anyone', labels: [], commands: 'writers' },
} as const

type Given = { readonly workers: (typeof workerOf extends fc.Arbitrary<infer T> ? T : never)[] }
type Drawn = (typeof issueOf extends fc.Arbitrary<infer T> ? T : never)[]

function viewOf({ workers }: Given, issues: Drawn): FleetState {
  const all = workers.map(({ repos: served, home, depth, sublane, role }, index) => {
    const name = `W${index}`
    return { id: `m/W/${name}`, name, machine: 'm', window: 'W', role, sublane, repos: served, home, depth, agent: { kind: 'shell' } }
  }) as unknown as Worker[]
  const records = issues.map(({ repo, attempts, priority, due_at, ...rest }, index): IssueRecord => {
    const number = index + 1
    const issue = { ref: `${repo}#${number}`, repo, number, title: 't', body: '', assignees: [], author: 'ann', state: 'open' as const }
    const due = due_at === null ? {} : { due_at }
    return { ...untouched, issue: { ...issue, ...rest, ...due, updated_at: 1, comments: 0, url: '' }, attempts, priority }
  })
  const dispatches = workers.flatMap(({ taken }, index) =>
    taken.map((slot) => dispatchOf({ id: `d${index}.${slot}`, issue: `o/x#${index}${slot}`, worker: `m/W/W${index}`, slot })),
  )
  const fleet = fleetOf(1, 1, { ...rules, priority_labels })
  const machines = fleet.machines.map((machine) => ({
    ...machine,
    windows: machine.windows.map((window) => ({ ...window, workers: all })),
  }))
  return stateOf({
    fleet: { ...fleet, machines },
    now: 100,
    dispatches,
    issues: records,
    records: workers.map(({ used_at }, index) => ({ ...neverSeen, id: `m/W/W${index}`, used_at })),
    following: new Set(workers.flatMap(({ following }, index) => (following ? [`m/W/W${index}`] : []))),
    holds: workers.flatMap(({ hold }, index) => (hold === null ? [] : [holdOf(`m/W/W${index}`, hold)])),
    workers: all.map((worker, index) => ({
      worker,
      reading: { state: workers[index]?.dead === true ? 'dead' : 'idle', detail: null, evidence: '' },
      incarnation: null,
    })),
    writers: new Map(repos.map((repo) => [repo, new Set()])),
  })
}

const neverSeen = { drawn: false, state: null, state_since: null, start_seen: true, error_at: null, provision: null }

const planned = (state: FleetState) => {
  const actions = assign(state)
  return { assignments: actionsOf(actions, 'claim'), verdicts: actionsOf(actions, 'judge'), waiting: actionsOf(actions, 'wait') }
}

const given = fc.record({ workers: fc.array(workerOf, { maxLength: 8 }) })

test('queues: the front of each queue leads to the same claims', () => {
  fc.assert(
    fc.property(given, fc.array(issueOf, { maxLength: 40 }), (fleet, issues) => {
      const whole = viewOf(fleet, issues)
      const plan = planned(whole)
      const standings = new Map(plan.verdicts.map(({ issue, standing }) => [issue, standing]))
      const most = freeWorkers(whole).freeSlots()
      const inOrder = inQueueOrder(whole.issues, queue)
      const front = [...most].flatMap(([repo, many]) =>
        inOrder.filter(({ issue }) => issue.repo === repo && standings.get(issue.ref) === 'queued').slice(0, many),
      )
      const asked = inOrder.filter(({ issue }) => standings.get(issue.ref) === 'asked')
      const narrowed = planned({ ...whole, issues: [...front, ...asked] })
      assert.deepEqual(narrowed.assignments, plan.assignments)
      assert.deepEqual(narrowed.waiting, plan.waiting)
    }),
    { numRuns: 250 },
  )
})

test('queues: respects depth and slots, and prefers the home repo', () => {
  fc.assert(
    fc.property(given, fc.array(issueOf, { maxLength: 40 }), (fleet, issues) => {
      const view = viewOf(fleet, issues)
      const { assignments, verdicts } = planned(view)
      const work = assignments.filter(({ kind }) => kind === 'work')
      const slots = new Set(view.dispatches.map(({ worker, slot }) => `${worker} ${slot}`))
      for (const { worker, slot, issue } of work) {
        const key = `${worker.id} ${slot}`
        assert.ok(!slots.has(key), `the slot ${key} is given twice`)
        slots.add(key)
        assert.ok(worker.repos.includes(issue.repo) && worker.role === 'worker' && slot !== null && slot < worker.depth)
        const record = fleet.workers[Number(worker.name.slice(1))]
        assert.ok(record?.hold === null && !record.dead && !record.following)
      }
      for (const { id, depth } of view.workers.map(({ worker }) => worker))
        assert.ok(
          [...slots].filter((key) => key.startsWith(`${id} `)).length <=
            Math.max(depth, fleet.workers[Number(id.slice(5))]?.taken.length ?? 0),
        )
      // An issue waits only if no worker that serves it has a free slot.
      const given = work.map((a) => ({ kind: 'work', state: 'claimed', worker: a.worker.id, slot: a.slot })) as never[]
      const left = freeWorkers({ ...view, dispatches: [...view.dispatches, ...given] }).freeSlots()
      const waiting = verdicts.filter(({ reason }) => reason.code === 'queued')
      for (const { issue } of waiting) assert.equal(left.get(issue.slice(0, issue.indexOf('#'))) ?? 0, 0)
      const records = new Map(view.issues.map((record) => [record.issue.ref, record]))
      const urgency = (ref: string) => {
        const { issue, priority } = records.get(ref) ?? assert.fail()
        return [-priority, queueRank({ labels: issue.labels }, queue)] as const
      }
      const isLessUrgent = (ref: string, other: string) => {
        const [[one, rank], [two, otherRank]] = [urgency(ref), urgency(other)]
        return one > two || (one === two && rank > otherRank)
      }
      const home = work.filter(({ worker, issue }) => worker.home !== issue.repo && worker.home !== null)
      for (const { worker, issue: given } of home)
        assert.ok(
          !waiting.some(
            ({ issue }) =>
              issue.startsWith(`${worker.home}#`) && worker.repos.includes(worker.home ?? '') && !isLessUrgent(issue, given.ref),
          ),
          `${worker.id} got another issue although one of its home repo waits`,
        )
    }),
    { numRuns: 250 },
  )
})

test('queues: orders by priority, labels, due date and age', () => {
  const rules = queueRules({ priority_labels: [['priority/critical', 'P0'], ['P1'], ['*'], ['P3']] })
  const entry = (number: number, labels: readonly string[], more: { priority?: number; due_at?: number } = {}) => {
    const { priority = 0, ...due } = more
    const text = { title: 't', body: '', author: 'ann', state: 'open' as const, url: '', comments: 0 }
    const issue = { ref: `o/a#${number}`, repo: 'o/a', number, labels, assignees: [], ...text, created_at: number, updated_at: 1, ...due }
    return { issue, priority }
  }
  const entries = [
    entry(1, ['P3']),
    entry(2, ['bug']),
    entry(3, [], { due_at: 20 }),
    entry(4, ['p1', 'P3']),
    entry(5, ['Priority/Critical'], { due_at: 90 }),
    entry(6, ['P0'], { due_at: 80 }),
    entry(7, ['P3'], { priority: 1 }),
    entry(8, [], { due_at: 10 }),
    entry(9, ['P0']),
  ]
  const reasons = inQueueOrder(entries, rules).map((each) => {
    const { code: _code, ...data } = orderReason(each, rules)
    return [each.issue.number, ...Object.values(data)]
  })
  assert.deepEqual(reasons, [
    [7, 1],
    [6, 'P0'],
    [5, 'Priority/Critical'],
    [9, 'P0'],
    [4, 'p1'],
    [8, 10],
    [3, 20],
    [2, 'o/a'],
    [1, 'P3'],
  ])
})
