/** The texts of `--help`. */
import type { AnyCommand } from './command.ts'
import type { Io } from './io.ts'
import { groups, nouns, deprecatedNames, type Entry } from './catalog.ts'
import { shapesOf } from './args.ts'

const about = "Turns a forge's backlog into work on a fleet of coding agents in tmux panes on machines you own."
const exits = 'Exit codes: 0 done, 1 failed, 2 usage or spec, 3 done in part.'
const start = 'Start with: burn spec check, burn doctor, burn up, burn christen, burn dispatch --dry-run, burn dispatch, burn status'

/** Two columns; the second is wrapped into `width`. */
function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const first = Math.max(0, ...rows.map(([name]) => name.length)) + 4
  return rows.flatMap(([name, words]) =>
    wrapped(words, Math.max(30, width - first)).map((line, index) => (index === 0 ? `  ${name}`.padEnd(first) : ' '.repeat(first)) + line),
  )
}

function wrapped(words: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** All commands, by task; those of a noun in one line. */
export function rootHelp(io: Io): string[] {
  const lines = groups.flatMap(({ title, entries }) => {
    const rows = [...Map.groupBy(entries, ({ name }) => name.split(' ')[0] ?? '')].map(([word, all]): [string, string] => {
      if (!(word in nouns)) return [word, all[0]?.summary ?? '']
      const verbs = all.flatMap(({ name }) => name.split(' ').slice(1))
      return [word, `${nouns[word] ?? ''} (${verbs.join(', ')})`]
    })
    return ['', io.paint('bold', title), ...columns(rows, io.width)]
  })
  const old = Object.keys(deprecatedNames).join(', ')
  return [
    'Usage: burn <command> [options]',
    '',
    ...wrapped(about, io.width),
    ...lines,
    '',
    ...wrapped('burn <command> --help shows its options. burn --version shows the version.', io.width),
    ...wrapped(`Old names, for one release: ${old}.`, io.width),
    ...wrapped(start, io.width),
    exits,
  ]
}

/** The commands that begin with a word. */
export function nounHelp(word: string, entries: readonly Entry[], io: Io): string[] {
  const rows = entries.map(({ name, summary }): [string, string] => [name, summary])
  return [`Usage: burn ${word} <command> [options]`, '', ...wrapped(nouns[word] ?? '', io.width), '', ...columns(rows, io.width)]
}

export function commandHelp({ name, summary }: Entry, command: AnyCommand, below: readonly Entry[], io: Io): string[] {
  const shapes = shapesOf(command.args)
  const rowsOf = (named: boolean) =>
    shapes.flatMap(({ take, names }): [string, string][] => {
      if (names.length > 0 !== named) return []
      const { fallback, says } = take
      const shown = !says.includes('(default') && (Number.isFinite(fallback) || (typeof fallback === 'string' && fallback !== ''))
      const more = [
        ...(take.choices === undefined ? [] : [`one of ${take.choices.join(', ')}`]),
        ...(shown ? [`default: ${String(fallback)}`] : []),
      ]
      return [[take.form, `${says}${more.length === 0 ? '' : ` (${more.join('; ')})`}`]]
    })
  const [words, options] = [rowsOf(false), rowsOf(true)]
  const section = (title: string, rows: readonly (readonly [string, string])[]) =>
    rows.length === 0 ? [] : ['', io.paint('bold', title), ...columns(rows, io.width)]
  return [
    ['Usage: burn', name, ...words.map(([form]) => form), '[options]'].join(' '),
    '',
    ...wrapped(summary, io.width),
    ...section('Arguments', words),
    ...section('Options', options),
    ...section(
      'Commands',
      below.map((each): [string, string] => [each.name, each.summary]),
    ),
    ...(command.notes ?? []).flatMap((note) => ['', ...wrapped(note, io.width)]),
    ...(command.examples === undefined ? [] : ['', io.paint('bold', 'Examples'), ...command.examples.map((line) => `  ${line}`)]),
  ]
}
