/**
 * The repository that commands in the sandbox see as `.git`. The setup command may change it. burn's own git never reads it, so a hook or a
 * filter that it configures runs only in the sandbox.
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mirror, Workspace } from './places.ts'
import { formatOf, mirrorConfigs } from './config.ts'
import { diskError } from './failure.ts'

/** The paths of a repository for commands. */
export interface CommandRepo {
  readonly git_dir: string
  /** The file that commands see as `.git`. It names `git_dir`. */
  readonly link: string
}

/**
 * Creates the repository for the commands of a new workspace. It has the workspace's index and branch, the tags and the base branches. It
 * borrows the objects of the mirror. Throws BurnError `git_disk_full`.
 */
export async function createCommandRepo(workspace: Workspace): Promise<CommandRepo> {
  const { mirror, branch } = workspace
  const repo = { git_dir: join(workspace.git_dir, 'commands'), link: join(workspace.git_dir, 'commands.link') }
  try {
    const refs = await readFile(refsPath(workspace), 'latin1')
    await writeRepo(repo.git_dir, { head: `ref: refs/heads/${branch}`, refs, mirror, work_tree: null })
    await copyFile(join(workspace.git_dir, 'index'), join(repo.git_dir, 'index'))
    await writeFile(repo.link, `gitdir: ${repo.git_dir}\n`)
  } catch (thrown) {
    throw diskError(thrown)
  }
  return repo
}

const refsPath = ({ git_dir }: Workspace) => join(git_dir, 'burn-refs')

/** Saves the refs of the mirror that commands see: the tags, the base branches and the workspace's own branch. Throws Node's errors. */
export async function saveRefs(workspace: Workspace, refs: ReadonlyMap<string, string>): Promise<void> {
  const seen = [...refs].filter(([name]) => /^refs\/(?:tags|remotes\/origin)\//.test(name) || name === `refs/heads/${workspace.branch}`)
  await writeFile(refsPath(workspace), seen.map(([name, id]) => `${id} ${name}\n`).join(''), 'latin1')
}

interface NewRepo {
  /** The content of `HEAD`. */
  readonly head: string
  /** The lines of `packed-refs`. */
  readonly refs: string
  /** The mirror whose objects the repository borrows. */
  readonly mirror: Mirror
  /** The folder with the files; null if it is the folder that has the repository's link. */
  readonly work_tree: string | null
}

/** Writes a new repository that borrows the objects of a mirror. Throws Node's errors. */
export async function writeRepo(git_dir: string, { head, refs, mirror, work_tree }: NewRepo): Promise<void> {
  const folder = work_tree === null ? '' : `[core]\n\tworktree = ${quoted(work_tree)}\n`
  const format = mirrorConfigs[formatOf(mirror)].replace('bare = true', 'bare = false')
  const files = {
    HEAD: `${head}\n`,
    'packed-refs': refs,
    config: `${format}${folder}${remoteConfig(mirror.clone_url)}`,
    'objects/info/alternates': `${join(mirror.path, 'objects')}\n`,
  }
  await rm(git_dir, { recursive: true, force: true })
  for (const name of ['refs', 'objects/info']) await mkdir(join(git_dir, name), { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries(files)) await writeFile(join(git_dir, name), text, { encoding: 'latin1' })
}

/** Returns a text as a quoted value of git's configuration, in `latin1`. */
export function quoted(text: string): string {
  return `"${Buffer.from(text.replaceAll(/["\\]/g, '\\$&')).toString('latin1')}"`
}

/** Returns the settings of the remote. `git submodule` resolves relative URLs against its URL, which contains no login. */
function remoteConfig(clone_url: string): string {
  return `[remote "origin"]\n\turl = ${quoted(clone_url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`
}
