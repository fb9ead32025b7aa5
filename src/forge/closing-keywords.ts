/**
 * Which issues a change closes: a closing word right before a reference, in the title or the text. Words and references are those of Gitea and Forgejo, which took
 * GitHub's.
 */
import type { IssueRef, RepoRef } from '../core/nouns.ts'

/** A change that closes more is no change for an issue: what follows is not read. */
export const mostClosed = 1_000

/** How far a text is read, characters: forges cut theirs far below. */
const longest = 1_000_000

const word = String.raw`(?<=^|[\s([_])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]{1,4}`
const reference = String.raw`(?:([\w.-]{1,100}\/[\w.-]{1,100})?#([1-9]\d{0,14})|(https?:\/\/[^\s)\]'"<>]{1,400}?)\/([\w.-]{1,100}\/[\w.-]{1,100})\/(?:issues|pulls)\/([1-9]\d{0,14}))`
const end = String.raw`(?=$|[\s)\]'"_]|[:;,.?!](?:\s|$))`
const closing = new RegExp(`${word}${reference}${end}`, 'gim')

/**
 * The issues that this title and text close, each once, at most `mostClosed`. Code, quotations and HTML comments close nothing. `url` is the forge's own
 * address: a full address of another forge closes nothing here.
 */
export function issuesClosedBy(repo: RepoRef, url: string, { title, body }: { readonly title: string; readonly body: string }): IssueRef[] {
  const found = new Set<IssueRef>()
  for (const text of [title, proseOf(body.slice(0, longest))]) {
    for (const [, there, number, base, path, inPath] of text.replaceAll(/[*~]/g, '').matchAll(closing)) {
      if (found.size === mostClosed) return [...found]
      if (base !== undefined && base.toLowerCase() !== url.toLowerCase()) continue
      found.add(`${path ?? there ?? repo}#${inPath ?? number}`)
    }
  }
  return [...found]
}

/** Markdown without what is code, a quotation or a comment. Every step reads the text once. */
function proseOf(markdown: string): string {
  return withoutSpans(withoutBlocks(withoutComments(markdown)))
}

function withoutComments(text: string): string {
  const kept: string[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf('<!--', from)
    if (start === -1) return [...kept, text.slice(from)].join(' ')
    kept.push(text.slice(from, start))
    const close = text.indexOf('-->', start + 4)
    // One that is never closed reaches to the end.
    if (close === -1) return kept.join(' ')
    from = close + 3
  }
}

const fence = /^ {0,3}(?:[-*+] +|\d{1,9}[.)] +)?(`{3,}|~{3,})/
const quoted = /^\s{0,12}(?:[-*+] +|\d{1,9}[.)] +)?>/
const indented = /^(?: {4}|\t)/
const listed = /^\s*(?:[-*+]|\d{1,9}[.)])\s/

/** Fenced and indented code, and quotations. Below a list item, indented lines are its text. */
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

/** `…`, ``…``: a run of backticks ends at the next run of the same length. */
function withoutSpans(text: string): string {
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
  return [...kept, text.slice(from)].join(' ')
}
