/** Files that are there whole or not at all, and are read only where they are plain files. */
import { constants } from 'node:fs'
import { link, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'
import { randomHex } from '../host/random.ts'

const largest = 4 * 1024 * 1024

export interface PlainFile {
  readonly text: string
  /** When it was last written, milliseconds. */
  readonly written_at: number
}

/**
 * Null where there is none. A link could lead anywhere and a pipe would never end: both are refused, as is what is too big.
 * Throws BurnError `forge_malformed` for those, `forge_unavailable` where it can't be read.
 */
export async function readPlainFile(path: string): Promise<PlainFile | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { size, mtimeMs } = await file
      .stat()
      .then((stat) => (stat.isFile() ? stat : Promise.reject(refused(path, 'it is not a plain file'))))
    if (size > largest) throw refused(path, `it has more than ${largest} bytes`)
    return { text: await file.readFile('utf8'), written_at: Math.floor(mtimeMs) }
  } catch (thrown) {
    const code = codeOf(thrown)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP' || code === 'EMLINK') throw refused(path, 'it is a symbolic link')
    throw thrown instanceof BurnError ? thrown : unreadable(path, thrown)
  }
}

/** Names in a folder; null where there is no such folder. Throws BurnError `forge_unavailable`. */
export async function namesIn(folder: string): Promise<string[] | null> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw unreadable(folder, thrown)
  }
}

/** Writes beside and renames: a reader sees the old text or the new one. Throws BurnError `forge_unavailable`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await written(path, async () => {
    const beside = await writeBeside(path, text)
    await rename(beside, path)
  })
}

/** Creates a file that must not exist yet, whole. False where it does. Throws BurnError `forge_unavailable`. */
export async function createFile(path: string, text: string): Promise<boolean> {
  return written(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    const beside = await writeBeside(path, text)
    try {
      await link(beside, path)
      return true
    } catch (thrown) {
      if (codeOf(thrown) === 'EEXIST') return false
      throw thrown
    } finally {
      await unlink(beside)
    }
  })
}

async function written<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (thrown) {
    throw new BurnError(
      'forge_unavailable',
      `${path} can't be written: ${messageOf(thrown)}`,
      'check the folder, its rights and the disk',
      { cause: thrown },
    )
  }
}

async function writeBeside(path: string, text: string): Promise<string> {
  const beside = `${path}.${randomHex(6)}.tmp`
  await using file = await open(beside, 'wx', 0o644)
  await file.writeFile(text)
  await file.sync()
  return beside
}

function refused(path: string, why: string): BurnError {
  return new BurnError('forge_malformed', `${path}: ${why}`, 'put a plain file in its place')
}

export function unreadable(path: string, thrown: unknown): BurnError {
  return new BurnError('forge_unavailable', `${path} can't be read: ${messageOf(thrown)}`, 'check the folder and its rights', {
    cause: thrown,
  })
}
