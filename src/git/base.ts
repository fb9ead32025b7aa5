/** Files of the commit that a workspace began from: read, and put in place of a model's own for a while. */
import { lstat, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { removeSpecialFiles } from './unsafe-files.ts'
import { indexOf, worktreeOf } from './places.ts'
import { encodeUtf8, gitOutput, decodeUtf8, toTheEnd, type Git, type GitRun } from './run.ts'

/** A file as git keeps it. */
export interface Blob {
  readonly mode: string
  readonly oid: string
}

/** Returns the files and symbolic links of the base commit at these paths, and below them. Throws BurnError `git_*`. */
export function baseFiles(git: Git, { git_dir, base_commit }: Workspace, paths: readonly string[]): Promise<Map<string, Blob>> {
  return listed(git, ['ls-tree', '-r', '-z', base_commit], paths, { at: { git_dir } })
}

/** Returns those of these paths, and of what is below them, that `changesIn` last saw. Throws BurnError `git_*`. */
export function indexedFiles(git: Git, workspace: Workspace, paths: readonly string[]): Promise<Map<string, Blob>> {
  return listed(git, ['ls-files', '--stage', '-z'], paths, withIndex(workspace, indexOf(workspace)))
}

/** Paths in one argv. */
const most = 500

async function listed(git: Git, words: readonly string[], paths: readonly string[], run: GitRun): Promise<Map<string, Blob>> {
  const found = new Map<string, Blob>()
  for (let at = 0; at < paths.length; at += most) {
    const part = paths.slice(at, at + most).map(encodeUtf8)
    const said = await gitOutput(git, ['--literal-pathspecs', ...words, '--', ...part], run)
    for (const [path, blob] of blobsIn(said)) found.set(path, blob)
  }
  return found
}

/** `<mode> [<type> ]<oid>[ <stage>]\t<path>`, each ended by a zero byte. Submodules are left out. */
function blobsIn(said: string): [string, Blob][] {
  return said.split('\0').flatMap((line): [string, Blob][] => {
    const [facts = '', path = ''] = line.split('\t', 2)
    const [, mode, oid] = /^(100644|100755|120000) (?:blob )?([0-9a-f]+)/.exec(facts) ?? []
    return mode === undefined || oid === undefined ? [] : [[decodeUtf8(path), { mode, oid }]]
  })
}

/** Returns the text of a file. Throws BurnError `git_*`. */
export async function readBlob(git: Git, { git_dir }: Workspace, { oid }: Blob): Promise<string> {
  return decodeUtf8(await gitOutput(git, ['cat-file', 'blob', oid], { at: { git_dir } }))
}

/** Keeps a text as an ordinary file that `withFiles` can use. Throws BurnError `git_*`. */
export async function writeBlob(git: Git, { git_dir }: Workspace, text: string): Promise<Blob> {
  const oid = (await gitOutput(git, ['hash-object', '-w', '--stdin'], { at: { git_dir }, input: encodeUtf8(text) })).trim()
  return { mode: '100644', oid }
}

/**
 * Puts these files into the workspace (null: takes the file out), runs `during`, and then puts back what `changesIn` last saw of them. Git writes them, which
 * never follows a symbolic link. Throws BurnError `git_*`.
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
    // Git puts them back, and waits for no pipe that a test left there.
    await removeSpecialFiles(workspace)
    await put(toTheEnd(git), workspace, new Map([...paths.map((path): [string, null] => [path, null]), ...seen]))
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

/** A model may have put a symbolic link in place of a folder: nothing beyond it is touched. */
async function remove(folder: string, path: string): Promise<void> {
  const names = path.split('/')
  for (let depth = 1; depth < names.length; depth++) {
    const parent = await lstat(join(folder, ...names.slice(0, depth))).catch(ifCode([...noSuchPath, 'EACCES'], null))
    if (parent === null || !parent.isDirectory()) return
  }
  await rm(join(folder, path), { recursive: true, force: true })
}

/**
 * Returns those of these names in the workspace's top folder that git leaves out now, and that the base commit's own `.gitignore` does not leave out. Throws
 * BurnError `git_*`.
 */
export async function hiddenFiles(git: Git, workspace: Workspace, names: readonly string[]): Promise<string[]> {
  const ignore = (await baseFiles(git, workspace, ['.gitignore'])).get('.gitignore')
  const path = join(workspace.git_dir, 'burn-base-ignore')
  await writeFile(path, ignore === undefined ? '' : encodeUtf8(await readBlob(git, workspace, ignore)), 'latin1')
  const words = ['--literal-pathspecs', 'ls-files', '--others', '-z', `--exclude-from=${path}`, '--', ...names]
  const said = await gitOutput(git, words, withIndex(workspace, indexOf(workspace)))
  return said.split('\0').filter((name) => name !== '')
}

function withIndex(workspace: Workspace, index: string): GitRun {
  return { at: worktreeOf(workspace), env: { GIT_INDEX_FILE: index } }
}
