/** Writes messages for agents as files into the agents' directories on a machine. One `sh` writes all of them. */
import type { Machine } from '../core/nouns.ts'
import type { Placed, WrittenText } from '../core/pane-host.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { explainTransportFailure } from './transport-failure.ts'
import { shellWord } from './quote.ts'
import { runOn } from './run-on.ts'

const limit = 30_000
/** The age (days) at which burn removes the file of a message. */
const retentionDays = 28

/**
 * Writes each message to a file (mode 0600) in the folder `.burn` of the agent's directory. If all folders existed before, removes message
 * files that are older than four weeks. Returns the outcome by delivery id. The folder has mode 0700, and git ignores it. An existing file
 * is replaced by renaming a temporary file. A new file is written in place, because nobody knows its name before this function returns.
 *
 * Throws BurnError `machine_files` if the script did not run to its end on the machine.
 */
export async function writeDeliveryFiles(machine: Machine, texts: readonly WrittenText[]): Promise<ReadonlyMap<string, Placed>> {
  const puts = texts.map(({ id, dir, file, text }) => {
    return `put ${id} ${directoryWord(dir)} ${shellWord(file.slice(file.lastIndexOf('/') + 1))} ${shellWord(text)}\n`
  })
  const folders = [...new Set(texts.map(({ dir }) => `${directoryWord(dir)}/.burn`))]
  const missing = `for dir in ${folders.join(' ')}; do [ -d "$dir" ] || missing=1; done\n[ -z "$missing" ] || mkdir -p -- ${folders.join(' ')} 2>/dev/null\n`
  const script = `${functions}${missing}${puts.join('')}[ -n "$missing" ] || find ${folders.join(' ')} -type f -name '*.md*' -mtime +${retentionDays} -exec rm -f {} + 2>/dev/null\nexit 0\n`
  const { code, stdout, stderr, stopped } = await runOn(machine, ['sh', '-s'], { input: script, timeout_ms: limit })
  const found = new Map<string, Placed>()
  for (const [, id = '', sign, detail = ''] of stdout.matchAll(/^(\w+) ([+-]) (.*) \.$/gm))
    found.set(id, sign === '+' ? { directory: detail } : { why: detail })
  if (code === 0 && texts.every(({ id }) => found.has(id))) return found
  const why =
    stopped === 'timeout'
      ? `the script took longer than ${limit / 1000} s`
      : code === 0
        ? oneLine(stderr)
        : explainTransportFailure(stderr, code).reason
  throw new BurnError(
    'machine_files',
    `burn could not write messages for agents on ${machine.name}: ${why}`,
    "check the permissions and the free space in the workers' directories on that machine",
  )
}

function directoryWord(dir: string): string {
  if (dir === '~' || dir === '~/') return '"$HOME"'
  return dir.startsWith('~/') ? `"$HOME"/${shellWord(dir.slice(2))}` : shellWord(dir)
}

/**
 * The shell functions that write one message. Gemini's tools do not read files that git ignores, so the pattern in `.gitignore` has a form
 * that git understands and Gemini does not. The functions start no further process for a message, so burn writes a hundred messages
 * quickly. They refuse a symbolic link in place of the folder, because a link could lead anywhere.
 */
const functions = `umask 077
missing=
place() {
  [ -d "$1/.burn" ] || mkdir -p -- "$1/.burn" || return 1
  if [ -h "$1/.burn" ]; then printf '%s\\n' "$1/.burn is a symbolic link" >&2; return 1; fi
  [ -e "$1/.burn/.gitignore" ] || [ -h "$1/.burn/.gitignore" ] || printf '.gitignore\\n[[:alnum:]]*\\n' >"$1/.burn/.gitignore" || return 1
  if [ -e "$1/.burn/$2" ]; then printf %s "$3" >"$1/.burn/$2.new" && mv -f -- "$1/.burn/$2.new" "$1/.burn/$2"; else printf %s "$3" >"$1/.burn/$2"; fi
}
put() {
  if place "$2" "$3" "$4" 2>/dev/null || why=$(place "$2" "$3" "$4" 2>&1); then
    cd -- "$2" && printf '%s + %s .\\n' "$1" "$PWD"
  else
    printf '%s - %s .\\n' "$1" "$(printf %s "$why" | tr '\\n' ' ')"
  fi
}
`
