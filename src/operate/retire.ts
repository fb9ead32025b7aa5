/**
 * `burn worker retire`: gives workers no new work, waits until nothing is under way, and ends their panes. Folders, transcripts and history
 * stay. The ledger has the intent as a hold, so burn can be killed at any point: the next run continues.
 */
import type { NewHold } from '../core/ledger/holds.ts'
import type { Incarnation, Machine, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import { machineOf } from '../core/refs.ts'
import { changesWithoutHeir } from '../decide/heirs.ts'
import { holdsOnWorker } from '../decide/holds.ts'
import { underWayText, workUnderWay, type UnderWay } from '../decide/under-way.ts'
import { readStatus } from '../observe/state.ts'
import { adviceOn } from '../observe/agents.ts'
import { lineOn } from '../observe/remedies.ts'
import { downLines, endPaneLine } from '../tmux/topology.ts'

/**
 * The outcome for one worker. `retired`: its pane has ended. `already`: it was retired before. `planned`: a dry run. `under_way`: burn stopped
 * waiting while work was under way. `blocked`: burn could not end the pane or the agent.
 */
export type RetireOutcome = 'retired' | 'already' | 'planned' | 'under_way' | 'blocked'

/** The result for one worker. */
export interface Retirement {
  readonly worker: WorkerId
  readonly outcome: RetireOutcome
  readonly what: string
}

/** Options of `retire`. */
export interface RetireOptions {
  readonly why: string
  readonly actor: string
  readonly onResult: (result: Retirement) => void
  /** Called whenever the work under way has changed. */
  readonly onWait: (left: readonly UnderWay[]) => void
}

/** The pause (ms) between two reads of the fleet. */
const pollInterval = 2_000
/** The number of attempts to reach a machine. A connection can break when another process ends the last pane of a tmux server. */
const reconnects = 4
/** The time (ms) for which burn waits until an agent has ended after its pane. */
const endTime = 10_000

/** Returns what `retire` would do now, without changing anything. Throws BurnError `ledger_*`. */
export async function planRetire(workers: readonly WorkerId[], session: Session): Promise<readonly Retirement[]> {
  const state = await readStatus(machinesOf(workers, session), session)
  return workers.map((id) => {
    const { outcome, what } = standing(id, new Set(workers), state)
    return {
      worker: id,
      outcome: outcome === 'ready' || outcome === 'waits' ? 'planned' : outcome === 'already' ? outcome : 'blocked',
      what,
    }
  })
}

/** Retires workers, and returns one result for each. After `stop` it waits no longer. Throws BurnError `ledger_*`. */
export async function retire(
  workers: readonly WorkerId[],
  session: Session,
  stop: AbortSignal,
  options: RetireOptions,
): Promise<readonly Retirement[]> {
  const done: Retirement[] = []
  const pending = new Set(workers)
  const finish = (worker: WorkerId, outcome: RetireOutcome, what: string) => {
    pending.delete(worker)
    done.push({ worker, outcome, what })
    options.onResult({ worker, outcome, what })
  }
  await saveIntent(workers, session, options)
  const lost = new Map<WorkerId, number>()
  for (let shown = '[]'; ;) {
    const state = await readStatus(machinesOf([...pending], session), session)
    const found = [...pending].map((id) => standing(id, new Set(workers), state))
    for (const { worker, outcome, what } of found) {
      lost.set(worker, outcome === 'unreachable' ? (lost.get(worker) ?? 0) + 1 : 0)
      if (outcome === 'already' || outcome === 'blocked') finish(worker, outcome, what)
      if (lost.get(worker) === reconnects) finish(worker, 'blocked', what)
    }
    const ready = found.flatMap(({ outcome, worker }) => (outcome === 'ready' ? [worker] : []))
    for (const [id, why] of await endAll(ready, state, session)) {
      if (why === null) await saveRetired(id, session, options)
      finish(id, why === null ? 'retired' : 'blocked', why ?? 'its pane has ended; its folder stays')
    }
    const left = found.flatMap(({ under_way }) => under_way)
    if (JSON.stringify(left) !== shown) options.onWait(left)
    shown = JSON.stringify(left)
    if (pending.size === 0 || stop.aborted) break
    await session.clock.sleep(pollInterval, stop)
  }
  for (const id of pending) finish(id, 'under_way', 'burn stopped waiting. To continue, run the command again')
  return done
}

function machinesOf(workers: readonly WorkerId[], { fleet }: Session): Machine[] {
  const names = new Set(workers.map(machineOf))
  return fleet.machines.filter(({ name }) => names.has(name))
}

/** Saves the intent: a hold that stops new work, unless the worker has one. A claim that burn decided on before the hold then fails. */
async function saveIntent(workers: readonly WorkerId[], session: Session, { why, actor }: RetireOptions): Promise<void> {
  const { ledger, clock, fleet } = session
  const now = clock.now()
  const holds = await ledger.holds()
  const fresh = workers.filter(
    (id) => !holdsOnWorker(id, holds, now, fleet.accounts).some(({ code, until }) => code === 'retire' && until === null),
  )
  await ledger.saveHolds(
    fresh.map((id) => retireHold(id, 'retiring', { why, actor })),
    now,
  )
}

async function saveRetired(id: WorkerId, { ledger, clock }: Session, options: RetireOptions): Promise<void> {
  await ledger.saveHolds([retireHold(id, 'retired', options)], clock.now())
}

function retireHold(name: WorkerId, code: 'retiring' | 'retired', { why, actor }: Pick<RetireOptions, 'why' | 'actor'>): NewHold {
  return { scope: 'worker', name, code: 'retire', reason: { code, why }, until: null, actor }
}

/** How far a worker is. `ready`: nothing is under way, and burn can end its pane. */
interface Standing {
  readonly worker: WorkerId
  readonly outcome: 'ready' | 'waits' | 'already' | 'blocked' | 'unreachable'
  readonly what: string
  readonly under_way: readonly UnderWay[]
}

function standing(worker: WorkerId, leaving: ReadonlySet<WorkerId>, state: StatusState): Standing {
  const working = workUnderWay(state, { hasWorker: (each) => each === worker, hasRepo: () => false })
  const under_way = [...working, ...changesWithoutHeir(state, leaving).filter((each) => each.worker === worker)]
  const be = (outcome: Standing['outcome'], what: string): Standing => ({ worker, outcome, what, under_way })
  const [work] = under_way
  if (work !== undefined) return be('waits', underWayText(work))
  const machine = machineOf(worker)
  const snapshot = state.snapshots.get(machine)
  if (snapshot === undefined) return be('blocked', `the spec no longer has the machine ${machine}, so burn cannot reach its pane`)
  if (snapshot.state === 'unreachable') return be('unreachable', `${machine} is unreachable: ${adviceOn(snapshot)}`)
  const pane = paneOf(worker, snapshot)
  const held = holdsOnWorker(worker, state.holds, state.now, state.fleet.accounts)
  if (pane === undefined && held.some(({ reason }) => reason.code === 'retired')) return be('already', 'retired before')
  if (pane === undefined) return be('ready', 'nothing is under way, and it has no pane')
  const end = pane.made ? `burn ends its pane ${pane.id}` : `burn did not make its pane ${pane.id}, so the pane stays`
  return be('ready', `nothing is under way; ${end}`)
}

const paneOf = (id: WorkerId, snapshot: MachineSnapshot) =>
  snapshot.state === 'up' ? snapshot.panes.find(({ worker }) => worker === id) : undefined

/** Ends the panes of workers. Returns for each worker null, or the reason why its pane or its agent did not end. */
async function endAll(workers: readonly WorkerId[], state: StatusState, session: Session): Promise<ReadonlyMap<WorkerId, string | null>> {
  if (workers.length === 0) return new Map()
  const agents = Map.groupBy(await agentsOf(workers, state, session), ({ worker }) => worker)
  const byMachine = Map.groupBy(workers, machineOf)
  const hosts = await session.machines.open(session.fleet.machines.filter(({ name }) => byMachine.has(name)))
  const results = hosts.map((host) => {
    const own = (byMachine.get(host.machine.name) ?? []).map((id) => ({
      id,
      agents: (agents.get(id) ?? []).map((each) => each.incarnation),
    }))
    return endOn(host, own, state.snapshots.get(host.machine.name), session)
  })
  return new Map((await Promise.all(results)).flat())
}

/** Returns the last agents of workers that burn knows: those in their panes, and those in the ledger. */
async function agentsOf(workers: readonly WorkerId[], { incarnations }: StatusState, { ledger }: Session) {
  const known = (await ledger.knownAgents()).filter(({ worker }) => workers.includes(worker))
  return [...known, ...workers.flatMap((worker) => (incarnations.has(worker) ? [{ worker, incarnation: incarnations.get(worker)! }] : []))]
}

interface Ending {
  readonly id: WorkerId
  readonly agents: readonly Incarnation[]
}

async function endOn(
  host: PaneHost,
  workers: readonly Ending[],
  before: MachineSnapshot | undefined,
  session: Session,
): Promise<(readonly [WorkerId, string | null])[]> {
  const { machine } = host
  const panes = workers.flatMap(({ id }) => (before === undefined ? [] : (paneOf(id, before) ?? [])))
  const adopted = panes.filter(({ made }) => !made)
  const lines = [...panes.filter(({ made }) => made).map(endPaneLine), ...downLines([], adopted)]
  // When the last pane ends, the tmux server exits and closes the connection. The next snapshot shows whether the panes have ended.
  if (lines.length > 0) await host.tmux?.run(lines).catch((thrown: unknown) => host.drop(thrown))
  const leaving = workers.filter(({ id }) => !adopted.some(({ worker }) => worker === id))
  const living = await livingAfterEnd(
    machine,
    leaving.flatMap(({ agents }) => agents),
    session,
  )
  const after = await snapshotAfter(machine, session)
  return workers.map(({ id, agents }) => [
    id,
    whyNotEnded({ id, agents: leaving.some((each) => each.id === id) ? agents : [] }, machine, after, living),
  ])
}

/** Takes a snapshot. The tmux server exits with its last pane, which breaks the connection, so burn connects again if necessary. */
async function snapshotAfter(machine: Machine, { machines, clock }: Session): Promise<MachineSnapshot | undefined> {
  for (let attempt = 1; ; attempt++) {
    const [host] = await machines.open([machine])
    const snapshot = await host?.snapshot()
    if (snapshot?.state !== 'unreachable' || attempt === reconnects) return snapshot
    await clock.sleep(pollInterval)
  }
}

/** Returns the reason why a worker's pane or agent did not end; null if both ended. `living`: the process ids of living agents. */
function whyNotEnded(
  { id, agents }: Ending,
  machine: Machine,
  after: MachineSnapshot | undefined,
  living: ReadonlyMap<Incarnation, number> | null,
): string | null {
  if (after === undefined || after.state === 'unreachable')
    return `${machine.name} is unreachable${after === undefined ? '' : `: ${adviceOn(after)}`}`
  if (paneOf(id, after) !== undefined) return 'tmux did not end its pane. Run the command again'
  if (living === null) return `burn cannot read the process table of ${machine.name}, so its agent may still run`
  const [pid] = agents.flatMap((agent) => living.get(agent) ?? [])
  return pid === undefined
    ? null
    : `its pane has ended, but its agent still runs as process ${pid}. To end it: ${lineOn(machine, `kill ${pid}`)}`
}

/**
 * Waits until these agents have ended. Returns the process ids of those that still run, by incarnation; null if burn cannot read the process
 * table.
 */
async function livingAfterEnd(
  machine: Machine,
  agents: readonly Incarnation[],
  { machines, clock }: Session,
): Promise<ReadonlyMap<Incarnation, number> | null> {
  if (agents.length === 0) return new Map()
  for (const end = clock.now() + endTime; ; await clock.sleep(200)) {
    const liveness = await machines.liveness(machine, agents)
    if (liveness === null) return null
    if (liveness.living.size === 0 || clock.now() >= end) return new Map([...liveness.living].map(([agent, { pid }]) => [agent, pid]))
  }
}
