/** Reads regular files only, and writes files atomically: a reader sees the whole file or none. */
import { constants } from 'node:fs'
import { link, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'
import { randomHex } from '../host/random.ts'

const maxBytes = 4 * 1024 * 1024

/** The content of a file, and the time of the last write. */
export interface PlainFile {
  readonly text: string
  /** The time of the last write (ms). */
  readonly written_at: number
}

/**
 * Returns the text of a file; null if there is no such file. Refuses symbolic links, which could lead anywhere, and pipes, which could
 * block for ever. Throws BurnError `forge_malformed` for links, for pipes and for a file that is too large, and `forge_unavailable` if the
 * file can't be read.
 */
export async function readPlainFile(path: string): Promise<PlainFile | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const { size, mtimeMs } = await file
      .stat()
      .then((stat) => (stat.isFile() ? stat : Promise.reject(refused(path, 'the path is not a regular file'))))
    if (size > maxBytes) throw refused(path, `the file has more than ${maxBytes} bytes`)
    return { text: await file.readFile('utf8'), written_at: Math.floor(mtimeMs) }
  } catch (thrown) {
    const code = codeOf(thrown)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    if (code === 'ELOOP' || code === 'EMLINK') throw refused(path, 'the path is a symbolic link')
    throw thrown instanceof BurnError ? thrown : unreadable(path, thrown)
  }
}

/** Returns the names in a folder; null if there is no such folder. Throws BurnError `forge_unavailable`. */
export async function namesIn(folder: string): Promise<string[] | null> {
  try {
    return await readdir(folder)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw unreadable(folder, thrown)
  }
}

/** Replaces a file by renaming a temporary one, so that a reader sees the old text or the new one. Throws BurnError `forge_unavailable`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await asForgeError(path, async () => {
    const temporary = await writeTempFile(path, text)
    await rename(temporary, path)
  })
}

/** Creates a file atomically with its whole text. Returns false if the file exists already. Throws BurnError `forge_unavailable`. */
export async function createFile(path: string, text: string): Promise<boolean> {
  return asForgeError(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    const temporary = await writeTempFile(path, text)
    try {
      await link(temporary, path)
      return true
    } catch (thrown) {
      if (codeOf(thrown) === 'EEXIST') return false
      throw thrown
    } finally {
      await unlink(temporary)
    }
  })
}

async function asForgeError<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (thrown) {
    throw new BurnError(
      'forge_unavailable',
      `${path} can't be written: ${messageOf(thrown)}`,
      'check that the folder exists and is writable, and that the disk has free space',
      { cause: thrown },
    )
  }
}

async function writeTempFile(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomHex(6)}.tmp`
  await using file = await open(temporary, 'wx', 0o644)
  await file.writeFile(text)
  await file.sync()
  return temporary
}

function refused(path: string, why: string): BurnError {
  return new BurnError('forge_malformed', `${path}: ${why}`, 'put a regular file at this path')
}

/** Returns the BurnError `forge_unavailable` for a file or folder that can't be read. */
export function unreadable(path: string, thrown: unknown): BurnError {
  return new BurnError(
    'forge_unavailable',
    `${path} can't be read: ${messageOf(thrown)}`,
    'check that the path exists and that burn may read it',
    {
      cause: thrown,
    },
  )
}
