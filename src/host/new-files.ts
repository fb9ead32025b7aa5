/** Writes new files and folders together: all of them, or none if one fails. */
import { chmod, link, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BurnError, codeOf } from '../core/errors.ts'

/** A file or a folder to write. */
export interface NewEntry {
  readonly path: string
  /** Writes the entry to another path on the same disk. */
  readonly make: (path: string) => Promise<void>
  /** True if the entry may replace a file. */
  readonly replace: boolean
  /** The mode of parent folders that do not exist yet. */
  readonly folder_mode: number
}

/** Returns the entry of a text file. */
export function newFile(path: string, text: string, { mode = 0o644, replace = false } = {}): NewEntry {
  const make = async (temporary: string) => {
    await writeFile(temporary, text, { mode, flag: 'wx' })
    // The umask may have removed rights that the file needs.
    await chmod(temporary, mode)
  }
  return { path, make, replace, folder_mode: mode === 0o600 ? 0o700 : 0o777 }
}

/**
 * Writes entries in their order. Each gets a temporary name first, so that nobody sees half of it. If one fails, burn removes the entries
 * that it wrote. Throws BurnError `init_exists` if a path exists, `init_unwritable`, and the errors of `make`.
 */
export async function writeTogether(entries: readonly NewEntry[]): Promise<void> {
  const undo: (() => Promise<void>)[] = []
  const temporary: string[] = []
  try {
    const made: [NewEntry, string][] = []
    for (const entry of entries) {
      const first = await wrapped(entry.path, () => mkdir(dirname(entry.path), { recursive: true, mode: entry.folder_mode }))
      if (first !== undefined) undo.push(() => rm(first, { recursive: true, force: true }))
      const folder = await wrapped(entry.path, () => mkdtemp(join(dirname(entry.path), '.burn-init-')))
      temporary.push(folder)
      const path = join(folder, basename(entry.path))
      await wrapped(entry.path, () => entry.make(path))
      made.push([entry, path])
    }
    for (const [entry, path] of made) {
      await wrapped(entry.path, () => place(entry, path))
      if (!entry.replace) undo.push(() => rm(entry.path, { recursive: true, force: true }))
    }
  } catch (thrown) {
    for (const step of undo.toReversed()) await step()
    throw thrown
  } finally {
    for (const folder of temporary) await rm(folder, { recursive: true, force: true })
  }
}

/** Gives an entry its name. A link, unlike a renaming, never replaces a file. */
async function place({ path, replace }: NewEntry, temporary: string): Promise<void> {
  if (replace) return rename(temporary, path)
  try {
    await link(temporary, path)
  } catch (thrown) {
    // A folder can have no second link, and some file systems have no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(thrown))) throw thrown
    await rename(temporary, path)
  }
}

async function wrapped<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (thrown instanceof BurnError) throw thrown
    const code = codeOf(thrown)
    if (['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(code))
      throw new BurnError('init_exists', `${path} exists already`, `move ${path} away, or run burn init in another folder`, { exit: 2 })
    const why = `${path} can't be written: ${code || String(thrown)}`
    throw new BurnError('init_unwritable', why, 'check the folder, its permissions and the free space of its disk', { cause: thrown })
  }
}
