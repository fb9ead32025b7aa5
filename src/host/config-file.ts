/** Parses the configuration files of agents. */
import { parseDocument } from 'yaml'

/**
 * Returns the data of a YAML or JSON file; null if the file is malformed, if a value contains itself, or if aliases expand to very much data.
 * burn does not report a malformed file, because the agent does.
 */
export function parseConfig(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent' })
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
