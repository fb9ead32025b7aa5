/** Finds the machine and the pane of one worker, for commands about a single worker. */
import type { Worker } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { unreachableText } from '../decide/wording.ts'

/** Returns the host of a worker's machine, with an open channel. Throws BurnError `machine_unreachable`. */
export async function hostOf(worker: Worker, { fleet, machines }: Session): Promise<PaneHost & { readonly tmux: Tmux }> {
  const machine = fleet.machines.find(({ name }) => name === worker.machine)
  const [host] = await machines.open(machine === undefined ? [] : [machine])
  if (host !== undefined && host.tmux !== null) return { ...host, tmux: host.tmux }
  const snapshot = host === undefined ? null : await host.snapshot()
  const { reason = '', hint = '' } = host ?? {}
  const [why, remedy] = snapshot?.state === 'unreachable' ? [snapshot.reason, snapshot.remedy ?? hint] : [reason, hint]
  throw new BurnError('machine_unreachable', unreachableText(worker.machine, why), remedy)
}

/** Returns the error for a worker without a pane. */
export function noPane(worker: Worker): BurnError {
  return new BurnError('pane_missing', `${worker.id} has no pane`, `create it with: burn up ${worker.machine}`)
}

/** Returns the error for a worker whose pane has no live agent. */
export function noAgent({ id }: Worker): BurnError {
  return new BurnError('no_agent', `no agent runs in the pane of ${id}`, `start an agent: burn christen ${id}`)
}

/** Returns the pane of a worker. Throws BurnError `pane_missing`. */
export function paneOf(worker: Worker, snapshot: MachineSnapshot): Pane {
  const pane = snapshot.state === 'up' ? snapshot.panes.find((each) => each.worker === worker.id) : undefined
  if (pane === undefined) throw noPane(worker)
  return pane
}
