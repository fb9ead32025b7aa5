/** The schema of the spec's `sprint`: backends, limits, and the folder of the workspaces. */
import * as z from 'zod'
import { agentNames, isSprintAgent } from '../core/agent-kinds.ts'
import { defaults } from './defaults.ts'
import { token } from './forges.ts'
import { argv, dir, env, line, priorityLabels, repos, size, timeSpan, words } from './values.ts'

/** The schema of an API key. */
export const key = token.optional().meta({
  description: 'Where burn reads the API key: a file, a variable or a command. Never write the key itself here.',
  examples: [{ env: 'NOUS_API_KEY' }],
})
const model = line.optional().meta({ description: 'Model that the backend uses.', examples: ['hermes-4-70b'] })
/** The schema of the URL of a server. */
export const http = line.regex(/^https?:\/\/[^\s@]+$/, 'must be an http address without credentials')

const price = z.strictObject({
  in: z
    .number()
    .nonnegative()
    .meta({ description: 'US dollars per million input tokens.', examples: [0.3] }),
  out: z
    .number()
    .nonnegative()
    .meta({ description: 'US dollars per million output tokens.', examples: [1.2] }),
})

/** The schema of a model that burn calls itself. */
export const runnerModel = z.strictObject({
  model: line.meta({ description: 'Name of the model at its endpoint.', examples: ['hermes-4-70b'] }),
  url: http.meta({
    description: 'URL of an OpenAI-compatible endpoint, up to and including `/v1`.',
    examples: ['http://127.0.0.1:11434/v1'],
  }),
  key,
  provider: line.optional().meta({ description: 'Name of the provider of the model, which burn shows in reports.', examples: ['ollama'] }),
  price: price.optional().meta({ description: 'Price of the model. Default: unknown.', examples: [{ in: 0.3, out: 1.2 }] }),
})

const backend = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('gateway').meta({ description: 'Hermes gateway on this machine.' }),
    url: http.optional().meta({ description: 'Address of the gateway.', default: defaults.gateway, examples: [defaults.gateway] }),
    key,
    model,
  }),
  z.strictObject({
    kind: z.literal('cli').meta({ description: 'Agent program that burn runs once for each turn.' }),
    agent: z.enum(agentNames.filter(isSprintAgent)).meta({
      description: 'Agent program. `custom`: any other program; `command` gets the prompt on its standard input.',
      examples: ['hermes'],
    }),
    command: argv
      .optional()
      .meta({ description: "Program and arguments, in place of the agent's default.", examples: [['hermes', 'chat']] }),
    model,
    env: env.optional().meta({
      description: 'Environment variables of the agent. Do not write secrets here, because the process list shows them.',
      examples: [{ HERMES_HOME: '~/.hermes' }],
    }),
  }),
  z.strictObject({
    kind: z
      .literal('runner')
      .meta({ description: 'Runner built into burn. It calls a model, and confines the tools of the model to the workspace.' }),
    models: z
      .array(runnerModel)
      .min(1, 'must have at least one model')
      .optional()
      .meta({
        description:
          'Models, in the order in which burn tries them. Default: `models.chain`, or the models in the configuration of Hermes if the spec has no chain.',
        examples: [[{ model: 'hermes-4-70b', url: 'http://127.0.0.1:11434/v1' }]],
      }),
    hermes_home: dir.optional().meta({
      description: 'Folder with `config.yaml` and `auth.json` of Hermes. burn reads these files, and never changes them.',
      default: defaults.hermesHome,
      examples: ['~/.hermes'],
    }),
  }),
])

const budget = z.strictObject({
  turns: z
    .int()
    .min(1)
    .optional()
    .meta({
      description: 'Maximum number of turns in a sprint. A turn is one answer of the model.',
      default: defaults.sprintTurns,
      examples: [60],
    }),
  tokens: z
    .int()
    .min(1)
    .optional()
    .meta({
      description: 'Maximum number of tokens in a sprint, input and output together.',
      default: defaults.sprintTokens,
      examples: [2_000_000],
    }),
  time: timeSpan
    .optional()
    .meta({ description: 'Maximum time of a sprint, including its checks.', default: defaults.sprintTime, examples: ['45m'] }),
  money: z
    .number()
    .positive()
    .nullable()
    .optional()
    .meta({
      description: 'Maximum cost of a sprint in US dollars. Applies only if the price of the model is known. `null`: no limit.',
      default: null,
      examples: [1.5],
    }),
})

const sandbox = z.strictObject({
  use: z
    .enum(['require', 'off', 'auto'])
    .optional()
    .meta({
      description:
        '`require`: commands run in bubblewrap, and burn runs no sprint without it. `off`: commands run unconfined. `auto`: deprecated, the same as `require`.',
      default: defaults.sandbox,
      examples: ['require'],
    }),
  network: z
    .boolean()
    .optional()
    .meta({ description: "Allows the model's commands and the check to use the network.", default: false, examples: [false] }),
  setup_hosts: z
    .array(
      z
        .string()
        .regex(/^(?:\*\.)?(?:[\w-]+\.)*[\w-]+(?::\d{1,5})?$/, 'must be a host, such as "packages.example.com" or "*.example.com:8443"'),
    )
    .optional()
    .meta({
      description:
        'Hosts that the setup command may reach, over HTTP and HTTPS through a proxy of burn. A host without a port has the ports 80 and 443. `[]`: none. Default: the setup command uses the network without limits.',
      examples: [['packages.example.com', '*.example.com:8443']],
    }),
  timeout: timeSpan.optional().meta({ description: 'Timeout of each command.', default: defaults.commandTime, examples: ['10m'] }),
  output: size.optional().meta({
    description: 'Maximum size of the command output that burn passes to the model.',
    default: defaults.commandOutput,
    examples: ['32kB'],
  }),
  memory: size
    .optional()
    .meta({ description: 'Maximum memory of a command, all its processes together.', default: defaults.commandMemory, examples: ['4GB'] }),
  processes: z
    .int()
    .min(8)
    .optional()
    .meta({ description: 'Maximum number of processes of a command.', default: defaults.commandProcesses, examples: [512] }),
  disk: size.optional().meta({
    description:
      'Maximum amount of data that the commands of a sprint may add to the workspace, HOME and /tmp together. burn never allows more than 80 % of the free disk space.',
    default: defaults.sandboxDisk,
    examples: ['8GB'],
  }),
  files: z
    .int()
    .min(100)
    .optional()
    .meta({
      description: 'Maximum number of files and folders that the commands of a sprint may add to the workspace, HOME and /tmp together.',
      default: defaults.sandboxFiles,
      examples: [1_000_000],
    }),
})

const keep = z.strictObject({
  workspaces: z
    .int()
    .min(0)
    .optional()
    .meta({
      description: 'Number of workspaces of ended sprints that `burn sprint prune` keeps. It deletes the oldest workspaces first.',
      default: defaults.keepWorkspaces,
      examples: [20],
    }),
  age: timeSpan.optional().meta({
    description: 'Time for which `burn sprint prune` keeps the workspace and the transcript of an ended sprint.',
    default: defaults.keepAge,
    examples: ['14d'],
  }),
})

const identity = line.regex(/^[^<>]*[^<>\s][^<>]* <[^<>\s]+>$/, 'must have the form "Name <address>"')

const checkRetries = z.int().min(0).max(20)

/** The schema of `sprint`. */
export const sprint = z.strictObject({
  repos: repos.optional().meta({
    description: 'Repos whose issues sprints may claim. Default: the repos that the windows list.',
    examples: [['app', 'docs']],
  }),
  dir: dir.optional().meta({
    description: 'Folder for mirrors, workspaces and transcripts. Default: `~/.local/state/burn-fleet/<name>/sprints`.',
    examples: ['/srv/sprints'],
  }),
  backends: z
    .array(backend)
    .min(1, 'must have at least one backend')
    .meta({
      description: 'Programs or services that do the work, in the order in which burn tries them.',
      examples: [[{ kind: 'runner' }]],
    }),
  budget: budget.optional().meta({ description: 'Limits of one sprint.', examples: [{ turns: 40 }] }),
  skip_labels: words.optional().meta({
    description: 'Labels of issues that sprints do not claim, in addition to the labels in `dispatch.skip_labels`.',
    default: defaults.skipLabels,
    examples: [['epic', 'study']],
  }),
  skip_titles: words.optional().meta({
    description: 'Regular expressions. Sprints do not claim an issue if one of the expressions matches the title. Case does not matter.',
    default: defaults.skipTitles,
    examples: [['^epic\\b']],
  }),
  priority_labels: priorityLabels
    .optional()
    .meta({ description: 'Deprecated: write `dispatch.priority_labels`.', deprecated: true, examples: [['urgent', 'high']] }),
  check_retries: checkRetries.optional().meta({
    description: 'Number of times that burn lets the model fix a failed check.',
    default: defaults.checkRetries,
    examples: [3],
  }),
  mends: checkRetries.optional().meta({ description: 'Deprecated name of `check_retries`.', deprecated: true, examples: [3] }),
  check_timeout: timeSpan
    .optional()
    .meta({ description: 'Timeout of the `check` command of a repo.', default: defaults.checkTime, examples: ['20m'] }),
  allow_paths: words.optional().meta({
    description:
      'Globs of protected paths (CI definitions, hooks) that need no approval by a person. The globs start at the top folder of the repo.',
    default: [],
    examples: [['.github/workflows/docs.yml']],
  }),
  author: identity.optional().meta({
    description: 'Author of the commits of sprints. Some forges accept only commits of known accounts.',
    default: defaults.author,
    examples: ['Fleet <fleet@example.com>'],
  }),
  committer: identity
    .optional()
    .meta({ description: 'Committer of these commits. Default: the author.', examples: ['Fleet <fleet@example.com>'] }),
  sign_off: z
    .boolean()
    .optional()
    .meta({ description: 'Adds a line `Signed-off-by` with the committer to each commit message.', default: false, examples: [true] }),
  signing_key: line
    .regex(/^[^-]/, 'must not start with "-"')
    .optional()
    .meta({
      description:
        'Key with which git signs the commits: the path of an ssh key, or the id of an OpenPGP key. Default: commits are not signed.',
      examples: ['~/.ssh/id_ed25519'],
    }),
  sandbox: sandbox.optional().meta({ description: "Sandbox for the model's commands.", examples: [{ use: 'require' }] }),
  keep: keep.optional().meta({ description: 'Limits for `burn sprint prune`.', examples: [{ workspaces: 20, age: '14d' }] }),
})

export type WrittenSprint = z.infer<typeof sprint>
