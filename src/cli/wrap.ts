/** Measures, cuts and wraps texts for a terminal. The texts may have the styles of `Io.paint`. */
import { segmentsOf, segmentWidth, textWidth } from '../core/width.ts'

/** Matches the style sequences that `Io.paint` adds. */
const styles = /\x1b\[[\d;]*m/g

/** Returns the text without styles. */
export function plainText(text: string): string {
  return text.replace(styles, '')
}

/** Returns the number of columns that a text with styles takes in a terminal. */
export function widthOf(text: string): number {
  return textWidth(plainText(text))
}

/** Returns the text cut to `width` columns, with an ellipsis if it was longer. Keeps style sequences whole. */
export function fit(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let cut = ''
  let used = 0
  for (const piece of text.split(/(\x1b\[[\d;]*m)/)) {
    if (piece.startsWith('\x1b[')) {
      cut += piece
      continue
    }
    for (const { segment } of segmentsOf(piece)) {
      const next = segmentWidth(segment)
      if (used + next > width - 1) {
        used = width
        break
      }
      cut += segment
      used += next
    }
  }
  return `${cut}…`
}

/**
 * Wraps a text at spaces into lines of at most `width` columns, unless a word is longer. Each line after the first begins with `indent`.
 * `Infinity` returns one line.
 */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + widthOf(word) + 1 > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
