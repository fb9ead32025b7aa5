/** Formats the texts of `--help`. */
import type { AnyCommand } from './command.ts'
import type { Io } from './io.ts'
import { groups, nouns, deprecatedNames, type Entry } from './catalog.ts'
import { shapesOf, type Args } from './args.ts'
import { wrap } from './wrap.ts'

const about = 'Assigns the open issues of a forge to a fleet of coding agents, which run in tmux panes on your machines.'
const exits = 'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 done in part.'
const start = 'Get started: burn init, burn doctor, burn start. Then look: burn status, burn explain ISSUE'

/** A name or form, and its description. */
export type Row = readonly [name: string, description: string]

/** Returns the width (in characters) of a first column that fits all names. */
const nameWidth = (rows: readonly Row[]) => Math.max(0, ...rows.map(([name]) => name.length)) + 4

/** Maximum width of the first column, as a part of the whole width. */
const firstPart = 0.4

/**
 * Returns lines in two columns. The second column starts at column `first`, and its text wraps at `width`. A name that is too long for the
 * first column has its own line.
 */
function columns(rows: readonly Row[], width: number, first = nameWidth(rows)): string[] {
  const start = Math.min(first, Math.floor(width * firstPart))
  const margin = ' '.repeat(start)
  return rows.flatMap(([name, description]) => {
    const [line = '', ...more] = wrap(description, width - start)
    const head =
      name.length + 4 > start
        ? [...wrap(name, width - 2, '  ').map((part) => `  ${part}`), margin + line]
        : [`  ${name}`.padEnd(start) + line]
    return [...head, ...more.map((each) => margin + each)]
  })
}

/**
 * Returns the lines of `burn --help`: all commands by task, and the options that every command has. Commands with the same first word share
 * one row.
 */
export function rootHelp(common: Args, io: Io): string[] {
  const sections = groups.map(({ title, entries }) => ({
    title,
    rows: [...Map.groupBy(entries, ({ name }) => name.split(' ')[0] ?? '')].map(([word, all]): Row => {
      if (!(word in nouns)) return [word, all[0]?.summary ?? '']
      const verbs = all.flatMap(({ name }) => name.split(' ').slice(1))
      return [word, `${nouns[word] ?? ''} (${verbs.join(', ')})`]
    }),
  }))
  const first = nameWidth(sections.flatMap(({ rows }) => rows))
  const old = Object.keys(deprecatedNames).join(', ')
  return [
    'Usage: burn <command> [options]',
    '',
    ...wrap(about, io.width),
    ...sections.flatMap(({ title, rows }) => ['', io.paint('bold', title), ...columns(rows, io.width, first)]),
    '',
    io.paint('bold', 'Options of every command'),
    ...columns(rowsOf(common, 'option'), io.width, first),
    '',
    ...wrap(
      'burn <command> --help shows the options of a command, and burn --help --markdown the help of all. burn --version shows the version.',
      io.width,
    ),
    ...wrap(`Deprecated names: ${old}.`, io.width),
    ...wrap(start, io.width),
    ...wrap(exits, io.width),
  ]
}

/** Returns the lines of `burn WORD --help` for a word that several commands begin with. */
export function nounHelp(word: string, entries: readonly Entry[], io: Io): string[] {
  const rows = entries.map(({ name, summary }): Row => [name, summary])
  return [`Usage: burn ${word} <command> [options]`, '', ...wrap(nouns[word] ?? '', io.width), '', ...columns(rows, io.width)]
}

/** Returns the arguments or the options of a command, each with its description, choices and default. */
export function rowsOf(args: Args, kind: 'argument' | 'option'): Row[] {
  return shapesOf(args).flatMap(({ arg, names, required }): Row[] => {
    if (names.length > 0 !== (kind === 'option')) return []
    const { fallback, description } = arg
    const hasDefault = !required && (Number.isFinite(fallback) || (typeof fallback === 'string' && fallback !== ''))
    const more = [
      ...(arg.choices === undefined ? [] : [`one of ${arg.choices.join(', ')}`]),
      ...(hasDefault && !description.includes('(default') ? [`default: ${String(fallback)}`] : []),
    ]
    return [[arg.form, `${description}${more.length === 0 ? '' : ` (${more.join('; ')})`}`]]
  })
}

/**
 * Returns the help of a command. `common`: the options that every command has. `below`: commands whose names begin with the name of this
 * command, such as `ledger check` for `ledger`.
 */
export function commandHelp(
  { name, summary }: Entry,
  { args, notes = [], examples = [] }: AnyCommand,
  { common, below }: { readonly common: Args; readonly below: readonly Entry[] },
  io: Io,
): string[] {
  const [words, options] = [rowsOf(args, 'argument'), rowsOf(args, 'option')]
  const first = nameWidth([...words, ...options])
  const section = (title: string, rows: readonly Row[], at = first) =>
    rows.length === 0 ? [] : ['', io.paint('bold', title), ...columns(rows, io.width, at)]
  const commands = below.map((each): Row => [each.name, each.summary])
  const exit = notes.some((note) => note.startsWith('Exit codes')) ? [] : [exits]
  return [
    ...wrap(['Usage: burn', name, ...words.map(([form]) => form), '[options]'].join(' '), io.width, '  '),
    '',
    ...wrap(`${summary}.`, io.width),
    ...section('Arguments', words),
    ...section('Options', options),
    ...section('Commands', commands, nameWidth(commands)),
    '',
    ...wrap(
      `Common options (see burn --help): ${rowsOf(common, 'option')
        .map(([form]) => form)
        .join(', ')}`,
      io.width,
      '  ',
    ),
    ...(notes.length + exit.length === 0 ? [] : ['']),
    ...[...notes, ...exit].flatMap((note) => wrap(note, io.width, '  ')),
    ...(examples.length === 0 ? [] : ['', io.paint('bold', 'Examples'), ...examples.map((line) => `  ${line}`)]),
  ]
}
