/** The schema of `delegation`: the agents behind logins on the forge, and the words of the issues that suit them. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { line, name, owner, repos, timeSpan, words } from './values.ts'

const weights = z.union([words, z.record(line, z.number())], 'must be a list of texts, or an object with a weight for each text')

const agent = z.strictObject({
  login: owner.optional().meta({ description: 'Login on the forge. Default: the name of the agent.', examples: ['ezra'] }),
  keywords: weights.optional().meta({
    description:
      'Words and phrases of issues that suit the agent, with weights. In a list each weight is 1. Case and endings such as `-s`, `-ed` and `-ing` do not matter. A negative weight lowers the score.',
    examples: [{ deploy: 3, server: 3, 'merge queue': 2 }],
  }),
  labels: weights.optional().meta({ description: 'Labels of issues that suit the agent, with weights.', examples: [['infrastructure']] }),
  paths: weights.optional().meta({
    description: 'Globs of the paths that suitable issues mention, with weights.',
    examples: [{ 'deploy/**': 2 }],
  }),
  repos: repos.optional().meta({
    description: 'Repos whose issues the agent gets. Default: all repos of the windows and of `sprint.repos`.',
    examples: [['app']],
  }),
  capacity: z
    .int()
    .min(0)
    .max(1000)
    .optional()
    .meta({
      description: 'Maximum number of open issues that are assigned to the login. `0`: burn assigns none.',
      default: defaults.delegationCapacity,
      examples: [3],
    }),
  lane: line.optional().meta({
    description:
      'Lane whose workers get the issues that are assigned to the login. Without a lane, the agent behind the login is no part of the fleet.',
    examples: ['ops'],
  }),
})

/** The schema of `delegation`. */
export const delegation = z.strictObject({
  threshold: z
    .number()
    .positive()
    .optional()
    .meta({
      description: 'Smallest score for which burn assigns an issue. A keyword of weight 1 in the title has the score 3, in the text 1.',
      default: defaults.delegationThreshold,
      examples: [3],
    }),
  deadline: timeSpan.optional().meta({
    description: 'Time after which burn removes an assignment if nobody started the work.',
    default: defaults.delegationDeadline,
    examples: ['24h'],
  }),
  agents: z
    .record(name, agent)
    .refine((agents) => Object.keys(agents).length > 0, 'must have at least one agent')
    .meta({
      description: 'Agents, by a name that you choose. If two agents have the same score in every respect, the first one gets the issue.',
      minProperties: 1,
      examples: [{ ezra: { keywords: ['deploy', 'server'] } }],
    }),
})

/** The description of the key `delegation`. */
export const delegationMeta = {
  description:
    'Agents behind logins on the forge. burn assigns each unassigned issue to the agent that it suits best (docs/how-to/delegation.md).',
  examples: [{ agents: { ezra: { keywords: ['deploy', 'server'] } } }],
}
