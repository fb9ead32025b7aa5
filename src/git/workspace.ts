/** Creates workspaces from a mirror. Removes workspaces unless work would be lost. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BurnError } from '../core/errors.ts'
import { defaultBranchPrefix, idPattern } from '../core/ids.ts'
import type { RunResult } from '../host/exec.ts'
import { removeTree } from '../host/untrusted-tree.ts'
import { diskError } from './failure.ts'
import { createIndexes } from './folder.ts'
import { withMirrorLock, fetchBase, withRepair } from './mirror.ts'
import { recordOf, workspaceAt, workspacesOf, type Mirror, type Workspace } from './places.ts'
import { isPushed, pushedRef } from './pushed.ts'
import { gitFailure, gitOutput, runGit, withoutSignal, type Git } from './run.ts'

/**
 * Creates a workspace on the new branch `<branch_prefix><id>`, from the newest commit of a base branch. If the branch exists but its folder was
 * deleted, checks out the existing branch. Throws BurnError `git_workspace_exists` if the folder exists, and other `git_*` errors.
 */
export async function addWorkspace(
  git: Git,
  mirror: Mirror,
  { id, base, branch_prefix = defaultBranchPrefix }: { id: string; base: string; branch_prefix?: string },
): Promise<Workspace> {
  if (!idPattern.test(id))
    throw new BurnError(
      'git_refused',
      `${JSON.stringify(id)} is not a valid dispatch id`,
      'use the id of a dispatch as the name of the workspace',
    )
  return withMirrorLock(git, mirror, () =>
    withRepair(git, mirror, async () => {
      const base_commit = await fetchBase(git, mirror, base, { tidy: true })
      const workspace = workspaceAt(mirror, { id, branch: `${branch_prefix}${id}`, base, base_commit })
      const complete = (await workspacesOf(mirror.dir, mirror.repo)).some((each) => each.id === id)
      // A folder without a git directory is not an incomplete workspace of burn: someone else created the folder.
      if (existsSync(workspace.path) && (complete || !existsSync(workspace.git_dir)))
        throw new BurnError(
          'git_workspace_exists',
          `the workspace ${id} already exists`,
          'continue to work in that workspace, or remove it',
        )
      // If a process was killed or the folder was deleted, parts of a workspace may remain.
      await clearWorkspace(workspace)
      try {
        return await checkOut(git, workspace)
      } catch (thrown) {
        await clearWorkspace(workspace)
        const unused = ['update-ref', '-d', `refs/heads/${workspace.branch}`, workspace.base_commit]
        await runGit(withoutSignal(git), unused, { at: { git_dir: mirror.path } })
        throw diskError(thrown)
      }
    }),
  )
}

const addCommand = ['worktree', 'add', '--quiet', '--force']

async function checkOut(git: Git, workspace: Workspace): Promise<Workspace> {
  const { mirror, branch, path, base_commit } = workspace
  const at = { git_dir: mirror.path }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const added = await runGit(git, [...addCommand, '--no-track', '-b', branch, path, base_commit], { at })
  const made = added.code === 0 ? workspace : await checkOutAgain(git, workspace, added)
  await createIndexes(git, workspace)
  const { path: record, text } = recordOf(made)
  await writeFile(`${record}.new`, text)
  await rename(`${record}.new`, record)
  return made
}

/** Checks out the branch if it already exists. Otherwise throws the error of `added`, the failed `git worktree add`. */
async function checkOutAgain(git: Git, workspace: Workspace, added: RunResult): Promise<Workspace> {
  const { mirror, branch, path, base_commit } = workspace
  const at = { git_dir: mirror.path }
  if (added.stopped !== null || !/^fatal: a branch named '.*' already exists/im.test(added.stderr)) throw gitFailure(addCommand, added)
  const mergeBase = await runGit(git, ['merge-base', base_commit, `refs/heads/${branch}`], { at })
  if (mergeBase.code !== 0) throw gitFailure(addCommand, added)
  await gitOutput(git, [...addCommand, path, branch], { at })
  return { ...workspace, base_commit: mergeBase.stdout.trim() }
}

/** Removes the workspace's folder and branch. Throws BurnError `git_unpushed` if work would be lost and `force` is false. */
export async function removeWorkspace(git: Git, workspace: Workspace, { force }: { readonly force: boolean }): Promise<void> {
  if (!force && !(await isPushed(git, workspace)))
    throw new BurnError(
      'git_unpushed',
      `the workspace ${workspace.id} has unpushed work`,
      'push the work, or remove the workspace with force, which deletes the work',
    )
  // Removes the folder before it acquires the lock, because the disk may be too full to create a lock file.
  await removeFolder(workspace)
  await withMirrorLock(git, workspace.mirror, async () => {
    await clearWorkspace(workspace)
    const at = { git_dir: workspace.mirror.path }
    const input = [`refs/heads/${workspace.branch}`, pushedRef(workspace)].map((ref) => `delete ${ref}\n`).join('')
    await runGit(git, ['update-ref', '--stdin'], { at, input })
  })
}

/** Removes workspaces whose folders were deleted, unless their branches have work that is stored nowhere else. */
export async function pruneWorkspaces(git: Git, mirror: Mirror): Promise<void> {
  for (const workspace of await workspacesOf(mirror.dir, mirror.repo))
    if (!existsSync(workspace.path) && (await isPushed(git, workspace))) await removeWorkspace(git, workspace, { force: true })
}

/** Removes a workspace without `git worktree remove`, which would trust the `.git` file in the folder. */
async function clearWorkspace(workspace: Workspace): Promise<void> {
  await removeFolder(workspace)
  await rm(workspace.git_dir, { recursive: true, force: true })
}

/**
 * Renames the folder, then removes it. If the removal is interrupted, the half-empty folder is not mistaken for a workspace with deleted
 * files.
 */
async function removeFolder({ path, id }: Workspace): Promise<void> {
  const old = join(dirname(path), `.${id}.old`)
  await removeTree(old)
  if (!existsSync(path)) return
  await rename(path, old)
  await removeTree(old)
}
