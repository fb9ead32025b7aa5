/** What every worker is doing, from what its machine shows. */
import type { Incarnation, Machine, Reading, Worker, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { KindOf } from '../agents/index.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseHookEvent } from '../core/hook-event.ts'
import { mergeReading } from '../decide/reading.ts'

/** A machine with the screens of its agents' panes, by pane id. */
export interface MachineScreens {
  readonly snapshot: MachineSnapshot
  readonly screens: ReadonlyMap<string, readonly string[]>
  /** Workers without a pane whose agent runs nevertheless, each with what is known of it. */
  readonly strays?: ReadonlyMap<WorkerId, string>
}

export function readWorkers(machines: readonly Machine[], seen: ReadonlyMap<string, MachineScreens>, kindOf: KindOf): WorkerSnapshot[] {
  return machines.flatMap((machine) => {
    const screens = seen.get(machine.name)
    const panes = new Map(panesOf(screens?.snapshot).map((pane) => [pane.worker, pane]))
    return machine.windows.flatMap(({ workers }) =>
      workers.map((worker) => readWorker(worker, machine, { seen: screens, pane: panes.get(worker.id) }, kindOf)),
    )
  })
}

function panesOf(sight: MachineSnapshot | undefined): readonly Pane[] {
  return sight?.state === 'up' ? sight.panes : []
}

function readWorker(
  worker: Worker,
  machine: Machine,
  { seen, pane }: { readonly seen: MachineScreens | undefined; readonly pane: Pane | undefined },
  kindOf: KindOf,
): WorkerSnapshot {
  const without = (state: Reading['state'], evidence: string): WorkerSnapshot => ({
    worker,
    reading: { state, detail: null, evidence },
    incarnation: null,
  })
  if (seen === undefined) return without('unreachable', 'its machine was not asked')
  const { snapshot: sight } = seen
  if (sight.state === 'unreachable') return without('unreachable', sight.reason)
  if (sight.state === 'down') return without('dead', `no session ${machine.session} on ${machine.name} (burn up)`)
  const stray = seen.strays?.get(worker.id)
  if (stray !== undefined) return without('unreachable', stray)
  if (pane === undefined) return without('dead', 'it has no pane (burn up)')
  if (pane.dead) return without('dead', `its agent ended${pane.ended === null ? '' : ` ${pane.ended}`}`)
  const incarnation = incarnationOf(pane, sight.server_started)
  if (incarnation === null) return without('dead', 'no agent was started in its pane (burn christen)')
  const kind = kindOf(worker.agent)
  const look = kind.parseScreen(seen.screens.get(pane.id) ?? [], pane)
  const signal = parseHookEvent(pane.signal)
  const heard = signal === null ? null : (kind.hookState?.(signal) ?? null)
  return { worker, reading: mergeReading(look, signal, heard, sight.clock), incarnation, look }
}

/** The agent that is seen alive in each worker's pane; workers that the spec no longer has included. */
export function readIncarnations(seen: ReadonlyMap<string, MachineScreens>): Map<WorkerId, Incarnation> {
  const living = new Map<WorkerId, Incarnation>()
  for (const { snapshot: sight } of seen.values()) {
    if (sight.state !== 'up') continue
    for (const pane of sight.panes) {
      const incarnation = incarnationOf(pane, sight.server_started)
      if (pane.worker !== null && incarnation !== null) living.set(pane.worker, incarnation)
    }
  }
  return living
}
