/** Tells whether a workspace has work that is stored nowhere else. */
import { existsSync } from 'node:fs'
import type { Mirror, Workspace } from './places.ts'
import { BurnError } from '../core/errors.ts'
import { committedTip, tipOf } from './changes.ts'
import { workspacesOf } from './places.ts'
import { runGit, type Git } from './run.ts'

/**
 * Returns the name of the ref that records the last pushed commit. burn can read this ref without a request, even after the remote branch
 * was deleted.
 */
export function pushedRef({ id }: Workspace): string {
  return `refs/burn/pushed/${id}`
}

/**
 * Tells whether all work of a workspace is safe: all files are committed, and the commit is the base commit or was pushed to the remote.
 * Returns false if burn cannot find out.
 */
export async function isPushed(git: Git, workspace: Workspace): Promise<boolean> {
  try {
    const tip = await (existsSync(workspace.path) ? committedTip : tipOf)(git, workspace)
    if (tip === null) return false
    return tip === workspace.base_commit || tip === (await pushedTip(git, workspace)) || tip === (await remoteTip(git, workspace))
  } catch (thrown) {
    // burn cannot read this workspace, so the workspace may contain unpushed work.
    if (thrown instanceof BurnError) return false
    throw thrown
  }
}

/** Returns the id of a workspace whose work would be lost if the mirror were deleted; null if there is none. */
export async function unpushedWorkspace(git: Git, { dir, repo }: Mirror): Promise<string | null> {
  for (const workspace of await workspacesOf(dir, repo)) if (!(await isPushed(git, workspace))) return workspace.id
  return null
}

async function pushedTip(git: Git, workspace: Workspace): Promise<string | null> {
  const found = await runGit(git, ['rev-parse', '--verify', '--quiet', pushedRef(workspace)], { at: { git_dir: workspace.git_dir } })
  return found.code === 0 ? found.stdout.trim() : null
}

/** Returns the tip of the workspace's branch on the remote. Returns null if the branch does not exist or the remote does not answer. */
export async function remoteTip(git: Git, { branch, mirror }: Workspace): Promise<string | null> {
  const network = { url: mirror.clone_url }
  const { code, stdout } = await runGit(git, ['ls-remote', mirror.clone_url, `refs/heads/${branch}`], { at: null, network })
  return code === 0 ? (/^[0-9a-f]+/.exec(stdout)?.[0] ?? null) : null
}
