/** Formats tables as aligned columns without frames, so that `grep`, `cut` and copying work. */
import type { Io } from './io.ts'
import { fit, plainText, printableLine, widthOf, wrap } from './wrap.ts'

/** The width (columns) to which a column of texts may be cut before the table leaves columns out. */
const narrowest = 18
/** The same for the last column, which usually has sentences. */
const narrowestLast = 28

interface Column {
  readonly head: string
  readonly cells: readonly string[]
  /** `number`: all cells are numbers. Such a column aligns right and is never cut. `name`: no cell has a blank. */
  readonly kind: 'number' | 'name' | 'text'
  /** The width of the widest cell. */
  readonly width: number
  /** The width of the widest cell if names lose all parts but the last one. */
  readonly shortest: number
}

/**
 * Returns the lines of a table of aligned columns; no line is wider than `width`. If `width` is finite, columns without any text are left
 * out. If the table is still too wide, texts are cut. Then the columns in `drop` are left out, the first one first. Names such as
 * `owner/repo#7` lose their first parts.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width = Infinity,
  drop: readonly string[] = [],
): string[] {
  return [...fittingTable(head, rows, width, drop).lines]
}

/** Returns the lines as `table` does, and the heads of the columns for which the terminal has no room. */
export function fittingTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  drop: readonly string[],
): { readonly lines: readonly string[]; readonly hidden: readonly string[] } {
  const isEmpty = ({ cells }: Column) => cells.length > 0 && cells.every((cell) => cell === '')
  const columns = head.map((name, index) => columnOf(name, rows, index)).filter((column) => width === Infinity || !isEmpty(column))
  const hidden: string[] = []
  const shown = () => columns.filter((column) => !hidden.includes(column.head))
  const isWide = () => sumWidths(shown().map((column, index, all) => floorOf(column, index === all.length - 1))) > width
  for (const name of drop) if (isWide() && columns.some((column) => column.head === name)) hidden.push(name)
  // A wide column may have left room for a narrow one that was left out before it.
  for (const name of hidden.toReversed()) {
    const index = hidden.indexOf(name)
    hidden.splice(index, 1)
    if (isWide()) hidden.splice(index, 0, name)
  }
  return { lines: aligned(cutToWidth(shown(), width), rows.length).map((line) => fit(line, width)), hidden }
}

function columnOf(head: string, rows: readonly (readonly string[])[], index: number): Column {
  const cells = rows.map((row) => printableLine(row[index] ?? ''))
  const isNumber = rows.length > 0 && cells.every((cell) => /^-?[\d.,]*[KMGT%]?$/.test(plainText(cell)))
  const isName = cells.every((cell) => !cell.includes(' ') && !cell.includes('\x1b'))
  return measured(head, cells, isNumber ? 'number' : isName ? 'name' : 'text')
}

function measured(head: string, cells: readonly string[], kind: Column['kind']): Column {
  const widest = (texts: readonly string[]) => texts.reduce((most, text) => Math.max(most, widthOf(text)), widthOf(head))
  const width = widest(cells)
  return { head, cells, kind, width, shortest: kind === 'name' ? widest(cells.map(lastPart)) : width }
}

const sumWidths = (widths: readonly number[]) => widths.reduce((sum, each) => sum + each + 2, -2)

/** Returns the width to which a column may be cut before other columns are left out. */
function floorOf({ kind, width, shortest }: Column, isLast: boolean): number {
  return kind === 'number' ? width : Math.min(shortest, isLast ? narrowestLast : narrowest)
}

const lastPart = (name: string) => name.slice(name.lastIndexOf('/') + 1)

/** Cuts texts so that the columns fit: the last column first, then names, then the other texts. Of several columns, the widest is cut first. */
function cutToWidth(columns: readonly Column[], width: number): Column[] {
  const cut = [...columns]
  const last = columns.length - 1
  const shrink = (from: readonly number[], least: (index: number) => number) => {
    const widths = cut.map((column) => column.width)
    while (sumWidths(widths) > width) {
      const wide = from.filter((index) => (widths[index] ?? 0) > least(index))
      if (wide.length === 0) break
      const most = Math.max(...wide.map((index) => widths[index] ?? 0))
      for (const index of wide) if (widths[index] === most && sumWidths(widths) > width) widths[index] = most - 1
    }
    for (const index of from) cut[index] = cutColumn(columns[index]!, widths[index] ?? 0)
  }
  const texts = [...columns.keys()].filter((index) => columns[index]?.kind !== 'number')
  const floor = (index: number) => floorOf(columns[index]!, index === last)
  shrink(
    texts.filter((index) => index === last),
    floor,
  )
  shrink(
    texts.filter((index) => columns[index]?.kind === 'name'),
    floor,
  )
  shrink(texts, floor)
  shrink(texts, () => 4)
  // Shortened names may leave room. The last column gets it first, as long as it is not whole.
  for (const index of [...texts.filter((each) => each === last), ...texts]) {
    const room = width - sumWidths(cut.map((column) => column.width))
    if (room > 0) cut[index] = cutColumn(columns[index]!, (cut[index]?.width ?? 0) + room)
  }
  return cut
}

function cutColumn(column: Column, width: number): Column {
  if (column.width <= width) return column
  const cut = column.kind === 'name' ? shortNames(column.cells, width) : column.cells.map((cell) => shorten(cell, width))
  return measured(fit(column.head, width), cut, column.kind)
}

/** Cuts names to `width` columns. All names lose as many first parts as the longest one must. */
function shortNames(names: readonly string[], width: number): string[] {
  for (let parts = Math.max(...names.map((name) => name.split('/').length)); parts > 1; parts--) {
    const short = names.map((name) => name.split('/').slice(-parts).join('/'))
    if (short.every((name) => widthOf(name) <= width)) return short
  }
  return names.map((name) => shorten(lastPart(name), width))
}

/** Cuts a text to `width` columns. The last part of a name is the most specific, and the number of an issue stays. */
function shorten(text: string, width: number): string {
  if (widthOf(text) <= width || /[\s\x1b]/.test(text)) return fit(text, width)
  const name = lastPart(text)
  const [, repo = '', number = ''] = /^(.+?)([#!]\d+)$/.exec(name) ?? []
  return repo === '' || number.length >= width ? fit(name, width) : `${fit(repo, width - number.length)}${number}`
}

/** Returns the line with the heads, and a line for each row. */
function aligned(columns: readonly Column[], rows: number): string[] {
  const lineOf = (cellOf: (column: Column) => string) =>
    columns
      .map((column, index) => {
        const cell = cellOf(column)
        const pad = ' '.repeat(Math.max(0, column.width - widthOf(cell)))
        return column.kind === 'number' ? pad + cell : index === columns.length - 1 ? cell : cell + pad
      })
      .join('  ')
      .trimEnd()
  return [lineOf(({ head }) => head), ...Array.from({ length: rows }, (_, row) => lineOf(({ cells }) => cells[row] ?? ''))]
}

/**
 * Returns the lines of a table in a list command: a bold head and the rows. A last line has the heads for which the terminal has no room.
 */
export function listTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  io: Pick<Io, 'columns' | 'paint'>,
  drop: readonly string[],
): string[] {
  const { lines, hidden } = fittingTable(head, rows, io.columns, drop)
  const [first = '', ...rest] = lines
  const more = hidden.length === 0 ? [] : wrap(`more in a wider terminal, or with --json: ${hidden.join(', ')}`, io.columns)
  return [io.paint('bold', first), ...rest, ...more.map((line) => io.paint('gray', line))]
}

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
