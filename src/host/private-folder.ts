/** Writes folders that only their owner may read, each as a whole. */
import { lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BurnError, codeOf, ifCode, noSuchPath } from '../core/errors.ts'

/** The text between the name of a folder and a random suffix, in the name of a folder that is not yet complete. */
export const partialMark = '.partial-'

/**
 * Writes files to a new folder: first to a temporary folder beside it, which is then renamed. The folder has mode 0700, and its files have
 * mode 0600. Throws BurnError `folder_exists` or `folder_unwritable`; then the new folder does not exist.
 */
export async function writePrivateFolder(path: string, files: ReadonlyMap<string, string>): Promise<void> {
  const exists = await lstat(path).then(() => true, ifCode(noSuchPath, false))
  if (exists) throw new BurnError('folder_exists', `${path} exists already`, 'name a folder that does not exist')
  let temporary: string | null = null
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    temporary = await mkdtemp(`${path}${partialMark}`)
    for (const [name, text] of files) await writeFile(join(temporary, name), text, { mode: 0o600, flag: 'wx' })
    await rename(temporary, path)
  } catch (thrown) {
    if (temporary !== null) await rm(temporary, { recursive: true, force: true })
    const why = `${path} can't be written: ${codeOf(thrown) || String(thrown)}`
    throw new BurnError('folder_unwritable', why, 'check the folder, its permissions and the free space of its disk', { cause: thrown })
  }
}
