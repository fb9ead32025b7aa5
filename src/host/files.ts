/** Writes and reads files on a machine. One `sh` handles any number of files; their contents go through its stdin. */
import type { Machine } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { explainTransportFailure } from './transport-failure.ts'
import { shellWord } from './quote.ts'
import { runOn } from './run-on.ts'
import { randomHex } from './random.ts'

const limit = 30_000

/** The files and links that `installFiles` makes. */
export interface FilesToInstall {
  /** Text files, each with its absolute path and its mode. Missing parent folders are created with mode 0700. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: '600' | '700' }[]
  /**
   * Symbolic links, each with its absolute path and its target. A link with another target is replaced. If a file has the path of the link,
   * the file stays.
   */
  readonly links: readonly { readonly path: string; readonly to: string }[]
}

/**
 * Installs files and links on a machine. Each file is written under a temporary name and then renamed, so that no reader sees half of a
 * file. Throws BurnError `machine_files`.
 */
export async function installFiles(machine: Machine, { files, links }: FilesToInstall): Promise<void> {
  const end = `BURN_${randomHex(9)}`
  const write = files.map(({ path, text, mode }) => {
    const word = shellWord(path)
    return `put ${word} ${mode} <<'${end}'\n${text.endsWith('\n') ? text : `${text}\n`}${end}\n`
  })
  const link = links.map(({ path, to }) => `lead ${shellWord(path)} ${shellWord(to)}\n`)
  await runScript(machine, `${functions}${write.join('')}${link.join('')}`)
}

/**
 * Reads files below the person's home on a machine. Returns the home, the content of each file, and the entries of the folders that contain
 * these files. The content is null if the file can't be read. Throws BurnError `machine_files`.
 */
export async function readHome(
  machine: Machine,
  names: readonly string[],
): Promise<{ home: string; files: ReadonlyMap<string, string | null>; entries: ReadonlyMap<string, readonly string[]> }> {
  const nonce = randomHex(9)
  const wanted = names.map((name) => `show ${shellWord(name)}\n`).join('')
  const folders = [...new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf('/')))))].filter((name) => name !== '')
  const listed = folders.map((name) => `list ${shellWord(name)}\n`).join('')
  const text = `printf '%s\\n' "$HOME"
show() { printf '\\n${nonce} file %s\\n' "$1"; if [ -r "$HOME/$1" ]; then printf '+'; cat "$HOME/$1"; fi; }
list() { printf '\\n${nonce} list %s\\n' "$1"; ls -A "$HOME/$1" 2>/dev/null; true; }
${wanted}${listed}`
  const [home = '', ...parts] = (await runScript(machine, text)).split(`\n${nonce} `)
  const files = new Map<string, string | null>()
  const entries = new Map<string, readonly string[]>()
  for (const part of parts) {
    const [head = '', ...lines] = part.split('\n')
    const content = lines.join('\n')
    if (head.startsWith('file ')) files.set(head.slice(5), content.startsWith('+') ? content.slice(1) : null)
    else
      entries.set(
        head.slice(5),
        lines.filter((name) => name !== ''),
      )
  }
  return { home: home.trim(), files, entries }
}

/** The maximum size (bytes) of a file that `readTexts` reads. Configuration files are smaller. */
const maxText = 1024 * 1024

/**
 * Reads files on a machine. A leading `~/` of a path stands for the person's home. Returns that home and the text of each file; the text is
 * null if the file is missing, unreadable or larger than 1 MiB. Throws BurnError `machine_files`.
 */
export async function readTexts(
  machine: Machine,
  paths: readonly string[],
): Promise<{ readonly home: string; readonly texts: ReadonlyMap<string, string | null> }> {
  const nonce = randomHex(9)
  const shown = paths.map((path) => (path.startsWith('~/') ? `show "$HOME"/${shellWord(path.slice(2))}\n` : `show ${shellWord(path)}\n`))
  const script = `show() { printf '\\n${nonce} '; if [ -f "$1" ] && [ -r "$1" ]; then printf '+'; head -c ${maxText + 1} "$1"; fi; }
printf '%s' "$HOME"
${shown.join('')}`
  const [home = '', ...parts] = (await runScript(machine, script)).split(`\n${nonce} `)
  const textOf = (part = '') => (part.startsWith('+') && Buffer.byteLength(part) <= maxText + 1 ? part.slice(1) : null)
  return { home, texts: new Map(paths.map((path, index) => [path, textOf(parts[index])])) }
}

/** The shell functions that write one file and make one link. */
const functions = `set -eu
umask 077
put() {
  [ -d "\${1%/*}" ] || mkdir -p -- "\${1%/*}"
  cat >"$1.new.$$"
  [ "$2" = 600 ] || chmod "$2" "$1.new.$$"
  mv -f -- "$1.new.$$" "$1"
}
lead() {
  [ -d "\${1%/*}" ] || mkdir -p -- "\${1%/*}"
  if [ -h "$1" ] || [ ! -e "$1" ]; then ln -sfn -- "$2" "$1"; fi
}
`

async function runScript(machine: Machine, text: string): Promise<string> {
  const { code, stdout, stderr, stopped } = await runOn(machine, ['sh', '-s'], { input: text, timeout_ms: limit })
  if (code === 0) return stdout
  const why = stopped === 'timeout' ? `the script took longer than ${limit / 1000} s` : explainTransportFailure(stderr, code).reason
  throw new BurnError(
    'machine_files',
    `burn could not read or write its files on ${machine.name}: ${why}`,
    "check the permissions and the free space in burn's state directory on that machine",
  )
}
