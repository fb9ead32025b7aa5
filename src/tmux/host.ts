/** The panes of a tmux server as a `PaneHost` has them: looks, keys under tmux's own guard, and starts. All of it throws if the channel is lost. */
import type { Machine } from '../core/nouns.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Tmux } from '../core/ports.ts'
import { capture, sample, sight } from './panes.ts'
import { held, sanitizes, typingLine } from './paste.ts'
import { hasStarted, startLine } from './start.ts'

export type TmuxPanes = Pick<PaneHost, 'modes_block' | 'sight' | 'look' | 'history' | 'type' | 'start'>

export function panesOf(tmux: Tmux, machine: Machine): TmuxPanes {
  return {
    modes_block: sanitizes(tmux.version),
    sight: () => sight(tmux, machine),
    look: () => sample(tmux, machine),
    async history(panes, rows) {
      const ids = panes.map(({ id }) => id)
      const shown = await capture(tmux, ids, { lines: rows })
      return new Map(panes.flatMap(({ id, height }) => (shown.has(id) ? [[id, shown.get(id)?.slice(0, -height) ?? []] as const] : [])))
    },
    async type(all) {
      return (await tmux.run(all.map((typing) => typingLine(typing, tmux.version)))).map(held)
    },
    async start(launches) {
      return (await tmux.run(launches.map((launch) => startLine(launch, machine)))).map(hasStarted)
    },
  }
}
