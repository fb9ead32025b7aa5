/** Reads a spec: comments and trailing commas are fine, everything else that is wrong is found at once. */
import { getNodeValue, type Node } from 'jsonc-parser'
import type { SpecFinding } from './findings.ts'
import { refuse, SpecError } from './findings.ts'
import { complaintsOf } from './issues.ts'
import { writtenSpec, type WrittenSpec } from './schema.ts'
import { saySyntax } from './syntax.ts'
import { parse, placeOf, positionsIn } from './text.ts'

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
  refuse(complaintsOf(result.error.issues, written), positionsIn(text, file))
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
