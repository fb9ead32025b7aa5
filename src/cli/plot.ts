/** Draws series of numbers, as block characters for a terminal or as SVG. */

/** One line of a plot, as points. */
export interface Series {
  readonly label: string
  /** Ordered by x. */
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

const blocks = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']

/** Samples a series at `count` equidistant x values, up to `last`. Each value is the y of the last point at or before that x. */
function sampled({ points }: Series, last: number, count: number): number[] {
  const first = points[0]?.x ?? 0
  let at = 0
  return Array.from({ length: count }, (_, index) => {
    const x = first + ((last - first) * (index + 0.5)) / count
    while (at + 1 < points.length && (points[at + 1]?.x ?? Infinity) <= x) at++
    return points[at]?.y ?? 0
  })
}

const endOf = ({ points }: Series) => points.at(-1)?.x ?? 0
const highest = (all: readonly Series[]) => Math.max(1, ...all.flatMap(({ points }) => points.map(({ y }) => y)))

/**
 * Returns the lines of a text plot, `width` columns wide: the series as a filled area, with its highest value as the label of the y axis.
 * `ends`: the labels of the two ends of the x axis.
 */
export function plotted(series: Series, width: number, height: number, ends: readonly [string, string]): string[] {
  const top = highest([series])
  const margin = String(Math.round(top)).length + 1
  const values = sampled(series, endOf(series), Math.max(10, width - margin))
  const lines = Array.from({ length: height }, (_, row) => {
    const floor = height - 1 - row
    const cells = values.map((value) => blocks[Math.max(0, Math.min(8, Math.round(((value / top) * height - floor) * 8)))])
    const label = row === 0 ? String(Math.round(top)) : row === height - 1 ? '0' : ''
    return `${label.padStart(margin - 1)} ${cells.join('')}`.trimEnd()
  })
  const [left, right] = ends
  return [...lines, `${' '.repeat(margin)}${left}${right.padStart(Math.max(right.length + 1, values.length - left.length))}`]
}

const colours = ['#2563eb', '#f59e0b', '#16a34a', '#dc2626']
const size = { width: 800, height: 300, left: 60, bottom: 40, top: 40 }

/** Returns an SVG document with a line per series. The x values are in hours. */
export function svgOf(title: string, all: readonly Series[]): string {
  const last = Math.max(1e-9, ...all.map(endOf))
  const top = highest(all)
  const x = (value: number) => (size.left + (value / last) * (size.width - size.left - 10)).toFixed(1)
  const y = (value: number) => (size.height - size.bottom - (value / top) * (size.height - size.bottom - size.top)).toFixed(1)
  const text = (at: readonly [string | number, string | number], words: string, more = '') =>
    `<text x="${at[0]}" y="${at[1]}" ${more}>${words.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)}</text>`
  const lines = all.map(({ label, points }, index) => {
    const colour = colours[index % colours.length]
    const path = points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')
    const legend = text([size.left + 10 + index * 180, 34], label, `fill="${colour}"`)
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>${legend}`
  })
  const axis = `<path d="M${size.left} ${y(top)}V${y(0)}H${x(last)}" fill="none" stroke="#888"/>`
  const marks = [
    text([size.left - 6, y(top)], String(Math.round(top)), 'text-anchor="end"'),
    text([size.left - 6, y(0)], '0', 'text-anchor="end"'),
    text([x(last), size.height - 18], `${last.toFixed(1)} h`, 'text-anchor="end"'),
  ]
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="13">`
  const back = `<rect width="${size.width}" height="${size.height}" fill="white"/>`
  return `${[head, back, text([size.left, 16], title, 'font-weight="bold"'), axis, ...marks, ...lines].join('\n')}\n</svg>\n`
}
