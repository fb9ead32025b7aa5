/** Finds faults in the settings of a repo on the forge that make all work on the repo fail. */
import type { RepoRef } from '../core/nouns.ts'
import type { RepoRights } from '../core/ports.ts'
import { repoAdvice } from '../core/repo-advice.ts'

/** The facts about a repo on the forge that decide whether burn gives its issues. */
export interface RepoFacts extends RepoRights {
  /** A branch of the repo because of which git refuses the branches of dispatches; null if there is none. */
  readonly blocking_branch: string | null
}

/** A fault of a repo, and its remedy. */
export interface RepoFault {
  readonly what: string
  readonly remedy: string
}

/**
 * Returns the branches that would block the branches of dispatches: git stores branches like files, so a branch `burn` excludes every
 * branch `burn/…`.
 */
export function blockingBranches(branch_prefix: string): string[] {
  const folders = branch_prefix.split('/').slice(0, -1)
  return folders.map((_, index) => folders.slice(0, index + 1).join('/'))
}

/** Returns the first fault of a repo that concerns every account; null if there is none. */
export function repoFault(repo: RepoRef, { exists, archived, issues, changes, blocking_branch }: RepoFacts): RepoFault | null {
  if (!exists) return { what: `the repo ${repo} does not exist, or the token may not read it`, remedy: repoAdvice.missing }
  if (archived) return { what: `the repo ${repo} is archived and therefore read-only`, remedy: repoAdvice.archived }
  if (!issues) return { what: `issues are disabled in ${repo}`, remedy: repoAdvice.issues_off }
  if (!changes) return { what: `pull requests are disabled in ${repo}`, remedy: repoAdvice.changes_off }
  if (blocking_branch === null) return null
  const what = `${repo} has a branch ${JSON.stringify(blocking_branch)}, so git refuses every branch below ${blocking_branch}/`
  return { what, remedy: repoAdvice.branch_in_the_way }
}
