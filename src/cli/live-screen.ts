/** Draws on the alternate screen of a terminal, so that the terminal shows its old content again at the end. */
import type { Io } from './io.ts'
import { counted } from '../core/text.ts'

// Switch to the alternate screen, hide the cursor, and turn line wrapping off, so that the terminal cuts long lines.
const opening = ['?1049h', '?25l', '?7l']
const closing = ['?7h', '?25h', '?1049l']

/** A screen that is drawn again and again. */
export class LiveScreen {
  readonly #io: Io
  #drawn: string | null = null

  constructor(io: Io) {
    this.#io = io
  }

  /** Draws the lines for the present size of the terminal. Writes nothing if they have not changed. */
  draw(linesFor: (io: Io, height: number) => readonly string[]): void {
    if (this.#drawn === null) this.#io.write(opening.map(this.#io.control).join(''))
    const { width, height } = this.#io.size()
    const io = { ...this.#io, width, columns: width }
    const rest = `${io.control('K')}\n`
    const lines = linesFor(io, height).map((line) => line.replace(/[\r\n\u2028\u2029]+/g, ' '))
    const drawn = io.control('H') + lines.join(rest) + io.control('K') + io.control('J')
    if (drawn !== this.#drawn) io.write(drawn)
    this.#drawn = drawn
  }

  /** Restores the terminal. */
  close(): void {
    if (this.#drawn !== null) this.#io.write(closing.map(this.#io.control).join(''))
    this.#drawn = null
  }
}

/** Returns at most `height` lines. If some lines do not fit, the last line shows their number and `hint`. */
export function fitHeight(lines: readonly string[], height: number, io: Io, hint: string): readonly string[] {
  if (lines.length <= height) return lines
  const shown = Math.max(0, height - 1)
  return [...lines.slice(0, shown), io.paint('gray', `… ${counted(lines.length - shown, 'more line')}${hint}`)]
}
