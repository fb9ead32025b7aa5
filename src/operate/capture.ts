/** `burn capture`: reads the screen and history of a worker's pane. */
import type { Worker } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { capturePanes } from '../tmux/panes.ts'
import { hostOf, noPane, paneOf } from '../observe/worker-pane.ts'

export interface CaptureOptions {
  /** Number of history rows above the screen to return. */
  readonly lines: number
  /** If true, the rows contain colours as escape sequences. */
  readonly ansi: boolean
}

/**
 * Returns the rows of a worker's pane, oldest first, without blank rows at the end. Throws BurnError `machine_unreachable` or
 * `pane_missing`.
 */
export async function captureWorker(worker: Worker, session: Session, { lines, ansi }: CaptureOptions): Promise<readonly string[]> {
  const host = await hostOf(worker, session)
  const { id } = paneOf(worker, await host.snapshot())
  const rows = (await capturePanes(host.tmux, [id], { ansi, ...(lines > 0 ? { lines } : {}) })).get(id)
  if (rows === undefined) throw noPane(worker)
  return rows.slice(0, rows.findLastIndex((row) => row.trim() !== '') + 1)
}
