/** Builds the tmux command of `burn attach`. It selects a pane, and pans a small client so that the whole pane is visible. */
import type { Machine } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { argvOn } from '../host/transport.ts'

/** The target on a machine: a worker's pane, or a window of the spec; null for the session's active pane. */
export type AttachTarget = { readonly worker: string } | { readonly window: string } | null

/**
 * Returns the argv that attaches a terminal. The fleet's windows are larger than most terminals, so a client shows only a part of a window.
 * `refresh-client` pans to the pane's corner, so that tmux does not resize the panes. Throws BurnError `machine_unreachable`,
 * `tmux_no_session` or `pane_missing`.
 */
export async function attachArgv(machine: Machine, target: AttachTarget, session: Session): Promise<string[]> {
  const [host] = await session.machines.open([machine])
  if (host === undefined) throw new RangeError('no connection to the machine was opened')
  const snapshot = await host.snapshot()
  if (snapshot.state === 'unreachable')
    throw new BurnError('machine_unreachable', `${machine.name} can't be reached: ${snapshot.reason}`, snapshot.remedy ?? host.hint)
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
  const words = pane === undefined || host.tmux === null ? attach : [...attach, ...showPane(pane, await cornerOf(pane, host.tmux))]
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

/**
 * Returns the position of the top left corner of a pane, in columns and rows. Snapshots do not contain this position, because it would make
 * each snapshot slower.
 */
async function cornerOf({ id }: Pane, tmux: Tmux): Promise<{ left: number; top: number }> {
  const [reply] = await tmux.run([[['display-message', '-p', '-t', id, '#{pane_left} #{pane_top}']]])
  const [left = 0, top = 0] = reply?.lines[0]?.split(' ').map(Number) ?? []
  return { left, top }
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
