/**
 * Completes command lines for the scripts of `burn completion`. A person waits at each Tab, so this module loads neither a command nor a
 * fleet. The scripts filter the candidates and quote them.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Deps } from './command.ts'
import { BurnError } from '../core/errors.ts'
import { oneLine, sanitize } from '../core/text.ts'
import { commonOptions, shapesOf, type Arg, type Shape } from './args.ts'
import { deprecatedNames, entries, nouns } from './catalog.ts'
import { fleetNames, type FleetNames } from './fleet-names.ts'

/** A candidate for the cursor, with a few words about it; or a request to complete the names of files. */
type Candidate = { readonly word: string; readonly about?: string } | 'files'

/** The line with which the script of a shell completes names of files. */
const filesMark = ':files'
/** The maximum length of a candidate. Longer names would fill the terminal. */
const maxLength = 200

/**
 * Returns a line for each candidate: the word, and after a tab a few words about it. `words`: the words after `burn` up to the cursor; the
 * last one is at the cursor, and may be empty. With only `--table`, it returns the table of options.
 */
export async function complete(words: readonly string[], deps: Pick<Deps, 'env' | 'home' | 'cwd'>): Promise<string[]> {
  if (words.length === 1 && words[0] === '--table') return optionTable()
  const [, ...line] = words
  const found = await candidates(line, deps)
  return found.flatMap((each) => {
    if (each === 'files') return [filesMark]
    const { word, about = '' } = each
    // A name with other characters could not be typed, and a name with a dash would be an option.
    const typed = word.length <= maxLength && sanitize(word) === word && !/[\t\n]/.test(word)
    return typed ? [about === '' ? word : `${word}\t${oneLine(about, 60)}`] : []
  })
}

async function candidates(line: readonly string[], deps: Pick<Deps, 'env' | 'home' | 'cwd'>): Promise<readonly Candidate[]> {
  const current = line.at(-1) ?? ''
  const helps = line[0] === 'help' && line.length > 1
  const path = line.slice(helps ? 1 : 0, -1)
  const [first = '', second = ''] = path
  if (path.length === 0) return current.startsWith('-') ? asWords(['--help', '--version']) : firstWords(helps)
  const name = [`${first} ${second}`, first].find((each) => nameOf(each) !== undefined)
  const more = path.length === 1 ? secondWords(first) : []
  if (name === undefined || helps) return more
  const shapes = await shapesFor(nameOf(name) ?? '')
  const place = placeIn(path.slice(name.split(' ').length), shapes)
  const names = () => fleetNames(place.spec, deps, { fullIssues: current.includes('/') })
  return [...more, ...(await wordsAt(place, current, names))]
}

/** Returns the present name of a command; undefined if there is no such command. */
function nameOf(words: string): string | undefined {
  const name = deprecatedNames[words] ?? words
  return entries.some((entry) => entry.name === name) ? name : undefined
}

const asWords = (words: readonly string[]): Candidate[] => words.map((word) => ({ word }))

function firstWords(helps: boolean): Candidate[] {
  const words = new Map(entries.map(({ name, summary }) => [name.split(' ')[0] ?? '', nouns[name.split(' ')[0] ?? ''] ?? summary]))
  const all = [...words].map(([word, about]) => ({ word, about }))
  return helps ? all : [...all, { word: 'help', about: 'Show the help of a command' }]
}

function secondWords(first: string): Candidate[] {
  return entries.flatMap(({ name, summary }) =>
    name.startsWith(`${first} `) ? [{ word: name.slice(first.length + 1), about: summary }] : [],
  )
}

/** The place of the cursor in a command line. */
interface Place {
  /** The option or argument whose value stands at the cursor. */
  readonly of: Shape | undefined
  /** Whether an option may stand at the cursor, too. */
  readonly options: readonly Shape[]
  /** The file that the line names with `--spec`. */
  readonly spec: string | undefined
}

/** Finds the place of the cursor. It reads the line as `parseArgs` does. */
function placeIn(before: readonly string[], shapes: readonly Shape[]): Place {
  const given = new Set<Shape>()
  let [open, count, ended, spec]: [Shape | undefined, number, boolean, string | undefined] = [undefined, 0, false, undefined]
  for (const word of before) {
    const isOption = !ended && word.startsWith('-') && word !== '-'
    if (open !== undefined && !(isOption && open.many && given.has(open))) {
      if (open.arg === commonOptions.spec) spec = word
      given.add(open)
      if (!open.many) open = undefined
      continue
    }
    open = undefined
    if (!isOption) count += 1
    else if (word === '--') ended = true
    else {
      const [name = '', value] = word.split('=', 2)
      const shape = shapes.find(({ names }) => names.includes(name))
      if (shape?.valued === true && value === undefined) open = shape
      else if (shape !== undefined) given.add(shape)
      if (shape?.arg === commonOptions.spec) spec = value
    }
  }
  const positionals = shapes.filter(({ names }) => names.length === 0)
  const last = positionals.at(-1)
  const needed = open !== undefined && !given.has(open)
  const options = ended || needed ? [] : shapes.filter((shape) => shape.names.length > 0 && (shape.many || !given.has(shape)))
  return { of: open ?? positionals[count] ?? (last?.many === true ? last : undefined), options, spec }
}

async function wordsAt({ of, options }: Place, current: string, names: () => Promise<FleetNames>): Promise<readonly Candidate[]> {
  const optionWords = () => asWords([...options.flatMap((shape) => shape.names.filter((name) => name.startsWith('--'))), '--help'])
  if (current.startsWith('-') && options.length > 0) {
    const [name = '', value] = current.split('=', 2)
    const shape = options.find((each) => each.valued && each.names.includes(name))
    if (shape === undefined || value === undefined) return optionWords()
    const values = await valuesOf(shape, names)
    return values.flatMap((each) => (each === 'files' ? [] : [{ ...each, word: `${name}=${each.word}` }]))
  }
  // Without this check, a name such as `--help` in the spec would become an option of the command.
  const values = of === undefined ? [] : (await valuesOf(of, names)).filter((each) => each === 'files' || !each.word.startsWith('-'))
  return of === undefined ? optionWords() : values
}

/** The names that the word in a form stands for, such as `<worker>` or `[machine|worker...]`. */
const kinds: Readonly<Record<string, (names: FleetNames) => readonly Candidate[]>> = {
  worker: ({ workers }) => workers,
  window: ({ windows }) => asWords(windows),
  machine: ({ machines }) => asWords(machines),
  lane: ({ lanes }) => asWords(lanes),
  repo: ({ repos }) => asWords(repos),
  channel: ({ channels }) => asWords(channels),
  issue: ({ issues }) => issues,
  change: ({ issues }) => issues,
  sprint: ({ issues }) => issues,
  names: ({ machines, windows, workers }) => [...workers, ...asWords([...machines, ...windows])],
  name: ({ machines, windows, lanes, workers }) => [...workers, ...asWords([...machines, ...windows, ...lanes])],
  to: ({ machines, windows, lanes, workers }) => [...workers, ...asWords([...machines, ...windows, ...lanes, 'all'])],
  target: ({ machines, windows, lanes, workers, repos, accounts }) => [
    ...workers,
    ...asWords([...machines, ...windows, ...lanes, ...repos, ...accounts, 'all']),
  ],
}
const files: readonly string[] = ['file', 'folder', 'dir']

async function valuesOf({ arg }: Shape, names: () => Promise<FleetNames>): Promise<readonly Candidate[]> {
  if (arg.choices !== undefined) return asWords(arg.choices)
  const words = /[<[]([^>\].]*)/.exec(arg.form)?.[1]?.split('|') ?? []
  if (words.some((word) => files.includes(word))) return ['files']
  const found = words.flatMap((word) => kinds[word] ?? [])
  if (found.length === 0) return []
  const known = await names()
  return found.flatMap((kind) => kind(known))
}

/** The table of options beside the bundled command. `npm run build` writes it, because loading a command takes too long for completion. */
const tableFile = join(import.meta.dirname, 'options.txt')

/** Returns the arguments and options of a command: from the table, or else from the command itself. */
async function shapesFor(name: string): Promise<Shape[]> {
  const row = existsSync(tableFile)
    ? readFileSync(tableFile, 'utf8')
        .split('\n')
        .find((line) => line.startsWith(`${name}\t`))
    : undefined
  const args = row === undefined ? (await entries.find((entry) => entry.name === name)?.load())?.args : argsOf(row)
  return shapesOf({ ...args, ...commonOptions })
}

/**
 * Returns the table of options: a line for each command. The line has the command's name, and each argument and option with form and
 * choices.
 */
async function optionTable(): Promise<string[]> {
  return Promise.all(
    entries.map(async ({ name, load }) => {
      const fields = Object.values((await load()).args).map(({ form, choices = [] }) => [form, ...choices].join(';'))
      if (fields.some((field) => /[\t\n]/.test(field))) throw new BurnError('usage', `${name} has a form with a tab`, '')
      return [name, ...fields].join('\t')
    }),
  )
}

function argsOf(row: string): Readonly<Record<string, Arg<unknown>>> {
  const fields = row.split('\t').slice(1)
  return Object.fromEntries(
    fields.map((field) => {
      const [form = '', ...choices] = field.split(';')
      return [form, { form, description: '', fallback: undefined, ...(choices.length === 0 ? {} : { choices }) }]
    }),
  )
}
