/** Escapes text from models, issues and remotes for a forge: the text triggers nothing on the forge, and people can still read it. */
import { oneLine, sanitize } from './text.ts'

/** A zero-width space. It is invisible, and no forge recognises a mention, reference, tag or link that contains one. */
const gap = '\u200b'

/** The maximum length of one line, in characters. */
const maxLineLength = 2000

/**
 * Patterns for syntax that triggers something on a forge; `inert` inserts an invisible character after each match. The patterns allow
 * markup characters within a mention or reference, because forges strip markup first. They match references as well as closing keywords,
 * because a forge may be configured with other keywords.
 */
const active: readonly RegExp[] = [
  // HTML entities, which could stand for any other character of this list.
  /&(?=#?\w+;)/g,
  // Tags, comments (including burn's own marker), declarations and autolinks.
  /<(?=[a-z/!?])/gi,
  /@(?=[^\s\u200b])/g,
  // References and images: `#1`, `!2`, `![](…)`, `![][…]`.
  /[#!](?=[\d[\\*_~`])/g,
  /G[HL]-(?=[\d*_~`\\])/gi,
  /\[(?=(?:issue|work_item|merge_request|epic):)/gi,
  /\/(?:issues|pulls?|merge_requests|work_items|epics)\/(?=\d)/gi,
  // Closing keywords before URLs and issue keys such as ABC-1. Some forges can be configured to treat such keys as references.
  /(?:clos(?:e[sd]?|ing)|resolv(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|implement(?:s|ed|ing)?|reopen(?:s|ed|ing)?)(?=[:\s*_~`\\]+(?:issues?[\s*_~`\\]+)?(?:[a-z]\w*-[*_~`\\]*\d|https?:))/gi,
  // Inline links and link definitions whose target is not a web address.
  /\](?=[(:](?!\s*<?https?:\/\/))/gi,
  /(?:java|vb)script(?=[\s\\]*:)/gi,
  // Commands to the forge and its bots at the start of a line, and markers in a commit message that skip CI.
  /^[^\S\n]*\/(?=[a-z])/gim,
  /\[(?=[^\]\n]*(?:skip|no[ -]?ci))/gi,
  /NO_(?=CI)/gi,
]

/** Matches the start of a title that marks a draft, or a commit that git squashes into another. */
const draft = /^(?=[[(]?(?:wip|draft)(?:[\])]|\s*:|\s+-)|(?:fixup|squash|amend)!)/i

/**
 * Returns the text with gaps, so that no mention, reference, closing keyword, HTML, image, script link, quick action or control character
 * works on a forge. Keeps at most `maxLength` characters of the text, and `maxLineLength` of each line.
 */
export function escapeForForge(text: string, maxLength: number): string {
  const printable = sanitize(text)
    .replace(/\n{3,}/g, '\n\n')
    .trim()
  const lines = cut(printable, maxLength, ' […]')
    .split('\n')
    .map((line) => cut(line, maxLineLength, '…'))
  return inert(lines.join('\n'))
}

/** Returns the text as `escapeForForge` does, on one line: for a title, or within a sentence. */
export function escapeLineForForge(text: string, maxLength: number): string {
  return inert(oneLine(text, maxLength)).replace(draft, gap)
}

/** Returns the text as `escapeForForge` does, on one line and as inline code. */
export function codeForForge(text: string, maxLength: number): string {
  return `\`${escapeLineForForge(text, maxLength).replaceAll('`', "'")}\``
}

/**
 * Returns the text as `escapeForForge` does, as a quotation. Each line starts with a `>`, so that no code fence can end the quotation.
 * Empty if the text is empty.
 */
export function quoteForForge(text: string, maxLength: number): string {
  const kept = escapeForForge(text, maxLength)
  if (kept === '') return ''
  return kept
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

function inert(text: string): string {
  return active.reduce((each, pattern) => each.replace(pattern, `$&${gap}`), text)
}

function cut(text: string, maxLength: number, mark: string): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength).toWellFormed()}${mark}`
}
