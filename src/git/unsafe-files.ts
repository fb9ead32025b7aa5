/** Protects git from dangerous files that a model left in a workspace, and explains failures that such files cause. */
import { lstatSync } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Workspace } from './places.ts'
import { BurnError, ifCode } from '../core/errors.ts'
import { entryName, isSpecial, removeEntry, unusableWorkspaceError, walkTree } from '../host/untrusted-tree.ts'

/** The maximum total size (bytes) of the new and changed files of a change. Git would read all of them, and forges reject larger pushes. */
const maxChangeSize = 256 * 2 ** 20
/** The maximum size (bytes) of a rules file such as `.gitignore`. Git reads these files completely before all others. */
const maxRulesSize = 2 ** 20
const rulesFiles = ['.gitignore', '.gitattributes', '.gitmodules']
/** If a disk has at least this much free space (bytes), it counts as not full. A change and its git objects need less. */
const enoughSpace = 3 * maxChangeSize

/**
 * Removes named pipes, sockets and devices from a workspace. Git would open them and wait: a pipe named `.gitignore` would block git for
 * ever. Throws BurnError `workspace_unusable` if a rules file such as `.gitignore` is too large.
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

/**
 * Throws BurnError `workspace_unusable` if the total size of the added files is too large. In these `latin1` paths, each character is one
 * byte.
 */
export function refuseLargeChange({ path }: Workspace, added: readonly string[]): void {
  let bytes = 0
  for (const name of added) {
    const stat = lstatSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')]), { throwIfNoEntry: false })
    bytes += stat?.isFile() === true ? stat.size : 0
    if (bytes > maxChangeSize) throw unusableWorkspaceError(`the changed files are larger than ${maxChangeSize / 2 ** 20} MiB in total`)
  }
}

/**
 * Runs `read`, which reads files of a workspace, and returns the result. Turns failures of git into BurnError `workspace_unusable`. Leaves
 * the error unchanged if git was stopped or is missing, the mirror is damaged, or the disk is full.
 */
export async function asWorkspaceError<T>(workspace: Workspace, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || !thrown.code.startsWith('git_') || /^git_(?:stopped|missing|mirror_damaged)$/.test(thrown.code))
      throw thrown
    // A file in the workspace may be named "No space left on device", so git's message is no proof. This function checks the disk itself.
    if (thrown.code === 'git_disk_full' && (await isFull(workspace.git_dir))) throw thrown
    throw unusableWorkspaceError(thrown.message)
  }
}

async function isFull(dir: string): Promise<boolean> {
  const { bsize, bavail, files, ffree } = await statfs(dir)
  if (bsize * bavail < enoughSpace || (files > 0 && ffree < 1_000)) return true
  // The user's disk quota may be used up even if the disk has free space, so this function writes a test file.
  const probe = join(dir, 'burn-probe')
  try {
    return await writeFile(probe, Buffer.alloc(2 ** 20)).then(() => false, ifCode(['ENOSPC', 'EDQUOT'], true))
  } finally {
    await rm(probe, { force: true })
  }
}
