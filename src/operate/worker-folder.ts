/** Makes the folder of a worker and a clone of its home repo, and looks for its agent program. One script on the machine does all of this. */
import type { Machine, Worker } from '../core/nouns.ts'
import type { ProvisionStep, StepResult, StepState } from '../core/provision.ts'
import { oneLine } from '../core/text.ts'
import { runOn } from '../host/run-on.ts'

/** The time limit (ms) for the folder, the clone and the program of one worker. */
const timeout = 20 * 60_000

/** The folder to make. */
export interface NewFolder {
  readonly worker: Pick<Worker, 'dir'>
  /** The repo to clone; null if there is none. */
  readonly clone: { readonly url: string; readonly name: string } | null
  /** The agent program. */
  readonly program: string
  /** The PATH of the login shell, in which agents run. */
  readonly path: string
}

/**
 * The script. Its arguments: `make`, or `look` for a dry run; the folder; the clone URL, or an empty text; the name of the clone; the agent
 * program; the PATH of the login shell. It prints a line for each step: step, state and text, separated by tabs.
 *
 * git clones into a folder with another name, which the script renames at the end. So an interrupted script leaves no half of a clone. The
 * name has the process id of its script: a later script deletes the folder if that process has ended. If two scripts clone at once, the
 * first rename wins, and the second clone lands inside of the first one, where its own script deletes it.
 */
const script = `mode=$1 dir=$2 url=$3 name=$4 program=$5 path=$6
export GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1 GIT_HTTP_LOW_SPEED_TIME=30 GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=8 -o ServerAliveInterval=15'
case $dir in '~') dir=$HOME ;; '~/'*) dir=$HOME/\${dir#??} ;; esac
say() { printf '%s\\t%s\\t%s\\n' "$1" "$2" "$(printf %s "$3" | tr '\\n\\t' '  ' | cut -c 1-600)"; }
if [ -d "$dir" ]; then say folder ok "$dir"
elif [ "$mode" = look ]; then say folder made "$dir"
elif error=$(mkdir -p -- "$dir" 2>&1); then say folder made "$dir"
else say folder failed "$error"; fi
clone() {
  [ -n "$url" ] || { say clone none 'the worker has no home repo'; return; }
  target=$dir/$name
  if [ -e "$target/.git" ]; then
    from=$(git -C "$target" config --get remote.origin.url 2>/dev/null)
    [ "$from" = "$url" ] && say clone ok "$target" || say clone failed "$target is a clone of \${from:-another repo}, not of $url"
    return
  fi
  if [ -e "$target" ] && [ -n "$(ls -A "$target" 2>&1)" ]; then say clone failed "$target exists, and is no clone of $url"; return; fi
  if ! command -v git >/dev/null 2>&1; then say clone failed 'the machine has no git'; return; fi
  if [ "$mode" = look ]; then say clone made "$target"; return; fi
  [ -d "$dir" ] || { say clone failed "$dir does not exist"; return; }
  for old in "$dir"/.burn-clone.*; do
    pid=\${old##*/.burn-clone.} pid=\${pid%%.*}
    [ ! -d "$old" ] || kill -0 "$pid" 2>/dev/null || rm -rf "$old"
  done
  new=$(mktemp -d "$dir/.burn-clone.$$.XXXXXX" 2>&1) || { say clone failed "$new"; return; }
  trap 'rm -rf "$new"' EXIT
  trap 'exit 1' HUP INT TERM
  error=$(git -c protocol.ext.allow=never clone -q -- "$url" "$new" 2>&1 </dev/null) || { say clone failed "git can't clone $url: $error"; return; }
  chmod "$(printf '%o' "$((0777 & ~0$(umask)))")" "$new"
  rmdir "$target" 2>/dev/null
  mv "$new" "$target" || { say clone failed "$target could not be made"; return; }
  rm -rf "$target/\${new##*/}"
  say clone made "$target"
}
clone
at=$(PATH=$path; command -v "$program" 2>/dev/null) && say program ok "$at" || say program failed "the login shell does not find $program"
exit 0`

const steps: readonly ProvisionStep[] = ['folder', 'clone', 'program']

/** Makes a worker's folder and clone, and looks for its program. With `dryRun` it makes nothing, and `made` means that it would. */
export async function prepareFolder(machine: Machine, folder: NewFolder, dryRun: boolean): Promise<StepResult[]> {
  const { worker, clone, program, path } = folder
  const words = ['sh', '-c', script, 'burn', dryRun ? 'look' : 'make', worker.dir, clone?.url ?? '', clone?.name ?? '', program, path]
  const { stdout, stopped } = await runOn(machine, words, { timeout_ms: timeout })
  const found = new Map(stdout.split('\n').map((line) => [line.split('\t')[0] ?? '', line.split('\t')]))
  return steps.map((step): StepResult => {
    const [, state, text = ''] = found.get(step) ?? []
    if (!isState(state)) return { step, state: 'failed', what: noAnswer(machine, stopped !== null), remedy: `burn doctor ${machine.name}` }
    const what = oneLine(text.replaceAll(/:\/\/[^/@\s]*@/g, '://'), 300)
    return { step, state, what, remedy: state === 'failed' ? remedyOf(step, machine) : '' }
  })
}

const isState = (word: string | undefined): word is StepState => ['ok', 'made', 'none', 'failed'].includes(word ?? '')

function noAnswer({ name }: Machine, isLate: boolean): string {
  return isLate ? `${name} did not finish within ${timeout / 60_000} minutes` : `${name} did not answer`
}

function remedyOf(step: ProvisionStep, { name }: Machine): string {
  if (step === 'program') return 'install the program, or write its path in "command" of the agent in the spec'
  return step === 'clone' ? `burn doctor ${name}` : 'check the permissions and the free space on the machine'
}
