/** Builds the tmux line that starts an agent as the pane's own process. tmux itself checks that the start ends no other program. */
import type { Machine } from '../core/nouns.ts'
import type { Launch } from '../core/pane-host.ts'
import type { TmuxCommand, TmuxReply } from '../core/ports.ts'
import { processStartFunction } from '../host/processes.ts'
import { shellWord } from '../host/quote.ts'
import { renderLine } from './quote.ts'

/** Returns the sh script that changes to the agent's directory and executes the agent in place of the shell. */
function startScript({ argv, dir }: Pick<Launch, 'argv' | 'dir'>): string {
  const home = dir === '~' || dir.startsWith('~/')
  const path = home ? `"$HOME"${dir.length > 2 ? `/${shellWord(dir.slice(2))}` : ''}` : shellWord(dir)
  return `mkdir -p -- ${path} && cd -- ${path} && exec ${argv.map(shellWord).join(' ')}`
}

/**
 * Returns the command with which tmux stores the start time of the pane's new process. The command runs before tmux stores the agent's pid
 * in an option of the pane, because the pid and the start time identify an incarnation, and neither may change later. If the command fails,
 * the start time stays unknown. `#` is doubled, because tmux expands formats in the script.
 */
function startedCommand(pane: string, tmux: string): TmuxCommand {
  const script = `${processStartFunction}\nset -- $(born "$1"); [ -z "$3" ] || ${shellWord(tmux)} -N -S "$socket" set-option -p -t ${pane} @burn_started "$3"`
  const words = `set -- #{pane_pid}; socket=#{q:socket_path}\n${script.replaceAll('#', '##')}`
  return ['run-shell', '-t', pane, `{\n${words}\n} >/dev/null 2>&1; true`]
}

/**
 * Returns the line that starts an agent in a pane with the variables of `login`, and stores the agent's pid in an option of the pane. The
 * pane runs `/bin/sh`, which the agent's process replaces (`exec`), so no other shell has to parse the script. The line does nothing if an
 * agent of burn runs in the pane already, or if another program replaced the placeholder. The last line of the reply is `burn-started` or
 * `burn-taken`.
 */
export function startLine(
  { pane, ...start }: Launch,
  { tmux, session }: Pick<Machine, 'tmux' | 'session'>,
  login: Readonly<Record<string, string>>,
): readonly TmuxCommand[] {
  const env = Object.entries({ ...login, ...start.env, BURN_WORKER: pane.worker ?? '', BURN_AGENT_ID: start.id }).flatMap(
    ([name, value]) => ['-e', `${name}=${value}`],
  )
  const begin: TmuxCommand[] = [
    ['respawn-pane', '-k', '-t', pane.id, ...env, '/bin/sh', '-c', startScript(start)],
    ['set-option', '-p', '-u', '-t', pane.id, '@burn_started'],
    ['set-option', '-p', '-t', pane.id, '@burn_session', session],
    ['set-option', '-p', '-t', pane.id, '@burn_agent_id', start.id],
    // The last event of the previous agent does not apply to the new agent.
    ['set-option', '-p', '-u', '-t', pane.id, '@burn_signal'],
    startedCommand(pane.id, tmux),
    ['set-option', '-p', '-F', '-t', pane.id, '@burn_agent', '#{pane_pid}'],
    ['set-option', '-p', '-t', pane.id, '@burn_queues', start.queues ? '1' : ''],
    ['set-option', '-p', '-t', pane.id, '@burn_without_hooks', start.without_hooks ?? ''],
    ['display-message', '-p', 'burn-started'],
  ]
  const unchanged = `#{==:#{pane_id} #{pane_pid} #{@burn_worker},${pane.id} ${pane.pid} ${pane.worker ?? ''}}`
  return [['if-shell', '-F', '-t', pane.id, unchanged, renderLine(begin), renderLine([['display-message', '-p', 'burn-taken']])]]
}

/** Returns true if the reply to a start reports that the agent was started. */
export function hasStarted({ ok, lines }: TmuxReply): boolean {
  return ok && lines.at(-1) === 'burn-started'
}
