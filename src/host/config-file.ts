/** Parses the configuration files of agents. */
import { parseDocument } from 'yaml'
import { valueOf } from '../spec/jsonc.ts'

/** Returns the data of a file of JSON, also with comments, or YAML; null as in `parseConfig`. */
export function parseAnyConfig(text: string): unknown {
  return valueOf(text) ?? parseConfig(text)
}

/**
 * The options that make the parser read a file as Hermes does, that is, as PyYAML: of two equal keys the last one counts, and `<<` merges a
 * mapping into another one.
 */
export const asHermes = { uniqueKeys: false, merge: true, logLevel: 'silent' } as const

/**
 * Returns the data of a YAML or JSON file; null if the file is malformed, if a value contains itself, or if aliases expand to very much data.
 * burn does not report a malformed file, because the agent does.
 */
export function parseConfig(text: string): unknown {
  const document = parseDocument(text, asHermes)
  if (document.errors.length > 0) return null
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    // This fails if a value contains itself.
    JSON.stringify(value)
    return value
  } catch {
    return null
  }
}
