/** Prints the document of a report as plain text and as Markdown. */
import type { Block, ReportDocument, ReportEntry } from './report-document.ts'
import { sanitize } from '../core/text.ts'
import { segmentsOf, segmentWidth, textWidth } from '../core/width.ts'
import { inert } from './inert-text.ts'

/** The width of the text format, in columns. */
const width = 80

/** The number of entries of a list that text and Markdown show. `burn report --json` has all. */
const shownEntries = 30

/** Returns the line for the entries that a list does not show; null if it shows all. */
function restOf(entries: readonly unknown[]): string | null {
  return entries.length <= shownEntries ? null : `and ${entries.length - shownEntries} more: burn report --json`
}

/** Returns the report as plain text, at most 80 columns wide. Only a URL may be longer, so that a terminal can open it. */
export function reportText({ title, subtitle, sections }: ReportDocument): string {
  const parts = sections.map(({ title: heading, blocks }) => [heading.toUpperCase(), ...blocks.flatMap(textLines)].join('\n'))
  return `${[[title, subtitle].flatMap((line) => wrapped(line, '')).join('\n'), ...parts].map(sanitize).join('\n\n')}\n`
}

function textLines(block: Block): string[] {
  if (block.kind === 'line') return wrapped(block.text, '  ')
  if (block.kind === 'table') return tableLines(block.heads, block.rows)
  if (block.kind === 'timeline') return []
  const rest = restOf(block.entries)
  const title = block.title === '' ? [] : wrapped(block.title, '  ')
  const lines = block.entries
    .slice(0, shownEntries)
    .flatMap(({ text, detail, url }) => [
      ...wrapped(text, '    ', '  - '),
      ...(detail === '' ? [] : wrapped(detail, '    ')),
      ...(url === null ? [] : [`    ${url}`]),
    ])
  return [...title, ...lines, ...(rest === null ? [] : [`  - ${rest}`])]
}

/** Wraps a text at spaces. A word that is longer than a line is cut into pieces. */
function wrapped(text: string, indent: string, first = indent): string[] {
  const lines: string[] = []
  let current = first
  let isEmpty = true
  const end = () => {
    lines.push(current.trimEnd())
    current = indent
    isEmpty = true
  }
  for (const word of text.split(' ').flatMap((each) => pieces(each, width - indent.length))) {
    if (!isEmpty && textWidth(current) + 1 + textWidth(word) > width) end()
    current += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  end()
  return lines
}

function pieces(word: string, room: number): string[] {
  if (textWidth(word) <= room) return [word]
  const found = ['']
  for (const { segment } of segmentsOf(word)) {
    const last = found.at(-1) ?? ''
    if (textWidth(last) + segmentWidth(segment) > room) found.push(segment)
    else found[found.length - 1] = last + segment
  }
  return found
}

/** Returns the text without its start if it is wider than `room`. */
function endOf(text: string, room: number): string {
  if (textWidth(text) <= room) return text
  const segments = Array.from(segmentsOf(text), ({ segment }) => segment)
  while (textWidth(segments.join('')) >= room) segments.shift()
  return `…${segments.join('')}`
}

/** Aligns a table. If it is too wide, the longest cells of the first column are cut. */
function tableLines(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...all.map((row) => textWidth(row[column] ?? ''))))
  const rest = widths.slice(1).reduce((sum, each) => sum + each + 2, 0)
  widths[0] = Math.min(widths[0] ?? 0, Math.max(8, width - 2 - rest))
  const cell = (text: string, column: number) => {
    const room = widths[column] ?? 0
    const kept = endOf(text, room)
    const gap = ' '.repeat(room - textWidth(kept))
    return column === 0 ? kept + gap : gap + kept
  }
  return all.map((row) => `  ${row.map(cell).join('  ')}`.trimEnd())
}

/** Returns the report as Markdown. */
export function reportMarkdown({ title, subtitle, sections }: ReportDocument): string {
  const parts = sections.map(({ title: heading, blocks }) => [`## ${heading}`, ...blocks.flatMap(markdownOf)].join('\n\n'))
  return `${[`# ${escaped(title)}`, escaped(subtitle), ...parts].join('\n\n')}\n`
}

function markdownList(entries: readonly ReportEntry[]): string {
  const rest = restOf(entries)
  const lines = entries.slice(0, shownEntries).map(({ text, detail, url }) => {
    const shown = url === null || !/^https?:\/\/[^\s<>()]+$/.test(url) ? escaped(text) : `[${escaped(text)}](${url})`
    return `- ${shown}${detail === '' ? '' : `: ${escaped(detail)}`}`
  })
  return (rest === null ? lines : [...lines, `- ${rest}`]).join('\n')
}

function markdownOf(block: Block): string[] {
  if (block.kind === 'line') return [escaped(block.text)]
  if (block.kind === 'timeline') return []
  if (block.kind === 'list') return [...(block.title === '' ? [] : [escaped(block.title)]), markdownList(block.entries)]
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => escaped(cell)).join(' | ')} |`
  return [[row(block.heads), `|${block.heads.map(() => '---|').join('')}`, ...block.rows.map(row)].join('\n')]
}

/** The maximum length of a text in Markdown. */
const maxText = 400

/** Returns the text so that Markdown and a forge show it unchanged: no markup, link, mention, reference or HTML. */
function escaped(text: string): string {
  return inert(text, maxText).replace(/[\\`*_{}[\]<>()#+!|~&@]/g, '\\$&')
}
