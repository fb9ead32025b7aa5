/** The project's language, as tests: docs/style.md has the rules. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialect } from './dialect.ts'
import {
  isPlain,
  nameLimit,
  passagesOfComments,
  passagesOfMarkdown,
  passagesOfStrings,
  sentencesAreShort,
  sentencesOf,
  testsHaveNames,
  wordLimit,
} from './english.ts'
import { filesIn, parse, type Problem } from './sources.ts'

const documents = filesIn(['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'docs/**/*.md'])
const sources = filesIn(['src/**/*.ts', 'scripts/**/*.ts'])
const tests = filesIn(['test/**/*.test.ts'])

function holds(problems: readonly Problem[]): void {
  if (problems.length > 0) assert.fail(problems.map(({ where, fix }) => `${where}  ${fix}`).join('\n'))
}

test('documents: sentences are short', () => holds(documents.flatMap(sentencesAreShort)))

test('documents: plain English', () => {
  holds(documents.flatMap((document) => isPlain(document, passagesOfMarkdown(document))))
})

test('sources: plain English in comments and strings', () => {
  const parsed = sources.map(({ path, text }) => parse(path, text))
  holds(parsed.flatMap((source) => isPlain(source, [...passagesOfComments(source), ...passagesOfStrings(source)])))
})

test('messages: name no files or scripts of the repository', () => {
  // `burn spec docs` is also a page of the documentation, so its descriptions may link to other pages.
  const printed = sources.filter(({ path }) => path.startsWith('src/') && !path.startsWith('src/spec/'))
  holds(
    printed.flatMap(({ path, text }) => {
      const found = passagesOfStrings(parse(path, text)).filter(({ masked }) => /\bdocs\/|\bscripts\/|\bnpm run\b/.test(masked))
      return found.map(({ masked }) => ({ where: path, fix: `an installed burn has no such file. Name a command: ${masked.trim()}` }))
    }),
  )
})

test('tests: names say subject and behaviour', () => {
  holds(tests.flatMap(({ path, text }) => testsHaveNames(parse(path, text))))
})

const asDocument = (text: string) => ({ path: 'a.md', text })
const sentences = (text: string) => passagesOfMarkdown(asDocument(text)).flatMap((passage) => sentencesOf(passage, { text }))

for (const { name, bad, good } of dialect) {
  test(`dialect: ${name}`, () => {
    const found = (text: string) =>
      isPlain(asDocument(text), passagesOfMarkdown(asDocument(text))).filter(({ fix }) => fix.startsWith(name))
    for (const text of bad) assert.notDeepEqual(found(text), [], `it must report: ${text}`)
    for (const text of good) assert.deepEqual(found(text), [], `it must not report: ${text}`)
  })
}

test('dialect: leaves out code, and allows clauses in titles', () => {
  const text = '# What it costs\n\nThe key `sprint.mends` stays.\n\n```\nmend it\n```\n'
  assert.deepEqual(isPlain(asDocument(text), passagesOfMarkdown(asDocument(text))), [])
})

test('dialect: comments and strings are reported at their lines', () => {
  const source = parse(
    'a.ts',
    "/**\n * Reads it.\n * It is asked no more.\n */\nconst f = `mend ${x} now`\n// It is asked no\n// more.\nconst g = 'mend'\n",
  )
  const found = isPlain(source, [...passagesOfComments(source), ...passagesOfStrings(source)])
  assert.deepEqual(
    found.map(({ where }) => where),
    ['a.ts:3', 'a.ts:6', 'a.ts:5'],
  )
})

test('sentences: end at full stops, not in code, links or abbreviations', () => {
  assert.deepEqual(
    sentences('One `a. b` is 0.5 wide, e.g. here. See [the docs. Really](x.md)! `burn` ends.').map(({ words }) => words),
    [7, 3, 1, 2],
  )
})

test('sentences: items, cells and headings stand alone', () => {
  const text = '# A title\n\nOne line\nand another.\n\n- an item\n  goes on\n- a second\n\n| a cell | `x|y` |\n|---|---|\n'
  assert.deepEqual(
    sentences(text).map((sentence) => sentence.text),
    ['A title', 'One line and another.', 'an item goes on', 'a second', 'a cell', '`x|y`'],
  )
})

test('sentences: code blocks, HTML and images are no prose', () => {
  assert.deepEqual(sentences('```sh\nburn up\n```\n<!-- a note -->\n![a picture](a.svg)\n<b></b>\n'), [])
})

const words = (count: number) => `${'word '.repeat(count - 1)}word.`

test('sentencesAreShort: reports one above the limit, with its line', () => {
  const short = `${words(6)} `.repeat(20)
  assert.deepEqual(
    sentencesAreShort(asDocument(`${short}\n\n${words(wordLimit + 1)}`)).map(({ where }) => where),
    ['a.md:3'],
  )
  assert.deepEqual(sentencesAreShort(asDocument(short + words(wordLimit))), [])
})

test('sentencesAreShort: a few above the aim are fine, many are not', () => {
  const short = `${words(6)} `
  assert.deepEqual(sentencesAreShort(asDocument(short.repeat(9) + words(25))), [])
  assert.equal(sentencesAreShort(asDocument(short.repeat(8) + words(25))).length, 1)
  assert.equal(sentencesAreShort(asDocument('Tiny. '.repeat(99) + words(25))).length, 1)
})

test('passagesOfStrings: leaves out SQL and short strings', () => {
  const source = parse('a.ts', "sql`select a from b`; x('select a from b', 'two words', 'these are three')")
  assert.deepEqual(
    passagesOfStrings(source).map(({ start }) => source.text.slice(start, start + 6)),
    ["'these"],
  )
})

test('testsHaveNames: asks for a subject and few words', () => {
  const problems = (call: string) => testsHaveNames(parse('a.test.ts', call)).length
  assert.equal(problems("test('route: prefers the home repo', f)"), 0)
  assert.equal(problems('it(`route: prefers ${a + b} to others`, f)'), 0)
  assert.equal(problems("t.test('prefers the home repo', f)"), 0)
  assert.equal(problems("test('prefers the home repo', f)"), 1)
  assert.equal(problems(`test('route: ${'very '.repeat(nameLimit)}', f)`), 1)
})
