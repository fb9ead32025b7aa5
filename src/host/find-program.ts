/** Finds programs by the folders of a PATH, without starting them. */
import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { ifCode, noSuchPath } from '../core/errors.ts'

/** Returns the path of the program that a shell with this PATH would start; null if there is none. A name with a slash is a path itself. */
export async function findProgram(program: string, path: string): Promise<string | null> {
  const candidates = program.includes('/') ? [program] : path.split(delimiter).map((dir) => join(dir, program))
  for (const candidate of candidates) if (await isProgram(candidate)) return candidate
  return null
}

async function isProgram(path: string): Promise<boolean> {
  const refused = [...noSuchPath, 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG']
  return access(path, constants.X_OK)
    .then(async () => (await stat(path)).isFile())
    .catch(ifCode(refused, false))
}
