/** What a machine says of itself: one fixed script over its prefix, one round trip. */
import type { Machine } from '../core/nouns.ts'
import { oneLine } from '../core/text.ts'
import { runProcess } from '../host/exec.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { argvOn } from '../host/transport.ts'
import { lineOn, reachRemedy } from '../observe/remedies.ts'

/** What the script found. Null where the machine could not say. */
export interface Probe {
  /** `tmux -V`, e.g. `tmux 3.4`. */
  readonly tmux: string | null
  /** Where the person's login shell finds a tmux: not always where a command over ssh does. */
  readonly login_tmux: string | null
  readonly git: string | null
  /** Seconds since the epoch, by the machine's clock. */
  readonly clock: number | null
  /** `uname -s`. */
  readonly os: string | null
  /** What a package's name is put behind to install it. */
  readonly install: string | null
  readonly disk_free_kb: number | null
  readonly memory_free_kb: number | null
  readonly memory_kb: number | null
  readonly cores: number | null
  /** Agents of this fleet that live there already: their memory is no longer free. */
  readonly agents: number
  /** The tmux sessions in which the panes of this fleet are. */
  readonly sessions: readonly string[]
  readonly hooks: {
    /** Events that agents told by them, and those of them that were dropped. */
    readonly heard: number
    readonly dropped: number
    /** Files of panes that this fleet does not have. */
    readonly strangers: number
    /** Agents that were to have hooks and run without them, and why one of them does. */
    readonly without: number
    readonly why: string
  }
  /** Agent programs that the person's login shell finds. */
  readonly found: ReadonlySet<string>
  /** What `git ls-remote` said of a repo that it could not read; null where it could, or was not asked. */
  readonly git_error: string | null
}

const limit_ms = 40_000

/** `$1` tmux, `$2` its socket, `$3` the session, `$4` a clone URL or nothing, `$5` the state directory, the rest agent programs. Prints `key=value` lines. */
const script = `tmux=$1 socket=$2 session=$3 url=$4 state=$5; shift 5
echo "clock=$(date +%s)"
echo "os=$(uname -s)"
echo "tmux=$("$tmux" -V 2>/dev/null)"
echo "git=$(git --version 2>/dev/null)"
echo "disk=$(df -Pk "$HOME" 2>/dev/null | awk 'NR==2 {print $4}')"
echo "cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
if [ -r /proc/meminfo ]; then awk '/^MemAvailable/ {print "memory_free=" $2} /^MemTotal/ {print "memory=" $2}' /proc/meminfo
else bytes=$(sysctl -n hw.memsize 2>/dev/null) && printf 'memory=%s\\nmemory_free=%s\\n' "$((bytes / 1024))" "$((bytes / 1024))"; fi
panes() {
  "$tmux" -L "$socket" list-panes -a -f "#{==:#{?@burn_session,#{@burn_session},#{session_name}},$session}" -F "#{pane_id} $1" 2>/dev/null | sort -u
}
echo "agents=$(panes '#{pane_pid} #{@burn_agent} #{pane_dead}' | awk '$2 == $3 && $4 == 0' | wc -l)"
panes '#{session_name}' | cut -d ' ' -f 2- | sort -u | sed 's/^/in_session=/'
case $state in '~/'*) state=$HOME/\${state#??} ;; esac
cat "$state"/hooks/*.jsonl 2>/dev/null | awk '!/"ok":true}$/ {n++} END {print "heard=" NR; print "dropped=" n + 0}'
panes=" $(panes '' | tr -s ' \\n' ' ')" strangers=0
for file in "$state"/hooks/*.jsonl; do
  pane=\${file##*/} pane=%\${pane%.jsonl}
  [ ! -f "$file" ] || case $panes in *" $pane "*) ;; *) strangers=$((strangers + 1)) ;; esac
done
echo "strangers=$strangers"
panes '#{@burn_without_hooks}' | awk 'NF > 1 {n++; why = $0; sub(/^[^ ]* /, "", why)} END {print "without=" n + 0; print "without_why=" why}'
as=; [ "$(id -u)" = 0 ] || as='sudo '
if [ "$(uname -s)" = Darwin ]; then echo 'install=brew install'
else for with in 'apt-get install -y' 'dnf install -y' 'apk add' 'pacman -S' 'zypper install'; do
  command -v "\${with%% *}" >/dev/null 2>&1 && { echo "install=$as$with"; break; }
done; fi
for program in tmux "$@"; do
  at=$(BURN_PROGRAM=$program "\${SHELL:-/bin/sh}" -lc 'command -v "$BURN_PROGRAM"' 2>/dev/null) || continue
  echo "found=$program"; [ "$program" = tmux ] && echo "login_tmux=$(printf %s "$at" | tail -n 1)"
done
echo asked=programs
if [ -n "$url" ]; then
  export GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1 GIT_HTTP_LOW_SPEED_TIME=15 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=8'
  said=$(git ls-remote --heads -- "$url" 2>&1 >/dev/null) || echo "git_error=$(printf %s "$said" | tr '\\n' ' ')"
fi
exit 0`

export type Probed = { readonly ok: true; readonly probe: Probe } | { readonly ok: false; readonly reason: string; readonly remedy: string }

/** Asks a machine. A clone URL that does not answer in time is a finding of git, and no reason to call the machine unreachable. */
export async function probeMachine(
  machine: Machine,
  cloneUrl: string | null,
  programs: readonly string[],
  limit = limit_ms,
): Promise<Probed> {
  const argv = argvOn(machine, [
    'sh',
    '-c',
    script,
    'burn',
    machine.tmux,
    machine.socket,
    machine.session,
    cloneUrl ?? '',
    machine.state_dir,
    ...programs,
  ])
  const { code, stdout, stderr, stopped } = await runProcess(argv, { timeout_ms: limit })
  const probe = read(stdout)
  const seconds = limit / 1000
  if (stopped !== null && /^asked=programs$/m.test(stdout)) return { ok: true, probe: { ...probe, git_error: `no answer in ${seconds} s` } }
  if (stopped !== null && probe.clock !== null)
    return {
      ok: false,
      reason: `its login shell did not end in ${seconds} s`,
      remedy: `see what its profile waits for: ${lineOn(machine, '$SHELL -lc true')}`,
    }
  if (stopped !== null) return { ok: false, reason: `it did not answer in ${seconds} s`, remedy: 'check the machine and its network' }
  if (code === 0) return { ok: true, probe }
  const failure = explainTransportFailure(stderr, code)
  return { ok: false, reason: failure.reason, remedy: reachRemedy(machine, failure) }
}

function read(stdout: string): Probe {
  const lines = stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const text = (key: string) => lines.filter(([name, value]) => name === key && value !== '').map(([, value]) => oneLine(value))[0] ?? null
  const number = (key: string) => (/^\s*\d+\s*$/.test(text(key) ?? '') ? Number(text(key)) : null)
  return {
    tmux: text('tmux'),
    login_tmux: text('login_tmux'),
    git: text('git'),
    clock: number('clock'),
    os: text('os'),
    install: text('install'),
    disk_free_kb: number('disk'),
    memory_free_kb: number('memory_free'),
    memory_kb: number('memory'),
    cores: number('cores'),
    agents: number('agents') ?? 0,
    sessions: lines.flatMap(([name, value]) => (name === 'in_session' ? [oneLine(value)] : [])),
    hooks: {
      heard: number('heard') ?? 0,
      dropped: number('dropped') ?? 0,
      strangers: number('strangers') ?? 0,
      without: number('without') ?? 0,
      why: text('without_why') ?? '',
    },
    found: new Set(lines.flatMap(([name, value]) => (name === 'found' ? [value] : []))),
    git_error: text('git_error'),
  }
}
