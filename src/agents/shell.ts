/** Any program that reads lines: no composer to look at, so nothing it shows proves a turn. For tests, and for agents not known yet. */
import type { PaneAgent } from '../core/agent.ts'
import { pasteLine } from './screen.ts'

export const shell: PaneAgent = {
  kind: 'shell',
  command: ['sh'],
  may_loop: true,
  start: (config) => ({ argv: config.command.length > 0 ? config.command : shell.command, env: config.env }),
  parseScreen(screen, pane) {
    const state = pane.dead ? 'dead' : 'unknown'
    const evidence = pane.dead
      ? 'the pane is dead'
      : (screen
          .findLast((row) => row.trim() !== '')
          ?.trim()
          .slice(0, 80) ?? 'blank screen')
    return { reading: { state, detail: null, evidence }, composer: 'absent', composer_rows: [0, 0], draft: '' }
  },
  place: pasteLine,
  // A shell runs what it is given.
  expands: [/[^A-Za-z0-9 .,:_-]/],
  limits: { ready: 10_000, placed: 5_000, seen: 10_000, submit_delay: 0 },
}
