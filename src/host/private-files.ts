/** Writes files and folders that only their owner may read, each as a whole. */
import { randomBytes } from 'node:crypto'
import { access, constants, lstat, mkdir, mkdtemp, open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BurnError, codeOf, ifCode, messageOf, noSuchPath } from '../core/errors.ts'

/** The text between a name and a random suffix, in the name of a file or folder that is not yet complete. */
export const partialMark = '.partial-'

/**
 * Writes a file with mode 0600: first a temporary file beside it, which then replaces it. So an earlier file stays as it is until the new
 * one is complete. burn replaces the target of a link, and writes into a device or a pipe. `content`: the text, or its parts. Throws
 * BurnError `file_unwritable` (exit 1), and the errors of `content`.
 */
export async function writePrivateFile(path: string, content: string | AsyncIterable<string>): Promise<void> {
  let temporary: string | null = null
  try {
    const found = await stat(path).catch(ifCode(noSuchPath, null))
    if (found?.isDirectory() === true) throw new BurnError('file_unwritable', `cannot write ${path}: it is a folder`, 'name a file')
    if (found?.isFile() === false) return await writeFile(path, content)
    const target = found === null ? path : await realpath(path)
    // A renaming also replaces a file that nobody may write to.
    if (found !== null) await access(target, constants.W_OK)
    const beside = `${target}${partialMark}${randomBytes(6).toString('hex')}`
    await using file = await open(beside, 'wx', 0o600)
    temporary = beside
    await file.writeFile(content)
    await file.sync()
    await rename(beside, target)
  } catch (thrown) {
    if (temporary !== null) await rm(temporary, { force: true })
    if (!systemErrors.test(codeOf(thrown))) throw thrown
    throw new BurnError('file_unwritable', unwritten(path, thrown), hint, { cause: thrown })
  }
}

/** The codes of errors of the operating system, such as `ENOSPC`. Node's own codes begin with `ERR_`. */
const systemErrors = /^E(?!RR_)[A-Z0-9]+$/

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
    throw new BurnError('folder_unwritable', unwritten(path, thrown), hint, { cause: thrown })
  }
}

/** Returns the message of a system error. The rest of that message names the temporary path. */
function unwritten(path: string, thrown: unknown): string {
  return `cannot write ${path}: ${messageOf(thrown).split(', ')[0]}`
}

const hint = 'check the permissions and the free space of the disk'
