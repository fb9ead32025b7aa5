/** Reads all facts about one change of a folder forge, from its files and from the bare repository. */
import type { BranchTip, Comparison } from '../core/bare-git.ts'
import type { ChangeRef, ChangeState } from '../core/change-state.ts'
import { openChange, type FolderChanges } from './folder-change-file.ts'
import { readChecks } from './folder-checks.ts'
import { readWriterNames, type FolderPaths } from './folder-paths.ts'
import { readThreads } from './folder-threads.ts'
import { textOf } from './front-matter.ts'

const upToDate: Comparison = { mergeable: 'yes', behind: false }

/** Returns all facts about a change; null if there is none. */
export async function readChangeState(changes: FolderChanges, ref: ChangeRef): Promise<ChangeState | null> {
  const found = await openChange(changes, ref)
  if (found === null) return null
  const { paths, git } = changes
  const { repo, bare, change, branch, base, sha, base_sha, document } = found
  const isOpen = change.state === 'open'
  const pair = found.tip === null || base_sha === null || !isOpen ? null : { base: base_sha, head: found.tip.sha }
  // Most changes have one commit on the tip of the base. That needs no process of git.
  const isDirect = pair !== null && found.tip?.parents.includes(pair.base) === true
  const compared = pair === null ? null : isDirect ? upToDate : await (await git()).compare(bare, pair)
  const draft = textOf(document, 'draft') === 'true'
  return {
    ref,
    change,
    branch: found.tip === null ? null : branch,
    sha: sha ?? '',
    base,
    base_sha,
    base_set_at: null,
    behind: compared?.behind ?? null,
    draft,
    mergeable: draft ? 'unknown' : (compared?.mergeable ?? 'unknown'),
    pushed: await pushOf(paths, found.tip),
    checks: sha === null ? [] : await readChecks(paths, repo, sha),
    ...(await readThreads(changes, ref, found)),
    updated_at: found.written_at,
  }
}

/** A folder knows no pusher. The committer of the head counts as the pusher if the file `writers` lists the name. */
async function pushOf(paths: FolderPaths, tip: BranchTip | null): Promise<ChangeState['pushed']> {
  if (tip === null) return { unknown: 'the head branch no longer exists' }
  const isLogin = (await readWriterNames(paths))?.includes(tip.committer) === true
  return isLogin ? { login: tip.committer, at: tip.at } : { unknown: 'the file writers does not list the committer of the head' }
}

/** Returns the paths that a change adds, edits, renames or deletes; null if the change has no head or no base. */
export async function readChangedPaths(changes: FolderChanges, ref: ChangeRef): Promise<readonly string[] | null> {
  const found = await openChange(changes, ref)
  if (found === null || found.sha === null || found.base_sha === null) return null
  return (await changes.git()).changedPaths(found.bare, { base: found.base_sha, head: found.sha })
}
