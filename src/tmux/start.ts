/** The agent as the pane's own process: one line that starts it, and tmux's own check that nothing of anybody's is ended for it. */
import type { Machine } from '../core/nouns.ts'
import type { Launch } from '../core/pane-host.ts'
import type { TmuxCommand, TmuxReply } from '../core/ports.ts'
import { bornFunction } from '../host/processes.ts'
import { shellWord } from '../host/quote.ts'
import { renderLine } from './quote.ts'

/**
 * The words are read by three programs, so they travel as a variable and none of them has to quote for the next: tmux starts the
 * shell below, that becomes the person's login shell (for its PATH), which runs the script through `sh` and becomes the agent.
 */
const loginShell = `exec "\${SHELL:-/bin/sh}" -lc 'exec sh -c "$BURN_EXEC"'`

/** The script that becomes the agent. */
export function startScript({ argv, dir }: Pick<Launch, 'argv' | 'dir'>): string {
  const home = dir === '~' || dir.startsWith('~/')
  const path = home ? `"$HOME"${dir.length > 2 ? `/${shellWord(dir.slice(2))}` : ''}` : shellWord(dir)
  return `unset BURN_EXEC; mkdir -p -- ${path} && cd -- ${path} && exec ${argv.map(shellWord).join(' ')}`
}

/**
 * Has tmux itself ask for the start of the pane's new process, before the pane is marked as ours: an incarnation never changes. Where
 * that fails, the start stays unknown. `#` is doubled for tmux, which expands the formats.
 */
function startedCommand(pane: string, tmux: string): TmuxCommand {
  const script = `${bornFunction}\nset -- $(born "$1"); [ -z "$3" ] || ${shellWord(tmux)} -N -S "$socket" set-option -p -t ${pane} @burn_started "$3"`
  const words = `set -- #{pane_pid}; socket=#{q:socket_path}\n${script.replaceAll('#', '##')}`
  return ['run-shell', '-t', pane, `{\n${words}\n} >/dev/null 2>&1; true`]
}

/**
 * Starts an agent in a pane that has none, and marks it as ours by its pid. A pane in which an agent of ours lives by now, or whose
 * placeholder was replaced by somebody's program, is left alone: the reply's last line says `burn-started` or `burn-taken`.
 */
export function startLine({ pane, ...start }: Launch, { tmux, session }: Pick<Machine, 'tmux' | 'session'>): readonly TmuxCommand[] {
  const env = Object.entries({ ...start.env, BURN_WORKER: pane.worker ?? '', BURN_EXEC: startScript(start) }).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ])
  const begin: TmuxCommand[] = [
    ['respawn-pane', '-k', '-t', pane.id, ...env, loginShell],
    ['set-option', '-p', '-u', '-t', pane.id, '@burn_started'],
    ['set-option', '-p', '-t', pane.id, '@burn_session', session],
    startedCommand(pane.id, tmux),
    ['set-option', '-p', '-F', '-t', pane.id, '@burn_agent', '#{pane_pid}'],
    ['set-option', '-p', '-t', pane.id, '@burn_queues', start.queues ? '1' : ''],
    ['set-option', '-p', '-t', pane.id, '@burn_without_hooks', start.without_hooks ?? ''],
    // What the agent before it told says nothing of this one.
    ['set-option', '-p', '-u', '-t', pane.id, '@burn_signal'],
    ['display-message', '-p', 'burn-started'],
  ]
  const unchanged = `#{==:#{pane_id} #{pane_pid} #{@burn_worker},${pane.id} ${pane.pid} ${pane.worker ?? ''}}`
  return [['if-shell', '-F', '-t', pane.id, unchanged, renderLine(begin), renderLine([['display-message', '-p', 'burn-taken']])]]
}

/** Returns true if the reply to a start says that the agent was started. */
export function hasStarted({ ok, lines }: TmuxReply): boolean {
  return ok && lines.at(-1) === 'burn-started'
}
