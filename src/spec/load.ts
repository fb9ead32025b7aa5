/** Reads a spec: comments and trailing commas are fine, everything else that is wrong is found at once. */
import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from 'jsonc-parser'
import type { SpecFinding, Positions, SpecPath } from './findings.ts'
import { refuse, SpecError } from './findings.ts'
import { complaintsOf } from './issues.ts'
import { writtenSpec, type WrittenSpec } from './schema.ts'
import { saySyntax } from './syntax.ts'

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

/** Where things are in the text, which is parsed only once that is asked. What is not in it has the place of its nearest parent. */
export function positionsIn(text: string, file: string): Positions {
  let tree: Node | undefined
  return {
    file,
    at(path, of = 'value') {
      tree ??= parse(text).tree
      return placeOf(text, tree === undefined ? 0 : nodeAt(tree, path, of).offset)
    },
  }
}

function parse(text: string): { tree: Node | undefined; errors: ParseError[] } {
  const errors: ParseError[] = []
  // A byte order mark is no JSON, but editors write it: a blank in its place keeps the columns.
  const tree = parseTree(text.replace(/^\ufeff/, ' '), errors, { allowTrailingComma: true })
  return { tree, errors }
}

function nodeAt(tree: Node, path: SpecPath, of: 'key' | 'value'): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length))
    const key = node?.parent?.type === 'property' ? node.parent.children?.[0] : undefined
    // Of something that is missing, the parent's key says best where it should be.
    if (node !== undefined) return (of === 'key' || length < path.length ? key : undefined) ?? node
  }
  return tree
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

/** Line and column of an offset, both from 1, the column in UTF-16 code units as editors count. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}
