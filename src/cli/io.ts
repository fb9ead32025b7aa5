/** The person in front of the command: where text goes, and how it may look. */
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

export interface Io {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** To standard output as it is, no line end added. */
  readonly write: (text: string) => void
  /** Standard output is a terminal that a person looks at. */
  readonly tty: boolean
  readonly width: number
  /** The terminal's columns and rows at this moment. */
  readonly size: () => { readonly width: number; readonly height: number }
  /** Colours it, where colours are wanted (NO_COLOR and pipes are obeyed). */
  readonly paint: (style: Style, text: string) => string
  /** Asks a yes-or-no question; false where nobody can answer. */
  readonly confirm: (question: string) => Promise<boolean>
  /** Standard input to its end, or to more than anything that is read here may have. */
  readonly readInput: () => Promise<string>
}

const mostInput = 16 * 1024 * 1024

/** Where text goes and comes from. */
export interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  readonly input: () => Promise<string>
  /** Columns and rows of a terminal; absent where standard output is none. */
  readonly terminal?: () => { readonly width: number; readonly height: number }
  readonly colours?: boolean
  readonly confirm?: Io['confirm']
}

export function openIo({ out, err, input, terminal, colours = false, confirm = async () => false }: Streams): Io {
  const size = terminal ?? (() => ({ width: 100, height: 24 }))
  return {
    out: (line) => out(`${line}\n`),
    err: (line) => err(`${line}\n`),
    write: out,
    tty: terminal !== undefined,
    size,
    get width() {
      return size().width
    },
    paint: (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text),
    confirm,
    readInput: input,
  }
}

/** The streams of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process
  return openIo({
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    ...(stdout.isTTY ? { terminal: () => ({ width: stdout.columns ?? 100, height: stdout.rows ?? 24 }) } : {}),
    colours: env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb' && (stdout.isTTY || env['FORCE_COLOR'] !== undefined),
    confirm: async (question) => {
      if (!stdin.isTTY) return false
      const { createInterface } = await import('node:readline/promises')
      using lines = createInterface({ input: stdin, output: stderr })
      return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
    },
    input: async () => {
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
