import { existsSync, readFileSync } from 'node:fs'

/** The whole lines of a file that another process may just be writing: what has no end yet is read the next time. None where there is no file. */
export function jsonLines<T>(file: string): T[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T)
}
