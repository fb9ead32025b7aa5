/** The schema of `changes`: the rules for changes in review. */
import * as z from 'zod'
import { mergeMethods } from '../core/change-stages.ts'
import { defaults } from './defaults.ts'
import { timeSpan, words } from './values.ts'

const rounds = z.int().min(0).max(20).optional()

const rules = {
  merge: z
    .enum(['never', 'approved', 'green'])
    .optional()
    .meta({
      description:
        '`never`: only people merge. `approved`: burn merges a change after an approval by a person who may write. `green`: burn merges a change after all its checks passed. burn always meets the rules of the base branch, too.',
      default: defaults.merge,
      examples: ['approved'],
    }),
  method: z
    .enum(mergeMethods)
    .optional()
    .meta({ description: 'How burn merges. Without this key, burn uses the default of the repo.', examples: ['squash'] }),
  delete_branch: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether burn deletes the head branch after it merged a change. Without this key, burn follows the setting of the repo on the forge. If the forge has no such setting, burn keeps the branch. burn never deletes branches of forks or of people.',
      examples: [true],
    }),
  bots: words.optional().meta({
    description: 'Logins of bots whose reviews count as reviews of people who may write.',
    default: defaults.reviewBots,
    examples: [['review-bot']],
  }),
}

/** The schema of `repos.*.changes`. */
export const repoChanges = z.strictObject(rules)

/** The schema of `changes`. */
export const changes = z.strictObject({
  ...rules,
  rounds: z
    .strictObject({
      checks: rounds.meta({
        description: 'Follow-ups about failed checks. 0: burn only shows them.',
        default: defaults.rounds.checks,
        examples: [3],
      }),
      reviews: rounds.meta({
        description: 'Follow-ups about reviews. 0: burn only shows them.',
        default: defaults.rounds.reviews,
        examples: [3],
      }),
      conflict: rounds.meta({
        description: 'Follow-ups about conflicts with the base. 0: burn only shows them.',
        default: defaults.rounds.conflict,
        examples: [2],
      }),
    })
    .optional()
    .meta({
      description: 'Maximum number of follow-ups for one change. After the last one, burn calls a person.',
      examples: [{ checks: 3, reviews: 3, conflict: 2 }],
    }),
  push_timeout: timeSpan.optional().meta({
    description: 'Time in which burn waits for a push after the turn of a follow-up has ended. Then burn calls a person.',
    default: defaults.pushTimeout,
    examples: ['1h'],
  }),
})
