/**
 * Tests whether the remote of a mirror accepts burn's commits and branches, without changing the remote. Gitea checks the right to push
 * only in its hook, so neither its list of refs nor `git push --dry-run` shows the answer.
 */
import type { Committing } from './commit.ts'
import type { Mirror } from './places.ts'
import { commitTree } from './commit.ts'
import { fetchBase, withMirrorLock, withRepair } from './mirror.ts'
import { gitFailure, runGit, type Git } from './run.ts'

/** The branch that a test pretends to push, and the commit on it. */
export interface TestedPush {
  readonly base: string
  /** A name that a branch of a dispatch could have, and that no branch has. */
  readonly branch: string
  readonly message: string
  readonly committing: Committing
}

/**
 * Pushes one commit, with the files of the base branch, to two branches that exclude each other: `branch` and `branch/x`. The remote checks
 * the login, the rights and the commit, and runs its hooks. Then the remote cannot create both branches, and creates none, because the push
 * is atomic. Throws the BurnError `git_*` that a real push would cause.
 */
export async function testPush(git: Git, mirror: Mirror, { base, branch, message, committing }: TestedPush): Promise<void> {
  const at = { git_dir: mirror.path }
  const parent = await withMirrorLock(git, mirror, () => withRepair(git, mirror, () => fetchBase(git, mirror, base, { tidy: false })))
  const commit = await commitTree(git, at, { tree: `${parent}^{tree}`, parents: [parent], message }, committing)
  const refs = [`refs/heads/${branch}`, `refs/heads/${branch}/x`]
  const network = { url: mirror.clone_url }
  const options = ['--porcelain', '--no-verify', '--no-follow-tags', '--no-signed']
  const args = ['push', ...options, '--atomic', mirror.clone_url, ...refs.map((ref) => `${commit}:${ref}`)]
  const result = await runGit(git, args, { at, network })
  // A remote that stores branches in another way may accept both.
  if (result.code === 0) await runGit(git, ['push', ...options, mirror.clone_url, ...refs.map((ref) => `:${ref}`)], { at, network })
  else if (!isExpected(result)) throw gitFailure(args, result)
}

/** The reasons with which a remote refuses both branches because they exclude each other. */
const excluded = /^!\t\S+\t\[remote rejected\] \((?:atomic|transaction|failed to (?:update|lock) ref|cannot (?:lock|process))/

/** Tells whether the only cause of a refusal is that the two branches exclude each other. */
function isExpected({ stdout, stderr, stopped }: Awaited<ReturnType<typeof runGit>>): boolean {
  if (stopped !== null) return false
  // Such a remote has accepted the login, and a test without `--atomic` could create a branch.
  if (/does not support --atomic/.test(stderr)) return true
  const refused = stdout.split('\n').filter((line) => line.startsWith('!'))
  const declined = /\b(?:declined|denied)\b|exists; cannot create/
  return refused.length > 0 && refused.every((line) => excluded.test(line)) && !declined.test(stderr)
}
