/** Measures, cuts and wraps texts for a terminal. The texts may have the styles of `Io.paint`. */
import { sanitize } from '../core/text.ts'
import { singleWidth, segmentsOf, segmentWidth, textWidth } from '../core/width.ts'

/** Matches the style sequences that `Io.paint` adds. They begin with four random numbers. */
const styles = /(\x1b\[(?:\d{4};){4}[\d;]*m)/g

/** Returns the text without styles. */
export function plainText(text: string): string {
  return text.replace(styles, '')
}

/** Returns the text on one line without control characters, except styles. `Io` would remove them after a caller has measured the text. */
export function printableLine(text: string): string {
  return text
    .split(styles)
    .map((piece, index) => (index % 2 === 1 ? piece : sanitize(piece).replace(/[\t\n]+/g, ' ')))
    .join('')
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
  for (const [index, piece] of text.split(styles).entries()) {
    if (index % 2 === 1) {
      cut += piece
      continue
    }
    if (singleWidth.test(piece)) {
      const part = piece.slice(0, Math.max(0, width - 1 - used))
      cut += part
      used = part === piece ? used + part.length : width
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
 * Wraps a text at spaces into lines of at most `width` columns. Breaks words that are longer. Each line after the first begins with
 * `indent`. `Infinity` returns one line.
 */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((each) => broken(each, width - indent.length))) {
    if (line !== '' && widthOf(line) + widthOf(word) + 1 > width) {
      lines.push(line)
      line = indent + word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** Returns the parts of a word, each of at most `width` columns. Words with styles stay whole. */
function broken(word: string, width: number): string[] {
  if (width < 1 || widthOf(word) <= width || word.includes('\x1b')) return [word]
  const parts: string[] = []
  let part = ''
  for (const { segment } of segmentsOf(word)) {
    if (part !== '' && textWidth(part + segment) > width) {
      parts.push(part)
      part = segment
    } else part += segment
  }
  return [...parts, part]
}
