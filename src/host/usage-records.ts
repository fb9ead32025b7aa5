/** Lists and reads the files in which agents record usage, on any machine. It needs only /bin/sh and the usual tools. */
import type { Machine } from '../core/nouns.ts'
import type { FilePart, ListedFile, UsageListing, UsageRecords } from '../core/usage.ts'
import { randomHex } from './random.ts'
import { runOn } from './run-on.ts'
import { queryDatabases } from './usage-databases.ts'

const timeout = 60_000
/** The maximum size (bytes) of the output in addition to the parts of files, for listings and error messages. */
const overhead = 16 * 1024 * 1024

/**
 * Reads lines from stdin: the number of days, `dir PATH`, and `folder NAME PATH`. Prints the clock, the home directory, the real path of each
 * directory, and `ls -lidn` of each file, and `end` last. `~` stands for the home directory.
 */
const listScript = `LC_ALL=C; export LC_ALL
echo "clock $(date +%s)"; echo "home $HOME"
read -r days
while read -r what rest; do
  if [ "$what" = folder ]; then name=\${rest%% *}; rest=\${rest#* }; fi
  case $rest in '~'/*) path=$HOME/\${rest#*/};; *) path=$rest;; esac
  if [ "$what" = dir ]; then
    cd / && cd -- "$path" 2>/dev/null && echo "dir $rest
real $(pwd -P)"
  elif [ -d "$path" ]; then find -H "$path" -type f -name "$name" -mtime "-$days" -exec ls -lidn {} + </dev/null; fi
done
echo end`

/**
 * Reads lines from stdin: `POSITION LENGTH PATH`. Prints the marker $1 and the outcome before the bytes of each part, and the marker last. A
 * file of which burn cannot read a byte has the outcome \`failed\`.
 */
const readScript = `LC_ALL=C; export LC_ALL
while read -r position length path; do
  if [ -r "$path" ]; then printf '%s ok\\n' "$1"; tail -c "+$((position + 1))" -- "$path" </dev/null 2>/dev/null | head -c "$length"
  else printf '%s failed\\n' "$1"; fi
done
printf '%s end\\n' "$1"`

/** Returns the records of usage on a machine. */
export function usageRecords(machine: Pick<Machine, 'transport'>): UsageRecords {
  return {
    async list(dirs, folders, days) {
      const lines = [String(days), ...dirs.map((dir) => `dir ${dir}`), ...folders.map(({ name, path }) => `folder ${name} ${path}`)]
      const input = `${lines.join('\n')}\n`
      const { stdout, stderr } = await runOn(machine, ['sh', '-c', listScript], { timeout_ms: timeout, input })
      return parseListing(stdout, stderr)
    },
    async read(parts) {
      const marker = `burn-${randomHex(16)}`
      const input = parts.map(({ position, length, path }) => `${position} ${length} ${path}\n`).join('')
      const max_bytes = parts.reduce((sum, { length }) => sum + length, overhead)
      const { stdout } = await runOn(machine, ['sh', '-c', readScript, 'burn', marker], {
        timeout_ms: timeout,
        input,
        encoding: 'latin1',
        max_bytes,
      })
      return parseParts(stdout, marker, parts)
    },
    query: (queries) => queryDatabases(machine, queries),
  }
}

/** Returns the listing in the output of the script; null if the output is incomplete. */
export function parseListing(output: string, errors: string): UsageListing | null {
  const lines = output.trimEnd().split('\n')
  if (lines.pop() !== 'end') return null
  let [clock, person, asked] = [NaN, '', '']
  const dirs = new Map<string, string>()
  const files: ListedFile[] = []
  for (const line of lines) {
    const [, word, value = ''] = /^(clock|home|dir|real) (.*)$/.exec(line) ?? []
    const [, inode, size, path] = /^ *(\d+) -\S+ +\d+ +\d+ +\d+ +(\d+) +\S+ +\S+ +\S+ (\/.+)$/.exec(line) ?? []
    if (word === 'clock') clock = Number(value) * 1000
    else if (word === 'home') person = value
    else if (word === 'dir') asked = value
    else if (word === 'real') dirs.set(asked, value)
    else if (inode !== undefined && path !== undefined) files.push({ path, inode, size: Number(size) })
  }
  const failures = errors.split('\n').filter((line) => /permission denied|operation not permitted/i.test(line))
  return Number.isNaN(clock) ? null : { clock, person, dirs, files, failures }
}

/** Returns the bytes of the parts in the output of the script; null if the output is incomplete. */
function parseParts(output: string, marker: string, parts: readonly FilePart[]): (string | null)[] | null {
  const pieces = output.split(`${marker} `).slice(1)
  if (pieces.length !== parts.length + 1 || pieces.at(-1) !== 'end\n') return null
  return pieces.slice(0, -1).map((piece) => (piece.startsWith('ok\n') ? piece.slice(3) : null))
}
