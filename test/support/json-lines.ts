/** Reads files of JSON lines. */
import { existsSync, readFileSync } from 'node:fs'

/** Returns the complete lines of a file that another process may be writing; none if there is no file. */
export function jsonLines<T>(file: string): T[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}
