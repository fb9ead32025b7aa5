/** Finds out whether git would track a file. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Git } from './run.ts'
import { ifCode, noSuchPath } from '../core/errors.ts'
import { runGit } from './run.ts'

/**
 * Returns the root of the work tree that would track a file at an absolute path; null if the path is in no work tree, or if the work tree's
 * own rules ignore the path. The path need not exist. If git fails, the work tree counts as tracking the file.
 */
export async function trackedBy(git: Git, path: string): Promise<string | null> {
  const real = await realPath(path)
  const root = await workTreeOf(dirname(real))
  if (root === null) return null
  const at = { git_dir: join(root, '.git'), work_tree: root }
  const { code } = await runGit(git, ['check-ignore', '-q', '--', relative(root, real)], { at })
  return code === 0 ? null : root
}

/** Returns the path without symbolic links, as far as it exists. */
async function realPath(path: string): Promise<string> {
  const real = await realpath(path).catch(ifCode(noSuchPath, null))
  if (real !== null || dirname(path) === path) return real ?? path
  return join(await realPath(dirname(path)), basename(path))
}

async function workTreeOf(folder: string): Promise<string | null> {
  const found = await stat(join(folder, '.git')).then(() => true, ifCode(noSuchPath, false))
  if (found) return folder
  return dirname(folder) === folder ? null : workTreeOf(dirname(folder))
}
