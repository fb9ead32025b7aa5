/** Workspaces: made from a mirror in a moment, and removed when nothing is lost with them. */
import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BurnError } from '../core/errors.ts'
import { idPattern } from '../core/ids.ts'
import type { RunResult } from '../host/exec.ts'
import { removeTree } from '../host/untrusted-tree.ts'
import { diskError } from './failure.ts'
import { withMirrorLock, fetchBase, withRepair } from './mirror.ts'
import { indexOf, recordOf, workspaceAt, workspacesOf, type Mirror, type Workspace } from './places.ts'
import { isPushed, pushedRef } from './pushed.ts'
import { gitFailure, gitOutput, runGit, toTheEnd, type Git } from './run.ts'

/**
 * A folder with the newest of a base branch, on the branch `burn/<id>`. Where that branch is there already and its folder is gone, the folder comes
 * back with what was committed. Throws BurnError `git_*`; `git_workspace_exists` where it is there.
 */
export async function addWorkspace(git: Git, mirror: Mirror, { id, base }: { id: string; base: string }): Promise<Workspace> {
  if (!idPattern.test(id))
    throw new BurnError('git_refused', `${JSON.stringify(id)} is no dispatch`, 'a workspace is named by its dispatch')
  return withMirrorLock(git, mirror, () =>
    withRepair(git, mirror, async () => {
      const workspace = workspaceAt(mirror, id, base, await fetchBase(git, mirror, base, { tidy: true }))
      const complete = (await workspacesOf(mirror.dir, mirror.repo)).some((each) => each.id === id)
      // Without a git directory the folder is not one that was begun and not finished.
      if (existsSync(workspace.path) && (complete || !existsSync(workspace.git_dir)))
        throw new BurnError('git_workspace_exists', `there is a workspace ${id} already`, 'carry on with it, or remove it')
      // What a killed process, or a folder that went away, left.
      await clear(workspace)
      try {
        return await checkOut(git, workspace)
      } catch (thrown) {
        await clear(workspace)
        const unused = ['update-ref', '-d', `refs/heads/${workspace.branch}`, workspace.base_commit]
        await runGit(toTheEnd(git), unused, { at: { git_dir: mirror.path } })
        throw diskError(thrown)
      }
    }),
  )
}

const add = ['worktree', 'add', '--quiet', '--force']

async function checkOut(git: Git, workspace: Workspace): Promise<Workspace> {
  const { mirror, branch, path, git_dir, base_commit } = workspace
  const at = { git_dir: mirror.path }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const added = await runGit(git, [...add, '--no-track', '-b', branch, path, base_commit], { at })
  const made = added.code === 0 ? workspace : await checkOutAgain(git, workspace, added)
  await copyFile(join(git_dir, 'index'), indexOf(workspace))
  const { path: record, text } = recordOf(made)
  await writeFile(`${record}.new`, text)
  await rename(`${record}.new`, record)
  return made
}

/** The branch may be there already: then it is checked out as it is. `added`: what making it came to. */
async function checkOutAgain(git: Git, workspace: Workspace, added: RunResult): Promise<Workspace> {
  const { mirror, branch, path, base_commit } = workspace
  const at = { git_dir: mirror.path }
  if (added.stopped !== null || !/^fatal: a branch named '.*' already exists/im.test(added.stderr)) throw gitFailure(add, added)
  const there = await runGit(git, ['merge-base', base_commit, `refs/heads/${branch}`], { at })
  if (there.code !== 0) throw gitFailure(add, added)
  await gitOutput(git, [...add, path, branch], { at })
  return { ...workspace, base_commit: there.stdout.trim() }
}

/** Removes folder and branch. Throws BurnError `git_unpushed` where work would be lost with it, unless `force`. */
export async function removeWorkspace(git: Git, workspace: Workspace, { force }: { readonly force: boolean }): Promise<void> {
  if (!force && !(await isPushed(git, workspace)))
    throw new BurnError('git_unpushed', `the workspace ${workspace.id} has work that is not pushed`, 'push it, or remove it by force')
  // Before a lock is written: the disk may be full of it.
  await setAside(workspace)
  await withMirrorLock(git, workspace.mirror, async () => {
    await clear(workspace)
    const at = { git_dir: workspace.mirror.path }
    const input = [`refs/heads/${workspace.branch}`, pushedRef(workspace)].map((ref) => `delete ${ref}\n`).join('')
    await runGit(git, ['update-ref', '--stdin'], { at, input })
  })
}

/** Forgets workspaces whose folders went away, unless their branches have what is nowhere else. */
export async function pruneWorkspaces(git: Git, mirror: Mirror): Promise<void> {
  for (const workspace of await workspacesOf(mirror.dir, mirror.repo))
    if (!existsSync(workspace.path) && (await isPushed(git, workspace))) await removeWorkspace(git, workspace, { force: true })
}

/** The folder under another name first: half of one would look like much work. Git itself would trust the `.git` in it. */
async function clear(workspace: Workspace): Promise<void> {
  await setAside(workspace)
  await rm(workspace.git_dir, { recursive: true, force: true })
}

async function setAside({ path, id }: Workspace): Promise<void> {
  const old = join(dirname(path), `.${id}.old`)
  await removeTree(old)
  if (!existsSync(path)) return
  await rename(path, old)
  await removeTree(old)
}
