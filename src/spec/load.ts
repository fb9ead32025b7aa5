/** Reads a spec: comments and trailing commas are fine, everything else that is wrong is found at once. */
import { getNodeValue, type Node, type ParseErrorCode } from 'jsonc-parser'
import { throwFindings, SpecError, type SpecFinding } from './findings.ts'
import { schemaFindings } from './schema-findings.ts'
import { writtenSpec, type WrittenSpec } from './schema.ts'
import { parse, placeOf, positionsIn } from './jsonc.ts'

/**
 * What the text says, checked by itself (`completeSpec` checks across it). `file` names it in what is found. Throws SpecError with
 * every finding; where the text is no JSON, with those alone, since the rest would be guesses.
 */
export function parseSpec(text: string, file: string): WrittenSpec {
  const { tree, errors } = parse(text)
  const broken = errors.map(({ error, offset }) => ({
    file,
    ...placeOf(text, offset),
    ...saySyntax(error, text.slice(offset, offset + 1)),
  }))
  // The first error of a line is the one to mend: those after it follow from it.
  const firsts = broken.filter(({ line }, index) => broken[index - 1]?.line !== line)
  if (firsts.length > 0 || tree === undefined) throw new SpecError(firsts)
  const repeated = repeatedKeys(tree).map((key): SpecFinding => ({ file, ...placeOf(text, key.offset), ...sayRepeated(String(key.value)) }))
  if (repeated.length > 0) throw new SpecError(repeated)
  const written: unknown = getNodeValue(tree)
  // Without code made at run time: what compiles a schema pays off only where it checks more than once.
  const result = writtenSpec.safeParse(written, { jitless: true })
  if (result.success) return result.data
  throwFindings(schemaFindings(result.error.issues, written), positionsIn(text, file))
  throw result.error
}

/** Keys that stand twice in one object (JSON keeps the last, silently), and `__proto__`, which is no key to anybody. */
function repeatedKeys(node: Node): Node[] {
  const keys = node.type === 'object' ? (node.children ?? []).flatMap((property) => property.children?.[0] ?? []) : []
  const seen = new Set<unknown>(['__proto__'])
  const repeated = keys.filter((key) => seen.size === seen.add(key.value).size)
  return [...repeated, ...(node.children ?? []).flatMap(repeatedKeys)]
}

function sayRepeated(key: string): { what: string; hint: string } {
  if (key === '__proto__') return { what: '"__proto__" is no name', hint: 'choose another' }
  return { what: `"${key}" stands here a second time`, hint: 'merge the two, or rename one' }
}

interface Said {
  readonly what: string
  readonly hint: string
}

/** By jsonc-parser's code (its enum is no value under isolated modules). */
const says: Readonly<Record<ParseErrorCode, Said>> = {
  1: { what: 'this is no JSON value', hint: 'write text in double quotes, a number, true, false, null, […] or {…}' },
  2: { what: 'this is no number', hint: 'write it as 12 or 0.5' },
  3: { what: 'a key is missing here', hint: 'write a key in double quotes, then a colon and a value' },
  4: { what: 'a value is missing here', hint: 'write a value, or take the key or comma before it away' },
  5: { what: 'a colon is missing here', hint: 'write ":" between the key and its value' },
  6: { what: 'a comma is missing here', hint: 'write "," between two entries' },
  7: { what: 'a closing brace is missing', hint: 'write "}" where the object ends' },
  8: { what: 'a closing bracket is missing', hint: 'write "]" where the list ends' },
  9: { what: 'something stands after the end of the spec', hint: 'take it away; a spec is one object' },
  10: { what: 'this comment is not allowed', hint: 'write // or /* */' },
  11: { what: 'this comment does not end', hint: 'write "*/" where it ends' },
  12: { what: 'this text does not end', hint: 'write a double quote where it ends, on the same line' },
  13: { what: 'this number does not end', hint: 'write its digits' },
  14: { what: 'this \\u escape is not complete', hint: 'write \\u and four hexadecimal digits' },
  15: { what: 'there is no such escape', hint: 'write \\\\ for a backslash, \\" for a double quote' },
  16: { what: 'this character may not stand in text as it is', hint: 'write it as an escape, a newline as \\n' },
}

/** What a syntax error means, and what to write instead. `character` is what stands there; nothing at the end of the text. */
export function saySyntax(code: ParseErrorCode, character: string): Said {
  if (character === "'") return { what: 'text stands in single quotes', hint: 'write double quotes' }
  return says[code]
}
