/** The baseline of the benchmarks: the same work with plain tmux, without a ledger, snapshots or guards. */
import type { Machine } from '../src/core/nouns.ts'
import type { Tmux } from '../src/core/ports.ts'
import { planUp } from '../src/decide/topology.ts'
import { renderLine } from '../src/tmux/quote.ts'
import { actionLines } from '../src/tmux/topology.ts'

/** Returns the tmux commands that create the same panes as `burn up`, as the content of a file for `tmux source-file`. */
export function sourceFile(machine: Machine): string {
  const actions = planUp(
    machine,
    { machine: machine.name, state: 'down' },
    { prune: false, work: () => null, retired: new Set(), strays: new Set(), childless: new Set() },
  )
  return `${actions
    .flatMap((action) => actionLines(action, { session: `=${machine.session}`, made_for: machine.session }, false))
    .map(renderLine)
    .join('\n')}\n`
}

/** Sends three commands per pane in one write: set-buffer, paste-buffer and Enter. */
export async function pasteAll(tmux: Tmux, panes: readonly string[], textOf: (index: number) => string): Promise<void> {
  await tmux.run(
    panes.flatMap((pane, index) => [
      [
        ['set-buffer', '-b', `raw-${index}`, '--', `\u001b[200~${textOf(index)}\u001b[201~`],
        ['paste-buffer', '-d', '-r', '-b', `raw-${index}`, '-t', pane],
      ],
      [['send-keys', '-t', pane, '-H', '0d']],
    ]),
  )
}

/** Captures all panes, with one write of commands to tmux. */
export async function captureAll(tmux: Tmux, panes: readonly string[]): Promise<void> {
  await tmux.run(panes.map((pane) => [['capture-pane', '-p', '-t', pane]]))
}
