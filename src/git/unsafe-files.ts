/** Protects git from files that a model left in a workspace, and explains failures that such files cause. */
import { lstatSync } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Workspace } from './places.ts'
import { BurnError, ifCode } from '../core/errors.ts'
import { entryName, isSpecial, removeEntry, unusableWorkspaceError, walkTree } from '../host/untrusted-tree.ts'

/** The limit (bytes) for all new and changed files of a change. Git would read all of them, and no forge accepts more. */
const maxChangeSize = 256 * 2 ** 20
/** The limit (bytes) for a file of git's rules, which git reads whole before it reads other files. */
const maxRulesSize = 2 ** 20
const rulesFiles = ['.gitignore', '.gitattributes', '.gitmodules']
/** A disk with this much free space (bytes) is not full, because a change with its objects is smaller. */
const enoughSpace = 3 * maxChangeSize

/**
 * Removes pipes, sockets and devices from a workspace. Git would open them and wait: a pipe named `.gitignore` blocks it for ever. Throws
 * BurnError `workspace_unusable` if a file of git's rules is too large.
 */
export async function removeSpecialFiles({ path }: Workspace): Promise<void> {
  const long: string[] = []
  await walkTree(path, {
    strict: true,
    onEntry: (entry) => {
      if (isSpecial(entry.stat)) removeEntry(path, entry)
      else if (entry.stat.size > maxRulesSize && entry.stat.isFile() && rulesFiles.includes(basename(entry.path)))
        long.push(entryName(entry))
      return long.length === 0
    },
  })
  if (long[0] !== undefined) throw unusableWorkspaceError(`${long[0]} is larger than ${maxRulesSize / 2 ** 20} MiB`)
}

/** Throws BurnError `workspace_unusable` if the added files are too large together. Each character of a path is one byte. */
export function refuseLargeChange({ path }: Workspace, added: readonly string[]): void {
  let bytes = 0
  for (const name of added) {
    const stat = lstatSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')]), { throwIfNoEntry: false })
    bytes += stat?.isFile() === true ? stat.size : 0
    if (bytes > maxChangeSize) throw unusableWorkspaceError(`its changed files are larger than ${maxChangeSize / 2 ** 20} MiB`)
  }
}

/**
 * Runs `read`, which reads the files of a workspace. Git's failures there become BurnError `workspace_unusable`, unless git was stopped or
 * is missing, or the mirror is damaged, or the disk is full.
 */
export async function asWorkspaceError<T>(workspace: Workspace, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || !thrown.code.startsWith('git_') || /^git_(?:stopped|missing|mirror_damaged)$/.test(thrown.code))
      throw thrown
    // The name of a file may be "No space left on device", so this checks the disk itself.
    if (thrown.code === 'git_disk_full' && (await isFull(workspace.git_dir))) throw thrown
    throw unusableWorkspaceError(thrown.message)
  }
}

async function isFull(dir: string): Promise<boolean> {
  const { bsize, bavail, files, ffree } = await statfs(dir)
  if (bsize * bavail < enoughSpace || (files > 0 && ffree < 1_000)) return true
  // The user's quota may be used up although the disk has space.
  const probe = join(dir, 'burn-probe')
  try {
    return await writeFile(probe, Buffer.alloc(2 ** 20)).then(() => false, ifCode(['ENOSPC', 'EDQUOT'], true))
  } finally {
    await rm(probe, { force: true })
  }
}
