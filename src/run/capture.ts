/** What a worker's pane shows. */
import type { Worker } from '../core/nouns.ts'
import type { Session } from './session.ts'
import { BurnError } from '../core/errors.ts'
import { capture } from '../tmux/panes.ts'

export interface CaptureOptions {
  /** Rows of history above the screen. */
  readonly lines: number
  /** With colours, as escape sequences. */
  readonly ansi: boolean
}

/** Rows from oldest to newest; blank ones below the last are left out. Throws BurnError `machine_unreachable` or `pane_missing`. */
export async function captureWorker(worker: Worker, session: Session, { lines, ansi }: CaptureOptions): Promise<readonly string[]> {
  const machine = session.fleet.machines.find(({ name }) => name === worker.machine)
  const [link] = await session.machines.open(machine === undefined ? [] : [machine])
  if (link === undefined || link.tmux === null)
    throw new BurnError('machine_unreachable', `${worker.machine} can't be reached: ${link?.reason ?? ''}`, link?.hint ?? '')
  const sight = await session.machines.sight(link)
  const pane = sight.state === 'up' ? sight.panes.find((each) => each.worker === worker.id) : undefined
  const rows =
    pane === undefined ? undefined : (await capture(link.tmux, [pane.id], { ansi, ...(lines > 0 ? { lines } : {}) })).get(pane.id)
  if (rows === undefined) throw new BurnError('pane_missing', `${worker.id} has no pane`, `raise it: burn up ${worker.machine}`)
  return rows.slice(0, rows.findLastIndex((row) => row.trim() !== '') + 1)
}
