/** The answers of a simulated forge that never change. */
import type { ChangeRef, ChangeState, MergeResult, RerunResult, Unknown, UpdateResult } from '../core/change-state.ts'
import type { Change, RepoRef } from '../core/nouns.ts'
import type { Forge, RepoRights } from '../core/ports.ts'

/** The part of a simulated forge that has no state. `ask` counts a request, and throws during an outage. */
export abstract class FixedAnswers {
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

  async changedPaths(): Promise<null> {
    return null
  }

  async checks(): Promise<readonly []> {
    return []
  }

  async logTail(): Promise<Unknown> {
    return { unknown: 'the simulated forge has no logs' }
  }

  async rerun(): Promise<RerunResult> {
    return { result: 'not_possible', why: 'the simulated forge has no checks' }
  }

  async protection(): Promise<null> {
    return null
  }

  async merge(): Promise<MergeResult> {
    return { result: 'not_allowed', why: 'the simulated forge merges no change' }
  }

  async updateBranch(): Promise<UpdateResult> {
    return { result: 'not_allowed', why: 'the simulated forge has no branches' }
  }

  async blockers(): Promise<readonly []> {
    return []
  }

  async react(): Promise<void> {}

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
