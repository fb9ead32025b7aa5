/** Counts the commits of repos in their mirrors. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { RepoRef } from '../core/nouns.ts'
import type { Git } from './run.ts'
import { mirrorAt } from './places.ts'
import { runGit } from './run.ts'

/** Returns the number of commits on the fetched branches of a repo's mirror below `dir`; null if there is no mirror, or if git fails. */
export async function countCommits(git: Git, dir: string, repo: RepoRef): Promise<number | null> {
  const { path } = mirrorAt(dir, repo, '')
  if (!existsSync(join(path, 'HEAD'))) return null
  const { code, stdout } = await runGit(git, ['rev-list', '--count', '--remotes=origin'], { at: { git_dir: path } })
  return code === 0 ? Number(stdout) : null
}
