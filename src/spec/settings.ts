/** What a spec says beside its machines and its forge: agent, dispatch, repos, templates. */
import * as z from 'zod'
import { agentNames } from '../core/agent-kinds.ts'
import { customKeys } from './custom.ts'
import { defaults } from './defaults.ts'
import { argv, depth, timeSpan, env, line, words } from './values.ts'

export const agent = z
  .strictObject({
    kind: z
      .enum(agentNames)
      .optional()
      .meta({ description: 'Which agent program it is.', default: defaults.agentKind, examples: ['hermes'] }),
    command: argv
      .optional()
      .meta({ description: "Program and arguments, in place of the kind's own.", examples: [['hermes', 'chat', '--yolo']] }),
    model: line.optional().meta({ description: 'The model it is told to use.', examples: ['hermes-4-405b'] }),
    provider: line.optional().meta({ description: "Who serves the model, in the agent's own words.", examples: ['nous'] }),
    busy_input_mode: z
      .enum(['interrupt', 'queue'])
      .optional()
      .meta({
        description:
          'What Enter does while it works, as its own configuration has it (Hermes: `display.busy_input_mode`). With `queue` a prompt for a busy agent is seen at once.',
        default: defaults.busyInputMode,
        examples: ['queue'],
      }),
    hooks: z
      .boolean()
      .optional()
      .meta({
        description:
          'Whether it is started with hooks that tell `burn` what it does (docs/explanation/signals.md), where its kind has any. Your own configuration of it is not changed.',
        default: defaults.hooks,
        examples: [false],
      }),
    env: env.optional().meta({
      description: 'Environment variables for it. No secrets: they are seen in the process list.',
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
      description: 'Whose issues are given to agents: `writers` (who may write to the repo), `anyone`, or these logins.',
      default: defaults.authors,
      examples: ['writers'],
    }),
  labels: words.optional().meta({
    description:
      'Labels that make an issue trusted, whoever wrote it. They cover the text that burn saw with them first: an edit needs the label anew.',
    default: defaults.trustedLabels,
    examples: [['approved']],
  }),
})

export const policy = z.strictObject({
  depth: depth.optional().meta({ description: 'How many issues a worker may hold at once.', default: defaults.depth, examples: [2] }),
  interval: timeSpan.optional().meta({ description: 'Pause between cycles.', default: defaults.interval, examples: ['60s'] }),
  skip_labels: words
    .optional()
    .meta({ description: 'Issues with one of these labels are left alone.', default: defaults.skipLabels, examples: [['epic', 'meta']] }),
  skip_titles: words.optional().meta({
    description: 'Regular expressions; issues whose title matches one are left alone. Case does not matter.',
    default: defaults.skipTitles,
    examples: [['^\\[meta\\]']],
  }),
  council_labels: words.optional().meta({
    description: 'Issues with one of these labels are put to the council, for perspective.',
    default: defaults.councilLabels,
    examples: [['council']],
  }),
  assigned: z
    .enum(['skip', 'ignore'])
    .optional()
    .meta({
      description: '`skip`: an issue assigned to somebody else is theirs. `ignore`: assignment says nothing.',
      default: defaults.assigned,
      examples: ['skip'],
    }),
  idle_timeout: timeSpan
    .nullable()
    .optional()
    .meta({
      description:
        'How long an agent must have had nothing to do before an issue that it holds without a change for review counts as failed, and may be given again. An agent in trouble that every issue would meet (login, billing, model, quota, connection) is told to go on after a sixth and a half of it; if it has not recovered at its end, the issue is released, and no attempt counts. `null`: only a person gives it back.',
      default: defaults.idleTimeout,
      examples: ['30m'],
    }),
  ended_after: timeSpan
    .nullable()
    .optional()
    .meta({ description: 'Deprecated name of `idle_timeout`.', deprecated: true, examples: ['30m'] }),
  stale_after: timeSpan.optional().meta({
    description: 'How long a worker may have an issue without a change for review before it is called stale.',
    default: defaults.staleAfter,
    examples: ['24h'],
  }),
  max_attempts: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'How often an issue is given before it is left to people.', default: defaults.maxAttempts, examples: [3] }),
  retry_after: timeSpan.optional().meta({
    description:
      'How long an issue that failed or was lost waits before it is given again: so long after the first attempt, then twice as long each time, an hour at most.',
    default: defaults.retryAfter,
    examples: ['1m'],
  }),
  shared_forge: z
    .boolean()
    .optional()
    .meta({
      description:
        'Whether other fleets, with ledgers of their own, work on the same repos: then the first comment has the issue, which costs a second and a request a claim. Each of them must say so, and have a name of its own.',
      default: defaults.sharedForge,
      examples: [true],
    }),
  trust: trust.optional().meta({ description: 'Whose issue text may reach an agent.', examples: [{ authors: 'writers' }] }),
})

export const repoSettings = z.strictObject({
  base: line
    .regex(/^[^-][^\s~^:?*[\\]*$/, "must be a branch's name")
    .optional()
    .meta({ description: 'Branch that changes are opened against.', default: defaults.base, examples: ['main'] }),
  check: line.optional().meta({ description: 'Command that must pass before a change is opened.', examples: ['npm test'] }),
  setup: line.optional().meta({
    description: 'Command that a sprint runs first in a fresh workspace, with network: what the check needs to be there.',
    examples: ['npm ci --ignore-scripts'],
  }),
  clone_url: line
    .regex(/^[^-]/, 'must not start with "-"')
    .optional()
    .meta({
      description: "Where to clone from, in place of the forge's own URL.",
      examples: ['ssh://git@forge.example.com/my-org/app.git'],
    }),
})

export const templates = z.strictObject({
  work: line.optional().meta({ description: 'The prompt of an issue.', examples: ['prompts/work.md'] }),
  identity: line.optional().meta({ description: 'The first prompt of a worker: who it is.', examples: ['prompts/identity.md'] }),
  council: line.optional().meta({ description: 'A request for perspective.', examples: ['prompts/council.md'] }),
})
