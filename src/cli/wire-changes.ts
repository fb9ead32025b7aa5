/** Wires git for changes in review: burn resolves conflicts in a mirror of the repo. */
import type { ChangeSnapshot } from '../core/change-loop.ts'
import type { Session } from '../observe/session.ts'
import type { GitDeps } from './wire-sprints.ts'
import { defaultCommits } from '../core/commits.ts'
import { openMirror } from '../git/mirror.ts'
import { resolveConflict } from '../git/resolve.ts'
import { ownFiles } from '../host/own-files.ts'
import { cloneUrlOf } from '../observe/repo-facts.ts'
import { gitFor } from './wire-sprints.ts'

/** Brings the base into the branch of a change. See `Session.resolveConflict`. */
export async function resolveInMirror(
  { repo, change, protection }: ChangeSnapshot,
  session: Session,
  deps: GitDeps,
): Promise<string | null> {
  const { fleet } = session
  const { branch, base, sha, change: listed } = change
  if (branch === null || listed.fork) return branch === null ? 'the branch no longer exists' : 'the branch is in a fork'
  const git = await gitFor({ session }, deps)
  const dir = fleet.sprint?.dir ?? ownFiles(deps)('state', `${fleet.name}/sprints`)
  const mirror = await openMirror(git, { dir, repo, clone_url: cloneUrlOf(repo, session) })
  const linear = protection !== null && protection.may_rebase && !protection.methods.includes('merge')
  const committing = fleet.sprint?.commits ?? defaultCommits
  return resolveConflict(git, mirror, { branch, base, sha, method: linear ? 'rebase' : 'merge', committing })
}
