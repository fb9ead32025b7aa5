/** `burn dispatch`: runs the requested number of cycles, or runs until a person stops it. */
import type { Machine, Time, WorkerId } from '../core/nouns.ts'
import type { CycleResult } from './cycle.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, messageWithHint } from '../core/errors.ts'
import { machineOf } from '../core/refs.ts'
import { workUnderWay } from '../decide/under-way.ts'
import { readStatus } from '../observe/state.ts'
import { cycle } from './cycle.ts'
import { periodicJobs, retentionJob, runDueJobs } from './periodic.ts'
import { withLeases } from '../observe/session.ts'

/**
 * Minimum pause (ms) between cycles. Without it, two dispatchers could wake each other without end, because a cycle that frees a worker
 * wakes all other dispatchers.
 */
const minPause = 5_000

export interface DispatchOptions {
  /** Number of cycles; Infinity runs until stopped. */
  readonly cycles: number
  /** Pause between cycles (ms). */
  readonly interval: number
  readonly onCycle: (result: CycleResult, number: number, ms: number) => void
  /** When it is aborted, the dispatcher begins no new work, and ends when nothing is under way on the machines. */
  readonly drain?: AbortSignal
}

/**
 * Runs cycles and returns the number of failed cycles. It reports each failure as an event. A single cycle (`cycles: 1`) throws instead.
 */
export async function dispatch(
  machines: readonly Machine[],
  session: Session,
  stop: AbortSignal,
  options: DispatchOptions,
): Promise<number> {
  let failed = 0
  const began = session.clock.now()
  const { drain = new AbortController().signal } = options
  const jobs = options.cycles === Infinity ? periodicJobs : [retentionJob]
  await withLeases(session, async () => {
    for (let number = 1; number <= options.cycles && !stop.aborted; number++) {
      const started = session.clock.now()
      try {
        await beat(session, began, started + options.interval)
        const result = await cycle(machines, session, stop, drain)
        options.onCycle(result, number, session.clock.now() - started)
        if (drain.aborted && (await isDrained(machines, session))) break
      } catch (thrown) {
        // A long run continues after a failed cycle, because the forge or the disk may recover before the next cycle. A process with older
        // code than its ledger never recovers.
        if (options.cycles === 1 || (thrown instanceof BurnError && thrown.code === 'ledger_newer')) throw thrown
        failed += 1
        session.notify({ kind: 'cycle.failed', subject: `cycle ${number}`, payload: { why: messageWithHint(thrown) } })
      }
      await runDueJobs(jobs, machines, session)
      // A request to drain ends the pause, because nothing may be under way already.
      const end = drain.aborted ? stop : AbortSignal.any([stop, drain])
      if (number < options.cycles) await pauseUntilChange(options.interval, session, end)
    }
    await beat(session, began, null)
  })
  return failed
}

/** Returns true if nothing is under way on these machines. */
async function isDrained(machines: readonly Machine[], session: Session): Promise<boolean> {
  const names = new Set(machines.map(({ name }) => name))
  const part = { hasWorker: (id: WorkerId) => names.has(machineOf(id)), hasRepo: () => false }
  return workUnderWay(await readStatus(machines, session), part).length === 0
}

/**
 * Saves that this dispatcher runs, so that other dispatchers notice when this dispatcher stops. `next`: the time of the next cycle; null
 * when the dispatcher ends. A failed write must not stop the dispatcher: if the ledger fails, the cycle reports the error.
 */
async function beat({ ledger, clock, owner, notify }: Session, began_at: Time, next: Time | null): Promise<void> {
  const at = clock.now()
  const about = { kind: 'dispatcher', subject: owner, machine: null, state: 'running', issue: null, incarnation: null } as const
  try {
    const own = (await ledger.openSpans()).find(({ kind, subject }) => kind === 'dispatcher' && subject === owner)
    const silent = own?.state === 'silent' ? own : null
    const began = silent === null ? (own?.began_at ?? began_at) : at
    const times = { began_at: began, seen_at: at, ended_at: next === null ? at : null }
    const span = { ...about, ...times, detail: next === null ? null : String(next), evidence: '', reported: null }
    const payload = { state: 'silent', now: 'running', ms: at - (silent?.began_at ?? at) }
    await ledger.saveSample(
      {
        spans: silent === null ? [span] : [{ ...silent, ended_at: at }, span],
        measures: [],
        events: silent === null ? [] : [{ kind: 'dispatcher.cleared', subject: owner, issue: null, worker: null, actor: 'burn', payload }],
      },
      at,
    )
  } catch (thrown) {
    notify({ kind: 'ledger.unsaved', subject: 'ledger', payload: { why: messageWithHint(thrown) } })
  }
}

/** Pauses for `interval` (ms), or until another process frees a worker or an issue. */
export async function pauseUntilChange(interval: number, { ledger, clock }: Session, stop: AbortSignal): Promise<void> {
  const least = Math.min(minPause, interval)
  const cancelled = new AbortController()
  const end = AbortSignal.any([stop, cancelled.signal])
  const changed = ledger.waitForChange(end)
  await clock.sleep(least, end)
  await Promise.race([clock.sleep(interval - least, end), changed])
  cancelled.abort()
}
