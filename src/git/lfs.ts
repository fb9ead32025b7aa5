/** Replaces the Git LFS pointers in a new workspace with the files. The program `git-lfs` fetches them, with burn's login at the forge. */
import type { Workspace } from './places.ts'
import { oneLine } from '../core/text.ts'
import { restoreConfig } from './config.ts'
import { stoppedError } from './failure.ts'
import { mayHaveAttributes } from './folder.ts'
import { worktreeOf } from './places.ts'
import { runGit, type Git } from './run.ts'

/** Without these settings git-lfs writes no file. */
const filter = ['filter.lfs.smudge=git-lfs smudge -- %f', 'filter.lfs.clean=git-lfs clean -- %f', 'filter.lfs.required=true']

/**
 * Fetches the Git LFS files of a new workspace into its folder. Call it before any command runs. Returns a line for people if the files stay
 * pointers, for example because git-lfs is not installed; otherwise null. Throws BurnError `git_stopped`.
 */
export async function checkOutLfs(git: Git, workspace: Workspace): Promise<string | null> {
  const { mirror, base_commit } = workspace
  if (!(await mayHaveAttributes(workspace))) return null
  const at = worktreeOf(workspace)
  const uses = await runGit(git, ['grep', '--cached', '--quiet', 'filter=lfs', '--', ':(glob)**/.gitattributes'], { at })
  if (uses.code !== 0) return null
  const settings = [`remote.origin.url=${mirror.clone_url}`, ...filter, ...lfsServer(mirror.clone_url)].flatMap((setting) => [
    '-c',
    setting,
  ])
  for (const args of [['fetch', 'origin', base_commit], ['checkout']]) {
    const { code, stopped, stdout, stderr } = await runGit(git, [...settings, 'lfs', ...args], { at, network: { url: mirror.clone_url } })
    // git-lfs writes settings into the mirror.
    await restoreConfig(mirror)
    if (stopped === 'stop') throw stoppedError('git lfs')
    if (code === 0 && stopped === null) continue
    const isMissing = /'lfs' is not a git command/.test(stderr)
    const reason = isMissing ? 'git-lfs is not installed on this machine' : oneLine(`${stdout}\n${stderr}`).slice(-300)
    return `the Git LFS files of the repo stay pointers: ${reason}`
  }
  return null
}

/** Returns the setting for the LFS server of the repo, so that a `.lfsconfig` in the repo names no other server. */
function lfsServer(clone_url: string): string[] {
  return /^https?:/i.test(clone_url) ? [`lfs.url=${clone_url.replace(/\/+$/, '').replace(/(?:\.git)?$/, '.git')}/info/lfs`] : []
}
