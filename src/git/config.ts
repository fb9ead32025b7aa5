/** Restores the configuration of a mirror, because an agent may have changed the configuration. */
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mirror } from './places.ts'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError } from './failure.ts'

/** The algorithm of the ids of a repo's objects. */
export type ObjectFormat = 'sha1' | 'sha256'

/** A file of each mirror with the object format SHA-256. */
const formatFile = 'burn-sha256'

/** The configurations of mirrors. They name no remote, filter or program, so they cannot make git push elsewhere or run a program. */
export const mirrorConfigs: Readonly<Record<ObjectFormat, string>> = {
  sha1: '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
  sha256: '[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n',
}

/** Writes the configuration of a new mirror. */
export async function writeConfig(path: string, format: ObjectFormat): Promise<void> {
  await writeFile(join(path, 'config'), mirrorConfigs[format])
  if (format === 'sha256') await writeFile(join(path, formatFile), '')
}

/** Returns the object format of a mirror. */
export function formatOf({ path }: Mirror): ObjectFormat {
  return existsSync(join(path, formatFile)) ? 'sha256' : 'sha1'
}

/**
 * Restores a mirror's configuration, because an agent without a sandbox may write to it. Writes a new file and renames it, so that other
 * processes never read a partial file. Throws BurnError `git_disk_full`.
 */
export async function restoreConfig(mirror: Mirror): Promise<void> {
  const file = join(mirror.path, 'config')
  try {
    const config = mirrorConfigs[formatOf(mirror)]
    if ((await readFile(file, 'utf8').catch(ifCode(noSuchPath, null))) === config) return
    await writeFile(`${file}.${process.pid}`, config)
    await rename(`${file}.${process.pid}`, file)
  } catch (thrown) {
    // If the mirror does not exist, the next git command reports that.
    if (codeOf(thrown) !== 'ENOENT') throw diskError(thrown)
  }
}
