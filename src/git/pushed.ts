/** Whether a workspace holds anything that is nowhere else. */
import { existsSync } from 'node:fs'
import type { Mirror, Workspace } from './places.ts'
import { BurnError } from '../core/errors.ts'
import { committedTip, tipOf } from './changes.ts'
import { takesLogin } from './command.ts'
import { workspacesOf } from './places.ts'
import { runGit, type Git } from './run.ts'

/** Remembers what a push brought to the remote: known without asking, and after the branch is deleted there. */
export function pushedRef({ id }: Workspace): string {
  return `refs/burn/pushed/${id}`
}

/** True only where it is known: all of it is committed, and the commit is on the remote, or was, or came from it. */
export async function isPushed(git: Git, workspace: Workspace): Promise<boolean> {
  try {
    const tip = await (existsSync(workspace.path) ? committedTip : tipOf)(git, workspace)
    if (tip === null) return false
    return tip === workspace.base_commit || tip === (await recorded(git, workspace)) || tip === (await remoteTip(git, workspace))
  } catch (thrown) {
    // What can't be looked at may be work.
    if (thrown instanceof BurnError) return false
    throw thrown
  }
}

/** The id of a workspace whose work would go with the mirror; null where there is none. */
export async function unpushedWorkspace(git: Git, { dir, repo }: Mirror): Promise<string | null> {
  for (const workspace of await workspacesOf(dir, repo)) if (!(await isPushed(git, workspace))) return workspace.id
  return null
}

async function recorded(git: Git, workspace: Workspace): Promise<string | null> {
  const found = await runGit(git, ['rev-parse', '--verify', '--quiet', pushedRef(workspace)], { at: { git_dir: workspace.git_dir } })
  return found.code === 0 ? found.stdout.trim() : null
}

/** What the remote's branch is at; null where there is none, or it can't be asked. */
export async function remoteTip(git: Git, { branch, mirror }: Workspace): Promise<string | null> {
  const network = { login: takesLogin(mirror.clone_url) }
  const { code, stdout } = await runGit(git, ['ls-remote', mirror.clone_url, `refs/heads/${branch}`], { at: null, network })
  return code === 0 ? (/^[0-9a-f]+/.exec(stdout)?.[0] ?? null) : null
}
