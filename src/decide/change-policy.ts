/** Finds the rules for the changes of a repo. */
import type { ChangePolicy } from '../core/change-stages.ts'
import type { Fleet, RepoRef } from '../core/nouns.ts'

/** Returns the rules of a repo: its own, or those of the fleet. */
export function changePolicy({ repos, changes }: Pick<Fleet, 'repos' | 'changes'>, repo: RepoRef): ChangePolicy {
  return repos.find((settings) => settings.repo === repo)?.changes ?? changes
}
