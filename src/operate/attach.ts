/** Builds the tmux command of `burn attach`. It selects a pane, and pans a small client to the whole pane, or to its composer. */
import type { Machine } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { argvOn } from '../host/transport.ts'
import { unreachableText } from '../decide/wording.ts'

/** The target on a machine: a worker's pane, or a window of the spec; null for the session's active pane. */
export type AttachTarget = { readonly worker: string } | { readonly window: string } | null

/**
 * Returns the argv that attaches a terminal. The fleet's windows are larger than most terminals, so a client shows only a part of a window.
 * `refresh-client` pans to the pane's corner, so that tmux does not resize the panes. If the pane is higher than the terminal, burn pans to the
 * cursor, because the composer is there. `rows`: the height of the terminal. Throws BurnError `machine_unreachable`, `tmux_no_session` or
 * `pane_missing`.
 */
export async function attachArgv(machine: Machine, target: AttachTarget, rows: number, session: Session): Promise<string[]> {
  const [host] = await session.machines.open([machine])
  if (host === undefined) throw new RangeError('no connection to the machine was opened')
  const snapshot = await host.snapshot()
  if (snapshot.state === 'unreachable')
    throw new BurnError('machine_unreachable', unreachableText(machine.name, snapshot.reason), snapshot.remedy ?? host.hint)
  if (snapshot.state === 'down')
    throw new BurnError('tmux_no_session', `${machine.name} has no session ${machine.session}`, `create it: burn up ${machine.name}`)
  const pane =
    target === null
      ? undefined
      : snapshot.panes.find((each) => ('worker' in target ? each.worker === target.worker : isIn(each, target.window, machine)))
  if (target !== null && pane === undefined) {
    throw new BurnError(
      'pane_missing',
      `${'worker' in target ? target.worker : target.window} has no pane on ${machine.name}`,
      `create it: burn up ${machine.name}`,
    )
  }
  const attach = ['attach-session', '-t', `${pane?.session_id ?? snapshot.session_id}:`]
  const words =
    pane === undefined || host.tmux === null ? attach : [...attach, ...showPane(pane, viewOf(await placeOf(pane, host.tmux), rows))]
  return argvOn(machine, ['sh', '-c', knownTerminal, 'burn', machine.tmux, '-u', '-L', machine.socket, ...words], { tty: true })
}

/** Returns the argv that runs `argv` also inside tmux, which otherwise refuses. The fleet has its own tmux server. */
export function outsideTmux(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): string[] {
  return [...(env['TMUX'] === undefined ? [] : ['env', '-u', 'TMUX']), ...argv]
}

/**
 * Runs a command. If the machine has no description of the person's terminal, such as `xterm-ghostty`, tmux would refuse the terminal. Then
 * the command gets the common `xterm-256color`. Without infocmp the script cannot check that.
 */
const knownTerminal = 'if command -v infocmp >/dev/null; then infocmp >/dev/null 2>&1 || TERM=xterm-256color; fi; export TERM; exec "$@"'

function isIn({ worker }: Pane, window: string, machine: Machine): boolean {
  return worker !== null && worker.startsWith(`${machine.name}/${window}/`)
}

/** The place of a pane in its window, and of its cursor in the pane, in columns and rows. `status`: the rows of tmux's status line. */
interface Place {
  readonly left: number
  readonly top: number
  readonly height: number
  readonly cursor: number
  readonly status: number
}

/** Returns the place of a pane. Snapshots do not contain it, because it would make each snapshot slower. */
async function placeOf({ id }: Pane, tmux: Tmux): Promise<Place> {
  const wanted = '#{pane_left} #{pane_top} #{pane_height} #{cursor_y} #{status}'
  const [reply] = await tmux.run([[['display-message', '-p', '-t', id, wanted]]])
  const [left = 0, top = 0, height = 0, cursor = 0, status] = (reply?.lines[0] ?? '').split(' ').map(Number)
  // The option `status` is `on`, `off`, or a number of rows from 2.
  const rows = reply?.lines[0]?.endsWith(' off') === true ? 0 : Number.isNaN(status) ? 1 : (status ?? 1)
  return { left, top, height, cursor, status: rows }
}

/** The number of rows below the cursor in a small terminal, for the rest of the composer and the agent's status line. */
const belowCursor = 4

/** Returns the corner of the visible part of a window: the corner of the pane, or a row below it if the pane is too high. */
export function viewOf({ left, top, height, cursor, status }: Place, rows: number): { readonly left: number; readonly top: number } {
  const visible = rows - status
  if (height <= visible) return { left, top }
  return { left, top: top + Math.max(0, Math.min(height, cursor + 1 + belowCursor) - visible) }
}

/**
 * Returns the tmux commands that select a pane and pan to it. The commands pan to the top left first, because tmux starts to pan at the
 * cursor.
 */
function showPane({ id, window_id }: Pane, { left, top }: { left: number; top: number }): string[] {
  const far = '10000'
  return [
    ';',
    'select-window',
    '-t',
    window_id,
    ';',
    'select-pane',
    '-t',
    id,
    ';',
    'refresh-client',
    '-L',
    far,
    ';',
    'refresh-client',
    '-U',
    far,
    ...(left > 0 ? [';', 'refresh-client', '-R', String(left)] : []),
    ...(top > 0 ? [';', 'refresh-client', '-D', String(top)] : []),
  ]
}
