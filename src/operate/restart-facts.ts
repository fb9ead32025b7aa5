/** Reads the facts from which burn decides whether it may restart workers. */
import type { StatusState, WorkerSnapshot } from '../core/fleet-state.ts'
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Session } from '../observe/session.ts'
import type { RestartFacts } from '../decide/restarts.ts'
import { idIn } from '../core/typed-line.ts'
import { isOwnLine } from '../decide/observation.ts'
import { activeStates } from '../core/lifecycle.ts'
import { machineOf } from '../core/refs.ts'
import { loopsIn } from '../decide/stops.ts'
import { workUnderWay } from '../decide/under-way.ts'
import { saveNewReadings } from '../observe/save-readings.ts'
import { readKept } from '../observe/kept.ts'
import { readMachines, statusState } from '../observe/state.ts'

/** The facts about a worker, and its agent. */
export interface WorkerFacts extends RestartFacts, Pick<WorkerSnapshot, 'incarnation'> {
  /** The id of the record of the agent in the pane; null if there is none. */
  readonly agent_id: string | null
}

/** Reads the facts about these workers from their machines and from the ledger. Saves the readings. */
export async function readRestartFacts(workers: readonly Worker[], session: Session): Promise<ReadonlyMap<WorkerId, WorkerFacts>> {
  if (workers.length === 0) return new Map()
  const names = new Set(workers.map(({ machine }) => machine))
  const machines = session.fleet.machines.filter(({ name }) => names.has(name))
  const [screens, kept] = await Promise.all([readMachines(machines, session), readKept(session)])
  const state = statusState(machines, screens, kept, session)
  // burn must know the conversations before it ends the agents.
  await saveNewReadings(state, session)
  const wanted = new Set(workers.map(({ id }) => id))
  const loops = loopsIn(kept.leases, state.now)
  const work = workUnderWay(state, { hasWorker: (id) => wanted.has(id), hasRepo: () => false })
  const snapshots = state.workers.filter(({ worker }) => wanted.has(worker.id))
  const own = await withOwnDraft(snapshots, session)
  const facts = snapshots.map((snapshot): [WorkerId, WorkerFacts] => {
    const { id } = snapshot.worker
    const delivery = state.texts.find((text) => text.worker === id && text.state !== 'planned' && activeStates.includes(text.state))
    const under_way = work.find(({ worker }) => worker === id)
    return [
      id,
      {
        reading: snapshot.reading,
        since: state.states.get(id)?.since ?? state.now,
        pane: paneIn(state, id),
        has_agent: snapshot.incarnation !== null,
        incarnation: snapshot.incarnation,
        agent_id: snapshot.agent_id ?? null,
        ...(snapshot.parsed === undefined ? {} : { composer: snapshot.parsed.composer }),
        own_draft: own.has(id),
        ...(delivery === undefined ? {} : { delivery }),
        ...(under_way === undefined ? {} : { under_way }),
        looping: loops.has(id),
        now: state.now,
      },
    ]
  })
  return new Map(facts)
}

/** Returns the workers whose composer holds only a text that burn typed to them. */
async function withOwnDraft(snapshots: readonly WorkerSnapshot[], { ledger }: Session): Promise<ReadonlySet<WorkerId>> {
  const drafts = snapshots.flatMap(({ worker, parsed }) => {
    const id = parsed === undefined ? null : idIn(parsed.draft)
    return parsed === undefined || id === null ? [] : [{ worker: worker.id, id, draft: parsed.draft }]
  })
  if (drafts.length === 0) return new Set()
  const known = new Map((await ledger.deliveries({ ids: drafts.map(({ id }) => id) })).map((each) => [each.id, each]))
  return new Set(
    drafts.flatMap(({ worker, id, draft }) => {
      const delivery = known.get(id)
      return delivery?.worker === worker && isOwnLine(draft, delivery) ? [worker] : []
    }),
  )
}

function paneIn({ snapshots }: StatusState, worker: WorkerId): Pane | null {
  const snapshot = snapshots.get(machineOf(worker))
  return snapshot?.state === 'up' ? (snapshot.panes.find((pane) => pane.worker === worker) ?? null) : null
}
