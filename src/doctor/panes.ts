/** Finds panes in which burn cannot read the screen of an agent, because a person made them too small. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Finding } from './findings.ts'
import { counted } from '../core/text.ts'
import { smallestPane, windowSize } from '../decide/topology.ts'
import { shellWords } from '../host/quote.ts'
import { lineOn } from '../observe/remedies.ts'

/** The minimum size of a pane in columns and rows: half the size of a new pane. In smaller ones, agents leave out parts of their screens. */
const readable = { width: smallestPane.width / 2, height: smallestPane.height / 2 }
const maxNamed = 5

/** Returns a finding about panes of workers that are too small, with the command that enlarges their windows. */
export function smallPaneFindings(machine: Machine, snapshot: MachineSnapshot): Finding[] {
  if (snapshot.state !== 'up') return []
  const isSmall = ({ width, height }: Pane) => width < readable.width || height < readable.height
  const small = snapshot.panes.filter((pane) => pane.worker !== null && !pane.dead && isSmall(pane))
  if (small.length === 0) return []
  const named = small.slice(0, maxNamed).map(({ worker, width, height }) => `${worker} (${width}×${height})`)
  const more = small.length > maxNamed ? ', …' : ''
  const size = `smaller than ${readable.width} columns and ${readable.height} rows`
  const commands = [...new Set(small.map(({ window_id }) => window_id))].flatMap((window) => enlarge(snapshot, window))
  return [
    {
      level: 'warn',
      where: machine.name,
      what: `${counted(small.length, 'pane')} ${small.length === 1 ? 'is' : 'are'} ${size}, so that burn may not recognise the agent: ${named.join(', ')}${more}`,
      remedy: lineOn(machine, shellWords([machine.tmux, '-L', machine.socket, ...commands.slice(1)])),
    },
  ]
}

/** Returns the tmux commands that give a window enough space for all of its panes, and that share the space evenly. */
function enlarge({ panes, windows }: Extract<MachineSnapshot, { state: 'up' }>, window: string): string[] {
  const need = windowSize(panes.filter(({ window_id }) => window_id === window).length)
  const now = windows.find(({ id }) => id === window) ?? need
  const size = ['-x', String(Math.max(need.width, now.width)), '-y', String(Math.max(need.height, now.height))]
  return [';', 'resize-window', '-t', window, ...size, ';', 'select-layout', '-t', window, 'tiled']
}
