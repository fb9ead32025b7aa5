/** Spellings that this release still accepts and the next one refuses. */
import type { PathFinding, Positions } from './findings.ts'
import type { WrittenSpec } from './schema.ts'

/** One line for each deprecated spelling in the spec, with its place. */
export function deprecationsIn({ sprint }: WrittenSpec, positions: Positions): string[] {
  const found: PathFinding[] = []
  if (sprint?.sandbox?.use === 'auto') {
    const what = '"use": "auto" is deprecated and means "require": commands no longer run unconfined if bubblewrap does not work'
    found.push({ path: ['sprint', 'sandbox', 'use'], what, hint: 'write "require", or "off" to run commands without bubblewrap' })
  }
  return found.map(({ path, what, hint }) => {
    const { line, column } = positions.at(path)
    return `${positions.file}:${line}:${column}: ${what}; ${hint}`
  })
}
