/** The spec as people write it. One source: the types, the JSON Schema for editors, and the reference are made from it. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { forge } from './forges.ts'
import { agent, policy, repoSettings, templates } from './settings.ts'
import { sprint } from './sprint.ts'
import { argv, depth, dir, glyph, host, line, name, repo, repos, role, timeSpan, words } from './values.ts'

const worker = z.strictObject({
  role: role.optional().meta({ description: "Its role, in place of its window's.", examples: ['council'] }),
  repo: repo.optional().meta({ description: 'Its home: the repo it serves before all others of its window.', examples: ['app'] }),
  repos: repos.optional().meta({ description: "Repos it serves, in place of its window's.", examples: [['app', 'docs']] }),
  sublane: line
    .nullable()
    .optional()
    .meta({
      description: 'What it is for within its lane; issues with this label come to it first. `null`: nothing in particular.',
      examples: ['frontend'],
    }),
  glyph: glyph.optional().meta({ description: 'The sign beside its name.', examples: ['◆'] }),
  depth: depth.optional().meta({ description: 'How many issues it may hold at once.', examples: [1] }),
  dir: dir.optional().meta({ description: 'Its working directory on its machine.', examples: ['~/agents/azoth'] }),
  agent: agent.optional().meta({ description: 'What differs in its agent.', examples: [{ model: 'hermes-4-70b' }] }),
})

const window = z.strictObject({
  name: name.meta({ description: 'Name of the tmux window.', examples: ['CRUCIBLE'] }),
  lane: line.optional().meta({ description: 'What the window is for, in a word. Without it: its name in lower case.', examples: ['bugs'] }),
  role: role.optional().meta({
    description: '`worker`: does issues. `council` and `sentinel`: are asked, and do none.',
    default: defaults.role,
    examples: ['worker'],
  }),
  panes: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: 'How many workers. Without it: as many as there are names, at least one.', examples: [12] }),
  repos: repos.optional().meta({ description: 'Repos that its workers serve. This is the whole of routing.', examples: [['app', 'docs']] }),
  names: z
    .array(name)
    .optional()
    .meta({ description: 'Names of its workers; what is missing is drawn from mythology and kept.', examples: [['AZOTH', 'ALBEDO']] }),
  sublanes: words
    .optional()
    .meta({ description: 'Sublanes of its workers, pane by pane, and over again.', examples: [['frontend', 'backend']] }),
  glyphs: z
    .array(glyph)
    .optional()
    .meta({ description: 'Signs of its workers, pane by pane, and over again.', examples: [['◆', '◇']] }),
  depth: depth.optional().meta({ description: 'How many issues each may hold at once.', examples: [2] }),
  dir: dir.optional().meta({ description: 'Where its workers have their working directories, one each by name.', examples: ['~/work'] }),
  agent: agent.optional().meta({ description: 'What differs in the agents of this window.', examples: [{ model: 'hermes-4-70b' }] }),
  workers: z
    .record(name, worker)
    .optional()
    .meta({ description: 'What differs for single workers, by name.', examples: [{ AZOTH: { role: 'council' } }] }),
})

const ssh = z.strictObject({
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: 'Port, in place of that of your ssh configuration.', examples: [22] }),
  options: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be the name of an ssh option'), line)
    .optional()
    .meta({ description: 'Options as in ssh_config(5).', examples: [{ IdentityFile: '~/.ssh/fleet' }] }),
})

const session = name.optional().meta({ description: "The tmux session. Without it: the fleet's name.", examples: ['BURN'] })
const socket = name
  .optional()
  .meta({ description: "The tmux socket (`tmux -L`). Without it: `burn-` and the fleet's name.", examples: ['burn'] })
const tmux = z
  .string()
  .regex(/^[A-Za-z0-9_/][^\s\u0000-\u001f\u007f]*$/, 'must be the name or the absolute path of a program')
  .optional()
  .meta({ description: 'The tmux program.', default: defaults.tmux, examples: ['/opt/homebrew/bin/tmux'] })

const machine = z.strictObject({
  host: host.optional().meta({
    description: 'Reached over ssh: a host, as ssh knows it. Without `host` and `exec` it is this machine.',
    examples: ['burn@vps'],
  }),
  ssh: ssh.optional().meta({ description: 'How ssh reaches it, beyond your ssh configuration.', examples: [{ port: 22 }] }),
  exec: argv
    .optional()
    .meta({ description: 'Reached through a command that runs its arguments there.', examples: [['docker', 'exec', '-i', 'box']] }),
  tmux,
  session,
  socket,
  cores: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Cores it has; for `burn doctor`.', examples: [14] }),
  ram_gb: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Memory it has, in GB; for `burn doctor`.', examples: [36] }),
  role: role.optional().meta({ description: 'Role of its windows that say none.', default: defaults.role, examples: ['worker'] }),
  repos: repos.optional().meta({ description: 'Repos of its windows that say none.', examples: [['app']] }),
  depth: depth.optional().meta({ description: 'How many issues each of its workers may hold at once.', examples: [1] }),
  dir: dir
    .optional()
    .meta({ description: 'Where its workers have their working directories, by window and name.', examples: ['/srv/burn'] }),
  agent: agent.optional().meta({ description: 'What differs in the agents of this machine.', examples: [{ env: { TZ: 'UTC' } }] }),
  windows: z
    .array(window)
    .min(1, 'must have a window')
    .meta({ description: 'Its windows.', examples: [[{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }]] }),
})

const keys = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: 'Where editors find the schema.', examples: ['./fleet-spec.schema.json'] }),
  name: name.optional().meta({
    description: 'Name of the fleet. Fleets that share a machine need names of their own.',
    default: defaults.name,
    examples: ['timmy'],
  }),
  session,
  socket,
  tmux,
  dir: dir.optional().meta({
    description:
      "Where workers have their working directories, by machine, window and name. Without it: `~/.local/state/burn-fleet/` and the fleet's name.",
    examples: ['~/fleet'],
  }),
  forge: forge.meta({ description: 'Where the issues are.', examples: [{ kind: 'folder', path: '~/burn' }] }),
  agent: agent.optional().meta({ description: 'The agent that runs in every pane.', examples: [{ kind: 'hermes' }] }),
  dispatch: policy.optional().meta({ description: 'Which issues are given out, and how.', examples: [{ depth: 2 }] }),
  sprint: sprint.optional().meta({
    description: 'Disposable runs: one issue, one workspace, one change for review, no pane (docs/how-to/run-sprints.md).',
    examples: [{ backends: [{ kind: 'runner' }] }],
  }),
  ledger: z
    .string()
    .regex(
      /^(?:sqlite:|postgres(?:ql)?:\/\/(?![^/]*:[^/@]*@))[^\u0000-\u001f]+$/,
      'must be "sqlite:" and a path, or "postgres://user@host/database" (its password belongs into ~/.pgpass)',
    )
    .optional()
    .meta({
      description:
        'Where the fleet remembers what it did: a file, or a PostgreSQL database that several dispatchers share. Without it: `sqlite:~/.local/state/burn-fleet/<name>.db`.',
      examples: ['sqlite:~/.local/state/burn-fleet/timmy.db', 'postgres://burn@db.example.com/burn'],
    }),
  retention: timeSpan
    .nullable()
    .optional()
    .meta({
      description:
        'How long the ledger keeps what has ended. `burn dispatch` forgets what is older once a day. `null`: everything is kept.',
      default: defaults.retention,
      examples: ['365d'],
    }),
  repos: z
    .record(repo, repoSettings)
    .optional()
    .meta({
      description: 'What is to be known of a repo. Who serves it is said by the windows.',
      examples: [{ app: { check: 'npm test' } }],
    }),
  templates: templates.optional().meta({
    description: 'Files that replace the built-in prompts. A relative path starts at the spec.',
    examples: [{ work: 'prompts/work.md' }],
  }),
  machines: z
    .record(name, machine)
    .refine((machines) => Object.keys(machines).length > 0, 'must have a machine')
    .optional()
    .meta({
      description: 'The machines, by name. May be left out where `sprint.repos` says what there is to do.',
      minProperties: 1,
      examples: [{ laptop: { windows: [{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }] } }],
    }),
})

/** Said beside whatever else is wrong, so it is asked of what may be no spec at all. */
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
