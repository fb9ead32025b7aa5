/**
 * Draws forty random passages for a reader to judge: ten each of code comments, paragraphs of documents, `--help` texts and messages.
 * Prints each with its place, and the seed that draws the same ones again. Usage: npm run passages -- [--seed N]
 */
import { parseArgs, styleText } from 'node:util'
import { seeded } from '../src/core/random.ts'
import { countWords, passagesOfComments, passagesOfMarkdown, passagesOfStrings, type Passage } from '../test/tidy/english.ts'
import { filesIn, isNode, nameOf, nodesOf, parse, type Node, type Source } from '../test/tidy/sources.ts'

const ofEach = 10
/** Minimum number of words of a passage. A reader cannot judge a shorter one. */
const leastWords = 5

interface Drawn {
  /** `file:line` */
  readonly where: string
  readonly text: string
  /** The line of code that a comment is about; '' for other passages. */
  readonly code: string
}

type File = Pick<Source, 'path' | 'text'>

/** The words of a passage as their author wrote them, on one line and without the marks of a comment, a string or a quotation. */
function drawn({ path, text }: File, { kind, start, masked }: Passage): Drawn {
  const at = kind === 'comment' ? start + masked.search(/\S/) : kind === 'string' ? start + 1 : start
  const written = text.slice(at, start + masked.length - (kind === 'string' ? 1 : 0))
  const words = written.replace(/\n[ \t]*(?:\*(?!\/)|\/\/|>)?/g, ' ').replace(/\s+/g, ' ')
  const after = kind === 'comment' ? text.slice(start + masked.length).split('\n') : []
  const code = after.map((line) => line.replace(/^[\s*/]+/, '')).find((line) => line !== '') ?? ''
  return { where: `${path}:${text.slice(0, at).split('\n').length}`, text: words.replace(/ \*\/$/, '').trim(), code }
}

const isLong = ({ masked }: Passage): boolean => countWords(masked) >= leastWords

function fromDocuments(): Drawn[] {
  return filesIn(['README.md', 'ARCHITECTURE.md', 'docs/**/*.md']).flatMap((file) =>
    passagesOfMarkdown(file)
      .filter((passage) => passage.kind !== 'heading' && isLong(passage))
      .map((passage) => drawn(file, passage)),
  )
}

/** Functions of src/cli that take a help text, and fields of a command that `--help` shows. */
const helpCalls = /^(?:entry|flag|text|optional|list|parsedArg|choice)$/
const helpFields = /^(?:description|notes|summary|form)$/

/** The places of all strings that `--help` shows. */
function helpStarts({ path, body }: Source): Set<number> {
  if (!path.startsWith('src/cli/')) return new Set()
  const holders = nodesOf(body).flatMap((node): unknown[] => {
    if (node.type === 'CallExpression' && helpCalls.test(nameOf(node['callee']))) return node['arguments'] as Node[]
    return node.type === 'Property' && helpFields.test(nameOf(node['key'])) ? [node['value']] : []
  })
  const all = path === 'src/cli/help.ts' ? nodesOf(body) : holders.filter(isNode).flatMap((holder) => nodesOf(holder))
  return new Set(all.map(({ start }) => start))
}

/** Whether a string is a sentence for people, and not a script, a pattern or a list of names. */
function isProse({ text }: Drawn): boolean {
  const words = text.replaceAll(/\$\{[^}]*\}/g, '')
  // A migration describes its tables in strings of column names and types.
  const isTable = /^\w+ (?:key|text|integer|bigint)\b.*,/.test(words)
  return !isTable && !words.startsWith('-') && words.replace(/[^\p{L} .,:;'?!()`-]/gu, '').length >= words.length * 0.9
}

function fromSources(): { comments: Drawn[]; help: Drawn[]; messages: Drawn[] } {
  const sources = filesIn(['src/**/*.ts']).map(({ path, text }) => parse(path, text))
  const comments = sources.flatMap((source) =>
    passagesOfComments(source)
      .filter(isLong)
      .map((passage) => drawn(source, passage)),
  )
  const strings = sources.flatMap((source) => {
    const help = helpStarts(source)
    return passagesOfStrings(source, leastWords)
      .map((passage) => ({ isHelp: help.has(passage.start), ...drawn(source, passage) }))
      .filter(isProse)
  })
  const of = (isHelp: boolean) => strings.filter((each) => each.isHelp === isHelp)
  return { comments, help: of(true), messages: of(false) }
}

/** Returns `ofEach` random passages, all different. */
function pick(from: readonly Drawn[], random: () => number): Drawn[] {
  const left = [...from]
  return Array.from({ length: Math.min(ofEach, left.length) }, () => left.splice(Math.floor(random() * left.length), 1)).flat()
}

/** Prints passages, numbered from `first`. */
function print(passages: readonly Drawn[], first: number): void {
  for (const [index, { where, text, code }] of passages.entries()) {
    console.log(`${String(first + index).padStart(2)}. ${where}\n    ${text}`)
    if (code !== '') console.log(styleText('dim', `    > ${code}`))
  }
}

const { values, positionals } = parseArgs({ options: { seed: { type: 'string' }, all: { type: 'boolean' } }, allowPositionals: true })
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)
if (!Number.isSafeInteger(seed) || seed < 0) {
  console.error(`--seed takes a whole number, not ${values.seed}`)
  process.exit(2)
}
const { comments, help, messages } = fromSources()
const kinds = { 'Code comments': comments, Documents: fromDocuments(), 'Help texts': help, Messages: messages }
if (values.all === true) {
  const wanted = Object.values(kinds).flat()
  print(
    wanted.filter(({ where }) => positionals.some((path) => where.startsWith(path))),
    1,
  )
} else {
  const random = seeded(seed)
  console.log(`seed ${seed}`)
  for (const [index, [kind, all]] of Object.entries(kinds).entries()) {
    console.log(`\n${styleText('bold', kind)} (${ofEach} of ${all.length})`)
    print(pick(all, random), index * ofEach + 1)
  }
}
