/** Draws on the alternate screen of a terminal, so that the terminal shows its old content again at the end. */
import type { Io } from './io.ts'
import { BurnError } from '../core/errors.ts'
import { counted } from '../core/text.ts'
import { fit, printableLine, widthOf } from './wrap.ts'

// Switch to the alternate screen, hide the cursor, turn line wrapping off, and mark pasted text.
const opening = ['?1049h', '?25l', '?7l', '?2004h']
const closing = ['?2004l', '?7h', '?25h', '?1049l']

/** The smallest terminal that a screen is drawn on. */
export const smallest = { width: 30, height: 8 }

interface Size {
  readonly width: number
  readonly height: number
}

const isSmall = ({ width, height }: Size) => width < smallest.width || height < smallest.height

/** Throws BurnError `terminal_small` (exit 2) if the terminal is too small for a screen. */
export function assertRoom(io: Pick<Io, 'size'>): void {
  const { width, height } = io.size()
  if (!isSmall({ width, height })) return
  const hint = `enlarge the terminal to ${smallest.width}×${smallest.height} or more`
  throw new BurnError('terminal_small', `terminal too small: ${width}×${height}`, hint, { exit: 2 })
}

/** A screen that is drawn again and again. The first drawing takes the terminal. Every end of the process restores it. */
export class LiveScreen {
  readonly #io: Io
  readonly #onKeys: (text: string) => void
  readonly #onResize: () => void
  #release: (() => void) | null = null
  #shown: readonly string[] = []
  #size: Size = { width: 0, height: 0 }

  /** `onKeys` gets the bytes of pressed keys, as text. `onResize` is called when the terminal has another size. */
  constructor(io: Io, { onKeys = () => {}, onResize = () => {} }: { onKeys?: (text: string) => void; onResize?: () => void } = {}) {
    this.#io = io
    this.#onKeys = onKeys
    this.#onResize = onResize
  }

  /** Draws the lines for the present size of the terminal. Writes only the lines that have changed. */
  draw(linesFor: (io: Io, height: number) => readonly string[]): void {
    const { control } = this.#io
    const size = this.#io.size()
    const { width, height } = size
    const io = { ...this.#io, width, columns: width }
    const lines = (isSmall(size) ? smallLines(size) : linesFor(io, height)).slice(0, height).map((line) => fit(printableLine(line), width))
    const begin = this.#release === null ? opening.map(control).join('') : ''
    this.#release ??= this.#io.takeTerminal({
      onKeys: this.#onKeys,
      onResize: this.#onResize,
      restore: () => this.#io.write(closing.map(control).join('')),
    })
    const isCleared = begin !== '' || width !== this.#size.width || height !== this.#size.height
    const before = isCleared ? [] : this.#shown
    const rows = Array.from({ length: Math.max(lines.length, before.length) }, (_, row) => row).filter((row) => lines[row] !== before[row])
    // After a full line, the cursor stays on the last character, which `K` would erase.
    const rest = (line: string) => (widthOf(line) < width ? control('K') : '')
    const changes = rows.map((row) => `${control(`${row + 1};1H`)}${lines[row] ?? ''}${rest(lines[row] ?? '')}`)
    const text = [begin, isCleared ? control('2J') : '', ...changes].join('')
    if (text !== '') this.#io.write(text)
    this.#shown = lines
    this.#size = size
  }

  /** Restores the terminal. A later drawing takes it again. */
  close(): void {
    this.#release?.()
    this.#release = null
  }
}

function smallLines({ width, height }: Size): string[] {
  return ['Terminal too small', `${width}×${height}, needs ${smallest.width}×${smallest.height}`]
}

/** Returns at most `height` lines. If some lines do not fit, the last line shows their number and `hint`. */
export function fitHeight(lines: readonly string[], height: number, io: Io, hint: string): readonly string[] {
  if (lines.length <= height) return lines
  const shown = Math.max(0, height - 1)
  return [...lines.slice(0, shown), io.paint('gray', `… ${counted(lines.length - shown, 'more line')}${hint}`)]
}
