/** A spec as text: JSON with comments, and where in it things are. Knows nothing of what a spec means. */
import { findNodeAtLocation, getNodeValue, parseTree, type Node, type ParseError } from 'jsonc-parser'
import type { Positions, SpecPath } from './findings.ts'

/** The value that the text stands for, unchecked; undefined where it is no JSON. */
export function valueOf(text: string): unknown {
  const { tree, errors } = parse(text)
  return tree === undefined || errors.length > 0 ? undefined : getNodeValue(tree)
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

export function parse(text: string): { tree: Node | undefined; errors: ParseError[] } {
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

/** Line and column of an offset, both from 1, the column in UTF-16 code units as editors count. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
}
