/** The part of the suite about the records of agents. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { idOf, workers } from './fixtures.ts'

/** Declares the tests of the records of agents. */
export function agentRecords(holds: Holds): void {
  const settings = { kind: 'claude', command: ['claude'], model: 'big', provider: null, environment: 'e', identity: 'i' } as const

  holds('agents: keep what each last agent was started with', async ({ ledger }) => {
    const start = (count: number, worker: string, model: string) => ({ id: idOf(count), worker, started_with: { ...settings, model } })
    await ledger.recordAgents([start(1, workers[0], 'big'), start(2, workers[1], 'big')], 10)
    await ledger.recordAgents([start(3, workers[0], 'small')], 20)
    await ledger.saveIncarnations([{ id: idOf(3), incarnation: '1.%1.9' }])
    const expected = [
      { ...start(3, workers[0], 'small'), incarnation: '1.%1.9', started_at: 20 },
      { ...start(2, workers[1], 'big'), incarnation: null, started_at: 10 },
    ]
    assert.deepEqual(await ledger.lastAgents(), expected)
    assert.deepEqual((await ledger.cycleView()).agents, expected)
    await ledger.prune(100, 200, false)
    assert.deepEqual(await ledger.lastAgents(), expected)
  })
}
