/** Reads files of a workspace's base commit, and puts them into the workspace while a check runs. */
import { lstat, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { removeSpecialFiles } from './unsafe-files.ts'
import { withIndex } from './folder.ts'
import { indexOf } from './places.ts'
import { encodeUtf8, gitOutput, decodeUtf8, withoutSignal, type Git, type GitRun } from './run.ts'

/** A file that is stored in git's object database. */
export interface Blob {
  readonly mode: string
  readonly oid: string
}

/** Returns the files and symbolic links of the base commit at or below these paths, by path. Throws BurnError `git_*`. */
export function baseFiles(
  git: Git,
  { git_dir, base_commit }: Pick<Workspace, 'git_dir' | 'base_commit'>,
  paths: readonly string[],
): Promise<Map<string, Blob>> {
  return listBlobs(git, ['ls-tree', '-r', '-z', base_commit], paths, { at: { git_dir } })
}

/** Returns the files at or below these paths, as the last `stageChanges` stored them in burn's index, by path. Throws BurnError `git_*`. */
export function indexedFiles(git: Git, workspace: Workspace, paths: readonly string[]): Promise<Map<string, Blob>> {
  return listBlobs(git, ['ls-files', '--stage', '-z'], paths, withIndex(workspace, indexOf(workspace)))
}

/** The maximum number of paths on one command line. */
const pathsPerCommand = 500

async function listBlobs(git: Git, args: readonly string[], paths: readonly string[], run: GitRun): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>()
  for (let at = 0; at < paths.length; at += pathsPerCommand) {
    const part = paths.slice(at, at + pathsPerCommand).map(encodeUtf8)
    const output = await gitOutput(git, ['--literal-pathspecs', ...args, '--', ...part], run)
    for (const [path, blob] of blobsIn(output)) found.set(path, blob)
  }
  return found
}

/**
 * Parses the NUL-terminated lines `<mode> [<type> ]<oid>[ <stage>]\t<path>`. Returns pairs of a path and its file. Leaves out submodules.
 */
function blobsIn(output: string): [string, Blob][] {
  return output.split('\0').flatMap((line): [string, Blob][] => {
    const [facts = '', path = ''] = line.split('\t', 2)
    const [, mode, oid] = /^(100644|100755|120000) (?:blob )?([0-9a-f]+)/.exec(facts) ?? []
    return mode === undefined || oid === undefined ? [] : [[decodeUtf8(path), { mode, oid }]]
  })
}

/** Returns the text of a stored file. Throws BurnError `git_*`. */
export async function readBlob(git: Git, { git_dir }: Pick<Workspace, 'git_dir'>, { oid }: Blob): Promise<string> {
  return decodeUtf8(await gitOutput(git, ['cat-file', 'blob', oid], { at: { git_dir } }))
}

/** Stores a text in git's object database, so that `withFiles` can use it as a file. Throws BurnError `git_*`. */
export async function writeBlob(git: Git, { git_dir }: Workspace, text: string): Promise<Blob> {
  const oid = (await gitOutput(git, ['hash-object', '-w', '--stdin'], { at: { git_dir }, input: encodeUtf8(text) })).trim()
  return { mode: '100644', oid }
}

/**
 * Writes these files to the workspace, and removes each path whose value is null. Runs `during`, and then restores the files that the last
 * `stageChanges` found. Git writes the files, because git never writes through a symbolic link. Throws BurnError `git_*`.
 */
export async function withFiles<T>(
  git: Git,
  workspace: Workspace,
  files: ReadonlyMap<string, Blob | null>,
  during: () => Promise<T>,
): Promise<T> {
  if (files.size === 0) return during()
  const paths = [...files.keys()]
  const seen = await indexedFiles(git, workspace, paths)
  await put(git, workspace, files)
  try {
    return await during()
  } finally {
    // A check may have left a named pipe. Git would open the pipe and wait for ever.
    await removeSpecialFiles(workspace)
    await put(withoutSignal(git), workspace, new Map([...paths.map((path): [string, null] => [path, null]), ...seen]))
  }
}

async function put(git: Git, workspace: Workspace, files: ReadonlyMap<string, Blob | null>): Promise<void> {
  const index = join(workspace.git_dir, 'burn-put-index')
  const written: string[] = []
  for (const [path, blob] of files) {
    if (blob === null) await remove(workspace.path, path)
    else written.push(`${blob.mode} ${blob.oid}\t${encodeUtf8(path)}\0`)
  }
  await rm(index, { force: true })
  const at = withIndex(workspace, index)
  await gitOutput(git, ['update-index', '-z', '--index-info'], { ...at, input: written.join('') })
  await gitOutput(git, ['checkout-index', '--all', '--force', '--quiet'], at)
  await rm(index, { force: true })
}

/** Removes a file or folder. Does not follow symbolic links, because a model may have replaced a folder with a link. */
async function remove(folder: string, path: string): Promise<void> {
  const names = path.split('/')
  for (let depth = 1; depth < names.length; depth++) {
    const parent = await lstat(join(folder, ...names.slice(0, depth))).catch(ifCode([...noSuchPath, 'EACCES'], null))
    if (parent === null || !parent.isDirectory()) return
  }
  await rm(join(folder, path), { recursive: true, force: true })
}

/**
 * Returns each of these names in the workspace's top folder that git ignores now, but that the base commit's `.gitignore` does not ignore.
 * Throws BurnError `git_*`.
 */
export async function hiddenFiles(git: Git, workspace: Workspace, names: readonly string[]): Promise<string[]> {
  const ignore = (await baseFiles(git, workspace, ['.gitignore'])).get('.gitignore')
  const path = join(workspace.git_dir, 'burn-base-ignore')
  await writeFile(path, ignore === undefined ? '' : encodeUtf8(await readBlob(git, workspace, ignore)), 'latin1')
  const args = ['--literal-pathspecs', 'ls-files', '--others', '-z', `--exclude-from=${path}`, '--', ...names]
  const output = await gitOutput(git, args, withIndex(workspace, indexOf(workspace)))
  return output.split('\0').filter((name) => name !== '')
}
