/** Parses JSON with comments, and finds the line and column of its values. */
import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from 'jsonc-parser'
import type { Positions, SpecPath } from './findings.ts'

/** Parses JSON with comments, without a check against the schema. Returns undefined if the text is not valid JSON. */
export function valueOf(text: string): unknown {
  const { tree, errors } = parse(text)
  return tree === undefined || errors.length > 0 ? undefined : getNodeValue(tree)
}

/**
 * Returns an object that finds the line and column of a value in the text. A missing value has the position of its nearest parent. Parses
 * the text on first use.
 */
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

/** Parses JSON with comments, and returns the syntax tree and all syntax errors. */
export function parse(text: string): { tree: Node | undefined; errors: ParseError[] } {
  const errors: ParseError[] = []
  // Some editors write a byte order mark, which is not valid JSON. A space in place of the mark keeps the columns of the first line.
  const tree = parseTree(text.replace(/^\ufeff/, ' '), errors, { allowTrailingComma: true })
  return { tree, errors }
}

function nodeAt(tree: Node, path: SpecPath, of: 'key' | 'value'): Node {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length))
    const key = node?.parent?.type === 'property' ? node.parent.children?.[0] : undefined
    // If the value is missing, the key of the nearest parent is the best position.
    if (node !== undefined) return (of === 'key' || length < path.length ? key : undefined) ?? node
  }
  return tree
}

/** Returns the line and column of an offset in the text; both start at 1. The column counts UTF-16 code units, as editors do. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}
