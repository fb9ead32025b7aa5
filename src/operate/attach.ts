/** Where a person who wants to look should be put: which pane, and how a client that is smaller than its window shows all of it. */
import type { Machine } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { argvOn } from '../host/transport.ts'

/** What to look at on a machine: one worker's pane, a window of the spec, or wherever the session was last. */
export type Place = { readonly worker: string } | { readonly window: string } | null

/**
 * The argv that attaches. Windows keep their own size, larger than a person's terminal, and a client shows a part of one: it is panned to the pane's
 * corner (`refresh-client`), so that one worker is seen whole and no pane changes its size. Throws BurnError where there is nothing to attach to.
 */
export async function attachArgv(machine: Machine, place: Place, session: Session): Promise<string[]> {
  const [host] = await session.machines.open([machine])
  if (host === undefined) throw new RangeError('one machine was asked for')
  const sight = await host.snapshot()
  if (sight.state === 'unreachable')
    throw new BurnError('machine_unreachable', `${machine.name} can't be reached: ${sight.reason}`, sight.remedy ?? host.hint)
  if (sight.state === 'down')
    throw new BurnError('tmux_no_session', `${machine.name} has no session ${machine.session}`, `raise it: burn up ${machine.name}`)
  const pane =
    place === null
      ? undefined
      : sight.panes.find((each) => ('worker' in place ? each.worker === place.worker : isIn(each, place.window, machine)))
  if (place !== null && pane === undefined) {
    throw new BurnError(
      'pane_missing',
      `${'worker' in place ? place.worker : place.window} has no pane on ${machine.name}`,
      `raise it: burn up ${machine.name}`,
    )
  }
  const attach = ['attach-session', '-t', `${pane?.session_id ?? sight.session_id}:`]
  const words = pane === undefined || host.tmux === null ? attach : [...attach, ...whole(pane, await cornerOf(pane, host.tmux))]
  return argvOn(machine, [machine.tmux, '-u', '-L', machine.socket, ...words], { tty: true })
}

function isIn({ worker }: Pane, window: string, machine: Machine): boolean {
  return worker !== null && worker.startsWith(`${machine.name}/${window}/`)
}

/** Asked for here alone: in every look at every pane it would cost a millisecond. */
async function cornerOf({ id }: Pane, tmux: Tmux): Promise<{ left: number; top: number }> {
  const [reply] = await tmux.run([[['display-message', '-p', '-t', id, '#{pane_left} #{pane_top}']]])
  const [left = 0, top = 0] = reply?.lines[0]?.split(' ').map(Number) ?? []
  return { left, top }
}

/** Far to the left and up first, since panning begins wherever the cursor drew the client to. */
function whole({ id, window_id }: Pane, { left, top }: { left: number; top: number }): string[] {
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
