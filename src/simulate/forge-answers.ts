/** The answers of a simulated forge that never change. */
import type { RepoRef } from '../core/nouns.ts'
import type { Forge, RepoRights } from '../core/ports.ts'
import type { ChangeRef, ChangeState } from '../core/change-state.ts'
import type { Change } from '../core/nouns.ts'
import { thinChanges } from '../forge/thin-changes.ts'

/** The part of a simulated forge that has no state. `ask` counts a request, and throws during an outage. */
export abstract class FixedAnswers {
  readonly changedPaths = thinChanges.changedPaths
  readonly checks = thinChanges.checks
  readonly logTail = thinChanges.logTail
  readonly rerun = thinChanges.rerun
  readonly protection = thinChanges.protection
  readonly merge = thinChanges.merge
  readonly updateBranch = thinChanges.updateBranch
  readonly blockers = thinChanges.blockers
  readonly react = thinChanges.react

  protected abstract ask(): void

  async assignable(): Promise<null> {
    this.ask()
    return null
  }

  async rights(): Promise<RepoRights> {
    this.ask()
    return { exists: true, write: true, archived: false, issues: true, changes: true, default_branch: 'main' }
  }

  async mayOpenChange(): Promise<boolean> {
    this.ask()
    return true
  }

  async hasBranch(): Promise<boolean> {
    this.ask()
    return false
  }

  async mayComment(): Promise<boolean> {
    this.ask()
    return true
  }

  async teams(): Promise<readonly []> {
    return []
  }

  access(repo: RepoRef): ReturnType<Forge['access']> {
    return { clone_url: `simulated:${repo}`, api_url: 'simulated:', open_change: '' }
  }
}

/** Returns the state of a change without checks, reviews and conflicts. */
export function quietState(ref: ChangeRef, change: Change): ChangeState {
  const branch = { branch: change.name, sha: change.name, base: 'main', base_sha: 'main', behind: false, draft: false }
  const feedback = { checks: [], reviews: [], threads: [], skipped: [] }
  const pushed = { login: change.author, at: change.created_at }
  return { ref, change, ...branch, mergeable: 'yes', pushed, ...feedback, updated_at: change.created_at }
}
