/** Reads a spec. It may have comments and trailing commas. All mistakes are reported together. */
import { getNodeValue, type Node, type ParseErrorCode } from 'jsonc-parser'
import { throwFindings, SpecError, type SpecFinding } from './findings.ts'
import { schemaFindings } from './schema-findings.ts'
import { writtenSpec, type WrittenSpec } from './schema.ts'
import { parse, placeOf, positionsIn } from './jsonc.ts'

/**
 * Returns the spec, checked against its schema. `completeSpec` makes the checks that compare several places. `file` is the name in the
 * findings. Throws SpecError with every finding; if the text is not valid JSON, only with the syntax errors, because the others would be
 * guesses.
 */
export function parseSpec(text: string, file: string): WrittenSpec {
  const { tree, errors } = parse(text)
  const broken = errors.map(({ error, offset }) => ({
    file,
    ...placeOf(text, offset),
    ...syntaxFinding(error, text.slice(offset, offset + 1)),
  }))
  // Only the first error of a line counts: the others follow from it.
  const firsts = broken.filter(({ line }, index) => broken[index - 1]?.line !== line)
  if (firsts.length > 0 || tree === undefined) throw new SpecError(firsts)
  const repeated = repeatedKeys(tree).map((key): SpecFinding => ({
    file,
    ...placeOf(text, key.offset),
    ...repeatedFinding(String(key.value)),
  }))
  if (repeated.length > 0) throw new SpecError(repeated)
  const written: unknown = getNodeValue(tree)
  // Without just-in-time compilation, which pays off only for repeated checks.
  const result = writtenSpec.safeParse(written, { jitless: true })
  if (result.success) return result.data
  throwFindings(schemaFindings(result.error.issues, written), positionsIn(text, file))
  throw result.error
}

/**
 * Returns the repeated keys of each object, because JSON would silently keep only the last. `__proto__` counts as one: nobody can use it as
 * a key.
 */
function repeatedKeys(node: Node): Node[] {
  const keys = node.type === 'object' ? (node.children ?? []).flatMap((property) => property.children?.[0] ?? []) : []
  const seen = new Set<unknown>(['__proto__'])
  const repeated = keys.filter((key) => seen.size === seen.add(key.value).size)
  return [...repeated, ...(node.children ?? []).flatMap(repeatedKeys)]
}

function repeatedFinding(key: string): Mistake {
  if (key === '__proto__') return { what: '"__proto__" is not allowed as a name', hint: 'choose another' }
  return { what: `"${key}" occurs twice in this object`, hint: 'merge the two, or rename one' }
}

/** A mistake with its correction. */
interface Mistake {
  readonly what: string
  readonly hint: string
}

/** The mistakes by the code of jsonc-parser, whose enum has no values under isolated modules. */
const syntaxFindings: Readonly<Record<ParseErrorCode, Mistake>> = {
  1: { what: 'this is not a JSON value', hint: 'write text in double quotes, a number, true, false, null, […] or {…}' },
  2: { what: 'this is not a number', hint: 'write it as 12 or 0.5' },
  3: { what: 'a key is missing here', hint: 'write a key in double quotes, then a colon and a value' },
  4: { what: 'a value is missing here', hint: 'write a value, or delete the key or comma before it' },
  5: { what: 'a colon is missing here', hint: 'write ":" between the key and its value' },
  6: { what: 'a comma is missing here', hint: 'write "," between two entries' },
  7: { what: 'a closing brace is missing', hint: 'write "}" at the end of the object' },
  8: { what: 'a closing bracket is missing', hint: 'write "]" at the end of the list' },
  9: { what: 'the spec goes on after its end', hint: 'delete the rest; a spec is one object' },
  10: { what: 'this comment is not allowed', hint: 'write // or /* */' },
  11: { what: 'this comment has no end', hint: 'write "*/" at its end' },
  12: { what: 'this text has no end', hint: 'write a double quote at its end, on the same line' },
  13: { what: 'this number is incomplete', hint: 'write its digits' },
  14: { what: 'this \\u escape is incomplete', hint: 'write \\u and four hexadecimal digits' },
  15: { what: 'this escape does not exist', hint: 'write \\\\ for a backslash, \\" for a double quote' },
  16: { what: 'text must not contain this character', hint: 'write an escape, such as \\n for a newline' },
}

/** Returns the mistake for a syntax error. `character` is the character at its place; empty at the end of the text. */
function syntaxFinding(code: ParseErrorCode, character: string): Mistake {
  if (character === "'") return { what: 'the text is in single quotes', hint: 'write double quotes' }
  return syntaxFindings[code]
}
