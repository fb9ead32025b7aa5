/** Which workers have issues and no known tokens. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClaimLedger } from '../../src/core/ledger/claims.ts'
import type { UsageRecord } from '../../src/core/usage.ts'
import { workersWithoutTokens } from '../../src/observe/usage.ts'
import { paneAgent } from '../../src/agents/index.ts'
import { fleetOf } from '../simulate/storm.ts'

const minute = 60_000
const now = 1_000 * minute

test('workersWithoutTokens: names workers with issues and no records', async () => {
  const fleet = fleetOf(1, 5)
  const [ann = '', ben = '', cyd = '', dan = ''] = fleet.machines.flatMap(({ windows }) =>
    windows.flatMap(({ workers }) => workers.map(({ id }) => id)),
  )
  const handed = [
    { worker: ann, handed_at: now - 60 * minute },
    { worker: ben, handed_at: now - 60 * minute },
    { worker: cyd, handed_at: now - minute },
    { worker: dan, handed_at: null },
  ]
  // The function reads only these fields.
  const ledger = { dispatches: async () => handed } as unknown as ClaimLedger
  const session = { fleet, ledger, kindOf: () => paneAgent({ kind: 'hermes' }), clock: { now: () => now } as never }
  const recordOf = (worker: string) => ({ worker, agent: 'hermes' }) as UsageRecord
  const found = (records: readonly UsageRecord[]) => workersWithoutTokens(session, { records, since: now - 120 * minute })
  assert.deepEqual(await found([recordOf(ann)]), [ben], 'a new prompt may have no record yet')
  assert.deepEqual(await found([recordOf('')]), [], 'workers may share a record')
})
