/**
 * Subscribes to changes of a machine, so that burn need not poll it. No format of tmux shows that a program drew over its screen in place:
 * cursor, history and title can all stay the same. `window_activity` changes with every byte that any pane of the window prints. So burn
 * misses no change, but it also captures the window's unchanged panes. `window_activity` counts whole seconds, and tmux compares it once a
 * second. tmux does not report output that comes after the comparison, but in the same second. burn therefore captures a changed window
 * again after `debounce_ms`.
 */
import type { Machine } from '../core/nouns.ts'
import type { Tmux, TmuxListener } from '../core/ports.ts'
import { missingSession } from './open.ts'
import { unreachableError } from './control-mode.ts'
import type { SnapshotWithScreens } from '../core/pane-host.ts'
import { capturePanes, snapshot } from './panes.ts'

/**
 * The time (ms) after which burn captures a changed window again. This time must be longer than the second between two of tmux's
 * comparisons.
 */
export const debounce_ms = 1_100

/**
 * The format of a subscription to panes. The beginning of a title is enough to notice a change. As in a snapshot (panes.ts), the current
 * command is read only in panes without an agent.
 */
const paneFormat = [
  '#{pane_dead}#{pane_dead_status}#{pane_dead_signal} #{pane_in_mode} #{@burn_agent} #{@burn_retiring}',
  '#{cursor_x} #{cursor_y} #{history_size}',
  '#{?@burn_agent,,#{pane_current_command}}',
  '#{@burn_signal} #{=200:pane_title}',
].join(' ')

/**
 * Subscribes to changes in the channel's session. Returns false if the channel can't report them, for example because the channel is not a
 * control-mode client. Throws BurnError `machine_unreachable` if the session is gone.
 */
export async function subscribe(tmux: Tmux, listener: TmuxListener): Promise<boolean> {
  if (!tmux.listen(listener)) return false
  const replies = await tmux.run([
    [['refresh-client', '-B', `burn-panes:%*:${paneFormat}`]],
    [['refresh-client', '-B', 'burn-windows:@*:#{window_activity}']],
  ])
  const refused = replies.find(({ ok }) => !ok)
  if (refused === undefined) return true
  if (missingSession(refused.error ?? '') !== null) throw unreachableError(tmux.machine, refused.error ?? '', 'Run burn up.')
  return false
}

/**
 * Returns a new snapshot, and captures only the panes and windows in `changed`. The screens of all other panes come from `before`. Throws
 * BurnError `machine_unreachable`.
 */
export async function captureChangedPanes(
  tmux: Tmux,
  machine: Machine,
  before: SnapshotWithScreens,
  changed: ReadonlySet<string>,
): Promise<SnapshotWithScreens> {
  const old = before.snapshot.state === 'up' ? before.snapshot.panes : []
  const due = old.filter((pane) => changed.has(pane.id) || changed.has(pane.window_id)).map(({ id }) => id)
  // burn sends both commands before it waits for a reply, so they take one round trip.
  const [seen, captured] = await Promise.all([snapshot(tmux, machine), capturePanes(tmux, due)])
  const known = new Set(old.map(({ id }) => id))
  const added = seen.panes.map(({ id }) => id).filter((id) => !known.has(id))
  const fresh = added.length === 0 ? captured : new Map([...captured, ...(await capturePanes(tmux, added))])
  const screens = seen.panes.flatMap(({ id }) => {
    const screen = fresh.get(id) ?? before.screens.get(id)
    return screen === undefined ? [] : [[id, screen] as const]
  })
  return { snapshot: seen, screens: new Map(screens) }
}
