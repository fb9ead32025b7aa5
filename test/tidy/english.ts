/** How the project writes: finds the prose in documents, comments, strings and test names, and checks it against docs/style.md. */
import { dialect } from './dialect.ts'
import { isNode, nameOf, nodesOf, problem, type Node, type Problem, type Source } from './sources.ts'

type Text = Pick<Source, 'path' | 'text'>

/** A paragraph, list item, heading, table cell, comment or string: its place in the text, and its words without markup. */
export interface Passage {
  readonly kind: 'paragraph' | 'heading' | 'cell' | 'comment' | 'string'
  readonly start: number
  /** The text with markup, code and links blanked out, so that every character keeps its place. */
  readonly masked: string
}

/** A sentence of a passage. */
export interface Sentence {
  readonly start: number
  /** As the author wrote it, on one line. */
  readonly text: string
  /** The same without markup and code. */
  readonly masked: string
  readonly words: number
}

/** Sentence lengths, in words. */
export const wordLimit = 30
export const wordAim = 20
/** How many sentences of a document may be longer than `wordAim`, percent. */
export const longShare = 10
/** Test names have fewer words than this. */
export const nameLimit = 12

const blank = (text: string): string => text.replace(/[^\n]/g, ' ')
/** Code counts as one word: its spaces are filled, too. */
const filled = (text: string): string => text.replace(/[^\n]/g, 'x')

/** Blanks out what is not prose. The result has the length and the lines of the text. */
function maskMarkdown(text: string): string {
  return text
    .replace(/^( *)```[\s\S]*?^\1```/gm, blank)
    .replace(/<!--[\s\S]*?-->/g, blank)
    .replace(/``[^`]+``|`[^`]+`/g, filled)
    .replace(/!\[[^\]]*\]\([^)]*\)/g, blank)
    .replace(/\[([^\]]*)\]\([^)]*\)/g, (link, label: string) => ` ${label}`.padEnd(link.length))
    .replace(/https?:\/\/\S+/g, filled)
    .replace(/<\/?[a-z][^>\n]*>/g, blank)
    .replace(/\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)/g, blank)
}

/** The passages of a Markdown document. Code blocks and images are left out; of a link its label counts. */
export function passagesOfMarkdown({ text }: Text): Passage[] {
  const masked = maskMarkdown(text)
  const found: Passage[] = []
  let open: { start: number; end: number } | null = null
  const close = (): void => {
    if (open !== null) add('paragraph', open.start, masked.slice(open.start, open.end))
    open = null
  }
  const add = (kind: Passage['kind'], start: number, passage: string): void => {
    if (/\p{L}/u.test(passage)) found.push({ kind, start, masked: passage })
  }
  let start = 0
  for (const line of masked.split('\n')) {
    const end = start + line.length
    const item = /^\s*(?:[-*+]|\d+\.) |^\s*> ?/.exec(line)
    if (/^\s*\|/.test(line)) {
      close()
      let at = start
      for (const cell of line.split('|')) {
        add('cell', at, cell)
        at += cell.length + 1
      }
    } else if (/^#+ /.test(line) || line.trim() === '') {
      close()
      if (line.trim() !== '') add('heading', start, line.replace(/^#+/, blank))
    } else if (item !== null) {
      close()
      open = { start: start + item[0].length, end }
    } else open = { start: open === null ? start : (open as { start: number }).start, end }
    start = end + 1
  }
  close()
  return found
}

/** The comments of a source, paragraph by paragraph. Line comments on lines that follow each other are one comment. */
export function passagesOfComments({ text, comments }: Source): Passage[] {
  const joined: { start: number; end: number }[] = []
  for (const { start, end } of comments) {
    const last = joined.at(-1)
    const follows = last !== undefined && text.startsWith('//', start) && text.startsWith('//', last.start)
    if (follows && /^\n *$/.test(text.slice(last.end, start))) last.end = end
    else joined.push({ start, end })
  }
  return joined.flatMap(({ start, end }) => {
    const prose = text
      .slice(start, end)
      .replace(/^\/\*\*?|\*\/$|^ *\* ?|^ *\/\/ ?/gm, blank)
      .replace(/`[^`]+`/g, filled)
    return [...prose.matchAll(/(?:^ *\S.*(?:\n|$))+/gm)]
      .filter((part) => /\p{L}/u.test(part[0]))
      .map((part): Passage => ({ kind: 'comment', start: start + part.index, masked: part[0] }))
  })
}

/** The strings of a source that have at least `least` words. SQL is left out; a `${…}` counts as one word. */
export function passagesOfStrings(source: Source, least = 3): Passage[] {
  const nodes = nodesOf(source.body)
  const tagged = new Set(nodes.flatMap((node) => (node.type === 'TaggedTemplateExpression' ? [node['quasi']] : [])))
  return nodes.flatMap((node) => {
    const string = node.type === 'Literal' && typeof node['value'] === 'string'
    if (!string && (node.type !== 'TemplateLiteral' || tagged.has(node))) return []
    const masked = maskString(source.text.slice(node.start, node.end), node)
    const isSql = /^\s*(?:select|insert|update|delete|create|alter|drop|with) /.test(masked)
    return isSql || countWords(masked) < least ? [] : [{ kind: 'string' as const, start: node.start, masked }]
  })
}

/** Blanks out the quotes of a string, and fills its code and the values in it. */
function maskString(text: string, node: Node): string {
  const isTemplate = node.type === 'TemplateLiteral'
  let masked = text
  for (const { start, end } of isTemplate ? (node['expressions'] as Node[]) : []) {
    const [from, to] = [text.lastIndexOf('${', start - node.start), text.indexOf('}', end - node.start) + 1]
    masked = masked.slice(0, from) + filled(masked.slice(from, to)) + masked.slice(to)
  }
  const inside = masked.slice(1, -1).replace(isTemplate ? /\\`[^`\n]+\\`/g : /`[^`\n]+`/g, filled)
  return ` ${inside.replace(/\\n/g, '  ')} `
}

/** Returns the number of words with a letter or digit. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length
}

const abbreviation = /\b(?:e\.g|i\.e|etc|vs|cf|approx)\.$/

/** The sentences of a passage. A full stop after an abbreviation ends none. */
export function sentencesOf({ start, masked }: Passage, { text }: Pick<Text, 'text'>): Sentence[] {
  const ends = [...masked.matchAll(/[.!?…]+["'”’)\]]*(?=\s)/g)]
    .map((match) => match.index + match[0].length)
    .filter((end) => !abbreviation.test(masked.slice(0, end)))
  return [...ends, masked.length].flatMap((end, index) => {
    const from = ends[index - 1] ?? 0
    const part = masked.slice(from, end)
    if (countWords(part) === 0) return []
    const begin = from + part.search(/\S/)
    const written = text.slice(start + begin, start + end)
    return [{ start: start + begin, text: onOneLine(written), masked: onOneLine(part), words: countWords(part) }]
  })
}

/** Takes out line breaks, and what a comment or a quotation has at the start of its lines. */
function onOneLine(text: string): string {
  return text
    .replace(/\n[ \t]*(?:\*(?!\/)|\/\/|>)?/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Reports sentences of more than `wordLimit` words, and those of more than `wordAim` in a document that has too many of them. */
export function sentencesAreShort(document: Text): Problem[] {
  const sentences = passagesOfMarkdown(document).flatMap((passage) => sentencesOf(passage, document))
  const long = sentences.filter(({ words }) => words > wordAim)
  // Table cells of one or two words would make any share small.
  const counted = sentences.filter(({ words }) => words >= 5).length
  const share = Math.ceil((long.length / Math.max(1, counted)) * 100)
  return long.flatMap(({ start, words, text }) => {
    if (words > wordLimit) return [problem(document, start, `${words} words in a sentence, ${wordLimit} at most: ${text}`)]
    const rule = `${share} % of the sentences have over ${wordAim} words, ${longShare} % at most`
    return share > longShare ? [problem(document, start, `${rule}; this one has ${words}: ${text}`)] : []
  })
}

/** Reports sentences in the dialect that docs/style.md replaces, with what to write. */
export function isPlain(text: Text, passages: readonly Passage[]): Problem[] {
  return passages.flatMap((passage) =>
    sentencesOf(passage, text).flatMap((sentence) =>
      dialect
        .filter(({ pattern, titles }) => (passage.kind !== 'heading' || titles !== false) && pattern.test(sentence.masked))
        .map(({ name, write }) => problem(text, sentence.start, `${name}, ${write}: ${sentence.text}`)),
    ),
  )
}

/** Reports test names that are not `subject: behaviour` in fewer than `nameLimit` words. A test within a test needs no subject. */
export function testsHaveNames(source: Source): Problem[] {
  return nodesOf(source.body).flatMap((node) => {
    const called = node.type === 'CallExpression' ? /^(?:(\w+)\.)?(?:test|it)$/.exec(nameOf(node['callee'])) : null
    const [name] = called === null ? [] : (node['arguments'] as Node[])
    if (!isNode(name) || (name.type !== 'TemplateLiteral' && typeof name['value'] !== 'string')) return []
    const written = source.text.slice(name.start, name.end)
    const words = countWords(maskString(written, name))
    const fixes = [
      ...(words < nameLimit ? [] : [`${words} words in a test's name, fewer than ${nameLimit}: ${written}`]),
      ...(called?.[1] !== undefined || /^[^:]*[^\s:]: \S/.test(written) ? [] : [`a test's name is "subject: behaviour": ${written}`]),
    ]
    return fixes.map((fix) => problem(source, name.start, fix))
  })
}
