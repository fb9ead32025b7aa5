/** The records of agents that burn started. */
import type { Selectable, Transaction } from 'kysely'
import type { AgentRecord, StartedWith } from '../core/agent-record.ts'
import type { NewAgent, SeenAgent } from '../core/ledger/agents.ts'
import type { AgentRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { chunks } from './sql.ts'

type Trx = Transaction<Tables>

/** Records agents that burn is about to start. */
export async function recordAgents(trx: Trx, agents: readonly NewAgent[], at: number): Promise<void> {
  const rows = agents.map(({ id, worker, started_with }) => ({
    id,
    worker,
    incarnation: null,
    started_with: JSON.stringify(started_with),
    started_at: at,
  }))
  for (const part of chunks(rows)) await trx.insertInto('agent').values(part).execute()
}

/** Saves the incarnations of agents that burn saw in their panes. */
export async function saveIncarnations(trx: Trx, seen: readonly SeenAgent[]): Promise<void> {
  for (const { id, incarnation } of seen) await trx.updateTable('agent').set({ incarnation }).where('id', '=', id).execute()
}

/** Returns the record of the last agent of each worker. */
export async function lastAgents(trx: Trx): Promise<AgentRecord[]> {
  const { rows } = await sql<Selectable<AgentRow>>`select a.* from worker w join agent a on a.id = (select max(l.id) from agent l
    where l.worker = w.id) order by a.worker`.execute(trx)
  return rows.map(toAgent)
}

function toAgent({ id, worker, incarnation, started_with, started_at }: Selectable<AgentRow>): AgentRecord {
  // The column has the JSON that `recordAgents` wrote.
  return { id, worker, incarnation, started_with: JSON.parse(started_with) as StartedWith, started_at }
}
