/** Formats tables as aligned columns without frames, so that `grep`, `cut` and copying work. */
import { sanitize } from '../core/text.ts'
import { segmentsOf, segmentWidth, textWidth } from '../core/width.ts'

/** Matches the style sequences that `Io.paint` adds. */
const styles = /\x1b\[[\d;]*m/g

/** Returns the number of columns that a text with styles takes in a terminal. */
export function widthOf(text: string): number {
  return textWidth(text.replace(styles, ''))
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

/** Returns lines of aligned columns. A column aligns right if all its cells are numbers. The last column is cut to fit `width`. */
export function table(head: readonly string[], given: readonly (readonly string[])[], width = Infinity): string[] {
  // Sanitize now, because `Io` would do it after the widths are computed. The sequences of `paint` must stay.
  const rows = given.map((row) => row.map((cell) => cell.split('\x1b').map(toOneLine).join('\x1b')))
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ''))))
  const right = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^-?[\d.,]*%?$/.test((row[column] ?? '').replace(styles, ''))),
  )
  const used = widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0)
  return all.map((row) =>
    head
      .map((_, column) => {
        const cell = row[column] ?? ''
        if (column === head.length - 1 && !right[column]) return fit(cell, Math.max(20, width - used))
        const pad = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)))
        return right[column] ? pad + cell : cell + pad
      })
      .join('  ')
      .trimEnd(),
  )
}

/** A column of a table whose columns depend on the width of the terminal. */
export interface FittingColumn<T> {
  readonly head: string
  readonly cell: (row: T) => string
  /** The importance: the column with the highest rank is left out first. */
  readonly rank: number
}

/**
 * Returns the lines of a table without its empty columns, and without the columns for which the terminal has no room. `hidden`: the heads of
 * the latter.
 */
export function fittingTable<T>(
  columns: readonly FittingColumn<T>[],
  rows: readonly T[],
  width: number,
): { readonly lines: readonly string[]; readonly hidden: readonly string[] } {
  const used = columns
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''))
  const shown = new Set(used)
  const room = () => [...shown].reduce((sum, { head, cells }) => sum + 2 + Math.max(...[head, ...cells].map(widthOf)), -2)
  const leastFirst = used.toSorted((a, b) => b.rank - a.rank)
  for (const column of leastFirst) if (room() > width) shown.delete(column)
  const kept = used.filter((column) => shown.has(column))
  const lines = table(
    kept.map(({ head }) => head),
    rows.map((_, index) => kept.map(({ cells }) => cells[index] ?? '')),
    width,
  )
  return { lines, hidden: used.filter((column) => !shown.has(column)).map(({ head }) => head) }
}

const toOneLine = (text: string) => sanitize(text).replace(/\n/g, ' ')

/** Formats a duration (ms) with one or two units: `3s`, `14m`, `2h05m` or `3d4h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours}h${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d${hours % 24}h`
}

/** Formats a count with at most four characters and a unit: `950`, `1.2K`, `34M`. */
export function shortCount(count: number): string {
  const units = ['', 'K', 'M', 'G', 'T']
  let [value, unit] = [count, 0]
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return unit === 0 ? String(count) : `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${units[unit] ?? ''}`
}
