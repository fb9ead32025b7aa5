/** One worker's machine and pane, for a command that is about this worker alone. */
import type { Worker } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'

/** The machine of a worker, with its open channel. Throws BurnError `machine_unreachable`. */
export async function hostOf(worker: Worker, { fleet, machines }: Session): Promise<PaneHost & { readonly tmux: Tmux }> {
  const machine = fleet.machines.find(({ name }) => name === worker.machine)
  const [host] = await machines.open(machine === undefined ? [] : [machine])
  if (host !== undefined && host.tmux !== null) return { ...host, tmux: host.tmux }
  const sight = host === undefined ? null : await host.snapshot()
  const { reason = '', hint = '' } = host ?? {}
  const [why, remedy] = sight?.state === 'unreachable' ? [sight.reason, sight.remedy ?? hint] : [reason, hint]
  throw new BurnError('machine_unreachable', `${worker.machine} can't be reached: ${why}`, remedy)
}

export function noPane(worker: Worker): BurnError {
  return new BurnError('pane_missing', `${worker.id} has no pane`, `raise it: burn up ${worker.machine}`)
}

/** Throws BurnError `pane_missing`. */
export function paneOf(worker: Worker, sight: MachineSnapshot): Pane {
  const pane = sight.state === 'up' ? sight.panes.find((each) => each.worker === worker.id) : undefined
  if (pane === undefined) throw noPane(worker)
  return pane
}
