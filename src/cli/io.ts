/**
 * The person in front of the command: where text goes, and how it may look. Everything that is printed passes `printable` here, so no text of a
 * forge, a model or a screen can control the terminal. Only sequences that `control` and `paint` made pass.
 */
import { styleText } from 'node:util'
import { escapeUnprintable, sanitize } from '../core/text.ts'

type Style = Parameters<typeof styleText>[0]

export interface Io {
  /** Prints each text as one line; line ends in it become spaces. */
  readonly out: (...lines: string[]) => void
  /** The same to standard error. */
  readonly err: (...lines: string[]) => void
  /** Prints a text of any number of lines as it is, and adds no line end. */
  readonly write: (text: string) => void
  /** Prints a value as JSON; everything that a terminal could obey is escaped. */
  readonly json: (value: unknown, indented?: boolean) => void
  /** Prints a line that is JSON already. */
  readonly jsonLine: (line: string) => void
  /** Standard output is a terminal that a person looks at. */
  readonly tty: boolean
  /** Columns; no limit if the output is no terminal. */
  readonly columns: number
  readonly width: number
  /** The terminal's columns and rows at this moment. */
  readonly size: () => { readonly width: number; readonly height: number }
  /** Colours the text, if colours are wanted (NO_COLOR and pipes are obeyed). */
  readonly paint: (style: Style, text: string) => string
  /** A control sequence of burn's own: the part after `ESC [`. */
  readonly control: (sequence: string) => string
  /** Asks a yes-or-no question; false if nobody can answer. */
  readonly confirm: (question: string) => Promise<boolean>
  /** Standard input to its end, or to the limit of what is read here. */
  readonly readInput: () => Promise<string>
}

/** Characters of standard input that are read. */
const mostInput = 16 * 1024 * 1024

/** Where text goes and comes from. */
export interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly input: () => Promise<string>
  /** Columns and rows of a terminal; absent if standard output is none. */
  readonly terminal?: () => { readonly width: number; readonly height: number }
  readonly colours?: boolean
  readonly confirm?: Io['confirm']
  /** Gives a number in [0, 1). */
  readonly random: () => number
}

export function openIo({ out, err, input, terminal, colours = false, confirm = async () => false, random }: Streams): Io {
  const size = terminal ?? (() => ({ width: 100, height: 24 }))
  // Foreign text can't guess these numbers. They look like parameters of a sequence, so that they count as no columns.
  const own = `\x1b[${Array.from({ length: 4 }, () => 1000 + Math.floor(random() * 9000)).join(';')};`
  const control = (sequence: string) => own + sequence
  const printable = (text: string) => text.split(own).map(sanitize).join('\x1b[')
  const lines = (all: readonly string[]) => all.map((line) => `${printable(line).replace(/\n/g, ' ')}\n`).join('')
  return {
    out: (...all) => out(lines(all)),
    err: (...all) => err(lines(all)),
    // A line may end in CR LF, as in CSV.
    write: (text) => out(text.split('\r\n').map(printable).join('\r\n')),
    json: (value, indented = false) => out(`${escapeUnprintable(JSON.stringify(value, null, indented ? 2 : 0))}\n`),
    jsonLine: (line) => out(`${escapeUnprintable(line)}\n`),
    tty: terminal !== undefined,
    size,
    get columns() {
      return terminal === undefined ? Infinity : size().width
    },
    get width() {
      return size().width
    },
    paint: (style, text) => {
      if (!colours) return text
      const [open = '', close = ''] = styleText(style, '|', { validateStream: false }).split('|')
      return `${open.replaceAll('\x1b[', own)}${text}${close.replaceAll('\x1b[', own)}`
    },
    control,
    confirm: (question) => confirm(printable(question)),
    readInput: input,
  }
}

/** The streams of this process. */
export function processIo(random: () => number): Io {
  // Standard input is not touched before it is read: its stream takes 4 ms to make.
  const { stdout, stderr, env } = process
  return openIo({
    random,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    ...(stdout.isTTY ? { terminal: () => ({ width: stdout.columns ?? 100, height: stdout.rows ?? 24 }) } : {}),
    colours: env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb' && (stdout.isTTY || env['FORCE_COLOR'] !== undefined),
    confirm: async (question) => {
      const { stdin } = process
      if (!stdin.isTTY) return false
      const { createInterface } = await import('node:readline/promises')
      using lines = createInterface({ input: stdin, output: stderr })
      return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
    },
    input: async () => {
      const { stdin } = process
      let text = ''
      stdin.setEncoding('utf8')
      for await (const chunk of stdin) {
        text += String(chunk)
        if (text.length > mostInput) break
      }
      return text
    },
  })
}

/** Milliseconds between two lines of progress if there is no terminal. */
const everyMinute = 60_000

export interface Progress {
  readonly say: (text: string) => void
  /** Leaves the terminal as it was. */
  readonly end: () => void
}

/**
 * Says how long work goes: on a terminal one line that is drawn over, elsewhere a line a minute to standard error. `json`: standard output is for a
 * program. `now`: milliseconds of a clock that only goes ahead.
 */
export function progressOn(
  io: Pick<Io, 'tty' | 'write' | 'err' | 'size' | 'control'>,
  json: boolean,
  now: () => number = () => performance.now(),
): Progress {
  const clear = io.control('G') + io.control('K')
  if (io.tty && !json) return { say: (text) => io.write(clear + text.slice(0, io.size().width - 1)), end: () => io.write(clear) }
  let said = now()
  return {
    say: (text) => {
      if (now() - said < everyMinute) return
      said = now()
      io.err(text)
    },
    end: () => {},
  }
}
