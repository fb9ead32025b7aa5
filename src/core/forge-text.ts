/** Foreign text (of models, issues, remotes) in a form that does nothing on a forge, and that people still read as it was written. */
import { oneLine, sanitize } from './text.ts'

/** A zero width space: nobody sees it, and no forge reads a mention, reference, tag or link across it. */
const gap = '\u200b'

/** Characters of one line. */
const longestLine = 2000

/**
 * Where the gap goes: after each match. Markup characters count as part of a mention or reference, because forges strip them before they look
 * for one. References are broken themselves, not only their closing keywords: a forge may be configured with other keywords.
 */
const active: readonly RegExp[] = [
  // Entities would hide every other character of this list.
  /&(?=#?\w+;)/g,
  // Tags, comments (also this program's marker), declarations and autolinks.
  /<(?=[a-z/!?])/gi,
  /@(?=[^\s\u200b])/g,
  // References, and images: `#1`, `!2`, `![](…)`, `![][…]`.
  /[#!](?=[\d[\\*_~`])/g,
  /G[HL]-(?=[\d*_~`\\])/gi,
  /\[(?=(?:issue|work_item|merge_request|epic):)/gi,
  /\/(?:issues|pulls?|merge_requests|work_items|epics)\/(?=\d)/gi,
  // Closing keywords before what only a forge's own settings make a reference: addresses and keys such as ABC-1.
  /(?:clos(?:e[sd]?|ing)|resolv(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|implement(?:s|ed|ing)?|reopen(?:s|ed|ing)?)(?=[:\s*_~`\\]+(?:issues?[\s*_~`\\]+)?(?:[a-z]\w*-[*_~`\\]*\d|https?:))/gi,
  // Links that are no web addresses, in a line and defined beside it.
  /\](?=[(:](?!\s*<?https?:\/\/))/gi,
  /(?:java|vb)script(?=[\s\\]*:)/gi,
  // Commands to the forge and its bots at the start of a line, and words in a commit that keep CI from running.
  /^[^\S\n]*\/(?=[a-z])/gim,
  /\[(?=[^\]\n]*(?:skip|no[ -]?ci))/gi,
  /NO_(?=CI)/gi,
]

/** A title that begins like this opens a draft, or is folded into another commit. */
const draft = /^(?=[[(]?(?:wip|draft)(?:[\])]|\s*:|\s+-)|(?:fixup|squash|amend)!)/i

/**
 * Returns foreign text that mentions nobody, refers to and closes nothing, and holds no HTML, image, script link, quick action or control character. At
 * most `longest` characters of it are kept; lines keep `longestLine`.
 */
export function escapeForForge(text: string, longest: number): string {
  const plain = sanitize(text)
    .replace(/\n{3,}/g, '\n\n')
    .trim()
  const lines = cut(plain, longest, ' […]')
    .split('\n')
    .map((line) => cut(line, longestLine, '…'))
  return inert(lines.join('\n'))
}

/** The same on one line: for a title, or within a sentence. */
export function escapeLineForForge(text: string, longest: number): string {
  return inert(oneLine(text, longest)).replace(draft, gap)
}

/** The same on one line and between backticks. */
export function codeForForge(text: string, longest: number): string {
  return `\`${escapeLineForForge(text, longest).replaceAll('`', "'")}\``
}

/** The same as a quotation, which no fence in it can leave; empty if the text is. */
export function quoteForForge(text: string, longest: number): string {
  const kept = escapeForForge(text, longest)
  if (kept === '') return ''
  return kept
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n')
}

function inert(text: string): string {
  return active.reduce((each, pattern) => each.replace(pattern, `$&${gap}`), text)
}

function cut(text: string, longest: number, mark: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest).toWellFormed()}${mark}`
}
