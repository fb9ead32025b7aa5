/** Finds what a person must see before a sprint's change leaves this machine. */
import type { SprintPolicy } from '../core/sprint.ts'
import type { Workspace } from '../git/places.ts'
import type { Git } from '../git/run.ts'
import { includedBy, isProtected, linkTarget, protectedAmong } from '../decide/protect.ts'
import { baseFiles, readBlob } from '../git/base.ts'
import { topNames, touchedPaths } from '../git/push.ts'

/** Files of the base that are read for what they include, and how often an included file is followed. */
const mostFiles = 100
const mostRounds = 5

/** Returns the protected paths that the branch's commits touch and the spec does not allow. Throws BurnError `git_*`. */
export async function protectedPaths(
  git: Git,
  workspace: Workspace,
  { allow_paths }: Pick<SprintPolicy, 'allow_paths'>,
): Promise<string[]> {
  const touched = await touchedPaths(git, workspace)
  return protectedAmong(touched, await namedInBase(git, workspace), allow_paths)
}

/** Returns globs of what the base's protected files include, or link to. What a change adds to them touches a protected file itself. */
async function namedInBase(git: Git, workspace: Workspace): Promise<string[]> {
  const named = new Set<string>()
  const read = new Set<string>()
  let next = (await topNames(git, workspace)).filter(isProtected)
  for (let round = 0; round < mostRounds && next.length > 0; round++) {
    const files = await baseFiles(git, workspace, next)
    const found: string[] = []
    for (const [path, blob] of files) {
      const link = blob.mode === '120000'
      if (read.has(path) || read.size >= mostFiles || (!link && !/\.ya?ml$/i.test(path))) continue
      read.add(path)
      const text = await readBlob(git, workspace, blob)
      found.push(...(link ? linkTarget(path, text) : includedBy(path, text)))
    }
    for (const glob of found) named.add(glob)
    next = found.map((glob) => glob.replace(/\/?[^/]*[*?].*$/, '')).filter((path) => path !== '')
  }
  return [...named]
}
