/** Opens the file of a change of a folder forge, and finds the commits of its branches. */
import { join } from 'node:path'
import type { BareGit, BranchTip } from '../core/bare-git.ts'
import type { ChangeRef } from '../core/change-state.ts'
import type { Change, RepoRef } from '../core/nouns.ts'
import { readPlainFile } from './files.ts'
import { readReviewFile } from './folder-objects.ts'
import { bareOf, defaultBranch, type FolderPaths } from './folder-paths.ts'
import { parseDocument, textOf, type Document } from './front-matter.ts'
import { isSha, splitChange } from './refs.ts'

/** The dependencies of functions that work on single changes. */
export interface FolderChanges {
  readonly paths: FolderPaths
  readonly git: () => Promise<BareGit>
}

/** The file of a change, and the commits of its branches. */
export interface ChangeFile {
  readonly repo: RepoRef
  readonly bare: string
  readonly path: string
  readonly text: string
  readonly document: Document
  readonly change: Change
  readonly branch: string
  readonly base: string
  readonly written_at: number
  /** The commit of the head branch. Of a merged change whose branch was deleted, the merged commit. Null if there is none. */
  readonly sha: string | null
  /** The tip of the head branch; null if the branch does not exist. */
  readonly tip: BranchTip | null
  readonly base_sha: string | null
}

/** Opens the file of a change; null if there is none. Throws BurnError `forge_malformed`. */
export async function openChange({ paths, git }: FolderChanges, ref: ChangeRef): Promise<ChangeFile | null> {
  const { repo, name } = splitChange(ref)
  const path = join(await paths.folder('reviews', repo), `${name}.md`)
  const file = await readPlainFile(path)
  if (file === null) return null
  const document = parseDocument(path, file.text)
  const change = readReviewFile(repo, path, file, paths.branch_prefix)
  const branch = textOf(document, 'branch')
  const base = textOf(document, 'base') || ((await defaultBranch(paths.root, repo)) ?? 'main')
  const bare = bareOf(paths.root, repo)
  const [tip = null, baseTip = null] = await (await git()).tips(bare, [branch, base])
  const merged = change.state === 'merged' ? shaOf(document, 'head') : null
  const { text, written_at } = file
  return {
    repo,
    bare,
    path,
    text,
    document,
    change,
    branch,
    base,
    written_at,
    sha: merged ?? tip?.sha ?? null,
    tip,
    base_sha: baseTip?.sha ?? null,
  }
}

/** Returns the commit in a field; null if the field is missing or not the hash of a commit. */
export function shaOf(document: Document, key: string): string | null {
  const text = textOf(document, key)
  return isSha(text) ? text : null
}
