/** Fills in the defaults of the rules for changes in review. */
import type { ChangePolicy } from '../core/change-stages.ts'
import type { WrittenSpec } from './schema.ts'
import { defaults } from './defaults.ts'
import { durationMs } from './units.ts'

/** Returns the rules of the spec's `changes`. */
export function completeChanges({ changes = {} }: Pick<WrittenSpec, 'changes'>): ChangePolicy {
  return {
    merge: changes.merge ?? defaults.merge,
    method: changes.method ?? null,
    delete_branch: changes.delete_branch ?? null,
    rounds: {
      checks: changes.rounds?.checks ?? defaults.rounds.checks,
      reviews: changes.rounds?.reviews ?? defaults.rounds.reviews,
      conflict: changes.rounds?.conflict ?? defaults.rounds.conflict,
    },
    bots: changes.bots ?? defaults.reviewBots,
    push_timeout: durationMs(changes.push_timeout ?? defaults.pushTimeout),
  }
}

/** Returns the rules of one repo: those of `repos.*.changes`, and for all others those of the fleet. */
export function completeRepoChanges(
  written: NonNullable<NonNullable<WrittenSpec['repos']>[string]>['changes'],
  fleet: ChangePolicy,
): ChangePolicy {
  return {
    ...fleet,
    merge: written?.merge ?? fleet.merge,
    method: written?.method ?? fleet.method,
    delete_branch: written?.delete_branch ?? fleet.delete_branch,
    bots: written?.bots ?? fleet.bots,
  }
}
