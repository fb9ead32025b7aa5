/** The schema of the spec. The TypeScript types, the JSON Schema for editors and the reference of all keys are generated from it. */
import * as z from 'zod'
import { exampleChain } from '../core/model-settings.ts'
import { defaults } from './defaults.ts'
import { delegation, delegationMeta } from './delegation.ts'
import { forge } from './forges.ts'
import { changes } from './changes.ts'
import { accounts, budget } from './limits.ts'
import { models } from './models.ts'
import { notifyKeys } from './notify.ts'
import { drift, driftMeta, health, loginSettings, prices, snapshotSettings, telemetry, workerMeta, workerSettings } from './observation.ts'
import { agent, policy, repoSettings, templates } from './settings.ts'
import { sprint } from './sprint.ts'
import { argv, depth, dir, glyph, host, line, name, repo, repos, role, timeSpan, words } from './values.ts'

const worker = z.strictObject({
  role: role.optional().meta({ description: 'Role of the worker. Default: the role of its window.', examples: ['council'] }),
  repo: repo
    .optional()
    .meta({ description: 'Home repo of the worker: the worker gets issues of this repo before others.', examples: ['app'] }),
  repos: repos
    .optional()
    .meta({ description: 'Repos that the worker serves. Default: the repos of its window.', examples: [['app', 'docs']] }),
  sublane: line
    .nullable()
    .optional()
    .meta({
      description: 'Label of an issue. The worker gets issues with this label before others. `null`: no label.',
      examples: ['frontend'],
    }),
  glyph: glyph.optional().meta({ description: 'Symbol that burn shows next to the name of the worker.', examples: ['◆'] }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that the worker has at once.', examples: [1] }),
  dir: dir.optional().meta({ description: 'Working directory of the worker, on its machine.', examples: ['~/agents/azoth'] }),
  agent: agent.optional().meta({
    description: 'Agent settings of this worker. They override the agent settings of the window.',
    examples: [{ model: 'hermes-4-70b' }],
  }),
})

const window = z.strictObject({
  name: name.meta({ description: 'Name of the tmux window.', examples: ['CRUCIBLE'] }),
  lane: line.optional().meta({
    description: 'Purpose of the window, in one word. Several windows may share a lane. Default: the name of the window in lower case.',
    examples: ['bugs'],
  }),
  role: role.optional().meta({
    description: 'Role of the workers in the window. `worker`: works on issues. `council` and `sentinel`: only answer questions.',
    default: defaults.role,
    examples: ['worker'],
  }),
  panes: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: 'Number of workers, each in its own pane. Default: the number of `names`, at least 1.', examples: [12] }),
  repos: repos.optional().meta({ description: 'Repos whose issues the workers of the window get.', examples: [['app', 'docs']] }),
  names: z
    .array(name)
    .optional()
    .meta({
      description: 'Names of the workers. burn takes missing names from a list of mythological names, and does not change them later.',
      examples: [['AZOTH', 'ALBEDO']],
    }),
  sublanes: words.optional().meta({
    description:
      'Values of `sublane` for the workers, in the order of their panes. burn repeats a list that is shorter than the number of panes.',
    examples: [['frontend', 'backend']],
  }),
  glyphs: z
    .array(glyph)
    .optional()
    .meta({
      description:
        'Values of `glyph` for the workers, in the order of their panes. burn repeats a list that is shorter than the number of panes.',
      examples: [['◆', '◇']],
    }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that each worker of the window has at once.', examples: [2] }),
  dir: dir
    .optional()
    .meta({ description: 'Parent folder of the working directories. Each worker works in the subfolder `NAME`.', examples: ['~/work'] }),
  agent: agent.optional().meta({
    description: 'Agent settings of this window. They override the agent settings of the machine.',
    examples: [{ model: 'hermes-4-70b' }],
  }),
  workers: z
    .record(name, worker)
    .optional()
    .meta({
      description: 'Settings of single workers, by the name of the worker. They override the settings of the window.',
      examples: [{ AZOTH: { role: 'council' } }],
    }),
})

const ssh = z.strictObject({
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: 'Port of the ssh server. Default: the port in your ssh configuration.', examples: [22] }),
  options: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be the name of an ssh option'), line)
    .optional()
    .meta({ description: 'ssh options, with the names of ssh_config(5).', examples: [{ IdentityFile: '~/.ssh/fleet' }] }),
})

const session = name.optional().meta({ description: 'Name of the tmux session. Default: the name of the fleet.', examples: ['BURN'] })
const socket = name
  .optional()
  .meta({ description: 'Name of the tmux socket (`tmux -L`). Default: `burn-` and the name of the fleet.', examples: ['burn'] })
const tmux = z
  .string()
  .regex(/^[A-Za-z0-9_/][^\s\u0000-\u001f\u007f]*$/, 'must be the name or the absolute path of a program')
  .optional()
  .meta({
    description: 'tmux program on the machine: a name or an absolute path.',
    default: defaults.tmux,
    examples: ['/opt/homebrew/bin/tmux'],
  })

const machine = z.strictObject({
  host: host.optional().meta({
    description: 'Host that burn connects to over ssh. Without `host` and `exec`, burn uses the machine on which it runs.',
    examples: ['burn@vps'],
  }),
  ssh: ssh.optional().meta({ description: 'ssh settings, in addition to your ssh configuration.', examples: [{ port: 22 }] }),
  exec: argv.optional().meta({
    description: 'Command that burn calls in place of ssh. The command must run its arguments as a command on the machine.',
    examples: [['docker', 'exec', '-i', 'box']],
  }),
  tmux,
  session,
  socket,
  cores: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Number of CPU cores that the machine has. `burn doctor` warns if it finds fewer.', examples: [14] }),
  ram_gb: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Memory of the machine in GB. `burn doctor` warns if it finds less.', examples: [36] }),
  role: role
    .optional()
    .meta({ description: 'Role of the workers in windows that do not set `role`.', default: defaults.role, examples: ['worker'] }),
  repos: repos.optional().meta({ description: 'Repos of windows that do not set `repos`.', examples: [['app']] }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that each worker of the machine has at once.', examples: [1] }),
  dir: dir.optional().meta({
    description: 'Parent folder of the working directories. Each worker works in the subfolder `WINDOW/NAME`.',
    examples: ['/srv/burn'],
  }),
  agent: agent.optional().meta({
    description: 'Agent settings of this machine. They override the agent settings of the fleet.',
    examples: [{ env: { TZ: 'UTC' } }],
  }),
  windows: z
    .array(window)
    .min(1, 'must have at least one window')
    .meta({
      description: 'tmux windows of the machine, with their workers.',
      examples: [[{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }]],
    }),
})

const keys = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: 'Path or URL of the JSON Schema, with which editors check the spec.', examples: ['./fleet-spec.schema.json'] }),
  name: name.optional().meta({
    description: 'Name of the fleet. Fleets that share a machine need different names.',
    default: defaults.name,
    examples: ['timmy'],
  }),
  session,
  socket,
  tmux,
  dir: dir.optional().meta({
    description:
      'Parent folder of the working directories. Each worker works in the subfolder `MACHINE/WINDOW/NAME`. Default: `~/.local/state/burn-fleet/` and the name of the fleet.',
    examples: ['~/fleet'],
  }),
  forge: forge.meta({
    description: 'Forge that contains the issues: a server or a folder.',
    examples: [{ kind: 'folder', path: '~/burn' }],
  }),
  agent: agent.optional().meta({ description: 'Settings of the agent program in every pane.', examples: [{ kind: 'hermes' }] }),
  dispatch: policy.optional().meta({ description: 'Rules for giving issues to workers.', examples: [{ depth: 2 }] }),
  sprint: sprint.optional().meta({
    description:
      'Settings of sprints. A sprint is a run without a pane: it works on one issue in its own workspace, and opens one change (docs/how-to/run-sprints.md).',
    examples: [{ backends: [{ kind: 'runner' }] }],
  }),
  delegation: delegation.optional().meta(delegationMeta),
  ledger: z
    .string()
    .regex(
      /^(?:sqlite:|postgres(?:ql)?:\/\/(?![^/]*:[^/@]*@))[^\u0000-\u001f]+$/,
      'must be "sqlite:" and a path, or "postgres://user@host/database" (put the password into ~/.pgpass)',
    )
    .optional()
    .meta({
      description:
        'Database of the fleet: an SQLite file, or a PostgreSQL database that several dispatchers share. Default: `sqlite:~/.local/state/burn-fleet/<name>.db`.',
      examples: ['sqlite:~/.local/state/burn-fleet/timmy.db', 'postgres://burn@db.example.com/burn'],
    }),
  retention: timeSpan
    .nullable()
    .optional()
    .meta({
      description:
        'Time for which the ledger keeps the history of ended work. `burn dispatch` deletes older history once a day. `null`: keep everything.',
      default: defaults.retention,
      examples: ['365d'],
    }),
  accounts: accounts.optional().meta({
    description:
      'Logins at model providers, by a name that you choose, with the workers and backends of sprints that share each login (docs/how-to/limit-usage.md).',
    examples: [{ max: { workers: ['CRUCIBLE', 'AZOTH'] } }],
  }),
  changes: changes.optional().meta({
    description: 'Rules for changes in review: follow-ups about checks, reviews and conflicts, and merging (docs/how-to/changes.md).',
    examples: [{ merge: 'approved' }],
  }),
  budget: budget.optional().meta({
    description: 'Money and tokens that panes and sprints together may use (docs/how-to/limit-usage.md).',
    examples: [{ day: { usd: 50 }, issue: { usd: 5 } }],
  }),
  drift: drift.optional().meta(driftMeta),
  worker: workerSettings.optional().meta(workerMeta),
  health: health.optional().meta({ description: 'Thresholds of `burn health`.', examples: [{ turn: '3h' }] }),
  prices: prices.optional().meta({
    description:
      'Prices of models for `burn costs`, by the name of the model. `*` in a name stands for any characters, and the first name that matches counts. `subscription`: a subscription pays for the tokens. burn knows the list prices of many models (docs/reference/costs.md).',
    examples: [{ 'hermes-4-405b': { in: 1, out: 3 }, 'claude-*': 'subscription' }],
  }),
  models: models.optional().meta({
    description: 'Models that burn checks, and the chain of models that sprints use (docs/how-to/models.md).',
    examples: [{ chain: exampleChain }],
  }),
  telemetry: telemetry.optional().meta({
    description: 'Settings of the samples that burn takes of machines and workers.',
    examples: [{ interval: '5m' }],
  }),
  notify: notifyKeys.optional().meta({
    description: 'Notifications: which events burn sends to which channels (docs/how-to/notifications.md).',
    examples: [
      {
        channels: { phone: { kind: 'ntfy', url: 'https://ntfy.example.com', topic: 'burn' } },
        rules: [{ kinds: ['worker.waiting'], channels: ['phone'] }],
      },
    ],
  }),
  logins: loginSettings.optional().meta({
    description: "Settings of the job `login-refresh`, which watches the agents' logins (docs/how-to/logins.md).",
    examples: [{ night: '22:00-07:00' }],
  }),
  snapshot: snapshotSettings.optional().meta({
    description:
      'Settings of the snapshots of all panes that burn saves regularly (docs/how-to/save-snapshots.md). Without this key burn saves none.',
    examples: [{ interval: '1h', keep: 24 }],
  }),
  repos: z
    .record(repo, repoSettings)
    .optional()
    .meta({
      description: 'Settings of single repos, by the name of the repo. A window or `sprint.repos` must list each of these repos.',
      examples: [{ app: { check: 'npm test' } }],
    }),
  templates: templates.optional().meta({
    description: 'Files that replace the built-in prompts. Relative paths start at the folder of the spec.',
    examples: [{ work: 'prompts/work.md' }],
  }),
  machines: z
    .record(name, machine)
    .refine((machines) => Object.keys(machines).length > 0, 'must have at least one machine')
    .optional()
    .meta({
      description: 'Machines, by the name of the machine. Optional if `sprint.repos` lists repos.',
      minProperties: 1,
      examples: [{ laptop: { windows: [{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }] } }],
    }),
})

/** The schema of a spec. `when` makes zod check `machines` even if other keys are invalid, so `spec` may have any type. */
export const writtenSpec = keys.refine((spec) => spec?.machines !== undefined || spec?.sprint?.repos !== undefined, {
  path: ['machines'],
  message: 'is missing',
  when: () => true,
})

export type WrittenSpec = z.infer<typeof writtenSpec>
export type WrittenMachine = NonNullable<WrittenSpec['machines']>[string]
export type WrittenWindow = WrittenMachine['windows'][number]
export type WrittenWorker = NonNullable<WrittenWindow['workers']>[string]
export type WrittenAgent = z.infer<typeof agent>
