/** Removes the parts of Markdown that a program must not obey: code, quotations and HTML comments. */

/**
 * Returns Markdown without code, quotations and HTML comments. `filler` replaces each code span and each comment. Each step reads the text
 * once, so the time is linear.
 */
export function proseOf(markdown: string, filler = ' '): string {
  return withoutCodeSpans(withoutBlocks(withoutComments(markdown, filler)), filler)
}

function withoutComments(text: string, filler: string): string {
  const kept: string[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf('<!--', from)
    if (start === -1) return [...kept, text.slice(from)].join(filler)
    kept.push(text.slice(from, start))
    const close = text.indexOf('-->', start + 4)
    // If an HTML comment has no end, the rest of the text belongs to the comment.
    if (close === -1) return kept.join(filler)
    from = close + 3
  }
}

const fence = /^ {0,3}(?:[-*+] +|\d{1,9}[.)] +)?(`{3,}|~{3,})/
const quoted = /^\s{0,12}(?:[-*+] +|\d{1,9}[.)] +)?>/
const indented = /^(?: {4}|\t)/
const listed = /^\s*(?:[-*+]|\d{1,9}[.)])\s/

/** Removes fenced code, indented code and quotations. Indented lines below a list item belong to the item, so they stay. */
function withoutBlocks(text: string): string {
  let open: string | null = null
  let inList = false
  let afterBlank = true
  const kept = text.split(/\r?\n|\r/).map((line) => {
    const blank = line.trim() === ''
    const [, mark] = open === null ? (fence.exec(line) ?? []) : []
    const before = afterBlank
    afterBlank = blank
    if (open !== null) {
      if (line.trim().startsWith(open) && line.trim().replaceAll(open[0] ?? '', '') === '') open = null
      return ''
    }
    if (mark !== undefined) {
      open = mark
      return ''
    }
    if (blank || quoted.test(line)) return ''
    if (indented.test(line) && before && !inList) {
      afterBlank = true
      return ''
    }
    inList = listed.test(line) || (inList && /^\s/.test(line)) || (inList && !before)
    return line
  })
  return kept.join('\n')
}

/** Removes code spans. A span begins with a run of backticks, and ends at the next run of the same length. */
function withoutCodeSpans(text: string, filler: string): string {
  const runs = [...text.matchAll(/`+/g)].map(({ 0: { length }, index }) => ({ length, index }))
  const next = new Map<number, number>()
  const closes = runs.map(() => -1)
  for (let at = runs.length - 1; at >= 0; at--) {
    const { length } = runs[at]!
    closes[at] = next.get(length) ?? -1
    next.set(length, at)
  }
  const kept: string[] = []
  let from = 0
  for (let at = 0; at < runs.length; at++) {
    const last = runs[closes[at] ?? -1]
    const first = runs[at]
    if (last === undefined || first === undefined) continue
    kept.push(text.slice(from, first.index))
    from = last.index + last.length
    at = closes[at] ?? at
  }
  return [...kept, text.slice(from)].join(filler)
}
