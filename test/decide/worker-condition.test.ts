/** The conditions of workers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentRecord } from '../../src/core/agent-record.ts'
import type { WorkerSnapshot } from '../../src/core/fleet-state.ts'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import type { Pane } from '../../src/core/panes.ts'
import { workerCondition } from '../../src/decide/worker-condition.ts'
import { now, stateOf } from '../support/state.ts'

const { fleet } = stateOf()
const worker = fleet.machines[0]!.windows[0]!.workers[0]!

const hold = (code: Hold['code'], reason: Hold['reason'], name = worker.id): Hold => {
  const scope = code === 'limit' ? 'account' : 'worker'
  return { scope, name, code, reason, until: null, actor: 'ann', created_at: now }
}

interface Case {
  readonly state: ReadingState
  readonly detail?: string
  readonly live?: number
  readonly pane?: Partial<Pane>
  readonly started?: boolean
  readonly holds?: readonly Hold[]
}

function conditionIn({ state, detail = undefined, live = 0, pane, started = true, holds = [] }: Case) {
  const snapshot = { worker, reading: { state, detail: detail ?? null, evidence: '' }, incarnation: null } satisfies WorkerSnapshot
  const panes = pane === undefined ? [] : [{ worker: worker.id, dead: false, agent_pid: null, ...pane } as Pane]
  const machine = {
    machine: worker.machine,
    state: 'up',
    session: 'S',
    session_id: '$1',
    server_started: 1,
    clock: now,
    panes,
    windows: [],
  } as const
  const agents = new Map(started ? [[worker.id, {} as AgentRecord]] : [])
  const accounts = [{ name: 'acme', workers: [worker.id] }]
  return workerCondition(
    snapshot,
    live,
    stateOf({ snapshots: new Map([[worker.machine, machine]]), agents, holds, fleet: { ...fleet, accounts } }),
  )
}

test('condition: a worker without any agent yet is not started', () => {
  assert.equal(conditionIn({ state: 'dead', started: false }), 'not_started')
  assert.equal(conditionIn({ state: 'dead', started: false, pane: {} }), 'not_started')
  assert.equal(conditionIn({ state: 'dead', started: false, pane: { agent_pid: 7 } }), null, 'an older burn started it')
  assert.equal(conditionIn({ state: 'dead', started: false, pane: { dead: true } }), null)
  assert.equal(conditionIn({ state: 'dead' }), null)
})

test('condition: an idle worker with an issue is idle with work', () => {
  assert.equal(conditionIn({ state: 'idle', live: 1 }), 'idle_with_work')
  assert.equal(conditionIn({ state: 'idle' }), null)
  assert.equal(conditionIn({ state: 'working', live: 1 }), null)
})

test('condition: a limited account marks its resting workers', () => {
  const limit = hold('limit', { code: 'limit_reached', worker: worker.id, evidence: '429', pause: null }, 'acme')
  assert.equal(conditionIn({ state: 'idle', holds: [limit] }), 'limited')
  assert.equal(conditionIn({ state: 'working', holds: [limit] }), null)
  assert.equal(conditionIn({ state: 'error', detail: 'rate limit' }), 'limited')
  assert.equal(conditionIn({ state: 'error', detail: 'auth' }), null)
})

test('condition: a retired worker is not dead', () => {
  const why = { code: 'prose', text: 'too slow' } as const
  const retired = hold('retire', { code: 'retired', why: 'too slow' })
  assert.equal(conditionIn({ state: 'dead', holds: [retired] }), 'retired')
  assert.equal(conditionIn({ state: 'dead', holds: [retired], pane: {} }), 'retiring')
  assert.equal(conditionIn({ state: 'working', holds: [hold('retire', why)], pane: {} }), 'retiring')
})
