/** What a model left in a workspace that git must not be shown, and what git could not do because of it. */
import { lstatSync } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Workspace } from './places.ts'
import { BurnError, ifCode } from '../core/errors.ts'
import { entryName, isSpecial, removeEntry, unusableWorkspaceError, walkTree } from '../host/untrusted-tree.ts'

/** Bytes that the new and changed files of one change may have together. No forge takes more, and git would read all of it. */
const mostAdded = 256 * 2 ** 20
/** Bytes of a file that git reads whole before it looks at others. */
const mostRules = 2 ** 20
const rules = ['.gitignore', '.gitattributes', '.gitmodules']
/** A disk with more room than this was not what git lacked: a change and its objects are smaller. */
const room = 3 * mostAdded

/**
 * Removes pipes, sockets and devices, which git would open and wait for: a pipe named `.gitignore` stops it for ever. Throws BurnError `workspace_unusable` for
 * rules that are too long to be read.
 */
export async function removeSpecialFiles({ path }: Workspace): Promise<void> {
  const long: string[] = []
  await walkTree(path, {
    strict: true,
    onEntry: (entry) => {
      if (isSpecial(entry.stat)) removeEntry(path, entry)
      else if (entry.stat.size > mostRules && entry.stat.isFile() && rules.includes(basename(entry.path))) long.push(entryName(entry))
      return long.length === 0
    },
  })
  if (long[0] !== undefined) throw unusableWorkspaceError(`${long[0]} is larger than ${mostRules / 2 ** 20} MiB`)
}

/** Throws BurnError `workspace_unusable` if git would have to read too much. Each character of a path is one byte. */
export function refuseLarge({ path }: Workspace, added: readonly string[]): void {
  let bytes = 0
  for (const name of added) {
    const stat = lstatSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')]), { throwIfNoEntry: false })
    bytes += stat?.isFile() === true ? stat.size : 0
    if (bytes > mostAdded) throw unusableWorkspaceError(`what it changed has more than ${mostAdded / 2 ** 20} MiB, which is no change`)
  }
}

/** Runs a look at the files of a workspace. What git can't do there is the workspace's doing, unless it was ended, or the mirror or the disk is to blame. */
export async function asWorkspaceError<T>(workspace: Workspace, look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (thrown) {
    if (!(thrown instanceof BurnError) || !thrown.code.startsWith('git_') || /^git_(?:stopped|missing|mirror_damaged)$/.test(thrown.code))
      throw thrown
    // A file's own name may say "No space left on device".
    if (thrown.code === 'git_disk_full' && (await isFull(workspace.git_dir))) throw thrown
    throw unusableWorkspaceError(thrown.message)
  }
}

async function isFull(dir: string): Promise<boolean> {
  const { bsize, bavail, files, ffree } = await statfs(dir)
  if (bsize * bavail < room || (files > 0 && ffree < 1_000)) return true
  // A person's share of the disk may be used up while the disk is not.
  const probe = join(dir, 'burn-probe')
  try {
    return await writeFile(probe, Buffer.alloc(2 ** 20)).then(() => false, ifCode(['ENOSPC', 'EDQUOT'], true))
  } finally {
    await rm(probe, { force: true })
  }
}
