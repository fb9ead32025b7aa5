/**
 * Implements the tmux part of the port `PaneHost`: snapshots, guarded keystrokes and starts of agents. All methods throw if the connection
 * to tmux is lost.
 */
import type { Incarnation, Machine } from '../core/nouns.ts'
import type { PaneHost } from '../core/pane-host.ts'
import type { Tmux } from '../core/ports.ts'
import { incarnationParts } from '../core/incarnation.ts'
import { capturePanes, captureMachine, captureStyled, snapshot } from './panes.ts'
import { typedResult, stripsControlBytes, typingLine } from './paste.ts'
import { loginEnvironment } from '../host/login-shell.ts'
import { hasStarted, startLine } from './start.ts'

/** The methods of `PaneHost` that need a channel to tmux. */
export type TmuxPanes = Pick<PaneHost, 'modes_block' | 'snapshot' | 'snapshotWithScreens' | 'capture' | 'history' | 'type' | 'start'> & {
  /** Makes the panes of these agents stay when the agents end, even if somebody changed the option of the window. */
  keep(agents: readonly Incarnation[]): Promise<void>
}

/** Returns the tmux methods of `PaneHost` for a machine. */
export function panesOf(tmux: Tmux, machine: Machine): TmuxPanes {
  /** The login shell's environment, read once, because a login shell can take seconds and a machine has many agents. */
  let login: Promise<Readonly<Record<string, string>>> | null = null
  const readLogin = async () => {
    try {
      return await (login ??= loginEnvironment(machine))
    } catch (thrown) {
      login = null
      throw thrown
    }
  }
  return {
    modes_block: stripsControlBytes(tmux.version),
    snapshot: () => snapshot(tmux, machine),
    snapshotWithScreens: () => captureMachine(tmux, machine),
    capture: (history) => captureStyled(tmux, machine, history),
    async history(panes, rows) {
      const ids = panes.map(({ id }) => id)
      const shown = await capturePanes(tmux, ids, { lines: rows })
      return new Map(panes.flatMap(({ id, height }) => (shown.has(id) ? [[id, shown.get(id)?.slice(0, -height) ?? []] as const] : [])))
    },
    async type(all) {
      return (await tmux.run(all.map((typing) => typingLine(typing, tmux.version)))).map(typedResult)
    },
    async keep(agents) {
      const panes = agents.flatMap((agent) => incarnationParts(agent)?.pane ?? [])
      await tmux.run(panes.map((pane) => [['set-option', '-p', '-t', pane, 'remain-on-exit', 'on']]))
    },
    async start(launches) {
      const variables = await readLogin()
      return (await tmux.run(launches.map((launch) => startLine(launch, machine, variables)))).map(hasStarted)
    },
  }
}
