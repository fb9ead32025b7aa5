/** Saves what a read of the machines showed: the new states of workers, and the incarnations of new agents. */
import type { HoldsFacet, MachinesFacet, Moment, ReadingsFacet } from '../core/fleet-state.ts'
import type { AgentLedger } from '../core/ledger/agents.ts'
import type { ObservedState, WorkerLedger } from '../core/ledger/workers.ts'
import type { SessionPart } from './session.ts'
import { newIncarnations } from './agents.ts'

/**
 * Saves the workers' states that began at this read of the machines, and the incarnations of new agents. The ledger keeps them as a cache, so a dry
 * run saves them, too.
 */
export async function saveNewReadings(
  { states, agents, snapshots, now }: ReadingsFacet & Pick<HoldsFacet, 'agents'> & Pick<MachinesFacet, 'snapshots'> & Moment,
  { ledger }: SessionPart<Pick<WorkerLedger & AgentLedger, 'saveReadings' | 'saveIncarnations'>>,
): Promise<void> {
  const fresh = [...states]
    .filter(([, { since }]) => since === now)
    .map(([worker, { state }]): ObservedState => ({ worker, state, repeated: state === 'error' }))
  if (fresh.length > 0) await ledger.saveReadings(fresh, now)
  const agentsSeen = newIncarnations(agents.values(), snapshots)
  if (agentsSeen.length > 0) await ledger.saveIncarnations(agentsSeen)
}
