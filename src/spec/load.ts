/** Reads a spec, which may have comments and trailing commas. Reports all errors in it together. */
import { getNodeValue, type Node, type ParseErrorCode } from 'jsonc-parser'
import { throwFindings, SpecError, type SpecFinding } from './findings.ts'
import { schemaFindings } from './schema-findings.ts'
import { writtenSpec, type WrittenSpec } from './schema.ts'
import { parse, placeOf, positionsIn } from './jsonc.ts'

/**
 * Parses a spec, checks it against the schema, and returns it. `completeSpec` makes the checks that compare several keys. `file` is the
 * file name that the findings show. Throws SpecError with every finding; if the text is not valid JSON, only with the syntax errors.
 */
export function parseSpec(text: string, file: string): WrittenSpec {
  const { tree, errors } = parse(text)
  const broken = errors.map(({ error, offset }) => ({
    file,
    ...placeOf(text, offset),
    ...syntaxFinding(error, text.slice(offset, offset + 1)),
  }))
  // Only the first syntax error in a line counts, because it causes the other errors in that line.
  const firsts = broken.filter(({ line }, index) => broken[index - 1]?.line !== line)
  if (firsts.length > 0 || tree === undefined) throw new SpecError(firsts)
  const repeated = repeatedKeys(tree).map((key): SpecFinding => ({
    file,
    ...placeOf(text, key.offset),
    ...repeatedFinding(String(key.value)),
  }))
  if (repeated.length > 0) throw new SpecError(repeated)
  const written: unknown = getNodeValue(tree)
  // zod's just-in-time compilation pays off only if the same schema checks many values.
  const result = writtenSpec.safeParse(written, { jitless: true })
  if (result.success) return result.data
  throwFindings(schemaFindings(result.error.issues, written), positionsIn(text, file))
  throw result.error
}

/**
 * Returns the keys that occur twice in an object, because JSON would silently keep only the last value. It also returns `__proto__`,
 * because JavaScript objects cannot have it as a normal key.
 */
function repeatedKeys(node: Node): Node[] {
  const keys = node.type === 'object' ? (node.children ?? []).flatMap((property) => property.children?.[0] ?? []) : []
  const seen = new Set<unknown>(['__proto__'])
  const repeated = keys.filter((key) => seen.size === seen.add(key.value).size)
  return [...repeated, ...(node.children ?? []).flatMap(repeatedKeys)]
}

function repeatedFinding(key: string): Mistake {
  if (key === '__proto__') return { what: '"__proto__" is not allowed as a name', hint: 'choose another name' }
  return { what: `"${key}" occurs twice in this object`, hint: 'merge the two values under one key, or rename one key' }
}

/** An error in the spec (`what`), and how to correct it (`hint`). */
interface Mistake {
  readonly what: string
  readonly hint: string
}

/**
 * The errors by the codes of jsonc-parser. The numbers are written out, because TypeScript cannot import a const enum under isolated
 * modules.
 */
const syntaxFindings: Readonly<Record<ParseErrorCode, Mistake>> = {
  1: { what: 'this is not a JSON value', hint: 'write text in double quotes, a number, true, false, null, […] or {…}' },
  2: { what: 'this is not a number', hint: 'write a number such as 12 or 0.5' },
  3: { what: 'a key is missing here', hint: 'write a key in double quotes, then a colon and a value' },
  4: { what: 'a value is missing here', hint: 'write a value, or delete the key or comma before it' },
  5: { what: 'a colon is missing here', hint: 'write ":" between the key and its value' },
  6: { what: 'a comma is missing here', hint: 'write "," between two entries' },
  7: { what: 'a closing brace is missing', hint: 'write "}" at the end of the object' },
  8: { what: 'a closing bracket is missing', hint: 'write "]" at the end of the list' },
  9: { what: 'there is more text after the end of the spec', hint: 'delete that text; a spec is one JSON object' },
  10: { what: 'this comment is not allowed', hint: 'write // or /* */' },
  11: { what: 'this comment has no end', hint: 'write "*/" at its end' },
  12: { what: 'this text has no closing quote', hint: 'write a double quote at the end of the text, on the same line' },
  13: { what: 'this number is incomplete', hint: 'add the missing digits' },
  14: { what: 'this \\u escape is incomplete', hint: 'write \\u and four hexadecimal digits' },
  15: { what: 'this escape does not exist', hint: 'write \\\\ for a backslash, \\" for a double quote' },
  16: { what: 'text must not contain this character', hint: 'write an escape, such as \\n for a newline' },
}

/** Returns the description of a syntax error. `character` is the character at the error; empty at the end of the spec. */
function syntaxFinding(code: ParseErrorCode, character: string): Mistake {
  if (character === "'") return { what: 'the text is in single quotes', hint: 'use double quotes' }
  return syntaxFindings[code]
}
