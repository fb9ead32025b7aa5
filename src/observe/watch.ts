/** Streams the fleet's status, for `burn watch`: a new report whenever tmux reports a change. */
import type { Machine, ReadingState, Time, WorkerId } from '../core/nouns.ts'
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { StatusReport } from '../decide/report.ts'
import type { MachineScreens } from './readings.ts'
import type { Session } from './session.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { statusReport } from '../decide/report.ts'
import { WakeSignal, MachineWatch } from './machine-watch.ts'
import { readWorkers } from './readings.ts'
import { redrawTime_ms, SteadyScreens } from './steady-screens.ts'
import { readKept, type KeptState } from './kept.ts'
import { readNeeds } from './needs.ts'
import { statusState } from './state.ts'

/** Interval between reads of the ledger (ms). These reads show dispatches and holds that other processes changed. */
const ledgerInterval = 5_000

/** A worker whose state or detail changed. */
export interface WorkerChange {
  readonly at: Time
  readonly worker: WorkerId
  /** The state before; null in the first report. */
  readonly from: ReadingState | null
  readonly to: ReadingState
  readonly detail: string | null
  readonly evidence: string
}

/** A status report and the changes since the last report. */
export interface WatchUpdate {
  readonly report: StatusReport
  /** The workers that changed since the last update; all workers in the first update. */
  readonly changes: readonly WorkerChange[]
}

/**
 * Yields the status when all machines have been read, then after each change of the ledger or of a worker's state or detail, until `stop`
 * is aborted. A lost machine counts as unreachable until burn reaches it again; this is no error. Throws BurnError if the ledger fails.
 */
export async function* watch(machines: readonly Machine[], session: Session, stop: AbortSignal): AsyncGenerator<WatchUpdate, void> {
  const end = new AbortController()
  const until = AbortSignal.any([stop, end.signal])
  const wakeSignal = new WakeSignal(session.clock)
  const watches = new Map(machines.map((machine) => [machine.name, new MachineWatch(machine, session, () => wakeSignal.wake())]))
  const running = Promise.all([...watches.values()].map((each) => each.run(until)))
  const failed: { thrown?: unknown } = {}
  running.catch((thrown: unknown) => {
    failed.thrown = thrown
    wakeSignal.wake()
  })
  try {
    yield* updates({ machines, watches, wakeSignal, failed }, session, until)
  } finally {
    end.abort()
    await running
  }
}

interface WatchState {
  readonly machines: readonly Machine[]
  readonly watches: ReadonlyMap<string, MachineWatch>
  /** Woken by a change of a machine, or by a failure of its watch. */
  readonly wakeSignal: WakeSignal
  readonly failed: { readonly thrown?: unknown }
}

async function* updates(
  { machines, watches, wakeSignal, failed }: WatchState,
  session: Session,
  until: AbortSignal,
): AsyncGenerator<WatchUpdate, void> {
  const { clock, ledger } = session
  const last = new Map<WorkerId, WorkerSnapshot>()
  let kept: KeptState | null = null
  let readAt = 0
  let shown = ''
  const steady = new SteadyScreens(session.kindOf, clock)
  while (!until.aborted && failed.thrown === undefined) {
    const all = seenBy(watches)
    const seen = all === null ? null : steady.of(machines, all)
    if (seen !== null) {
      const now = clock.now()
      const workers = readWorkers(machines, seen, session.kindOf)
      const changes = changesOf(workers, last, now)
      if (changes.length > 0) {
        const { states } = statusState(machines, seen, kept ?? (await readKept(session)), session)
        await ledger.saveReadings(
          changes.map(({ worker, from, to }) => ({
            worker,
            state: to,
            start_seen: from !== null || states.get(worker)?.start_seen === true,
          })),
          now,
        )
      }
      const stale = hasElapsed(readAt, ledgerInterval, now)
      if (kept === null || changes.length > 0 || stale) {
        kept = await readKept(session)
        readAt = now
        const report = statusReport(machines, statusState(machines, seen, kept, session), await readNeeds(session))
        const facts = JSON.stringify(report)
        if (changes.length > 0 || facts !== shown) yield { report, changes }
        shown = facts
      }
    }
    await wakeSignal.wait(steady.replaced ? redrawTime_ms : ledgerInterval, until)
  }
}

/** Returns the last snapshots of all machines; null until every machine has been read. */
function seenBy(watches: ReadonlyMap<string, MachineWatch>): Map<string, MachineScreens> | null {
  const all = new Map<string, MachineScreens>()
  for (const [name, { seen }] of watches) {
    if (seen === null) return null
    all.set(name, seen)
  }
  return all
}

/** Returns the workers that changed since the report in `last`, and updates `last`. */
function changesOf(workers: readonly WorkerSnapshot[], last: Map<WorkerId, WorkerSnapshot>, at: Time): WorkerChange[] {
  return workers.flatMap((snapshot) => {
    const { worker, reading } = snapshot
    const before = last.get(worker.id)?.reading
    last.set(worker.id, snapshot)
    if (before?.state === reading.state && before.detail === reading.detail) return []
    return [{ at, worker: worker.id, from: before?.state ?? null, to: reading.state, detail: reading.detail, evidence: reading.evidence }]
  })
}
