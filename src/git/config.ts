/** Restores the configuration of a mirror, which an agent may have changed. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mirror } from './places.ts'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError } from './failure.ts'

/** The configuration of every mirror. It names no remote, filter or program, so git pushes nowhere else and runs nothing. */
export const mirrorConfig = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n'

/**
 * Restores a mirror's configuration, because an agent without a sandbox may write to it. Renames a complete file into place, so that other
 * processes never read half of it. Throws BurnError `git_disk_full`.
 */
export async function restoreConfig({ path }: Mirror): Promise<void> {
  const file = join(path, 'config')
  try {
    if ((await readFile(file, 'utf8').catch(ifCode(noSuchPath, null))) === mirrorConfig) return
    await writeFile(`${file}.${process.pid}`, mirrorConfig)
    await rename(`${file}.${process.pid}`, file)
  } catch (thrown) {
    // If the mirror is gone, the next git command reports it.
    if (codeOf(thrown) !== 'ENOENT') throw diskError(thrown)
  }
}
