/** Reads the files of Hermes: YAML or JSON, which may be broken, missing or far too large. */
import { readFile, stat } from 'node:fs/promises'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { isFields, type JsonObject } from '../core/json.ts'

/** The maximum size (bytes) of a file of Hermes. A larger file would take long to parse. */
export const maxHermesFile = 1024 * 1024

/** Returns the text of a file; null if it does not exist. Throws BurnError `hermes_config`. */
export async function readText(path: string): Promise<string | null> {
  try {
    const size = await stat(path).then(({ size }) => size, ifCode(noSuchPath, 0))
    if (size > maxHermesFile) throw tooLarge(path)
    return await readFile(path, 'utf8').catch(ifCode(noSuchPath, null))
  } catch (thrown) {
    if (thrown instanceof BurnError) throw thrown
    throw new BurnError('hermes_config', `${path} cannot be read: ${messageOf(thrown)}`, 'check the owner and the permissions of this file')
  }
}

/** Returns the error for a file of Hermes that is too large. */
export function tooLarge(path: string): BurnError {
  const hint = 'move everything that is no setting out of this file'
  return new BurnError('hermes_config', `${path} is larger than ${maxHermesFile / 1024 / 1024} MiB`, hint)
}

/** Reads a YAML or JSON file. Returns null if the file does not exist. Throws BurnError `hermes_config`. */
export async function readTree(path: string): Promise<JsonObject | null> {
  const text = await readText(path)
  return text === null ? null : parseTree(text, path)
}

/**
 * Parses YAML or JSON. Throws BurnError `hermes_config`. The errors name the position and the kind of the problem. They omit the parser's message, because that message quotes
 * the line, which may contain a key.
 */
export async function parseTree(text: string, path: string): Promise<JsonObject> {
  const [{ LineCounter, parseDocument }, { asHermes }] = await Promise.all([import('yaml'), import('../host/config-file.ts')])
  const lines = new LineCounter()
  const document = parseDocument(text, { ...asHermes, lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new BurnError(
      'hermes_config',
      `${path}:${line}:${col}: syntax error (${error.code.toLowerCase().replaceAll('_', ' ')})`,
      'correct the file at this line',
    )
  }
  const tree = treeOf(() => document.toJS({ maxAliasCount: 100 }) as unknown, path)
  if (!isFields(tree)) throw new BurnError('hermes_config', `${path}:1: the file contains no settings`, 'correct the file at this line')
  return tree
}

/** Calls the parser. It throws ReferenceError if aliases would expand to far more than the file. */
function treeOf(parse: () => unknown, path: string): unknown {
  try {
    return parse()
  } catch (thrown) {
    if (!(thrown instanceof ReferenceError)) throw thrown
    throw new BurnError('hermes_config', `${path}: the aliases of the file are too many or undefined`, 'correct the aliases in this file')
  }
}
