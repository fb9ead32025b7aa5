/** What every worker is doing, from what its machine shows. */
import type { Incarnation, Machine, Reading, Worker, WorkerId } from '../core/nouns.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { WorkerSight } from '../core/fleet-state.ts'
import type { KindOf } from '../agents/index.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseSignal } from '../core/signal.ts'
import { mergeReading } from '../decide/reading.ts'

/** A machine with the screens of its agents' panes, by pane id. */
export interface MachineScreens {
  readonly sight: MachineSight
  readonly screens: ReadonlyMap<string, readonly string[]>
  /** Workers without a pane whose agent runs nevertheless, each with what is known of it. */
  readonly strays?: ReadonlyMap<WorkerId, string>
}

export function readWorkers(machines: readonly Machine[], seen: ReadonlyMap<string, MachineScreens>, kindOf: KindOf): WorkerSight[] {
  return machines.flatMap((machine) => {
    const screens = seen.get(machine.name)
    const panes = new Map(panesOf(screens?.sight).map((pane) => [pane.worker, pane]))
    return machine.windows.flatMap(({ workers }) =>
      workers.map((worker) => readWorker(worker, machine, { seen: screens, pane: panes.get(worker.id) }, kindOf)),
    )
  })
}

function panesOf(sight: MachineSight | undefined): readonly Pane[] {
  return sight?.state === 'up' ? sight.panes : []
}

function readWorker(
  worker: Worker,
  machine: Machine,
  { seen, pane }: { readonly seen: MachineScreens | undefined; readonly pane: Pane | undefined },
  kindOf: KindOf,
): WorkerSight {
  const without = (state: Reading['state'], evidence: string): WorkerSight => ({
    worker,
    reading: { state, detail: null, evidence },
    incarnation: null,
  })
  if (seen === undefined) return without('unreachable', 'its machine was not asked')
  const { sight } = seen
  if (sight.state === 'unreachable') return without('unreachable', sight.reason)
  if (sight.state === 'down') return without('dead', `no session ${machine.session} on ${machine.name} (burn up)`)
  const stray = seen.strays?.get(worker.id)
  if (stray !== undefined) return without('unreachable', stray)
  if (pane === undefined) return without('dead', 'it has no pane (burn up)')
  if (pane.dead) return without('dead', `its agent ended${pane.ended === null ? '' : ` ${pane.ended}`}`)
  const incarnation = incarnationOf(pane, sight.server_started)
  if (incarnation === null) return without('dead', 'no agent was started in its pane (burn christen)')
  const kind = kindOf(worker.agent)
  const look = kind.look(seen.screens.get(pane.id) ?? [], pane)
  const signal = parseSignal(pane.signal)
  const heard = signal === null ? null : (kind.heard?.(signal) ?? null)
  return { worker, reading: mergeReading(look, signal, heard, sight.clock), incarnation, look }
}

/** The agent that is seen alive in each worker's pane; workers that the spec no longer has included. */
export function readIncarnations(seen: ReadonlyMap<string, MachineScreens>): Map<WorkerId, Incarnation> {
  const living = new Map<WorkerId, Incarnation>()
  for (const { sight } of seen.values()) {
    if (sight.state !== 'up') continue
    for (const pane of sight.panes) {
      const incarnation = incarnationOf(pane, sight.server_started)
      if (pane.worker !== null && incarnation !== null) living.set(pane.worker, incarnation)
    }
  }
  return living
}
