/** Compares the ledger's records of agents with what a read of the machines showed. */
import type { AgentRecord } from '../core/agent-record.ts'
import type { HoldsFacet, WorkerSnapshot } from '../core/fleet-state.ts'
import type { LedgerView } from '../core/ledger.ts'
import type { SeenAgent } from '../core/ledger/agents.ts'
import type { Time } from '../core/nouns.ts'
import { agentKey } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'

/**
 * Returns the records of agents with the facts that burn saw: the incarnation and the conversation of an agent in a pane, and the time at
 * which burn saw that an agent had ended. `ended`: the keys (`agentKey`) of agents that have ended.
 */
export function seenAgents(
  { agents, holders }: Pick<LedgerView, 'agents' | 'holders'>,
  snapshots: readonly WorkerSnapshot[],
  ended: ReadonlySet<string>,
  now: Time,
): Pick<HoldsFacet, 'agents' | 'holders' | 'agents_seen'> {
  const shown = new Map(snapshots.map((snapshot) => [snapshot.agent_id, snapshot]))
  const news = new Map<string, SeenAgent>()
  for (const record of new Map([...agents, ...holders].map((each) => [each.id, each])).values()) {
    const facts = { ...shownFacts(record, shown.get(record.id)), ...(hasEnded(record, ended) ? { ended_at: now } : {}) }
    if (Object.keys(facts).length > 0) news.set(record.id, { id: record.id, ...facts })
  }
  const current = (record: AgentRecord): AgentRecord => ({ ...record, ...news.get(record.id) })
  return {
    agents: new Map(agents.map((record) => [record.worker, current(record)])),
    holders: new Map(
      holders.flatMap((record) =>
        record.incarnation === null ? [] : [[agentKey(machineOf(record.worker), record.incarnation), current(record)] as const],
      ),
    ),
    agents_seen: [...news.values()],
  }
}

function shownFacts(record: AgentRecord, shown: WorkerSnapshot | undefined): Omit<SeenAgent, 'id'> {
  if (shown === undefined || shown.incarnation === null) return {}
  const { incarnation, conversation } = shown
  return {
    ...(record.incarnation === null ? { incarnation } : {}),
    ...(conversation === undefined || conversation === record.conversation ? {} : { conversation }),
  }
}

function hasEnded({ worker, incarnation, ended_at }: AgentRecord, ended: ReadonlySet<string>): boolean {
  return ended_at === null && incarnation !== null && ended.has(agentKey(machineOf(worker), incarnation))
}
