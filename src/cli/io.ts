/**
 * Input and output of commands. All output goes through `printable`, so that text from a forge, a model or a screen cannot control the
 * terminal. Only sequences of `control` and `paint` pass.
 */
import { styleText } from 'node:util'
import { escapeUnprintable, sanitize } from '../core/text.ts'
import { takeTerminal, type TerminalUse } from './terminal.ts'

type Style = Parameters<typeof styleText>[0]

/** The input and output of a command. */
export interface Io {
  /** Prints each text as one line. Line breaks in a text become spaces. */
  readonly out: (...lines: string[]) => void
  /** Prints lines like `out`, to standard error. */
  readonly err: (...lines: string[]) => void
  /** Prints a text with its line breaks, and adds none at its end. */
  readonly write: (text: string) => void
  /** Prints a value as JSON, with control characters escaped. */
  readonly json: (value: unknown, indented?: boolean) => void
  /** Prints a line that the caller has formatted as JSON. */
  readonly jsonLine: (line: string) => void
  /** Whether standard output is a terminal. */
  readonly tty: boolean
  /** Whether a command may draw a screen: standard output is a terminal that can move its cursor. */
  readonly draws: boolean
  /** Number of columns of the terminal; Infinity without a terminal, so that a pipe gets whole lines. */
  readonly columns: number
  /** Number of columns of the terminal; 100 without a terminal. */
  readonly width: number
  /** Returns the current columns and rows of the terminal. */
  readonly size: () => { readonly width: number; readonly height: number }
  /** Returns the text in a style. Returns it unchanged if output goes to a pipe, or with NO_COLOR. */
  readonly paint: (style: Style, text: string) => string
  /** Returns a terminal control sequence that `out` and `write` print unescaped. `sequence`: the part after `ESC [`. */
  readonly control: (sequence: string) => string
  /** Takes the keys of the terminal until the returned function is called. Use it only if `draws` is true. */
  readonly takeTerminal: (use: TerminalUse) => () => void
  /** Returns true if a person can answer questions: standard input and output are a terminal that can move its cursor. */
  readonly canAsk: () => boolean
  /** Asks a yes-or-no question. Returns false if there is no terminal to answer it. */
  readonly confirm: (question: string) => Promise<boolean>
  /** Returns standard input. It stops reading after `maxInput` characters. */
  readonly readInput: () => Promise<string>
}

/** Maximum number of characters that are read from standard input. */
const maxInput = 16 * 1024 * 1024

/** The streams that an `Io` reads and writes. */
export interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly input: () => Promise<string>
  /** Returns the columns and rows of the terminal; absent if standard output is not a terminal. */
  readonly terminal?: () => { readonly width: number; readonly height: number }
  readonly colours?: boolean
  /** Whether the terminal can move its cursor; by default it can. */
  readonly draws?: boolean
  readonly takeTerminal?: Io['takeTerminal']
  /** Returns true if standard input is a terminal; by default it is not. */
  readonly answers?: () => boolean
  readonly confirm?: Io['confirm']
  /** Returns a number in [0, 1). */
  readonly random: () => number
}

/** Returns an `Io` that uses the given streams. */
export function openIo({ out, err, input, terminal, colours = false, confirm = async () => false, random, ...given }: Streams): Io {
  const size = terminal ?? (() => ({ width: 100, height: 24 }))
  // burn's own sequences begin with these random numbers. Others cannot guess these numbers, so their text cannot contain such a sequence.
  const own = `\x1b[${Array.from({ length: 4 }, () => 1000 + Math.floor(random() * 9000)).join(';')};`
  const control = (sequence: string) => own + sequence
  const printable = (text: string) => text.split(own).map(sanitize).join('\x1b[')
  const lines = (all: readonly string[]) => all.map((line) => `${printable(line).replace(/\n/g, ' ')}\n`).join('')
  return {
    out: (...all) => out(lines(all)),
    err: (...all) => err(lines(all)),
    // Keep CR LF, because CSV lines end with it.
    write: (text) => out(text.split('\r\n').map(printable).join('\r\n')),
    json: (value, indented = false) => out(`${escapeUnprintable(JSON.stringify(value, null, indented ? 2 : 0))}\n`),
    jsonLine: (line) => out(`${escapeUnprintable(line)}\n`),
    tty: terminal !== undefined,
    draws: terminal !== undefined && given.draws !== false,
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
    takeTerminal: given.takeTerminal ?? withoutKeys,
    canAsk: () => terminal !== undefined && given.draws !== false && given.answers?.() === true,
    confirm: (question) => confirm(printable(question)),
    readInput: input,
  }
}

/** Takes a terminal that has no keys and never changes. */
const withoutKeys: Io['takeTerminal'] = ({ restore }) => {
  let release: (() => void) | null = restore
  return () => {
    release?.()
    release = null
  }
}

/** Returns the `Io` of this process. */
export function processIo(random: () => number): Io {
  // `process.stdin` is created on first use, because creating it is slow.
  const { stdout, stderr, env } = process
  return openIo({
    random,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    // A pseudo-terminal whose size nobody has set reports 0.
    ...(stdout.isTTY ? { terminal: () => ({ width: stdout.columns || 80, height: stdout.rows || 24 }) } : {}),
    draws: env['TERM'] !== 'dumb',
    takeTerminal,
    colours: env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb' && (stdout.isTTY || env['FORCE_COLOR'] !== undefined),
    answers: () => process.stdin.isTTY,
    confirm: async (question) => {
      const { stdin } = process
      if (!stdin.isTTY) return false
      const { createInterface } = await import('node:readline/promises')
      const lines = createInterface({ input: stdin, output: stderr })
      try {
        return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
      } finally {
        lines.close()
      }
    },
    input: async () => {
      const { stdin } = process
      let text = ''
      stdin.setEncoding('utf8')
      for await (const chunk of stdin) {
        text += String(chunk)
        if (text.length > maxInput) break
      }
      return text
    },
  })
}

/** Minimum time (ms) between two progress lines if there is no terminal. */
const lineInterval = 60_000

/** A display of progress. */
export interface Progress {
  readonly say: (text: string) => void
  /** Clears the progress line. */
  readonly end: () => void
}

/**
 * Returns a progress display. On a terminal it overwrites one line. Without a terminal, or with `json`, it prints one line per minute to
 * standard error. `now`: a monotonic clock (ms).
 */
export function progressOn(
  io: Pick<Io, 'draws' | 'write' | 'err' | 'size' | 'control'>,
  json: boolean,
  now: () => number = () => performance.now(),
): Progress {
  const clear = io.control('G') + io.control('K')
  if (io.draws && !json) return { say: (text) => io.write(clear + text.slice(0, io.size().width - 1)), end: () => io.write(clear) }
  let last = now()
  return {
    say: (text) => {
      if (now() - last < lineInterval) return
      last = now()
      io.err(text)
    },
    end: () => {},
  }
}
