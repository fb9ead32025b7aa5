/** The schemas of the settings that limit usage: `accounts` and `budget`. */
import * as z from 'zod'
import { line, name } from './values.ts'

/** The schema of `accounts`. */
export const accounts = z.record(
  name,
  z
    .strictObject({
      workers: z
        .array(line)
        .min(1, 'must name at least one worker')
        .optional()
        .meta({
          description: 'Workers that use the login. A name of a window, lane or machine stands for all workers in it.',
          examples: [['CRUCIBLE', 'AZOTH']],
        }),
      backends: z
        .array(line)
        .min(1, 'must name at least one backend')
        .optional()
        .meta({
          description: 'Backends of sprints that use the login, by the names in `burn sprint list`, such as `cli claude`.',
          examples: [['cli claude']],
        }),
    })
    .refine(({ workers, backends }) => workers !== undefined || backends !== undefined, 'must have "workers" or "backends"'),
)

const allowance = z
  .strictObject({
    usd: z
      .number()
      .positive()
      .optional()
      .meta({ description: 'Money (USD). Tokens of unknown price do not count.', examples: [50] }),
    tokens: z
      .int()
      .positive()
      .optional()
      .meta({ description: 'Tokens, input and output together.', examples: [200_000_000] }),
  })
  .refine(({ usd, tokens }) => usd !== undefined || tokens !== undefined, 'must have "usd" or "tokens"')

const budgets = {
  day: allowance.optional().meta({
    description: 'Budget of one day of UTC. At 80 % burn warns; at 100 % it gives no new work until the day ends.',
    examples: [{ usd: 50, tokens: 200_000_000 }],
  }),
  issue: allowance.optional().meta({
    description: 'Budget of one issue, for all of its attempts. burn tells people about an issue over its budget.',
    examples: [{ usd: 5 }],
  }),
}

/** The schema of `budget`. */
export const budget = z.strictObject({
  ...budgets,
  lanes: z
    .record(line, z.strictObject(budgets))
    .optional()
    .meta({ description: 'Budgets of single lanes, by the name of the lane.', examples: [{ bugs: { day: { usd: 20 } } }] }),
  accounts: z
    .record(name, z.strictObject(budgets))
    .optional()
    .meta({
      description: 'Budgets of single accounts, by their name in `accounts`.',
      examples: [{ max: { day: { tokens: 100_000_000 } } }],
    }),
})
