/**
 * Keeps differences that the model did not make out of a change: files that are dirty right after the checkout, files that the setup command
 * wrote, and files that a check left.
 */
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './places.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { diskError } from './failure.ts'
import { readFolder, uncommittedPath, withIndex } from './folder.ts'
import { folderIndexOf, indexOf } from './places.ts'
import { encodeUtf8, gitOutput, type Git } from './run.ts'
import { asWorkspaceError } from './unsafe-files.ts'

/** A file in an index, as `<mode> <oid>`. Null if the index has the same file as the base commit. */
type Entry = string | null

/** The differences of a folder that are no changes. */
interface Baseline {
  /** By path, in `latin1`: the file in the folder, and the file that burn commits if the folder still has that file. */
  readonly files: Readonly<Record<string, { readonly seen: Entry; readonly kept: Entry }>>
  /** The paths that git cannot commit. */
  readonly left_out: readonly string[]
}

const recordPath = ({ git_dir }: Workspace) => join(git_dir, 'burn-baseline.json')

/** Records paths that burn never commits, even if a file at one of these paths changes. Throws BurnError `git_disk_full`. */
export async function neverCommit(workspace: Workspace, paths: readonly string[]): Promise<void> {
  await writeFile(uncommittedPath(workspace), JSON.stringify(paths.map(encodeUtf8))).catch((thrown: unknown) => {
    throw diskError(thrown)
  })
}

/**
 * Records each difference between the folder and burn's index, so that it does not count as a change. Call it when a command of the operator
 * has ended, such as a check. If a file changes later, its difference counts. Throws BurnError `git_*` and `workspace_unusable`.
 */
export async function recordBaseline(git: Git, workspace: Workspace): Promise<void> {
  const left_out = await asWorkspaceError(workspace, () => readFolder(git, workspace, { store: false }))
  const files = (await haveSameIndex(workspace)) ? [] : await differingFiles(git, workspace)
  const baseline: Baseline = { files: Object.fromEntries(files), left_out }
  await writeFile(recordPath(workspace), JSON.stringify(baseline)).catch((thrown: unknown) => {
    throw diskError(thrown)
  })
}

/**
 * Sets burn's index to the index of the folder, without the differences of the baseline. Returns those of the paths in `left_out` that the
 * baseline does not have. Throws BurnError `git_*`.
 */
export async function leaveOutBaseline(git: Git, workspace: Workspace, left_out: readonly string[]): Promise<string[]> {
  const index = indexOf(workspace)
  await copyFile(folderIndexOf(workspace), index).catch((thrown: unknown) => {
    throw diskError(thrown)
  })
  const text = await readFile(recordPath(workspace), 'utf8').catch(ifCode(noSuchPath, null))
  // Only `recordBaseline` writes this file, and models cannot write to its folder, so the content has this type.
  const baseline: Baseline = text === null ? { files: {}, left_out: [] } : (JSON.parse(text) as Baseline)
  const files = Object.entries(baseline.files)
  const folder = files.length === 0 ? null : await differences(git, workspace, index)
  const lines = files.flatMap(([path, { seen, kept }]) => {
    const found = folder?.get(path)
    return (found?.now ?? null) === seen ? [`${kept ?? found?.base}\t${path}\0`] : []
  })
  // A file may have replaced a folder, so removals come first.
  const input = lines.toSorted((a, b) => Number(b.startsWith('0 ')) - Number(a.startsWith('0 '))).join('')
  if (input !== '') await gitOutput(git, ['update-index', '-z', '--index-info'], withIndex(workspace, index, input))
  return left_out.filter((path) => !baseline.left_out.includes(path))
}

/** Tells whether the index of the folder and burn's index have the same content, as they usually do after the checkout. */
async function haveSameIndex(workspace: Workspace): Promise<boolean> {
  const [folder, own] = [await readFile(folderIndexOf(workspace)), await readFile(indexOf(workspace)).catch(ifCode(noSuchPath, null))]
  return own !== null && folder.equals(own)
}

/** Returns the files that differ between the index of the folder and burn's index, by path. */
async function differingFiles(git: Git, workspace: Workspace) {
  const [folder, own] = [await differences(git, workspace, folderIndexOf(workspace)), await differences(git, workspace, indexOf(workspace))]
  return [...new Set([...folder.keys(), ...own.keys()])]
    .map((path) => [path, { seen: folder.get(path)?.now ?? null, kept: own.get(path)?.now ?? null }] as const)
    .filter(([, { seen, kept }]) => seen !== kept)
}

/** Returns the differences between an index and the base commit, by path. `now` is the file in the index, and `base` in the commit. */
async function differences(git: Git, workspace: Workspace, index: string): Promise<Map<string, { now: string; base: string }>> {
  const args = ['diff-index', '--cached', '--raw', '-z', '--no-renames', '--no-abbrev', workspace.base_commit, '--']
  const fields = (await gitOutput(git, args, withIndex(workspace, index))).split('\0')
  const found = new Map<string, { now: string; base: string }>()
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [base_mode = '', mode = '', base_oid = '', oid = ''] = (fields[at] ?? '').slice(1).split(' ')
    const entry = (of: string, id: string) => `${of === '000000' ? '0' : of} ${id}`
    found.set(fields[at + 1] ?? '', { now: entry(mode, oid), base: entry(base_mode, base_oid) })
  }
  return found
}
