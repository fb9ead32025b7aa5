/** Reads the lives and the work of workers, for `burn worker list`. */
import type { Event } from '../core/events.ts'
import type { Machine, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { ProvisionRecord } from '../core/provision.ts'
import type { WorkerSummary } from '../core/worker-life.ts'
import type { Session } from './session.ts'
import { loginsByWorker } from '../decide/logins.ts'
import { workerSummaries, type WorkerListFacts } from '../decide/worker-list.ts'
import { readAndSaveStatus } from './state.ts'
import { readUsage } from './usage.ts'
import { readLogins } from './logins.ts'
import { readFolders, type WorkerFolder } from './worker-clones.ts'

/** Options of `readWorkerList`. */
export interface WorkerListOptions {
  /** The start of the period that the numbers are about. */
  readonly since: Time
  /** True if the list also has workers that the spec no longer has and that have no pane. */
  readonly all: boolean
}

/**
 * Returns the workers of the fleet. burn looks for commits only in the folders of workers that would be silent without them. Throws BurnError
 * `ledger_*`.
 */
export async function readWorkerList(session: Session, { since, all }: WorkerListOptions): Promise<WorkerSummary[]> {
  const { machines } = session.fleet
  const facts = await readFacts(machines, since, session)
  const found = workerSummaries({ ...facts, commits: new Map() }, all)
  const silent = found.flatMap(({ life, worker }) => (life === 'silent' && worker !== null ? [worker] : []))
  if (silent.length === 0) return found
  const byMachine = Map.groupBy(silent, ({ machine }) => machine)
  const read = await Promise.all(machines.map((machine) => readFolders(machine, byMachine.get(machine.name) ?? [])))
  const commits = new Map(read.flatMap((folders) => [...commitsIn(folders)]))
  return workerSummaries({ ...facts, commits }, all)
}

/** Everything about one worker. */
export interface WorkerDetails {
  readonly summary: WorkerSummary
  readonly provision: ProvisionRecord | null
  /** The folder; null if the machine did not answer. */
  readonly folder: WorkerFolder | null
  /** The newest events about the worker itself, oldest first. */
  readonly events: readonly Event[]
}

/** The number of events that `readWorkerDetails` returns. */
const shownEvents = 12

/** Returns everything about one worker of the spec. Throws BurnError `ledger_*`. */
export async function readWorkerDetails(worker: Worker, session: Session, since: Time): Promise<WorkerDetails> {
  const machines = session.fleet.machines.filter(({ name }) => name === worker.machine)
  const [facts, folders, events] = await Promise.all([
    readFacts(machines, since, session),
    Promise.all(machines.map((machine) => readFolders(machine, [worker]))),
    session.ledger.events({ worker: worker.id, kinds: ['worker.*'], limit: shownEvents }),
  ])
  const commits = new Map(folders.flatMap((each) => [...commitsIn(each)]))
  const summary = workerSummaries({ ...facts, commits }).find(({ id }) => id === worker.id)!
  const provision = facts.state.records.find(({ id }) => id === worker.id)?.provision ?? null
  return { summary, provision, folder: folders[0]?.get(worker.id) ?? null, events }
}

async function readFacts(machines: readonly Machine[], since: Time, session: Session): Promise<Omit<WorkerListFacts, 'commits'>> {
  const { fleet, ledger, clock } = session
  const silentSince = clock.now() - fleet.worker.silent_after
  const [state, dispatches, spans, usage, models, logins] = await Promise.all([
    readAndSaveStatus(machines, session),
    ledger.dispatches({ since }),
    ledger.spans({ kind: 'worker', since }),
    readUsage(session, { since: Math.min(since, silentSince) }),
    ledger.modelUses(),
    Promise.all(machines.map((machine) => readLogins(machine, session))),
  ])
  const login = loginsByWorker(logins.flatMap((found) => found?.logins ?? []))
  return { state, since, dispatches, spans, usage: usage.records, costFor: usage.costFor, models, logins: login }
}

/** Returns the time of the last commit of each worker, by its id. */
function commitsIn(folders: ReadonlyMap<WorkerId, WorkerFolder> | null): Map<WorkerId, Time> {
  const found = [...(folders ?? [])].map(([id, { clones }]) => [id, Math.max(0, ...clones.map(({ used_at }) => used_at ?? 0))] as const)
  return new Map(found.filter(([, at]) => at > 0))
}
