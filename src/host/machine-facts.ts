/** Reads load, memory, disk, clock, processes and scheduled jobs of a machine with one command. It needs only /bin/sh and the usual tools. */
import type { Machine } from '../core/nouns.ts'
import type { MachineFacts, MachineProcess } from '../core/machine-facts.ts'
import { memoryScript, parseMemory } from './memory.ts'
import { runOn } from './run-on.ts'
import { jobsScript, parseScheduledJobs } from './scheduled-jobs.ts'

const timeout = 20_000

/** The script prints one fact per line, and `end` last. A tool that is missing prints nothing, so its fact is unknown. */
const script = `LC_ALL=C; export LC_ALL
echo "clock $(date +%s)"
if [ -r /proc/loadavg ]; then read -r load rest </proc/loadavg; echo "load $load"
else set -- $(sysctl -n vm.loadavg 2>/dev/null); [ -n "$2" ] && echo "load $2"; fi
echo "cores $(getconf _NPROCESSORS_ONLN 2>/dev/null)"
${memoryScript}
dir=$TMUX_TMPDIR; [ -d "$dir" ] || dir=/tmp; echo "sockets $(cd -P "$dir" && pwd)/tmux-$(id -u)"
df -Pk "$HOME" 2>/dev/null | awk 'NR == 2 {print "disk_total " $2; print "disk_free " $4}'
ps -A -o pid= -o ppid= -o rss= -o comm= 2>/dev/null | sed 's/^/process /'
if [ -r /proc/self/environ ]; then grep -a -o -z -e '^BURN_WORKER=.*' -e '^TMUX=[^,]*' /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' |
  sed -n -e 's|^/proc/\\([0-9]*\\)/environ:BURN_WORKER=|worker \\1 |p' -e 's|^/proc/\\([0-9]*\\)/environ:TMUX=|tmux \\1 |p'
else ps -A -E -ww -o pid= -o command= 2>/dev/null |
  sed -n -e 'h; s/^ *\\([0-9]*\\) .* BURN_WORKER=\\([^ ]*\\).*/worker \\1 \\2/p' -e 'g; s/^ *\\([0-9]*\\) .* TMUX=\\([^ ,]*\\).*/tmux \\1 \\2/p'; fi
echo end
${jobsScript}`

/** Returns the facts about a machine; null if the machine did not answer. Throws BurnError `control_dir`. */
export async function machineFacts(machine: Pick<Machine, 'transport'>): Promise<MachineFacts | null> {
  const { stdout } = await runOn(machine, ['sh', '-c', script], { timeout_ms: timeout })
  return parseMachineFacts(stdout)
}

/** Returns the facts in the output of the script; null if the output is incomplete. */
export function parseMachineFacts(output: string): MachineFacts | null {
  const end = output.indexOf('\nend\n')
  if (end === -1) return null
  const lines = output.slice(0, end).split('\n')
  const numbers = new Map<string, number>()
  const processes: Omit<MachineProcess, 'worker' | 'socket'>[] = []
  const workers = new Map<number, string>()
  const sockets = new Map<number, string>()
  for (const line of lines) {
    const [, pid, parent, rss, command = ''] = /^process +(\d+) +(\d+) +(\d+) +(.*)$/.exec(line) ?? []
    const [, variable, of, text = ''] = /^(worker|tmux) (\d+) (.+)$/.exec(line) ?? []
    const [, name, number] = /^(\w+) (\d+(?:\.\d+)?)$/.exec(line) ?? []
    if (pid !== undefined) processes.push({ pid: Number(pid), parent: Number(parent), memory: Number(rss) * 1024, command })
    else if (variable !== undefined) (variable === 'worker' ? workers : sockets).set(Number(of), text)
    else if (name !== undefined) numbers.set(name, Number(number))
  }
  const memory = parseMemory(output.slice(0, end))
  const scaled = (name: string, factor: number) => {
    const found = numbers.get(name)
    return found === undefined ? null : found * factor
  }
  return {
    clock: scaled('clock', 1000),
    load: scaled('load', 1),
    cores: scaled('cores', 1),
    memory_total: memory.total,
    memory_free: memory.free,
    disk_total: scaled('disk_total', 1024),
    disk_free: scaled('disk_free', 1024),
    socket_folder: lines.flatMap((line) => /^sockets (.+)$/.exec(line)?.[1] ?? [])[0] ?? null,
    processes:
      processes.length === 0
        ? null
        : processes.map((each) => ({ ...each, worker: workers.get(each.pid) ?? null, socket: sockets.get(each.pid) ?? null })),
    jobs: parseScheduledJobs(output.slice(end + '\nend\n'.length)),
  }
}
