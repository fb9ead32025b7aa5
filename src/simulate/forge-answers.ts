/** The answers of a simulated forge that never change. */
import type { ChangeRef, ChangeState } from '../core/change-state.ts'
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

  async react(): Promise<void> {}

  access(repo: RepoRef): ReturnType<Forge['access']> {
    return { clone_url: `simulated:${repo}`, api_url: 'simulated:', open_change: '' }
  }
}

/** Returns the state of a change without checks, reviews and conflicts. */
export function quietState(ref: ChangeRef, change: Change): ChangeState {
  const branch = { branch: change.name, sha: change.name, base: 'main', base_sha: 'main', base_set_at: null, behind: false, draft: false }
  const feedback = { checks: [], reviews: [], threads: [], skipped: [] }
  const pushed = { login: change.author, at: change.created_at }
  return { ref, change, ...branch, mergeable: 'yes', pushed, ...feedback, updated_at: change.created_at }
}
