/** How sprints are run, as it is written: backends, limits, and where workspaces are. */
import * as z from 'zod'
import { agentNames, isSprintAgent } from '../core/agent-kinds.ts'
import { defaults } from './defaults.ts'
import { token } from './forges.ts'
import { argv, dir, env, line, repos, size, timeSpan, words } from './values.ts'

const key = token.optional().meta({ description: 'Where the API key is kept; never the key itself.', examples: [{ env: 'NOUS_API_KEY' }] })
const model = line.optional().meta({ description: 'The model it is told to use.', examples: ['hermes-4-70b'] })
const http = line.regex(/^https?:\/\/[^\s@]+$/, 'must be an http address without credentials')

const price = z.strictObject({
  in: z
    .number()
    .nonnegative()
    .meta({ description: 'US dollars a million tokens that it reads.', examples: [0.3] }),
  out: z
    .number()
    .nonnegative()
    .meta({ description: 'US dollars a million tokens that it writes.', examples: [1.2] }),
})

const runnerModel = z.strictObject({
  model: line.meta({ description: 'Its name, as its endpoint knows it.', examples: ['hermes-4-70b'] }),
  url: http.meta({
    description: 'An OpenAI-compatible endpoint, up to and with `/v1`.',
    examples: ['http://127.0.0.1:11434/v1'],
  }),
  key,
  provider: line.optional().meta({ description: 'Who serves it, for the results.', examples: ['ollama'] }),
  price: price.optional().meta({ description: 'What it costs. Without it: not known.', examples: [{ in: 0.3, out: 1.2 }] }),
})

const backend = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('gateway').meta({ description: 'The Hermes gateway on this machine.' }),
    url: http.optional().meta({ description: 'Where it listens.', default: defaults.gateway, examples: [defaults.gateway] }),
    key,
    model,
  }),
  z.strictObject({
    kind: z.literal('cli').meta({ description: 'An agent program, run once.' }),
    agent: z
      .enum(agentNames.filter(isSprintAgent))
      .meta({ description: 'Which one. `custom`: `command` gets the prompt on its standard input.', examples: ['hermes'] }),
    command: argv.optional().meta({ description: "Program and arguments, in place of the agent's own.", examples: [['hermes', 'chat']] }),
    model,
    env: env.optional().meta({
      description: 'Environment variables for it. No secrets: they are seen in the process list.',
      examples: [{ HERMES_HOME: '~/.hermes' }],
    }),
  }),
  z.strictObject({
    kind: z.literal('runner').meta({ description: 'The built-in one: a model, and tools confined to the workspace.' }),
    models: z
      .array(runnerModel)
      .min(1, 'must have a model')
      .optional()
      .meta({
        description: "Models in the order in which they are tried. Without it: those of Hermes' own configuration.",
        examples: [[{ model: 'hermes-4-70b', url: 'http://127.0.0.1:11434/v1' }]],
      }),
    hermes_home: dir.optional().meta({
      description: "Where Hermes' `config.yaml` and `auth.json` are; they are read, and never changed.",
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
    .meta({ description: 'Answers of the model.', default: defaults.sprintTurns, examples: [60] }),
  tokens: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Tokens in and out together.', default: defaults.sprintTokens, examples: [2_000_000] }),
  time: timeSpan
    .optional()
    .meta({ description: 'How long it may take, checks included.', default: defaults.sprintTime, examples: ['45m'] }),
  money: z
    .number()
    .positive()
    .nullable()
    .optional()
    .meta({ description: 'US dollars, where the price is known. `null`: no limit.', default: null, examples: [1.5] }),
})

const sandbox = z.strictObject({
  use: z
    .enum(['require', 'off', 'auto'])
    .optional()
    .meta({
      description:
        '`require`: commands run in bubblewrap, and no sprint runs without it. `off`: commands run unconfined. `auto`: deprecated, the same as `require`.',
      default: defaults.sandbox,
      examples: ['require'],
    }),
  network: z
    .boolean()
    .optional()
    .meta({ description: "Whether the model's commands and the check reach the network.", default: false, examples: [false] }),
  timeout: timeSpan.optional().meta({ description: 'How long a command may take.', default: defaults.commandTime, examples: ['10m'] }),
  output: size
    .optional()
    .meta({ description: 'How much of its output the model is shown.', default: defaults.commandOutput, examples: ['32kB'] }),
  memory: size
    .optional()
    .meta({ description: 'Memory of all its processes together.', default: defaults.commandMemory, examples: ['4GB'] }),
  processes: z
    .int()
    .min(8)
    .optional()
    .meta({ description: 'How many processes it may have.', default: defaults.commandProcesses, examples: [512] }),
  disk: size.optional().meta({
    description: 'How much its commands may add to the workspace, HOME and /tmp together; at most four fifths of what the disk has free.',
    default: defaults.sandboxDisk,
    examples: ['8GB'],
  }),
  files: z
    .int()
    .min(100)
    .optional()
    .meta({ description: 'How many files and folders they may add there.', default: defaults.sandboxFiles, examples: [1_000_000] }),
})

const keep = z.strictObject({
  workspaces: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'How many ended workspaces stay; the oldest go first.', default: defaults.keepWorkspaces, examples: [20] }),
  age: timeSpan
    .optional()
    .meta({ description: 'How long an ended workspace, and a transcript, stays.', default: defaults.keepAge, examples: ['14d'] }),
})

const checkRetries = z.int().min(0).max(20)

export const sprint = z.strictObject({
  repos: repos.optional().meta({
    description: 'Repos whose issues sprints take. Without it: those that windows serve.',
    examples: [['app', 'docs']],
  }),
  dir: dir.optional().meta({
    description: 'Where mirrors, workspaces and transcripts are. Without it: `~/.local/state/burn-fleet/<name>/sprints`.',
    examples: ['/srv/sprints'],
  }),
  backends: z
    .array(backend)
    .min(1, 'must have a backend')
    .meta({ description: 'Who does the work, in the order in which they are tried.', examples: [[{ kind: 'runner' }]] }),
  budget: budget.optional().meta({ description: 'What one sprint may use up.', examples: [{ turns: 40 }] }),
  skip_labels: words.optional().meta({
    description: 'Issues with one of these labels are no work for a sprint, beside `dispatch.skip_labels`.',
    default: defaults.sprintSkipLabels,
    examples: [['epic', 'study']],
  }),
  skip_titles: words.optional().meta({
    description: 'Regular expressions over titles, likewise. Case does not matter.',
    default: defaults.sprintSkipTitles,
    examples: [['^epic\\b']],
  }),
  priority_labels: words.optional().meta({
    description: 'Issues with the first of these labels come first, and so on; then the oldest.',
    default: defaults.priorityLabels,
    examples: [['urgent', 'high']],
  }),
  check_retries: checkRetries.optional().meta({
    description: 'Number of times that burn gives a failed check back to the model.',
    default: defaults.checkRetries,
    examples: [3],
  }),
  mends: checkRetries.optional().meta({ description: 'Deprecated name of `check_retries`.', deprecated: true, examples: [3] }),
  check_timeout: timeSpan.optional().meta({ description: 'How long the check may take.', default: defaults.checkTime, examples: ['20m'] }),
  allow_paths: words.optional().meta({
    description: 'Protected paths (CI definitions, hooks) that a change may touch without a person: globs from the top folder.',
    default: [],
    examples: [['.github/workflows/docs.yml']],
  }),
  sandbox: sandbox.optional().meta({ description: "How the model's commands are confined.", examples: [{ use: 'require' }] }),
  keep: keep.optional().meta({ description: 'What `burn sprint prune` leaves.', examples: [{ workspaces: 20, age: '14d' }] }),
})

export type WrittenSprint = z.infer<typeof sprint>
