/** Saves what a read of the machines showed: the new states of workers, and new facts about agents. */
import type { HoldsFacet, Moment, ReadingsFacet } from '../core/fleet-state.ts'
import type { AgentLedger } from '../core/ledger/agents.ts'
import type { ObservedState, WorkerLedger } from '../core/ledger/workers.ts'
import type { SessionPart } from './session.ts'

/**
 * Saves the workers' states that began at this read of the machines, and new facts about agents. The ledger keeps them as a cache, so a
 * dry run saves them, too.
 */
export async function saveNewReadings(
  { states, agents_seen, now }: ReadingsFacet & Pick<HoldsFacet, 'agents_seen'> & Moment,
  { ledger }: SessionPart<Pick<WorkerLedger & AgentLedger, 'saveReadings' | 'saveAgents'>>,
): Promise<void> {
  const fresh = [...states]
    .filter(([, { since }]) => since === now)
    .map(([worker, { state, start_seen = true }]): ObservedState => ({ worker, state, repeated: state === 'error', start_seen }))
  if (fresh.length > 0) await ledger.saveReadings(fresh, now)
  if (agents_seen.length > 0) await ledger.saveAgents(agents_seen)
}
