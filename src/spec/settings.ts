/** The schemas of the spec's `agent`, `dispatch`, `repos` and `templates`. */
import * as z from 'zod'
import { agentNames } from '../core/agent-kinds.ts'
import { customKeys } from './custom.ts'
import { defaults } from './defaults.ts'
import { argv, depth, timeSpan, env, line, words } from './values.ts'

/** The schema of `agent`, which every level of the spec may have. */
export const agent = z
  .strictObject({
    kind: z
      .enum(agentNames)
      .optional()
      .meta({ description: 'Kind of agent program.', default: defaults.agentKind, examples: ['hermes'] }),
    command: argv
      .optional()
      .meta({ description: "Program and arguments, in place of the kind's default.", examples: [['hermes', 'chat', '--yolo']] }),
    model: line.optional().meta({ description: 'Model for the agent.', examples: ['hermes-4-405b'] }),
    provider: line.optional().meta({ description: "Provider of the model, by the agent's own name for it.", examples: ['nous'] }),
    busy_input_mode: z
      .enum(['interrupt', 'queue'])
      .optional()
      .meta({
        description:
          'Effect of Enter while the agent works, as its own configuration sets it (Hermes: `display.busy_input_mode`). With `queue`, burn sees at once that a busy agent got a prompt; with `interrupt`, only after the turn.',
        default: defaults.busyInputMode,
        examples: ['queue'],
      }),
    hooks: z
      .boolean()
      .optional()
      .meta({
        description:
          'Starts the agent with hooks that report its state to burn, if its kind supports them (docs/explanation/signals.md). burn does not change your own configuration.',
        default: defaults.hooks,
        examples: [false],
      }),
    env: env.optional().meta({
      description: 'Environment variables. Write no secrets: the process list shows them.',
      examples: [{ HERMES_HOME: '~/.hermes' }],
    }),
    ...customKeys,
  })
  .meta({ id: 'agent' })

const trust = z.strictObject({
  authors: z
    .union([z.enum(['writers', 'anyone']), z.array(line)], 'must be "writers", "anyone", or a list of logins')
    .optional()
    .meta({
      description: 'Authors whose issues agents get: `writers` (accounts that may write to the repo), `anyone`, or a list of logins.',
      default: defaults.authors,
      examples: ['writers'],
    }),
  labels: words.optional().meta({
    description:
      'Labels that approve an issue by any author. They approve the text that burn first saw with the label; after an edit, set the label again.',
    default: defaults.trustedLabels,
    examples: [['approved']],
  }),
})

/** The schema of `dispatch`. */
export const policy = z.strictObject({
  depth: depth.optional().meta({
    description: 'Maximum number of issues that a worker has at once. An issue in review does not count.',
    default: defaults.depth,
    examples: [2],
  }),
  interval: timeSpan.optional().meta({ description: 'Pause between cycles.', default: defaults.interval, examples: ['60s'] }),
  skip_labels: words.optional().meta({
    description: 'burn does not give issues with one of these labels.',
    default: defaults.skipLabels,
    examples: [['epic', 'meta']],
  }),
  skip_titles: words.optional().meta({
    description: 'Regular expressions. burn does not give issues whose title matches one; case does not matter.',
    default: defaults.skipTitles,
    examples: [['^\\[meta\\]']],
  }),
  council_labels: words.optional().meta({
    description: 'burn asks the council about issues with one of these labels, in place of giving them to workers.',
    default: defaults.councilLabels,
    examples: [['council']],
  }),
  assigned: z
    .enum(['skip', 'ignore'])
    .optional()
    .meta({
      description: '`skip`: burn does not give issues that are assigned to somebody else. `ignore`: assignees do not matter.',
      default: defaults.assigned,
      examples: ['skip'],
    }),
  idle_timeout: timeSpan
    .nullable()
    .optional()
    .meta({
      description:
        'A dispatch without a change for review fails after its agent was idle for this time, and burn may give the issue again. If the last turn failed because of the login, billing, model, quota or connection, burn tells the agent to continue after one sixth and after half of this time. If that does not help, burn releases the issue and counts no attempt. `null`: only a person ends the dispatch.',
      default: defaults.idleTimeout,
      examples: ['30m'],
    }),
  ended_after: timeSpan
    .nullable()
    .optional()
    .meta({ description: 'Deprecated name of `idle_timeout`.', deprecated: true, examples: ['30m'] }),
  stale_after: timeSpan.optional().meta({
    description: 'Time after which burn reports a dispatch without a change for review as stale.',
    default: defaults.staleAfter,
    examples: ['24h'],
  }),
  max_attempts: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Maximum number of attempts at an issue. After them, burn leaves it to people.',
      default: defaults.maxAttempts,
      examples: [3],
    }),
  retry_after: timeSpan.optional().meta({
    description: 'Back-off after the first failed or lost attempt at an issue. It doubles with each further attempt, up to an hour.',
    default: defaults.retryAfter,
    examples: ['1m'],
  }),
  shared_forge: z
    .boolean()
    .optional()
    .meta({
      description:
        'Other fleets, with their own ledgers, work on the same repos. The first claim comment then wins an issue, which costs one second and one request per claim. Set it in each of these fleets, and give each its own name.',
      default: defaults.sharedForge,
      examples: [true],
    }),
  trust: trust.optional().meta({ description: 'Rules for which issue texts may reach an agent.', examples: [{ authors: 'writers' }] }),
})

/** The schema of one repo in `repos`. */
export const repoSettings = z.strictObject({
  base: line
    .regex(/^[^-][^\s~^:?*[\\]*$/, 'must be the name of a branch')
    .optional()
    .meta({ description: 'Branch against which agents open changes.', default: defaults.base, examples: ['main'] }),
  check: line.optional().meta({ description: 'Command that must succeed before a change is opened.', examples: ['npm test'] }),
  setup: line.optional().meta({
    description: 'Command that a sprint runs first in a new workspace, with network access. It installs the dependencies of the check.',
    examples: ['npm ci --ignore-scripts'],
  }),
  clone_url: line
    .regex(/^[^-]/, 'must not start with "-"')
    .optional()
    .meta({
      description: "Clone URL, in place of the forge's own.",
      examples: ['ssh://git@forge.example.com/my-org/app.git'],
    }),
})

/** The schema of `templates`. */
export const templates = z.strictObject({
  work: line.optional().meta({ description: 'Prompt for an issue.', examples: ['prompts/work.md'] }),
  identity: line.optional().meta({ description: 'First prompt of a worker: its name and role.', examples: ['prompts/identity.md'] }),
  council: line.optional().meta({ description: 'Prompt for a question to the council.', examples: ['prompts/council.md'] }),
})
