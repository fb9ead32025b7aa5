/**
 * What changed on a machine, pushed by its tmux instead of asked for. Nothing that tmux knows of one pane tells that its screen was drawn over
 * in place: cursor, history and title can all stay. `window_activity` moves with every byte that any pane of the window prints, so it
 * misses nothing, and names some neighbours in vain, which cost one capture each. It counts whole seconds, and tmux compares once a second:
 * what is printed after the comparison, but within the same second, is not told of. Whoever was told of a window looks again `afterglow` later.
 */
import type { Machine } from '../core/nouns.ts'
import type { Tmux, TmuxListener } from '../core/ports.ts'
import { missingSession } from './open.ts'
import { unreachableError } from './control-mode.ts'
import type { SnapshotWithScreens } from '../core/pane-host.ts'
import { capturePanes, snapshot } from './panes.ts'

/** Longer than tmux's own second between two comparisons, milliseconds. */
export const debounce_ms = 1_100

/** Titles are anybody's: a part is enough to see that they change. The program is asked for as little as in a look (panes.ts). */
const ofPane = [
  '#{pane_dead}#{pane_dead_status}#{pane_dead_signal} #{pane_in_mode} #{@burn_agent} #{@burn_retiring}',
  '#{cursor_x} #{cursor_y} #{history_size}',
  '#{?@burn_agent,,#{pane_current_command}}',
  '#{@burn_signal} #{=200:pane_title}',
].join(' ')

/** Has the channel tell of changes in its session. False where it can't, e.g. because it is no control-mode client. Throws where the session is gone. */
export async function subscribe(tmux: Tmux, listener: TmuxListener): Promise<boolean> {
  if (!tmux.listen(listener)) return false
  const replies = await tmux.run([
    [['refresh-client', '-B', `burn-panes:%*:${ofPane}`]],
    [['refresh-client', '-B', 'burn-windows:@*:#{window_activity}']],
  ])
  const refused = replies.find(({ ok }) => !ok)
  if (refused === undefined) return true
  if (missingSession(refused.error ?? '') !== null) throw unreachableError(tmux.machine, refused.error ?? '', 'Run burn up.')
  return false
}

/** A look that asks only the panes and windows in `changed` for their screens: the others are as they were in `before`. */
export async function captureChangedPanes(
  tmux: Tmux,
  machine: Machine,
  before: SnapshotWithScreens,
  changed: ReadonlySet<string>,
): Promise<SnapshotWithScreens> {
  const old = before.snapshot.state === 'up' ? before.snapshot.panes : []
  const asked = old.filter((pane) => changed.has(pane.id) || changed.has(pane.window_id)).map(({ id }) => id)
  // Both are written before either is answered: one round trip.
  const [seen, captured] = await Promise.all([snapshot(tmux, machine), capturePanes(tmux, asked)])
  const known = new Set(old.map(({ id }) => id))
  const added = seen.panes.map(({ id }) => id).filter((id) => !known.has(id))
  const fresh = added.length === 0 ? captured : new Map([...captured, ...(await capturePanes(tmux, added))])
  const screens = seen.panes.flatMap(({ id }) => {
    const screen = fresh.get(id) ?? before.screens.get(id)
    return screen === undefined ? [] : [[id, screen] as const]
  })
  return { snapshot: seen, screens: new Map(screens) }
}
