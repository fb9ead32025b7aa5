/** Reads the files of a workspace's folder into an index. Runs no program and uses no configuration that the workspace contains. */
import { existsSync } from 'node:fs'
import { copyFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { unusableWorkspaceError } from '../host/untrusted-tree.ts'
import { restoreConfig } from './config.ts'
import { folderIndexOf, indexOf, worktreeOf } from './places.ts'
import { decodeUtf8, gitFailure, gitOutput, runGit, type Git, type GitRun } from './run.ts'
import { refuseLargeChange, removeSpecialFiles } from './unsafe-files.ts'

/** Git's file modes for a submodule and for a missing file. */
const gitlink = '160000'
const noFile = '000000'

/** Returns the options of a git command that uses the workspace with this index. */
export function withIndex(workspace: Workspace, index: string, input?: string): GitRun {
  return { at: worktreeOf(workspace), env: { GIT_INDEX_FILE: index }, ...(input === undefined ? {} : { input }) }
}

/** Returns the path of the list of paths that burn never commits. Models cannot write to its folder. */
export function uncommittedPath({ git_dir }: Workspace): string {
  return join(git_dir, 'burn-uncommitted.json')
}

/**
 * Creates both indexes of a new workspace. Git believes that each file it has just written is clean, even if line endings or filters make
 * the file differ from its blob. So if attributes apply, burn's index begins without file times, and git reads every file once.
 */
export async function createIndexes(git: Git, workspace: Workspace): Promise<void> {
  const index = folderIndexOf(workspace)
  await copyFile(join(workspace.git_dir, 'index'), index)
  const run = withIndex(workspace, index)
  if (await mayHaveAttributes(workspace)) {
    await gitOutput(git, ['read-tree', 'HEAD'], run)
    // The exit code is 1 if a file differs from its blob.
    await runGit(git, ['update-index', '-q', '--refresh'], run)
  }
  await copyFile(index, indexOf(workspace))
}

/**
 * Tells whether the index of a new workspace may have a file `.gitattributes`. Searches git's index for the name, which costs less than a git
 * process. In version 4 of the format, an entry has only a part of its name.
 */
export async function mayHaveAttributes({ git_dir }: Workspace): Promise<boolean> {
  const index = await readFile(join(git_dir, 'index'))
  return index.readUInt32BE(4) > 3 || index.includes('.gitattributes')
}

/**
 * Updates the index of the folder. Returns the paths that it leaves out: nested repositories, and names that git rejects, such as `GIT~1`.
 * If `store` is true, stores the files in git's object database, and throws BurnError `workspace_unusable` if they are too large. It does
 * not use `git add`, because `git add` would query each nested repository, and so run programs that the repository's configuration names.
 */
export async function readFolder(git: Git, workspace: Workspace, { store }: { readonly store: boolean }): Promise<string[]> {
  if (!existsSync(workspace.path)) throw unusableWorkspaceError(`the folder of the workspace ${workspace.id} does not exist`)
  await removeSpecialFiles(workspace)
  await restoreConfig(workspace.mirror)
  const index = folderIndexOf(workspace)
  // Only one process works in a workspace, so an existing lock file was left by a git process that was killed.
  const refs = [`heads/${workspace.branch}`, `burn/pushed/${workspace.id}`].map((ref) => join(workspace.mirror.path, 'refs', ref))
  for (const path of [index, indexOf(workspace), ...refs]) await rm(`${path}.lock`, { force: true })
  if (!existsSync(index)) await gitOutput(git, ['read-tree', workspace.base_commit], withIndex(workspace, index))
  const { added, removed, nested } = await diffFolder(git, workspace)
  if (store) refuseLargeChange(workspace, added)
  const update = async (option: string, paths: readonly string[]) => {
    const args = ['update-index', '-z', ...option.split(' '), '--stdin']
    const result = await runGit(git, args, withIndex(workspace, index, paths.map((path) => `${path}\0`).join('')))
    if (result.code !== 0) throw gitFailure(args, result)
    return /^Ignoring path /m.test(result.stdout + result.stderr)
  }
  if (removed.length > 0) await update('--force-remove', removed)
  const options = `--add --replace${store ? '' : ' --info-only'}`
  const ignored = added.length > 0 && (await update(options, added)) ? (await diffFolder(git, workspace)).added : []
  return [...nested, ...ignored].map((path) => decodeUtf8(path).replace(/\/$/, ''))
}

interface FolderDiff {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Nested repositories, and files or folders that replaced a submodule. */
  readonly nested: readonly string[]
}

/** Returns the differences between the folder and its index. A submodule counts as unchanged, even if something else replaced it. */
async function diffFolder(git: Git, workspace: Workspace): Promise<FolderDiff> {
  const run = withIndex(workspace, folderIndexOf(workspace))
  // `dirty` makes git read only the HEAD of a submodule. Otherwise git would run inside the submodule to check whether it is clean.
  const raw = ['diff-files', '--raw', '-z', '--no-renames', '--ignore-submodules=dirty']
  const fields = (await gitOutput(git, raw, run)).split('\0')
  const others = (await gitOutput(git, ['ls-files', '-z', '--others', '--exclude-standard'], run)).split('\0')
  const [added, removed, nested]: [string[], string[], string[]] = [[], [], []]
  const list = await readFile(uncommittedPath(workspace), 'utf8').catch(ifCode(noSuchPath, '[]'))
  // Only `neverCommit` writes this list.
  const uncommitted = new Set(JSON.parse(list) as readonly string[])
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = '', after = ''] = (fields[at] ?? '').slice(1).split(' ')
    const path = fields[at + 1] ?? ''
    if ((before === gitlink || after === gitlink) && after !== noFile) nested.push(path)
    if (before !== gitlink) (after === gitlink || after === noFile ? removed : added).push(path)
  }
  for (const path of others.filter((each) => each !== '' && !uncommitted.has(each))) (path.endsWith('/') ? nested : added).push(path)
  return { added, removed, nested }
}
