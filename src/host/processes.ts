/** Reads the process table of a machine, to tell whether a process still runs and is still the same process. Ends processes. */
import type { Machine } from '../core/nouns.ts'
import type { RunningProcess } from '../core/incarnation.ts'
import { runOn } from './run-on.ts'

const limit = 20_000

/**
 * A shell function that prints the state, parent and start time of a process, or nothing if the process has ended. Linux counts the start
 * time in clock ticks since boot, so setting the clock does not change it. Elsewhere `ps` prints a date instead. The `ps` of busybox does
 * not print start times, but busybox systems run Linux with /proc. The name of a program may have several lines.
 */
export const processStartFunction = `born() {
  if [ -r /proc/self/stat ]; then
    stat=; while IFS= read -r line; do stat="$stat$line "; done 2>/dev/null <"/proc/$1/stat"
    set -- \${stat##*) }; set -- "$1" "$2" "\${20}"
  else set -- $(TZ=UTC0 LC_ALL=C ps -o stat= -o ppid= -o lstart= -p "$1" 2>/dev/null); fi
  case $1 in Z* | X* | x* | '') return 0 ;; esac
  printf '%s %s ' "$1" "$2"; shift 2; (IFS=_; echo "$*")
}`

/**
 * The script gets pids as arguments. If the shell can't find its own pid in the process table, the table proves nothing about other
 * processes.
 */
const script = `${processStartFunction}
[ -n "$(born $$)" ] || exit 1
for pid; do
  at=$(born "$pid"); [ -n "$at" ] || continue
  echo "process $pid $at"; parent=\${at#* } parent=\${parent%% *}
  { IFS= read -r comm <"/proc/$parent/comm" || comm=$(ps -o comm= -p "$parent"); } 2>/dev/null
  echo "under $comm"
  if [ -r "/proc/$pid/environ" ]; then tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null
  elif [ ! -d /proc/self ]; then ps eww -o command= -p "$pid" | tr ' ' '\\n'
  fi | sed -n -e '/^TMUX=/p' -e '/^TMUX_PANE=/p'
done
echo end`

/** Returns the given processes that still run, as a map by pid; null if the machine could not read its process table. */
export async function processesOn(machine: Machine, pids: readonly number[]): Promise<ReadonlyMap<number, RunningProcess> | null> {
  const { code, stdout } = await runOn(machine, ['sh', '-c', script, 'burn', ...pids.map(String)], { timeout_ms: limit })
  const lines = stdout.trimEnd().split('\n')
  if (code !== 0 || lines.pop() !== 'end') return null
  const found = new Map<number, RunningProcess>()
  let last: RunningProcess | null = null
  for (const line of lines) {
    const [, pid, parent, started = ''] = /^process (\d+) \S+ (\d+) (\S+)$/.exec(line) ?? []
    if (pid !== undefined) last = { pid: Number(pid), started, parent: Number(parent), under_tmux: false, pane: null, server: null }
    else if (last !== null) last = withDetail(last, line)
    if (last !== null) found.set(last.pid, last)
  }
  return found
}

function withDetail(process: RunningProcess, line: string): RunningProcess {
  if (line.startsWith('under ')) return { ...process, under_tmux: /(?:^|\/)tmux\b/.test(line.slice('under '.length)) }
  const pane = /^TMUX_PANE=(%\d+)$/.exec(line)?.[1]
  if (pane !== undefined) return { ...process, pane }
  const [, socket, pid] = /^TMUX=([^\p{Cc}]+),(\d+),\d+$/u.exec(line) ?? []
  return socket === undefined ? process : { ...process, server: { socket, pid: Number(pid) } }
}

/** A process to end. If its start time is known, burn ends no later process with the same pid. */
export type EndedProcess = Pick<RunningProcess, 'pid'> & { readonly started: string | null }

/** The time (s) that a process has after SIGTERM to save its work. Then burn ends it with SIGKILL. */
const graceSeconds = 10
/** The time (s) until a process must have ended after SIGKILL. */
const killSeconds = 5

/**
 * The script gets words of the form `pid:start time`. It prints the pids of the processes that still run. A process that stops the terminal
 * may be stopped itself, so it gets SIGCONT, too.
 */
const endScript = `${processStartFunction}
running() {
  left=
  for word; do
    set -- $(born "\${word%%:*}"); started=\${word#*:}
    [ -z "$3" ] || { [ -n "$started" ] && [ "$3" != "$started" ]; } || left="$left $word"
  done
}
signal() { for word in $left; do kill "-$1" "\${word%%:*}" 2>/dev/null; done; }
wait_for() { end=$(($(date +%s) + $1)); while running $left; [ -n "$left" ] && [ "$(date +%s)" -lt "$end" ]; do sleep 0.1 2>/dev/null || sleep 1; done; }
[ -n "$(born $$)" ] || exit 1
running "$@"; signal TERM; signal CONT; wait_for ${graceSeconds}; signal KILL; wait_for ${killSeconds}
for word in $left; do echo "\${word%%:*}"; done
echo end`

/**
 * Ends processes: with SIGTERM, and after a while with SIGKILL. Returns the pids of the processes that still run; null if the machine could
 * not read its process table.
 */
export async function endProcesses(machine: Machine, processes: readonly EndedProcess[]): Promise<ReadonlySet<number> | null> {
  const words = processes.map(({ pid, started }) => `${pid}:${started ?? ''}`)
  const timeout_ms = (graceSeconds + killSeconds) * 1000 + limit
  const { code, stdout } = await runOn(machine, ['sh', '-c', endScript, 'burn', ...words], { timeout_ms })
  const lines = stdout.trimEnd().split('\n')
  return code === 0 && lines.pop() === 'end' ? new Set(lines.map(Number)) : null
}
