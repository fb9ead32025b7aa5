/** Restores the configuration of a mirror, because an agent may have changed the configuration. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mirror } from './places.ts'
import { codeOf, ifCode, noSuchPath } from '../core/errors.ts'
import { diskError } from './failure.ts'

/** The configuration of every mirror. It names no remote, filter or program, so it cannot make git push elsewhere or run a program. */
export const mirrorConfig = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n'

/**
 * Restores a mirror's configuration, because an agent without a sandbox may write to it. Writes a new file and renames it, so that other
 * processes never read a partial file. Throws BurnError `git_disk_full`.
 */
export async function restoreConfig({ path }: Mirror): Promise<void> {
  const file = join(path, 'config')
  try {
    if ((await readFile(file, 'utf8').catch(ifCode(noSuchPath, null))) === mirrorConfig) return
    await writeFile(`${file}.${process.pid}`, mirrorConfig)
    await rename(`${file}.${process.pid}`, file)
  } catch (thrown) {
    // If the mirror does not exist, the next git command reports that.
    if (codeOf(thrown) !== 'ENOENT') throw diskError(thrown)
  }
}
