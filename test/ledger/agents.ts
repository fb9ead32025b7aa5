/** The part of the suite about the records of agents. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import type { Ledger } from '../../src/core/ledger.ts'
import type { NewAgent } from '../../src/core/ledger/agents.ts'
import { claimOf, hand, idOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

const settings = { kind: 'claude', command: ['claude'], model: 'big', provider: null, environment: 'e', identity: 'i' } as const

function newAgent(count: number, worker: string, more: Partial<NewAgent> = {}): NewAgent {
  return { id: idOf(count), worker, started_with: settings, continues: null, reason: because('it starts'), ...more }
}

/** Declares the tests of the records of agents. */
export function agentRecords(holds: Holds): void {
  holds.repeated('agents: keep what each last agent was started with', async ({ ledger }) => {
    const start = (count: number, worker: string, model: string) => newAgent(count, worker, { started_with: { ...settings, model } })
    await ledger.recordAgents([start(1, workers[0], 'big'), start(2, workers[1], 'big')], 'a', 50, 10)
    await ledger.recordAgents([start(3, workers[0], 'small')], 'a', 60, 20)
    await ledger.saveAgents([{ id: idOf(3), incarnation: '1.%1.9' }])
    const kept = { continues: null, conversation: null, ended_at: null, successor: null }
    const expected = [
      { id: idOf(3), worker: workers[0], started_with: { ...settings, model: 'small' }, incarnation: '1.%1.9', started_at: 20, ...kept },
      { id: idOf(2), worker: workers[1], started_with: { ...settings, model: 'big' }, incarnation: null, started_at: 10, ...kept },
    ]
    assert.deepEqual(await ledger.lastAgents(), expected)
    assert.deepEqual((await ledger.cycleView()).agents, expected)
    await ledger.prune(100, 200, false)
    assert.deepEqual(await ledger.lastAgents(), expected)
  })

  /** Hands an issue to the agent 1.%1.9, whose conversation is `c`, and starts another agent of the worker. */
  const restarted = async (ledger: Ledger) => {
    await ledger.recordAgents([newAgent(1, workers[0])], 'a', 50, 10)
    await ledger.saveAgents([{ id: idOf(1), incarnation: '1.%1.9', conversation: 'c' }])
    await hand(ledger, claimOf(5), 20)
    assert.deepEqual(
      (await ledger.view()).holders.map(({ id }) => id),
      [idOf(1)],
    )
    await ledger.saveAgents([{ id: idOf(1), ended_at: 30 }])
    return ledger.recordAgents([newAgent(6, workers[0], { continues: 'c' })], 'a', 80, 40)
  }
  const heir = { worker: workers[0], from: '1.%1.9', heir: idOf(6), to: '1.%1.10', conversation: 'c' }
  const lost = { id: idOf(5), from: ['handed' as const], to: 'lost' as const, reason: because('it ended') }

  holds('inherit: passes live dispatches after both reported the conversation', async ({ ledger }) => {
    assert.equal((await restarted(ledger))[0]?.continues, 'c')
    await ledger.saveAgents([{ id: idOf(6), incarnation: '1.%1.10' }])
    assert.deepEqual(await ledger.inherit([heir], 50), [])
    await ledger.saveAgents([{ id: idOf(6), conversation: 'c' }])
    assert.deepEqual(await ledger.inherit([heir], 50), [idOf(5)])
    assert.deepEqual(await ledger.inherit([heir], 50), [], 'once')
    const holder = { incarnation: '1.%1.9', last_agent: idOf(6) }
    assert.deepEqual(await ledger.moveDispatches([{ ...lost, holder }], 60), [], 'another agent has it')
    assert.equal((await ledger.moveDispatches([{ ...lost, holder: { ...holder, incarnation: '1.%1.10' } }], 60)).length, 1)
    const kinds = (await ledger.events({ issue: 'o/r#1', limit: 9 })).map(({ kind }) => kind)
    assert.ok(kinds.includes('worker.continued'), kinds.join(' '))
  })

  holds.repeated('lost: refused after another agent of the worker was recorded', async ({ ledger }) => {
    await restarted(ledger)
    assert.deepEqual(await ledger.moveDispatches([{ ...lost, holder: { incarnation: '1.%1.9', last_agent: idOf(1) } }], 60), [])
  })

  holds('recordAgents: continues no conversation about work that was lost', async ({ ledger }) => {
    await restarted(ledger)
    await ledger.moveDispatches([lost], 60)
    const [next] = await ledger.recordAgents([newAgent(7, workers[0], { continues: 'c' })], 'a', 90, 70)
    assert.equal(next?.continues, null)
    const [event] = await ledger.events({ kinds: ['worker.starting'], limit: 1 })
    assert.deepEqual(event?.payload, { continues: null, reason: { code: 'work_taken' } })
  })

  holds('beginRestart: excludes other starts and typing until it ends', async ({ ledger }) => {
    const restart = { worker: workers[0], agent: idOf(1), successor: 'fresh' as const, why: 'a test' }
    const placing = { token: 1, from: 'planned' as const, to: 'placing' as const, evidence: because('ready'), incarnation: '1.%1.9' }
    await ledger.recordAgents([newAgent(1, workers[0])], 'a', 50, 10)
    await ledger.endStarts([workers[0]], 'a')
    const tell = (count: number) => ledger.planDeliveries([{ id: idOf(count), kind: 'send', worker: workers[0], text: 'hi' }], 'a', 900, 10)
    await tell(2)
    await ledger.moveDeliveries([{ ...placing, id: idOf(2) }], 'a', 11)
    assert.equal(await ledger.beginRestart(restart, 'b', 50, 12), 'placing')
    await ledger.moveDeliveries([{ id: idOf(2), token: 1, from: 'placing', to: 'seen', evidence: because('seen') }], 'a', 13)
    assert.equal(await ledger.beginRestart(restart, 'b', 50, 14), 'begun')
    assert.equal((await ledger.lastAgents())[0]?.successor, 'fresh')
    assert.equal(await ledger.beginRestart(restart, 'c', 50, 15), 'busy')
    assert.deepEqual(await ledger.recordAgents([newAgent(3, workers[0])], 'c', 50, 15), [])
    await tell(4)
    assert.deepEqual(await ledger.moveDeliveries([{ ...placing, id: idOf(4) }], 'a', 16), [], 'the restart excludes typing')
    await ledger.endStarts([workers[0]], 'b')
    assert.equal((await ledger.moveDeliveries([{ ...placing, id: idOf(4) }], 'a', 17)).length, 1)
  })
}
