/** Declares the arguments and options of commands as data, and parses command lines with these declarations. */
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'
import { durationMs, durationPattern } from '../spec/units.ts'

/**
 * One argument or option. `form` is its syntax: `<issue>`, `[name...]`, `--json`, `-j, --jobs <n>`, `-m, --machine <machine...>` or
 * `--no-hooks`. Completion offers names for some words in a form, such as `<worker>` (`cli/complete.ts`).
 */
export interface Arg<V> {
  readonly form: string
  /** The text in `--help`. It begins with a verb or a noun, is one line, and has no full stop. */
  readonly description: string
  /** The value if the command line does not have this argument or option. */
  readonly fallback: V
  /** Returns the value that a word of the command line stands for. Throws BurnError if the word is not valid. */
  readonly read?: (word: string) => V
  readonly choices?: readonly string[]
  /** Marks a required option. An argument is required if its form is `<…>`. */
  readonly required?: true
}

export type Args = Readonly<Record<string, Arg<unknown>>>
export type Parsed<T extends Args> = { readonly [K in keyof T]: T[K] extends Arg<infer V> ? V : never }

/** Returns an option that takes no value. If the command line has the option, its value is true, or false for a `--no-…` option. */
export const flag = (form: string, description: string): Arg<boolean> => ({ form, description, fallback: form.startsWith('--no-') })
/** Returns a required argument or option with a text value. */
export const text = (form: string, description: string): Arg<string> => ({ form, description, fallback: '', required: true })
/** Returns an argument or option with a text value. The value is undefined if the command line does not have it. */
export const optional = (form: string, description: string): Arg<string | undefined> => ({ form, description, fallback: undefined })
/** Returns an argument or option with any number of values. */
export const list = (form: string, description: string): Arg<readonly string[]> => ({ form, description, fallback: [] })
/** Returns an argument or option whose value `read` parses. */
export const parsedArg = <V, F>(form: string, description: string, read: (word: string) => V, fallback: F): Arg<V | F> => ({
  form,
  description,
  read,
  fallback,
})

/** Returns an argument or option whose value is one of `choices`. */
export function choice<const C extends string, F extends C | undefined>(
  form: string,
  description: string,
  choices: readonly C[],
  fallback: F,
): Arg<C | F> {
  const read = (word: string) => {
    const found = choices.find((each) => each === word)
    if (found === undefined) throw usage(`${JSON.stringify(word)} is not one of ${choices.join(', ')}`)
    return found
  }
  return { form, description, fallback, choices, read }
}

/** The options that every command has. */
export const commonOptions = {
  spec: optional(
    '-f, --spec <file>',
    'File with the fleet spec (default: $BURN_SPEC, else ./fleet-spec.json, else ~/.config/burn-fleet/fleet-spec.json)',
  ),
  here: optional('--here <machine>', 'Name of this computer in the spec; burn connects to this computer without ssh (default: $BURN_HERE)'),
  json: flag('--json', 'Print JSON'),
}

/** Parses a whole number of 0 or more. Throws BurnError `usage` (exit 2). */
export function parseWholeNumber(word: string): number {
  if (!/^\d{1,9}$/.test(word)) throw usage(`${JSON.stringify(word)} must be a whole number, 0 or more`)
  return Number(word)
}

/** Parses a whole number of 1 or more. Throws BurnError `usage` (exit 2). */
export function parsePositive(word: string): number {
  const number = parseWholeNumber(word)
  if (number === 0) throw usage('0 must be 1 or more')
  return number
}

/** Parses a duration such as `1h30m`, or a number of seconds, and returns it in milliseconds. Throws BurnError `duration` (exit 2). */
export function parseDuration(word: string): number {
  if (durationPattern.test(word)) return durationMs(word)
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(word)) return durationMs(Number(word))
  throw new BurnError(
    'duration',
    `${JSON.stringify(word)} is not a duration`,
    'write a duration like 90s, 40m or 1h30m, or a number of seconds',
    { exit: 2 },
  )
}

/** Parses a duration of more than 0. Throws BurnError `duration` or `usage` (exit 2). */
export function parsePositiveDuration(word: string): number {
  const ms = parseDuration(word)
  if (ms === 0) throw usage(`${JSON.stringify(word)} must be longer than 0`)
  return ms
}

/**
 * Parses a time, and returns it in ms since 1970. `word` is an ISO 8601 time, a time of day by the clock of this computer, or a duration. A
 * duration counts back from `now` if `direction` is -1, and forward if it is 1; a time of day is the last or the next one. `forms` lists the
 * valid forms for people. Throws BurnError `usage` (exit 2).
 */
export function timeFrom(word: string, now: number, direction: -1 | 1, forms?: string): number {
  const [what, example] = direction === -1 ? ['an age', 'an age such as 8h'] : ['a duration', 'a duration such as 2h']
  const time = /^\d{4}-/.test(word)
    ? Date.parse(word)
    : durationPattern.test(word)
      ? now + direction * durationMs(word)
      : timeOfDay(word, now, direction)
  if (!Number.isNaN(time)) return time
  const hint = `write ${forms ?? `${example}, a time of day such as 08:00, or a time such as 2026-12-24T08:00Z`}`
  throw usage(`${JSON.stringify(word)} is not a time or ${what}`, hint)
}

/** Returns the last or the next time at which the clock of this computer shows a time of day; NaN if the word is no time of day. */
function timeOfDay(word: string, now: number, direction: -1 | 1): number {
  const [, hours, minutes] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(word) ?? []
  if (hours === undefined) return NaN
  const on = (days: number) => {
    const day = new Date(now)
    return new Date(day.getFullYear(), day.getMonth(), day.getDate() + days, Number(hours), Number(minutes)).getTime()
  }
  return [0, direction].map(on).find((time) => (time - now) * direction > 0) ?? on(direction)
}

/** Returns the error for a wrong command line (exit 2). */
export function usage(message: string, hint = ''): BurnError {
  return new BurnError('usage', message, hint, { exit: 2 })
}

/** An argument or option, and the facts that its form contains. */
export interface Shape {
  readonly key: string
  readonly arg: Arg<unknown>
  /** The names of an option, such as `-j` and `--jobs`; empty for an argument. */
  readonly names: readonly string[]
  /** Whether a value follows the option. */
  readonly valued: boolean
  readonly many: boolean
  readonly required: boolean
}

/** Parses the forms of a command's arguments and options. Keeps the order of `args`. */
export function shapesOf(args: Args): Shape[] {
  return Object.entries(args).map(([key, arg]) => {
    const names = arg.form.match(/(?<=^|, )--?[a-z][\w-]*/gi) ?? []
    const valued = arg.form.includes('<')
    const many = arg.form.includes('...')
    return { key, arg, names, valued, many, required: names.length === 0 ? valued : arg.required === true }
  })
}

/** Parses the words after a command's name, and returns the value of each argument and option by its key. Throws BurnError `usage` (exit 2). */
export function parseArgs(words: readonly string[], args: Args): Readonly<Record<string, unknown>> {
  const shapes = shapesOf(args)
  const given = new Map<Shape, string[]>()
  const positionals: string[] = []
  const queue = withSplitFlags(words, shapes)
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      positionals.push(...queue.splice(0))
      continue
    }
    if (!word.startsWith('-') || word === '-') {
      positionals.push(word)
      continue
    }
    const [name = '', value] = word.startsWith('--') ? splitValue(word) : [word]
    const shape = shapes.find(({ names }) => names.includes(name)) ?? unknownOption(name, shapes)
    if (!shape.valued && value !== undefined) throw usage(`${name} takes no value`)
    const values = given.get(shape) ?? []
    if (shape.valued) values.push(value ?? queue.shift() ?? missing(shape))
    if (shape.many) while (queue.length > 0 && !queue[0]?.startsWith('-')) values.push(queue.shift() ?? '')
    given.set(shape, values)
  }
  placePositionals(positionals, shapes, given)
  return Object.fromEntries(shapes.map((shape) => [shape.key, valueOf(shape, given.get(shape))]))
}

/** Splits combined short options: `-nj4` becomes `-n -j 4`. */
function withSplitFlags(words: readonly string[], shapes: readonly Shape[]): string[] {
  const end = words.indexOf('--')
  const options = end < 0 ? words : words.slice(0, end)
  const splitFlags = (word: string): string[] => {
    if (!/^-[a-z]./i.test(word)) return [word]
    const name = word.slice(0, 2)
    const valued = shapes.find(({ names }) => names.includes(name))?.valued
    return valued === undefined ? [word] : valued ? [name, word.slice(2)] : [name, ...splitFlags(`-${word.slice(2)}`)]
  }
  return [...options.flatMap(splitFlags), ...(end < 0 ? [] : words.slice(end))]
}

/** Splits `--name=value`. */
function splitValue(word: string): [string, string?] {
  const at = word.indexOf('=')
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)]
}

function placePositionals(words: string[], shapes: readonly Shape[], given: Map<Shape, string[]>): void {
  for (const shape of shapes.filter(({ names }) => names.length === 0)) {
    const values = words.splice(0, shape.many ? words.length : 1)
    if (values.length > 0) given.set(shape, values)
  }
  if (words.length > 0) throw usage(`too many arguments: ${JSON.stringify(words[0])}`)
}

function valueOf(shape: Shape, words: readonly string[] | undefined): unknown {
  const { arg, names, valued, many, required } = shape
  if (words === undefined) return required ? missing(shape) : arg.fallback
  if (names.length > 0 && !valued) return !arg.form.startsWith('--no-')
  const read = (word: string) => {
    try {
      return arg.read === undefined ? word : arg.read(word)
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || thrown.code !== 'usage') throw thrown
      throw usage(`${arg.form}: ${thrown.message}`, thrown.hint)
    }
  }
  return many ? words.map(read) : read(words.at(-1) ?? '')
}

function missing({ arg, names }: Shape): never {
  throw usage(names.length === 0 ? `the argument ${arg.form} is missing` : `${arg.form} needs a value`)
}

function unknownOption(name: string, shapes: readonly Shape[]): never {
  const near = nearest(
    name,
    shapes.flatMap(({ names }) => names),
  )
  throw usage(`unknown option ${name}`, near === null ? '--help lists the options of the command' : `did you mean ${near}?`)
}
