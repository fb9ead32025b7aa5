/** Walks and removes folders that a model writes to. Their content may be hostile. */
import { chmodSync, lstatSync, readdirSync, unlinkSync, type Stats } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setImmediate as breathe } from 'node:timers/promises'
import { BurnError, ifCode, messageOf, noSuchPath } from '../core/errors.ts'
import { oneLine } from '../core/text.ts'
import { runProcess } from './exec.ts'

/** A file, folder, link or other entry below a folder. */
export interface TreeEntry {
  /** The path below the folder; each character is one byte of the name. */
  readonly path: string
  readonly stat: Stats
}

/** Options of `walkTree`. */
export interface WalkOptions {
  /**
   * True for a complete walk of a folder in which no process runs. A strict walk restores the owner's permissions on folders, and throws if
   * a path is too long. Any other walk skips the entries that it can't read.
   */
  readonly strict: boolean
  /** Is called with each entry. If the function returns false, the walk ends. */
  readonly onEntry: (entry: TreeEntry) => boolean
}

/** Linux accepts paths of up to 4,096 bytes. */
const maxPathLength = 4_000
/** The number of entries that burn reads before it lets other tasks run. */
const batchSize = 2_000
const removalTimeout_ms = 600_000

/**
 * Visits everything below a folder, and follows no symbolic link. Throws BurnError `workspace_unusable` if a strict walk finds a path that
 * is too long.
 */
export async function walkTree(root: string, { strict, onEntry }: WalkOptions): Promise<void> {
  const bytes = (path: string) => Buffer.from(`${Buffer.from(root).toString('latin1')}/${path}`, 'latin1')
  const folders = ['']
  let count = 0
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (strict) restoreRights(bytes(folder))
    for (const name of nullIfUnreadable(() => readdirSync(bytes(folder), 'latin1')) ?? []) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (root.length + path.length > maxPathLength) {
        if (strict) throw unusableWorkspaceError(`a path in ${root} is longer than ${maxPathLength} bytes`)
        continue
      }
      const stat = nullIfUnreadable(() => lstatSync(bytes(path)))
      if ((count += 1) % batchSize === 0) await breathe()
      if (stat === null) continue
      if (!onEntry({ path, stat })) return
      if (stat.isDirectory()) folders.push(path)
    }
  }
}

/** Returns null if a running command has just removed the entry, or if its owner may not read it. */
function nullIfUnreadable<T>(read: () => T): T | null {
  try {
    return read()
  } catch (thrown) {
    return ifCode([...noSuchPath, 'EACCES'], null)(thrown)
  }
}

function restoreRights(folder: Buffer): void {
  const mode = nullIfUnreadable(() => lstatSync(folder))?.mode ?? 0o700
  if ((mode & 0o700) !== 0o700) nullIfUnreadable(() => chmodSync(folder, (mode & 0o777) | 0o700))
}

/** Returns true for anything but a file, a folder or a symbolic link. Reading a pipe, a socket or a device may block for ever. */
export function isSpecial(stat: Stats): boolean {
  return !stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink()
}

/** Removes one entry that `walkTree` found. */
export function removeEntry(root: string, { path }: TreeEntry): void {
  unlinkSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]))
}

/** Returns the name of an entry, for people. */
export function entryName({ path }: TreeEntry): string {
  return oneLine(Buffer.from(path, 'latin1').toString('utf8'), 200)
}

/**
 * Removes a folder, even if its owner may not read it, or if it contains a path that is too long for a system call. Throws an Error if the
 * removal fails.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (thrown) {
    const words = ['sh', '-c', 'chmod -R u+rwx -- "$1"; exec rm -rf -- "$1"', 'sh', path]
    const { code, stderr } = await runProcess(words, { timeout_ms: removalTimeout_ms })
    if (code !== 0) throw new Error(`${path} can't be removed: ${oneLine(stderr) || messageOf(thrown)}`, { cause: thrown })
  }
}

/** Returns the error for a workspace that a model left in a state that burn can't use. */
export function unusableWorkspaceError(what: string): BurnError {
  return new BurnError('workspace_unusable', what, 'see what the commands of the sprint did: burn sprint show')
}
