/** Creates workspaces from a mirror. Removes workspaces unless work would be lost. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BurnError } from '../core/errors.ts'
import { defaultBranchPrefix, idPattern } from '../core/ids.ts'
import { removeTree } from '../host/untrusted-tree.ts'
import { diskError } from './failure.ts'
import { createIndexes } from './folder.ts'
import { saveRefs } from './command-repo.ts'
import { withMirrorLock, fetchBase, refsOf, withRepair } from './mirror.ts'
import { recordOf, workspaceAt, workspacesOf, worktreeOf, type Mirror, type Workspace } from './places.ts'
import { isPushed, pushedRef } from './pushed.ts'
import { gitOutput, runGit, withoutSignal, type Git } from './run.ts'

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
      const refs = await refsOf(git, mirror)
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
        return await checkOut(git, workspace, refs)
      } catch (thrown) {
        await clearWorkspace(workspace)
        const unused = ['update-ref', '-d', `refs/heads/${workspace.branch}`, workspace.base_commit]
        await runGit(withoutSignal(git), unused, { at: { git_dir: mirror.path } })
        throw diskError(thrown)
      }
    }),
  )
}

/** Checks out the new branch, or the existing one. `refs` are the refs of the mirror. */
async function checkOut(git: Git, workspace: Workspace, refs: ReadonlyMap<string, string>): Promise<Workspace> {
  const { branch, base_commit } = workspace
  const ref = `refs/heads/${branch}`
  const tip = refs.get(ref)
  const made = tip === undefined ? workspace : { ...workspace, base_commit: await forkPoint(git, workspace, tip) }
  await writeWorktree(workspace)
  // HEAD names the branch, so this command also creates it.
  await gitOutput(git, ['reset', '--hard', '--quiet', '--no-recurse-submodules', tip ?? base_commit], { at: worktreeOf(workspace) })
  await createIndexes(git, workspace)
  await saveRefs(workspace, new Map([...refs, [ref, tip ?? base_commit]]))
  const { path: record, text } = recordOf(made)
  await writeFile(`${record}.new`, text)
  await rename(`${record}.new`, record)
  return made
}

/** Returns the commit at which the existing branch left the base branch. */
async function forkPoint(git: Git, { mirror, branch, base_commit }: Workspace, tip: string): Promise<string> {
  const { code, stdout } = await runGit(git, ['merge-base', base_commit, tip], { at: { git_dir: mirror.path } })
  if (code === 0) return stdout.trim()
  const hint = 'delete this branch in the mirror, or use another branch prefix'
  throw new BurnError('git_refused', `the branch ${branch} exists, and has no common commit with the base branch`, hint)
}

/** Writes the files that `git worktree add` would write. That command starts three more processes for them. */
async function writeWorktree({ git_dir, branch, path }: Workspace): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  await mkdir(git_dir, { recursive: true })
  const files = { HEAD: `ref: refs/heads/${branch}\n`, commondir: '../..\n', gitdir: `${join(path, '.git')}\n` }
  for (const [name, text] of Object.entries(files)) await writeFile(join(git_dir, name), text)
  await writeFile(join(path, '.git'), `gitdir: ${git_dir}\n`)
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
