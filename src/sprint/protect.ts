/** Finds the protected paths that a sprint's change touches. A person must review such a change before burn pushes it. */
import type { SprintPolicy } from '../core/sprint.ts'
import type { Workspace } from '../git/places.ts'
import type { Git } from '../git/run.ts'
import { includedBy, isProtected, linkTarget, protectedAmong } from '../decide/protect.ts'
import { baseFiles, readBlob } from '../git/base.ts'
import { topNames, touchedPaths } from '../git/push.ts'

/** burn follows the includes of protected files up to this number of files, and up to this depth. */
const maxFiles = 100
const maxRounds = 5

/** Returns the protected paths that the commits up to `tip` touch, except those that the spec allows. Throws BurnError `git_*`. */
export async function protectedPaths(
  git: Git,
  workspace: Workspace,
  tip: string,
  { allow_paths }: Pick<SprintPolicy, 'allow_paths'>,
): Promise<string[]> {
  const touched = await touchedPaths(git, workspace, tip)
  return protectedAmong(touched, await referencedInBase(git, workspace), allow_paths)
}

/**
 * Returns globs for the files that protected files of the base commit include or link to. burn need not search the versions in the change:
 * a change that adds an include touches a protected file anyway.
 */
export async function referencedInBase(git: Git, workspace: Pick<Workspace, 'git_dir' | 'base_commit'>): Promise<string[]> {
  const referenced = new Set<string>()
  const alreadyRead = new Set<string>()
  let next = (await topNames(git, workspace)).filter(isProtected)
  for (let round = 0; round < maxRounds && next.length > 0; round++) {
    const files = await baseFiles(git, workspace, next)
    const references: string[] = []
    for (const [path, blob] of files) {
      const isLink = blob.mode === '120000'
      if (alreadyRead.has(path) || alreadyRead.size >= maxFiles || (!isLink && !/\.ya?ml$/i.test(path))) continue
      alreadyRead.add(path)
      const text = await readBlob(git, workspace, blob)
      references.push(...(isLink ? linkTarget(path, text) : includedBy(path, text)))
    }
    for (const glob of references) referenced.add(glob)
    next = references.map((glob) => glob.replace(/\/?[^/]*[*?].*$/, '')).filter((path) => path !== '')
  }
  return [...referenced]
}
