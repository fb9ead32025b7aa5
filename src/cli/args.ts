/** What a command takes: its arguments and options as data, and the words of a command line read by them. */
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'
import { durationMs, durationPattern } from '../spec/units.ts'

/** `form`: `<issue>`, `[name...]`, `--json`, `-j, --jobs <n>`, `-m, --machine <name...>` or `--no-hooks`. */
export interface Arg<V> {
  readonly form: string
  readonly says: string
  /** The value if it is not given. */
  readonly fallback: V
  /** Reads one word. Throws BurnError for what it does not understand. */
  readonly read?: (word: string) => V
  readonly choices?: readonly string[]
  /** An option that must be given; an argument must be if its form is `<…>`. */
  readonly required?: true
}

export type Args = Readonly<Record<string, Arg<unknown>>>
export type Parsed<T extends Args> = { readonly [K in keyof T]: T[K] extends Arg<infer V> ? V : never }

export const flag = (form: string, says: string): Arg<boolean> => ({ form, says, fallback: form.startsWith('--no-') })
/** A text that must be given. */
export const text = (form: string, says: string): Arg<string> => ({ form, says, fallback: '', required: true })
export const optional = (form: string, says: string): Arg<string | undefined> => ({ form, says, fallback: undefined })
export const list = (form: string, says: string): Arg<readonly string[]> => ({ form, says, fallback: [] })
export const parsedArg = <V, F>(form: string, says: string, reader: (word: string) => V, fallback: F): Arg<V | F> => ({
  form,
  says,
  read: reader,
  fallback,
})

/** One of several words; the fallback is undefined only if it is an argument that must be given. */
export function choice<const C extends string, F extends C | undefined>(
  form: string,
  says: string,
  choices: readonly C[],
  fallback: F,
): Arg<C | F> {
  const one = (word: string) => {
    const found = choices.find((each) => each === word)
    if (found === undefined) throw usage(`${JSON.stringify(word)} is not one of ${choices.join(', ')}`)
    return found
  }
  return { form, says, fallback, choices, read: one }
}

/** A whole number, 0 or more. */
export function wholeNumber(word: string): number {
  if (!/^\d{1,9}$/.test(word)) throw usage(`${JSON.stringify(word)} must be a whole number, 0 or more`)
  return Number(word)
}

/** A whole number, 1 or more. */
export function positive(word: string): number {
  const number = wholeNumber(word)
  if (number === 0) throw usage('0 must be 1 or more')
  return number
}

/** A duration such as `1h30m`, in milliseconds. */
export function parseDuration(word: string): number {
  if (durationPattern.test(word)) return durationMs(word)
  throw new BurnError('duration', `${JSON.stringify(word)} is no duration`, 'write it like 40m, 2h or 1h30m', { exit: 2 })
}

/** A time (ms): written as one, or as a duration before (`-1`) or after (`1`) now. Throws BurnError `duration` or `usage` (exit 2). */
export function timeFrom(word: string, now: number, way: -1 | 1): number {
  const time = /^\d{4}-/.test(word) ? Date.parse(word) : now + way * parseDuration(word)
  if (Number.isNaN(time)) throw usage(`${JSON.stringify(word)} is no time`, 'write it like 2026-12-24T08:00Z')
  return time
}

/** A mistake in how the command was called (exit 2). */
export function usage(message: string, hint = ''): BurnError {
  return new BurnError('usage', message, hint, { exit: 2 })
}

export interface Shape {
  readonly key: string
  readonly take: Arg<unknown>
  /** `--jobs` and `-j`; none for an argument. */
  readonly names: readonly string[]
  /** A value follows the option. */
  readonly valued: boolean
  readonly many: boolean
  /** The command line must have it. */
  readonly required: boolean
}

export function shapesOf(takes: Args): Shape[] {
  return Object.entries(takes).map(([key, take]) => {
    const names = take.form.match(/(?<=^|, )--?[a-z][\w-]*/gi) ?? []
    const valued = take.form.includes('<')
    const many = take.form.includes('...')
    return { key, take, names, valued, many, required: names.length === 0 ? valued : take.required === true }
  })
}

/** Reads the words that follow a command's name. Throws BurnError `usage` (exit 2). */
export function parseArgs(words: readonly string[], takes: Args): Readonly<Record<string, unknown>> {
  const shapes = shapesOf(takes)
  const given = new Map<Shape, string[]>()
  const rest: string[] = []
  const queue = separated(words, shapes)
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      rest.push(...queue.splice(0))
      continue
    }
    if (!word.startsWith('-') || word === '-') {
      rest.push(word)
      continue
    }
    const [name = '', value] = word.startsWith('--') ? split(word) : [word]
    const shape = shapes.find(({ names }) => names.includes(name)) ?? unknownOption(name, shapes)
    if (!shape.valued && value !== undefined) throw usage(`${name} takes no value`)
    const values = given.get(shape) ?? []
    if (shape.valued) values.push(value ?? queue.shift() ?? missing(shape))
    if (shape.many) while (queue.length > 0 && !queue[0]?.startsWith('-')) values.push(queue.shift() ?? '')
    given.set(shape, values)
  }
  placeArguments(rest, shapes, given)
  return Object.fromEntries(shapes.map((shape) => [shape.key, valueOf(shape, given.get(shape))]))
}

/** `-nj4` as `-n -j 4`. */
function separated(words: readonly string[], shapes: readonly Shape[]): string[] {
  const end = words.indexOf('--')
  const options = end < 0 ? words : words.slice(0, end)
  const single = (word: string): string[] => {
    if (!/^-[a-z]./i.test(word)) return [word]
    const name = word.slice(0, 2)
    const valued = shapes.find(({ names }) => names.includes(name))?.valued
    return valued === undefined ? [word] : valued ? [name, word.slice(2)] : [name, ...single(`-${word.slice(2)}`)]
  }
  return [...options.flatMap(single), ...(end < 0 ? [] : words.slice(end))]
}

function split(word: string): [string, string?] {
  const at = word.indexOf('=')
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)]
}

function placeArguments(words: string[], shapes: readonly Shape[], given: Map<Shape, string[]>): void {
  for (const shape of shapes.filter(({ names }) => names.length === 0)) {
    const values = words.splice(0, shape.many ? words.length : 1)
    if (values.length > 0) given.set(shape, values)
  }
  if (words.length > 0) throw usage(`${JSON.stringify(words[0])} is one argument too many`)
}

function valueOf(shape: Shape, words: readonly string[] | undefined): unknown {
  const { take, names, valued, many, required } = shape
  if (words === undefined) return required ? missing(shape) : take.fallback
  if (names.length > 0 && !valued) return !take.form.startsWith('--no-')
  const read = (word: string) => {
    try {
      return take.read === undefined ? word : take.read(word)
    } catch (thrown) {
      if (!(thrown instanceof BurnError) || thrown.code !== 'usage') throw thrown
      throw usage(`${take.form}: ${thrown.message}`, thrown.hint)
    }
  }
  return many ? words.map(read) : read(words.at(-1) ?? '')
}

function missing({ take, names }: Shape): never {
  throw usage(names.length === 0 ? `the argument ${take.form} is missing` : `${take.form} needs a value`)
}

function unknownOption(name: string, shapes: readonly Shape[]): never {
  const near = nearest(
    name,
    shapes.flatMap(({ names }) => names),
  )
  throw usage(`unknown option ${name}`, near === null ? '' : `did you mean ${near}?`)
}
