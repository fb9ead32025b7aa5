/** The records of agents that burn started, the leases of starts, and the dispatches that agents inherit. */
import type { Selectable, Transaction } from 'kysely'
import type { AgentRecord, StartedWith } from '../core/agent-record.ts'
import type { Inheritance, NewAgent, Restart, SeenAgent } from '../core/ledger/agents.ts'
import type { NewEvent } from '../core/events.ts'
import type { WorkerId } from '../core/nouns.ts'
import type { Lease } from './claims.ts'
import type { AgentRow, Db, Tables } from './tables.ts'
import { sql } from 'kysely'
import { liveStates, pastingStates } from '../core/lifecycle.ts'
import { startLease } from '../decide/stops.ts'
import { appendEvents } from './events.ts'
import { beginJob } from './jobs.ts'
import { inList } from './sql.ts'

type Trx = Transaction<Tables>

/** Records agents that burn is about to start, and takes the leases of their workers. See `AgentLedger.recordAgents`. */
export async function recordAgents(trx: Trx, agents: readonly NewAgent[], lease: Lease, at: number): Promise<AgentRecord[]> {
  const recorded: AgentRecord[] = []
  const events: NewEvent[] = []
  for (const { id, worker, started_with, reason, ...given } of agents) {
    if (!(await takeLease(trx, worker, lease, at))) continue
    const taken = given.continues !== null && (await isWorkTaken(trx, worker, given.continues))
    const continues = taken ? null : given.continues
    const row = { id, worker, incarnation: null, continues, conversation: null, started_at: at, ended_at: null, successor: null }
    await trx
      .insertInto('agent')
      .values({ ...row, started_with: JSON.stringify(started_with) })
      .execute()
    recorded.push({ ...row, started_with })
    const payload = { continues, reason: taken ? ({ code: 'work_taken' } as const) : reason }
    events.push({ kind: 'worker.starting', subject: worker, issue: null, worker, actor: 'burn', payload })
  }
  await appendEvents(trx, events, at)
  return recorded
}

/** Takes the lease of a worker. Returns false if another process holds it. */
async function takeLease(trx: Trx, worker: WorkerId, lease: Lease, at: number): Promise<boolean> {
  return (await beginJob(trx, { name: startLease(worker), period: null }, lease, at)) === null
}

/** Returns true if burn lost a dispatch of a conversation, or released it after its agent had ended. */
async function isWorkTaken(trx: Trx, worker: WorkerId, conversation: string): Promise<boolean> {
  const { rows } = await sql`select 1 from agent a join dispatch d on d.worker = a.worker and d.incarnation = a.incarnation
    where a.worker = ${worker} and a.conversation = ${conversation} and d.kind = 'work'
    and (d.state = 'lost' or (d.state = 'released' and d.changed_at >= a.ended_at)) limit 1`.execute(trx)
  return rows.length > 0
}

/** Takes the lease of a worker, and records that burn restarts the worker. See `AgentLedger.beginRestart`. */
export async function beginRestart(
  trx: Trx,
  { worker, agent, successor, why }: Restart,
  lease: Lease,
  at: number,
): Promise<'begun' | 'busy' | 'placing'> {
  const pasting = trx.selectFrom('delivery').select('id').where('worker', '=', worker).where(inList('state', pastingStates))
  if ((await pasting.executeTakeFirst()) !== undefined) return 'placing'
  if (!(await takeLease(trx, worker, lease, at))) return 'busy'
  if (agent !== null) await trx.updateTable('agent').set({ successor }).where('id', '=', agent).execute()
  const payload = { successor, why }
  await appendEvents(trx, [{ kind: 'worker.restarting', subject: worker, issue: null, worker, actor: 'person', payload }], at)
  return 'begun'
}

/** Frees the leases of workers that this owner holds. */
export async function endStarts(trx: Trx, workers: readonly WorkerId[], owner: string): Promise<void> {
  for (const worker of workers)
    await trx
      .updateTable('job')
      .set({ owner: null, until: null })
      .where('name', '=', startLease(worker))
      .where('owner', '=', owner)
      .execute()
}

/** Returns the workers among these to which this owner must type nothing, because another process starts or restarts their agent. */
export async function startedByOthers(trx: Trx, workers: readonly WorkerId[], owner: string, at: number): Promise<Set<WorkerId>> {
  if (workers.length === 0) return new Set()
  const names = workers.map(startLease)
  const rows = await trx
    .selectFrom('job')
    .select('name')
    .where('name', 'in', names)
    .where('owner', '<>', owner)
    .where('until', '>', at)
    .execute()
  const leased = new Set(rows.map(({ name }) => name))
  return new Set(workers.filter((worker) => leased.has(startLease(worker))))
}

/** Saves facts about agents. */
export async function saveAgents(trx: Trx, seen: readonly SeenAgent[]): Promise<void> {
  for (const { id, ...facts } of seen) await trx.updateTable('agent').set(facts).where('id', '=', id).execute()
}

/** Passes dispatches to the agents that continue their conversations. See `AgentLedger.inherit`. */
export async function inherit(trx: Trx, given: readonly Inheritance[], at: number): Promise<string[]> {
  const passed: string[] = []
  for (const { worker, from, heir, to, conversation } of given) {
    const own = trx.selectFrom('agent').select('id').where('worker', '=', worker).where('conversation', '=', conversation)
    const [before, after] = [own.where('incarnation', '=', from), own.where('id', '=', heir)]
    if ((await before.executeTakeFirst()) === undefined || (await after.executeTakeFirst()) === undefined) continue
    const rows = await trx
      .updateTable('dispatch')
      .set({ incarnation: to })
      .where('worker', '=', worker)
      .where('incarnation', '=', from)
      .where(inList('state', liveStates))
      .returning(['id', 'issue'])
      .execute()
    const payload = { incarnation: to, conversation }
    const events = rows.map(({ id, issue }): NewEvent => {
      return { kind: 'worker.continued', subject: id, issue, worker, actor: 'burn', payload }
    })
    await appendEvents(trx, events, at)
    passed.push(...rows.map(({ id }) => id))
  }
  return passed
}

/** Returns the record of the last agent of each worker. */
export async function lastAgents(db: Db): Promise<AgentRecord[]> {
  const { rows } = await sql<Selectable<AgentRow>>`select a.* from worker w join agent a on a.id = (select max(l.id) from agent l
    where l.worker = w.id) order by a.worker`.execute(db)
  return rows.map(toAgent)
}

/** Returns the records of the agents that have live dispatches. */
export async function holders(trx: Trx): Promise<AgentRecord[]> {
  const { rows } = await sql<Selectable<AgentRow>>`select distinct a.* from dispatch d join agent a on a.worker = d.worker
    and a.incarnation = d.incarnation where ${inList('d.state', liveStates)} order by a.id`.execute(trx)
  return rows.map(toAgent)
}

function toAgent({ started_with, ...row }: Selectable<AgentRow>): AgentRecord {
  // The column has the JSON that `recordAgents` wrote.
  return { ...row, started_with: JSON.parse(started_with) as StartedWith }
}
