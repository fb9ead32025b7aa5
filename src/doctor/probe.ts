/** Probes a machine: runs one fixed shell script on it, in one round trip, and parses its output. */
import type { Machine } from '../core/nouns.ts'
import { oneLine } from '../core/text.ts'
import { explainTransportFailure } from '../host/transport-failure.ts'
import { loginShellFunctions, loginShellLine } from '../host/login-shell.ts'
import { loginShellScript, shellWord } from '../host/quote.ts'
import { memoryScript, parseMemory, type MachineMemory } from '../host/memory.ts'
import { runOn } from '../host/run-on.ts'
import { lineOn, reachRemedy } from '../observe/remedies.ts'

/** The results of the script. A value is null if the machine could not report it. */
export interface Probe {
  /** The path of the person's login shell, e.g. `/usr/bin/fish`. */
  readonly shell: string
  /** True if the login shell runs commands. Otherwise no agent can start. */
  readonly shell_works: boolean
  /** `tmux -V`, e.g. `tmux 3.4`. */
  readonly tmux: string | null
  /** The path of tmux in the user's login shell; null if the shell does not find tmux. A command over ssh may have another PATH. */
  readonly login_tmux: string | null
  readonly git: string | null
  /** Seconds since the epoch, by the machine's clock. */
  readonly clock: number | null
  /** `uname -s`. */
  readonly os: string | null
  /** The command that installs a package, without the name of the package, such as `apt-get install -y`. */
  readonly install: string | null
  readonly disk_free_kb: number | null
  readonly memory: MachineMemory
  readonly cores: number | null
  /** The number of live agents of this fleet. */
  readonly agents: number
  /** The tmux sessions that have panes of this fleet. */
  readonly sessions: readonly string[]
  readonly hooks: {
    /** The number of events that hooks reported. `dropped`: the number of events that the hook dropped. */
    readonly events: number
    readonly dropped: number
    /** The number of hook event files that belong to no pane of this fleet. */
    readonly stray_files: number
    /** The number of agents that run without hooks even though the spec enables hooks. `why`: the reason for one of these agents. */
    readonly without: number
    readonly why: string
  }
  /** Agent programs that the user's login shell finds. */
  readonly found: ReadonlySet<string>
}

const probeTimeout = 40_000

/**
 * The script. Its arguments: the path of tmux, the tmux socket, the session, the state directory, and the
 * agent programs. It prints `key=value` lines, and those of `memoryScript`. tmux lists a pane once for each session that has it; the name of
 * a session has no colon.
 */
const script = `tmux=$1 socket=$2 session=$3 state=$4; shift 4
echo "clock=$(date +%s)"
os=$(uname -s)
echo "os=$os"
echo "tmux=$("$tmux" -V 2>/dev/null)"
echo "git=$(git --version 2>/dev/null)"
echo "disk=$(df -Pk "$HOME" 2>/dev/null | awk 'NR==2 {print $4}')"
echo "cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null)"
${memoryScript}
list=$("$tmux" -L "$socket" list-panes -a -f "#{==:#{?@burn_session,#{@burn_session},#{session_name}},$session}" \\
  -F '#{pane_id} #{pane_pid} #{@burn_agent} #{pane_dead} #{session_name}:#{@burn_without_hooks}' 2>/dev/null)
printf '%s\\n' "$list" | sort | awk -F '[ ]' '
  NF < 5 { next }
  { rest = $0; sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", rest); end = index(rest, ":"); session = substr(rest, 1, end - 1); rest = substr(rest, end + 1) }
  !(session in sessions) { sessions[session]; print "in_session=" session }
  !($1 in had) { had[$1]; agents += $2 == $3 && $4 == 0; if (rest != "") { without++; why = rest } }
  END { print "agents=" agents + 0; print "without=" without + 0; print "without_why=" why }'
case $state in '~/'*) state=$HOME/\${state#??} ;; esac
cat "$state"/hooks/*.jsonl 2>/dev/null | awk '!/"ok":true}$/ {n++} END {print "events=" NR; print "dropped=" n + 0}'
panes=' ' stray=0
while read -r pane rest; do panes="$panes$pane "; done <<END
$list
END
for file in "$state"/hooks/*.jsonl; do
  pane=\${file##*/} pane=%\${pane%.jsonl}
  [ ! -f "$file" ] || case $panes in *" $pane "*) ;; *) stray=$((stray + 1)) ;; esac
done
echo "stray_files=$stray"
as=; [ "$(id -u)" = 0 ] || as='sudo '
if [ "$os" = Darwin ]; then echo 'install=brew install'
else for with in 'apt-get install -y' 'dnf install -y' 'apk add' 'pacman -S' 'zypper install'; do
  command -v "\${with%% *}" >/dev/null 2>&1 && { echo "install=$as$with"; break; }
done; fi
${loginShellFunctions}
shell=$(login_shell)
echo "shell=$shell"
path=$(as_login "$shell" ${shellWord(loginShellScript('printf "burn<%s>burn" "$PATH"'))} 2>/dev/null)
case $path in *'burn<'*'>burn'*)
  path=\${path##*'burn<'} path=\${path%'>burn'*}
  echo shell_works=1
  for program in tmux "$@"; do
    at=$(PATH=$path; command -v "$program") || continue
    echo "found=$program"; [ "$program" = tmux ] && echo "login_tmux=$at"
  done ;;
esac
exit 0`

/** The result of a probe, or the reason that the probe failed. */
export type ProbeResult =
  | { readonly ok: true; readonly probe: Probe }
  | { readonly ok: false; readonly reason: string; readonly remedy: string }

/**
 * Probes a machine within `timeout` (ms). Throws BurnError if the connection cannot be set up.
 */
export async function probeMachine(machine: Machine, programs: readonly string[], timeout = probeTimeout): Promise<ProbeResult> {
  const words = ['sh', '-c', script, 'burn', machine.tmux, machine.socket, machine.session, machine.state_dir, ...programs]
  const { code, stdout, stderr, stopped } = await runOn(machine, words, { timeout_ms: timeout })
  const probe = parseProbe(stdout)
  const seconds = timeout / 1000
  if (stopped !== null && probe.clock !== null)
    return {
      ok: false,
      reason: `the login shell did not exit within ${seconds} s (${probe.shell})`,
      remedy: `find out what the shell's profile waits for: ${lineOn(machine, loginShellLine(probe.shell, 'exit'))}`,
    }
  if (stopped !== null) return { ok: false, reason: `no answer within ${seconds} s`, remedy: 'check the machine and its network' }
  if (code === 0) return { ok: true, probe }
  const failure = explainTransportFailure(stderr, code)
  return { ok: false, reason: failure.reason, remedy: reachRemedy(machine, failure) }
}

function parseProbe(stdout: string): Probe {
  const lines = stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const textOf = (key: string) =>
    lines.filter(([name, value]) => name === key && value !== '').map(([, value]) => oneLine(value))[0] ?? null
  const numberOf = (key: string) => (/^\s*\d+\s*$/.test(textOf(key) ?? '') ? Number(textOf(key)) : null)
  return {
    shell: textOf('shell') ?? '/bin/sh',
    shell_works: textOf('shell_works') !== null,
    tmux: textOf('tmux'),
    login_tmux: textOf('login_tmux'),
    git: textOf('git'),
    clock: numberOf('clock'),
    os: textOf('os'),
    install: textOf('install'),
    disk_free_kb: numberOf('disk'),
    memory: parseMemory(stdout),
    cores: numberOf('cores'),
    agents: numberOf('agents') ?? 0,
    sessions: lines.flatMap(([name, value]) => (name === 'in_session' ? [oneLine(value)] : [])),
    hooks: {
      events: numberOf('events') ?? 0,
      dropped: numberOf('dropped') ?? 0,
      stray_files: numberOf('stray_files') ?? 0,
      without: numberOf('without') ?? 0,
      why: textOf('without_why') ?? '',
    },
    found: new Set(lines.flatMap(([name, value]) => (name === 'found' ? [value] : []))),
  }
}
