/** The fleet's status as it changes: pushed by tmux, not polled. */
import type { Machine, ReadingState, Time, WorkerId } from '../core/nouns.ts'
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { StatusReport } from '../decide/report.ts'
import type { MachineScreens } from './readings.ts'
import type { Session } from './session.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { statusReport } from '../decide/report.ts'
import { WakeSignal, MachineWatch } from './machine-watch.ts'
import { readWorkers } from './readings.ts'
import { readKept, statusState, type KeptState } from './state.ts'

/** How often other processes' dispatches and holds are read from the ledger, milliseconds. */
const ledgerPause = 5_000

/** A worker that does something else than before. */
export interface WorkerChange {
  readonly at: Time
  readonly worker: WorkerId
  /** Null in the first report: what it did before is not known. */
  readonly from: ReadingState | null
  readonly to: ReadingState
  readonly detail: string | null
  readonly evidence: string
}

export interface WatchUpdate {
  readonly report: StatusReport
  /** Every worker in the first update. */
  readonly changes: readonly WorkerChange[]
}

/**
 * The status after a first look at every machine, then whenever a worker's state or detail changed, or the ledger did, until `stop`. Machines that are
 * lost are unreachable until they can be opened again; nothing is thrown for them. Throws BurnError where the ledger fails.
 */
export async function* watch(machines: readonly Machine[], session: Session, stop: AbortSignal): AsyncGenerator<WatchUpdate, void> {
  const end = new AbortController()
  const until = AbortSignal.any([stop, end.signal])
  const bell = new WakeSignal(session.clock)
  const watches = new Map(machines.map((machine) => [machine.name, new MachineWatch(machine, session, () => bell.wake())]))
  const running = Promise.all([...watches.values()].map((each) => each.run(until)))
  const failed: { thrown?: unknown } = {}
  running.catch((thrown: unknown) => {
    failed.thrown = thrown
    bell.wake()
  })
  try {
    yield* updates({ machines, watches, bell, failed }, session, until)
  } finally {
    end.abort()
    await running
  }
}

interface Watching {
  readonly machines: readonly Machine[]
  readonly watches: ReadonlyMap<string, MachineWatch>
  /** Rings when a machine has changed or the watching has failed. */
  readonly bell: WakeSignal
  readonly failed: { readonly thrown?: unknown }
}

async function* updates(
  { machines, watches, bell, failed }: Watching,
  session: Session,
  until: AbortSignal,
): AsyncGenerator<WatchUpdate, void> {
  const { clock, ledger } = session
  const last = new Map<WorkerId, WorkerSnapshot>()
  let kept: KeptState | null = null
  let readAt = 0
  let shown = ''
  while (!until.aborted && failed.thrown === undefined) {
    const seen = seenBy(watches)
    if (seen !== null) {
      const now = clock.now()
      const workers = readWorkers(machines, seen, session.kindOf)
      const changes = changesOf(workers, last, now)
      if (changes.length > 0) {
        await ledger.saveReadings(
          changes.map(({ worker, to }) => ({ worker, state: to })),
          now,
        )
      }
      const stale = hasElapsed(readAt, ledgerPause, now)
      if (kept === null || changes.length > 0 || stale) {
        kept = await readKept(session)
        readAt = now
        const report = statusReport(machines, statusState(machines, seen, kept, session))
        const facts = JSON.stringify(report)
        if (changes.length > 0 || facts !== shown) yield { report, changes }
        shown = facts
      }
    }
    await bell.wait(ledgerPause, until)
  }
}

/** Null until every machine was looked at once. */
function seenBy(watches: ReadonlyMap<string, MachineWatch>): Map<string, MachineScreens> | null {
  const all = new Map<string, MachineScreens>()
  for (const [name, { seen }] of watches) {
    if (seen === null) return null
    all.set(name, seen)
  }
  return all
}

/** What differs from `last`, which is brought up to date. */
function changesOf(workers: readonly WorkerSnapshot[], last: Map<WorkerId, WorkerSnapshot>, at: Time): WorkerChange[] {
  return workers.flatMap((sight) => {
    const { worker, reading } = sight
    const before = last.get(worker.id)?.reading
    last.set(worker.id, sight)
    if (before?.state === reading.state && before.detail === reading.detail) return []
    return [{ at, worker: worker.id, from: before?.state ?? null, to: reading.state, detail: reading.detail, evidence: reading.evidence }]
  })
}
