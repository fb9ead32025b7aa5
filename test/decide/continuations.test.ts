import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentRecord } from '../../src/core/agent-record.ts'
import type { FleetState } from '../../src/core/fleet-state.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { continuationTime, nextConversation } from '../../src/decide/continuations.ts'
import { settle } from '../../src/decide/settle.ts'
import { dispatchOf, id, now, stateOf } from '../support/state.ts'

const started_with = { kind: 'claude', command: ['claude'], model: null, provider: null, environment: '', identity: '' } as const
const minute = 60_000

function agent(more: Partial<AgentRecord>): AgentRecord {
  const facts = { continues: null, conversation: 'c', ended_at: null, successor: null, started_at: now - 60 * minute }
  return { id: '1', worker: 'm/W/A', incarnation: '1.%1.9', started_with, ...facts, ...more }
}

/** Returns the actions about a dispatch whose agent, with the conversation `c`, has ended. `heir`: the next agent, if there is one. */
function decide(holder: Partial<AgentRecord>, heir: Partial<AgentRecord> | null, more: Partial<FleetState> = {}) {
  const old = agent(holder)
  const last =
    heir === null ? old : agent({ id: '2', incarnation: '1.%1.10', continues: 'c', conversation: null, started_at: now, ...heir })
  const alive = heir === null || last.incarnation === null ? [] : [['m/W/A', last.incarnation] as const]
  const { actions } = settle(
    stateOf({
      dispatches: [dispatchOf({ handed_at: now - 20 * minute })],
      agents: new Map([['m/W/A', last]]),
      holders: new Map([['m 1.%1.9', old]]),
      incarnations: new Map(alive),
      ended: new Set(['m 1.%1.9']),
      ...more,
    }),
  )
  const [tell] = actionsOf(actions, 'tell')
  const [move] = actionsOf(actions, 'move')
  const [inherit] = actionsOf(actions, 'inherit')
  return { inherits: inherit?.to ?? null, ends: move?.to ?? null, holder: move?.holder, tells: tell?.kind ?? null }
}

test('continuations: the same reported conversation passes dispatches on', () => {
  assert.deepEqual(decide({}, { conversation: 'c' }), { inherits: '1.%1.10', ends: null, holder: undefined, tells: null })
  assert.equal(decide({}, { conversation: 'other' }).inherits, null)
  assert.equal(decide({}, {}).inherits, null, 'told to continue, but nothing reported')
  assert.equal(decide({ conversation: null }, { conversation: 'c' }).inherits, null)
  assert.equal(decide({}, { conversation: 'c' }, { ended: new Set() }).inherits, null, 'the old agent may be alive')
  assert.equal(decide({}, { conversation: 'c' }, { incarnations: new Map([['m/W/A', '1.%1.11']]) }).inherits, null)
})

test('lost: waits until nobody can continue the conversation', () => {
  const ends = (holder: Partial<AgentRecord>, heir: Partial<AgentRecord> | null = null) => decide(holder, heir).ends
  const late = now - continuationTime
  assert.equal(ends({}), null)
  assert.equal(ends({ ended_at: late + 1 }), null)
  assert.equal(ends({ ended_at: late }), 'lost')
  assert.equal(ends({ conversation: null }), 'lost', 'nobody knows its conversation')
  assert.equal(ends({ successor: 'fresh' }), 'lost', 'a person asked for a new conversation')
  assert.equal(ends({}, { continues: null }), 'lost')
  assert.equal(ends({}, { conversation: 'other' }), 'lost')
  assert.equal(ends({ ended_at: late }, { started_at: late }), null, 'an agent that may continue is alive')
  assert.equal(ends({ ended_at: late }, { started_at: late, incarnation: null }), 'lost')
  assert.equal(ends({ ended_at: late }, { started_at: late + 1, incarnation: null }), null)
  assert.deepEqual(decide({ ended_at: late }, null).holder, { incarnation: '1.%1.9', last_agent: '1' })
})

test('resumptions: an idle agent that inherited a dispatch goes on once', () => {
  const heir = agent({ id: '2', incarnation: '1.%1.10', continues: 'c', started_at: now })
  const inherited = {
    dispatches: [dispatchOf({ incarnation: '1.%1.10', handed_at: now - 20 * minute })],
    holders: new Map([['m 1.%1.10', heir]]),
  }
  const tells = (more: Partial<FleetState> = {}) =>
    decide({}, heir, { ...inherited, ended: new Set(), states: new Map([['m/W/A', { state: 'idle', since: now }]]), ...more }).tells
  assert.equal(tells(), 'resume')
  assert.equal(tells({ states: new Map([['m/W/A', { state: 'working', since: now }]]) }), null)
  assert.equal(tells({ unproven: new Set([id]) }), null)
  assert.equal(tells({ dispatches: [dispatchOf({ incarnation: '1.%1.10', handed_at: now + 1 })] }), null, 'it is its own dispatch')
  const told = (planned_at: number) => new Map([[id, [{ state: 'seen' as const, planned_at, changed_at: planned_at }]]])
  assert.equal(tells({ resumes: told(now + 1) }), null)
  assert.equal(tells({ resumes: told(now - 1) }), 'resume', 'a text before the restart does not count')
})

test('nextConversation: gives the reason for a new conversation', () => {
  const start = { kind: 'claude', unprovable: null, fresh: false, ended: true } as const
  const next = (last: AgentRecord | undefined, more: Partial<Parameters<typeof nextConversation>[1]> = {}) => {
    const { continues, reason } = nextConversation(last, { ...start, ...more })
    return continues ?? reason.code
  }
  assert.equal(next(agent({})), 'c')
  assert.equal(next(agent({ conversation: null, continues: 'd' })), 'd', 'the agent ended before it reported anything')
  assert.equal(next(undefined), 'no_conversation')
  assert.equal(next(agent({ conversation: null })), 'no_conversation')
  assert.equal(next(agent({}), { fresh: true }), 'fresh_asked')
  assert.equal(next(agent({ successor: 'fresh' })), 'fresh_asked')
  assert.equal(next(agent({}), { kind: 'codex' }), 'kind_changed')
  assert.equal(next(agent({}), { unprovable: { code: 'not_provable', why: null } }), 'not_provable')
  assert.equal(next(agent({}), { ended: false }), 'agent_may_run')
})
