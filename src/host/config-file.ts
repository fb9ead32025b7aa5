/** Parses the configuration files of agents. */
import { parseDocument } from 'yaml'

/** Returns the data of a YAML or JSON file; null if the file is malformed. burn does not report a malformed file, because the agent does. */
export function parseConfig(text: string): unknown {
  const document = parseDocument(text, { logLevel: 'silent' })
  return document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 100 })
}
