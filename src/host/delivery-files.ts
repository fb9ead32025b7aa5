/** Texts for agents as files in their directories on a machine: one `sh` for all of them, each written whole before anybody hears its name. */
import type { Machine } from '../core/nouns.ts'
import type { Placed, WrittenText } from '../core/pane-host.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { runProcess } from './exec.ts'
import { explainTransportFailure } from './transport-failure.ts'
import { shellWord } from './quote.ts'
import { argvOn } from './transport.ts'

const limit = 30_000
/** Days after which a text's file is removed. */
const kept = 28

/**
 * Writes each text (0600) below its directory, and removes texts that are older than four weeks. The folder `.burn` is 0700 and ignored by git. A file that is
 * there already is replaced by renaming; a new one needs no renaming, since nobody hears its name before this has returned. Returns what became of each by id.
 * Throws BurnError `machine_files` if the machine itself could not be asked.
 */
export async function writeDeliveryFiles(machine: Machine, texts: readonly WrittenText[]): Promise<ReadonlyMap<string, Placed>> {
  const puts = texts.map(({ id, dir, file, text }) => {
    return `put ${id} ${directoryWord(dir)} ${shellWord(file.slice(file.lastIndexOf('/') + 1))} ${shellWord(text)}\n`
  })
  const folders = [...new Set(texts.map(({ dir }) => `${directoryWord(dir)}/.burn`))]
  const missing = `for dir in ${folders.join(' ')}; do [ -d "$dir" ] || missing=1; done\n[ -z "$missing" ] || mkdir -p -- ${folders.join(' ')} 2>/dev/null\n`
  const script = `${functions}${missing}${puts.join('')}find ${folders.join(' ')} -type f -name '*.md*' -mtime +${kept} -exec rm -f {} + 2>/dev/null\nexit 0\n`
  const { code, stdout, stderr, stopped } = await runProcess(argvOn(machine, ['sh', '-s']), { input: script, timeout_ms: limit })
  const found = new Map<string, Placed>()
  for (const [, id = '', sign, said = ''] of stdout.matchAll(/^(\w+) ([+-]) (.*) \.$/gm))
    found.set(id, sign === '+' ? { directory: said } : { why: said })
  if (code === 0 && texts.every(({ id }) => found.has(id))) return found
  const why =
    stopped === 'timeout'
      ? `it took longer than ${limit / 1000} s`
      : code === 0
        ? oneLine(stderr)
        : explainTransportFailure(stderr, code).reason
  throw new BurnError(
    'machine_files',
    `texts for agents could not be written on ${machine.name}: ${why}`,
    "check the rights and the room in its workers' directories",
  )
}

function directoryWord(dir: string): string {
  if (dir === '~' || dir === '~/') return '"$HOME"'
  return dir.startsWith('~/') ? `"$HOME"/${shellWord(dir.slice(2))}` : shellWord(dir)
}

/**
 * Git ignores the texts, and Gemini, whose tools read nothing that a pattern it knows ignores, reads them.
 *
 * A text takes no process of its own: for a hundred texts that was a second. A link in the folder's place could lead anywhere.
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
