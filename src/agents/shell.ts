/**
 * The agent kind `shell`: any program that reads lines. Such a program has no composer, so its screen never proves that a turn began or
 * ended. Use it for tests, and for agents that burn does not support.
 */
import type { PaneAgent } from '../core/agent.ts'
import { pasteLine } from './screen.ts'

/** A shell, or another program that reads lines, in a pane. */
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
  // A shell runs its input, so only plain words are safe.
  expands: [/[^A-Za-z0-9 .,:_-]/],
  limits: { ready: 10_000, placed: 5_000, seen: 10_000, submit_delay: 0 },
}
