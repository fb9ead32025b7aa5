/** What a machine says of itself: one fixed script over its prefix, one round trip. */
import type { Machine } from '../core/nouns.ts'
import { run } from '../host/exec.ts'
import { explainFailure } from '../host/failure.ts'
import { argvOn } from '../host/transport.ts'

/** What the script found. Null where the machine could not say. */
export interface Probe {
  /** `tmux -V`, e.g. `tmux 3.4`. */
  readonly tmux: string | null
  readonly git: string | null
  /** Seconds since the epoch, by the machine's clock. */
  readonly clock: number | null
  readonly disk_free_kb: number | null
  readonly memory_free_kb: number | null
  /** Agent programs that the person's login shell finds. */
  readonly found: ReadonlySet<string>
  /** What `git ls-remote` said of a repo that it could not read; null where it could, or was not asked. */
  readonly git_error: string | null
}

const limit = 40_000

/** `$1` tmux, `$2` a clone URL or nothing, the rest agent programs. Prints `key=value` lines. */
const script = `tmux=$1 url=$2; shift 2
echo "tmux=$("$tmux" -V 2>/dev/null)"
echo "git=$(git --version 2>/dev/null)"
echo "clock=$(date +%s)"
echo "disk=$(df -Pk "$HOME" 2>/dev/null | awk 'NR==2 {print $4}')"
if [ -r /proc/meminfo ]; then echo "memory=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)"; else echo "memory=$(( $(sysctl -n hw.memsize 2>/dev/null || echo 0) / 1024 ))"; fi
for program; do BURN_PROGRAM=$program "\${SHELL:-/bin/sh}" -lc 'command -v "$BURN_PROGRAM"' >/dev/null 2>&1 && echo "found=$program"; done
if [ -n "$url" ]; then said=$(GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=8' git ls-remote --heads -- "$url" 2>&1 >/dev/null) || echo "git_error=$(printf %s "$said" | tail -n 1)"; fi
exit 0`

export type Probed = { readonly ok: true; readonly probe: Probe } | { readonly ok: false; readonly reason: string; readonly hint: string }

export async function probeMachine(machine: Machine, cloneUrl: string | null, programs: readonly string[]): Promise<Probed> {
  const argv = argvOn(machine, ['sh', '-c', script, 'burn', machine.tmux, cloneUrl ?? '', ...programs])
  const { code, stdout, stderr, stopped } = await run(argv, { timeout_ms: limit })
  if (stopped !== null) return { ok: false, reason: `it did not answer in ${limit / 1000} s`, hint: 'check the machine and its network' }
  if (code !== 0) {
    const { reason, hint } = explainFailure(stderr, code)
    return { ok: false, reason, hint }
  }
  return { ok: true, probe: read(stdout) }
}

function read(stdout: string): Probe {
  const lines = stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const text = (key: string) => lines.find(([name, value]) => name === key && value !== '')?.[1] ?? null
  const number = (key: string) => (text(key) === null ? null : Number(text(key)))
  return {
    tmux: text('tmux'),
    git: text('git'),
    clock: number('clock'),
    disk_free_kb: number('disk'),
    memory_free_kb: number('memory'),
    found: new Set(lines.flatMap(([name, value]) => (name === 'found' ? [value] : []))),
    git_error: text('git_error'),
  }
}
