/** The schemas of the spec's `agent`, `dispatch`, `repos` and `templates`. */
import * as z from 'zod'
import { agentNames } from '../core/agent-kinds.ts'
import { repoChanges } from './changes.ts'
import { customKeys } from './custom.ts'
import { defaults } from './defaults.ts'
import { argv, depth, timeSpan, env, line, priorityLabels, words } from './values.ts'

/** The schema of `agent`. The fleet, a machine, a window and a worker may each have this key. */
export const agent = z
  .strictObject({
    kind: z
      .enum(agentNames)
      .optional()
      .meta({
        description: 'Agent program. `custom`: any other program, whose screen burn reads with `patterns`.',
        default: defaults.agentKind,
        examples: ['hermes'],
      }),
    command: argv.optional().meta({
      description: 'Program and arguments that start the agent, in place of the default of the kind.',
      examples: [['hermes', 'chat', '--yolo']],
    }),
    model: line.optional().meta({ description: 'Model that the agent uses.', examples: ['hermes-4-405b'] }),
    provider: line
      .optional()
      .meta({ description: 'Provider of the model. Use the name that the agent program uses for the provider.', examples: ['nous'] }),
    busy_input_mode: z
      .enum(['interrupt', 'queue'])
      .optional()
      .meta({
        description:
          'Effect of Enter while the agent works. Must match the configuration of the agent (Hermes: `display.busy_input_mode`). `queue`: the agent queues the text, so burn sees at once that a busy agent got a prompt. `interrupt`: Enter would interrupt the turn, so burn types a text only after the turn has ended.',
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
      description: 'Environment variables of the agent. Do not write secrets here, because the process list shows them.',
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
      description:
        'Authors whose issues may reach an agent: `writers` (accounts that may write to the repo), `anyone`, or a list of logins.',
      default: defaults.authors,
      examples: ['writers'],
    }),
  labels: words.optional().meta({
    description:
      'Labels that approve an issue of any author. A label approves the text that the issue has when burn first sees the label. After an edit of the issue, set the label again.',
    default: defaults.trustedLabels,
    examples: [['approved']],
  }),
  commands: z
    .union([z.enum(['writers']), z.array(line)], 'must be "writers", or a list of logins')
    .optional()
    .meta({
      description:
        'Accounts whose comments `/burn go`, `/burn stop` and `/burn retry` burn obeys: `writers` (accounts that may write to the repo, without bots), or a list of logins that may write. By default the list in `authors`, if there is one, otherwise `writers`.',
      default: defaults.commands,
      examples: [['ann', 'release-bot']],
    }),
})

/** The schema of `dispatch`. */
export const policy = z.strictObject({
  depth: depth.optional().meta({
    description: 'Maximum number of issues that a worker has at once. An issue in review does not count.',
    default: defaults.depth,
    examples: [2],
  }),
  interval: timeSpan
    .optional()
    .meta({ description: 'Pause between two cycles of `burn dispatch`.', default: defaults.interval, examples: ['60s'] }),
  skip_labels: words.optional().meta({
    description: 'Labels of issues that burn does not give to workers.',
    default: defaults.skipLabels,
    examples: [['epic', 'meta']],
  }),
  skip_titles: words.optional().meta({
    description:
      'Regular expressions. burn does not give an issue to a worker if one of the expressions matches the title. Case does not matter.',
    default: defaults.skipTitles,
    examples: [['^\\[meta\\]']],
  }),
  priority_labels: priorityLabels.optional().meta({
    description:
      'Labels that order the queue of panes and sprints, most urgent first. Labels in one inner list are equally urgent. `*` stands for issues without such a label; without `*` they go last. Of equally urgent issues, the one with the earliest due date goes first, then the oldest. `burn issue priority` overrides the labels.',
    default: defaults.priorityLabels,
    examples: [[['urgent', 'P0'], 'high', '*', 'low']],
  }),
  council_labels: words.optional().meta({
    description: 'Labels of issues about which burn asks the council. burn does not give these issues to workers.',
    default: defaults.councilLabels,
    examples: [['council']],
  }),
  assigned: z
    .enum(['skip', 'ignore'])
    .optional()
    .meta({
      description: "`skip`: workers get no issue whose assignee on the forge is not burn's account. `ignore`: assignees do not matter.",
      default: defaults.assigned,
      examples: ['skip'],
    }),
  idle_timeout: timeSpan
    .nullable()
    .optional()
    .meta({
      description:
        'If an agent is idle for this time and has opened no change for review, its dispatch fails, and burn may give the issue to a worker again. If the last turn failed because of the login, billing, model, quota or connection, burn tells the agent to continue after one sixth and after half of this time. If the agent does not recover, burn releases the issue and counts no attempt. `null`: only a person ends the dispatch.',
      default: defaults.idleTimeout,
      examples: ['30m'],
    }),
  ended_after: timeSpan
    .nullable()
    .optional()
    .meta({ description: 'Deprecated name of `idle_timeout`.', deprecated: true, examples: ['30m'] }),
  stale_after: timeSpan.optional().meta({
    description: 'Time after which burn reports a dispatch as stale, if no change is open for review.',
    default: defaults.staleAfter,
    examples: ['24h'],
  }),
  max_attempts: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({
      description:
        'Maximum number of attempts at an issue. After this number, burn gives the issue to no worker until a person requeues it.',
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
        'Whether other fleets, with their own ledgers, work on the same repos. If so, the fleet that wrote the first claim comment gets the issue; each claim costs one more second and one more request. Set this key in each of these fleets, and give each fleet its own name.',
      default: defaults.sharedForge,
      examples: [true],
    }),
  branch_prefix: line
    .regex(
      /^(?:[A-Za-z0-9][A-Za-z0-9_-]*\/)*[A-Za-z0-9][A-Za-z0-9_-]*[/_-]$/,
      'must have only letters, digits, "_", "-" and "/", and end with "/", "-" or "_"',
    )
    .optional()
    .meta({
      description:
        "Text before the dispatch's id in the name of its branch, for panes and sprints. Change it if the repo's rules require other names, or if the repo has a branch `burn`.",
      default: defaults.branchPrefix,
      examples: ['agents/'],
    }),
  trust: trust
    .optional()
    .meta({ description: 'Rules that decide by author and by label which issues may reach an agent.', examples: [{ authors: 'writers' }] }),
})

/** The schema of one repo in `repos`. */
export const repoSettings = z.strictObject({
  base: line
    .regex(/^[^-][^\s~^:?*[\\]*$/, 'must be the name of a branch')
    .optional()
    .meta({
      description: 'Base branch of the changes that agents and sprints open. Default: the default branch of the repo on the forge.',
      examples: ['main'],
    }),
  check: line
    .optional()
    .meta({ description: 'Command that must succeed before an agent or a sprint opens a change.', examples: ['npm test'] }),
  setup: line.optional().meta({
    description: 'Command that a sprint runs first in a new workspace, with network access. Use it to install the dependencies of `check`.',
    examples: ['npm ci --ignore-scripts'],
  }),
  copy: z
    .strictObject({
      from: line.meta({
        description: 'Folder with the files, such as your checkout of the repo. A relative path starts at the folder of the spec.',
        examples: ['~/src/app'],
      }),
      files: words.min(1, 'must have at least one glob').meta({
        description: 'Globs of files below the folder. Each file gets the same path in the workspace.',
        examples: [['.env', 'config/*.local.json']],
      }),
    })
    .optional()
    .meta({
      description: 'Files that a sprint copies into a new workspace, such as `.env`. burn never commits them, but the model can read them.',
      examples: [{ from: '~/src/app', files: ['.env'] }],
    }),
  changes: repoChanges.optional().meta({
    description: 'Rules for the changes of this repo, in place of those in `changes`.',
    examples: [{ merge: 'approved', method: 'squash' }],
  }),
  clone_url: line
    .regex(/^[^-]/, 'must not start with "-"')
    .optional()
    .meta({
      description: 'Clone URL of the repo, in place of the URL that the forge gives.',
      examples: ['ssh://git@forge.example.com/my-org/app.git'],
    }),
})

/** The schema of `templates`. */
export const templates = z.strictObject({
  work: line.optional().meta({ description: 'File with the prompt that gives an issue to a worker.', examples: ['prompts/work.md'] }),
  identity: line.optional().meta({
    description: 'File with the first prompt of a worker, which tells the worker its name and role.',
    examples: ['prompts/identity.md'],
  }),
  council: line.optional().meta({ description: 'File with the prompt for a question to the council.', examples: ['prompts/council.md'] }),
})
