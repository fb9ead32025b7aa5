/**
 * Finds the issues that a change closes: those with a closing keyword right before their reference, in the change's title or body. Gitea,
 * Forgejo and GitHub use these keywords and references.
 */
import type { IssueRef, RepoRef } from '../core/nouns.ts'

/**
 * The maximum number of closed issues that burn reads from one change. A change that closes more issues was not made for a single issue.
 */
export const maxClosedIssues = 1_000

/** The maximum number of characters of a body that burn reads. The limits of the forges are far lower. */
const maxLength = 1_000_000

const closingKeyword = String.raw`(?<=^|[\s([_])(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]{1,4}`
const reference = String.raw`(?:([\w.-]{1,100}\/[\w.-]{1,100})?#([1-9]\d{0,14})|(https?:\/\/[^\s)\]'"<>]{1,400}?)\/([\w.-]{1,100}\/[\w.-]{1,100})\/(?:issues|pulls)\/([1-9]\d{0,14}))`
const end = String.raw`(?=$|[\s)\]'"_]|[:;,.?!](?:\s|$))`
const closing = new RegExp(`${closingKeyword}${reference}${end}`, 'gim')

/**
 * Returns the issues that a change with this title and body closes, each once, at most `maxClosedIssues`. References in code, quotations
 * and HTML comments do not count. `url` is the forge's own address; a URL of another forge does not count either.
 */
export function issuesClosedBy(repo: RepoRef, url: string, { title, body }: { readonly title: string; readonly body: string }): IssueRef[] {
  const found = new Set<IssueRef>()
  for (const text of [title, proseOf(body.slice(0, maxLength))]) {
    for (const [, otherRepo, number, base, path, inPath] of text.replaceAll(/[*~]/g, '').matchAll(closing)) {
      if (found.size === maxClosedIssues) return [...found]
      if (base !== undefined && base.toLowerCase() !== url.toLowerCase()) continue
      found.add(`${path ?? otherRepo ?? repo}#${inPath ?? number}`)
    }
  }
  return [...found]
}

/** Returns Markdown without code, quotations and comments. Each step reads the text once, so the time is linear. */
function proseOf(markdown: string): string {
  return withoutCodeSpans(withoutBlocks(withoutComments(markdown)))
}

function withoutComments(text: string): string {
  const kept: string[] = []
  let from = 0
  for (;;) {
    const start = text.indexOf('<!--', from)
    if (start === -1) return [...kept, text.slice(from)].join(' ')
    kept.push(text.slice(from, start))
    const close = text.indexOf('-->', start + 4)
    // If an HTML comment has no end, the rest of the text belongs to the comment.
    if (close === -1) return kept.join(' ')
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
function withoutCodeSpans(text: string): string {
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
