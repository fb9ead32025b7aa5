/** Wires git for changes in review: burn resolves conflicts, and reads CI definitions, in a mirror of the repo. */
import type { ChangeSnapshot } from '../core/change-loop.ts'
import type { Session } from '../observe/session.ts'
import type { GitDeps } from './wire-sprints.ts'
import { defaultCommits } from '../core/commits.ts'
import type { RepoRef } from '../core/nouns.ts'
import type { Mirror } from '../git/places.ts'
import type { Git } from '../git/run.ts'
import { fetchBase, openMirror, withMirrorLock, withRepair } from '../git/mirror.ts'
import { resolveConflict } from '../git/resolve.ts'
import { ownFiles } from '../host/own-files.ts'
import { cloneUrlOf } from '../observe/repo-facts.ts'
import { referencedInBase } from '../sprint/protect.ts'
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
  const { git, mirror } = await openedMirror(repo, session, deps)
  const linear = protection !== null && protection.may_rebase && !protection.methods.includes('merge')
  const committing = fleet.sprint?.commits ?? defaultCommits
  return resolveConflict(git, mirror, { branch, base, sha, method: linear ? 'rebase' : 'merge', committing })
}

/** Returns globs of the files that CI definitions on a branch include or call. See `Session.calledByCi`. */
export async function calledInMirror(repo: RepoRef, branch: string, session: Session, deps: GitDeps): Promise<readonly string[]> {
  const { git, mirror } = await openedMirror(repo, session, deps)
  const base_commit = await withMirrorLock(git, mirror, () => withRepair(git, mirror, () => fetchBase(git, mirror, branch, { tidy: true })))
  return referencedInBase(git, { git_dir: mirror.path, base_commit })
}

async function openedMirror(repo: RepoRef, session: Session, deps: GitDeps): Promise<{ readonly git: Git; readonly mirror: Mirror }> {
  const { fleet } = session
  const git = await gitFor({ session }, deps)
  const dir = fleet.sprint?.dir ?? ownFiles(deps)('state', `${fleet.name}/sprints`)
  return { git, mirror: await openMirror(git, { dir, repo, clone_url: cloneUrlOf(repo, session) }) }
}
