/** One worker's machine and pane, for a command that is about this worker alone. */
import type { Worker } from '../core/nouns.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'

export interface OpenLink {
  readonly link: PaneHost
  readonly tmux: Tmux
}

/** Throws BurnError `machine_unreachable`. */
export async function linkOf(worker: Worker, session: Session): Promise<OpenLink> {
  const machine = session.fleet.machines.find(({ name }) => name === worker.machine)
  const [link] = await session.machines.open(machine === undefined ? [] : [machine])
  if (link !== undefined && link.tmux !== null) return { link, tmux: link.tmux }
  const sight = link === undefined ? null : await link.sight()
  const { reason = '', hint = '' } = link ?? {}
  const [why, remedy] = sight?.state === 'unreachable' ? [sight.reason, sight.remedy ?? hint] : [reason, hint]
  throw new BurnError('machine_unreachable', `${worker.machine} can't be reached: ${why}`, remedy)
}

export function noPane(worker: Worker): BurnError {
  return new BurnError('pane_missing', `${worker.id} has no pane`, `raise it: burn up ${worker.machine}`)
}

/** Throws BurnError `pane_missing`. */
export function paneOf(worker: Worker, sight: MachineSight): Pane {
  const pane = sight.state === 'up' ? sight.panes.find((each) => each.worker === worker.id) : undefined
  if (pane === undefined) throw noPane(worker)
  return pane
}
