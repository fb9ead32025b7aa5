/** The schema of the spec. The types, the JSON Schema for editors and the reference of keys are generated from it. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { forge } from './forges.ts'
import { agent, policy, repoSettings, templates } from './settings.ts'
import { sprint } from './sprint.ts'
import { argv, depth, dir, glyph, host, line, name, repo, repos, role, timeSpan, words } from './values.ts'

const worker = z.strictObject({
  role: role.optional().meta({ description: 'Role of the worker. Default: the role of its window.', examples: ['council'] }),
  repo: repo.optional().meta({ description: 'Home repo of the worker: it gets the issues of this repo first.', examples: ['app'] }),
  repos: repos
    .optional()
    .meta({ description: 'Repos that the worker serves. Default: the repos of its window.', examples: [['app', 'docs']] }),
  sublane: line
    .nullable()
    .optional()
    .meta({
      description: 'Label of the issues that the worker gets first. `null`: none.',
      examples: ['frontend'],
    }),
  glyph: glyph.optional().meta({ description: 'Sign next to its name, for people.', examples: ['◆'] }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that the worker has at once.', examples: [1] }),
  dir: dir.optional().meta({ description: 'Working directory on its machine.', examples: ['~/agents/azoth'] }),
  agent: agent
    .optional()
    .meta({ description: 'Agent settings of this worker. They override those of its window.', examples: [{ model: 'hermes-4-70b' }] }),
})

const window = z.strictObject({
  name: name.meta({ description: 'Name of the tmux window.', examples: ['CRUCIBLE'] }),
  lane: line.optional().meta({ description: 'Word for the purpose of the window. Default: its name in lower case.', examples: ['bugs'] }),
  role: role.optional().meta({
    description: 'Role of its workers. `worker`: works on issues. `council` and `sentinel`: only give their view on questions.',
    default: defaults.role,
    examples: ['worker'],
  }),
  panes: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .meta({ description: 'Number of workers. Default: the number of names, at least one.', examples: [12] }),
  repos: repos.optional().meta({ description: 'Repos whose issues its workers get.', examples: [['app', 'docs']] }),
  names: z
    .array(name)
    .optional()
    .meta({
      description: 'Names of its workers. burn draws missing names from mythology, and keeps them.',
      examples: [['AZOTH', 'ALBEDO']],
    }),
  sublanes: words.optional().meta({
    description: 'Sublanes of its workers, pane by pane. The list repeats if it is shorter.',
    examples: [['frontend', 'backend']],
  }),
  glyphs: z
    .array(glyph)
    .optional()
    .meta({ description: 'Glyphs of its workers, pane by pane. The list repeats if it is shorter.', examples: [['◆', '◇']] }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that each worker has at once.', examples: [2] }),
  dir: dir.optional().meta({ description: 'Parent of the working directories. Each worker has `NAME` below it.', examples: ['~/work'] }),
  agent: agent
    .optional()
    .meta({ description: 'Agent settings of this window. They override those of its machine.', examples: [{ model: 'hermes-4-70b' }] }),
  workers: z
    .record(name, worker)
    .optional()
    .meta({
      description: 'Settings of single workers, by name. They override those of the window.',
      examples: [{ AZOTH: { role: 'council' } }],
    }),
})

const ssh = z.strictObject({
  port: z
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .meta({ description: 'Port. Default: the port in your ssh configuration.', examples: [22] }),
  options: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be the name of an ssh option'), line)
    .optional()
    .meta({ description: 'Options as in ssh_config(5).', examples: [{ IdentityFile: '~/.ssh/fleet' }] }),
})

const session = name.optional().meta({ description: "tmux session. Default: the fleet's name.", examples: ['BURN'] })
const socket = name.optional().meta({ description: "tmux socket (`tmux -L`). Default: `burn-` and the fleet's name.", examples: ['burn'] })
const tmux = z
  .string()
  .regex(/^[A-Za-z0-9_/][^\s\u0000-\u001f\u007f]*$/, 'must be the name or the absolute path of a program')
  .optional()
  .meta({ description: 'tmux program: a name or an absolute path.', default: defaults.tmux, examples: ['/opt/homebrew/bin/tmux'] })

const machine = z.strictObject({
  host: host.optional().meta({
    description: 'Host that burn reaches over ssh. Without `host` and `exec`, the machine is this one.',
    examples: ['burn@vps'],
  }),
  ssh: ssh.optional().meta({ description: 'ssh settings, in addition to your ssh configuration.', examples: [{ port: 22 }] }),
  exec: argv
    .optional()
    .meta({ description: 'Command that runs its arguments on the machine, in place of ssh.', examples: [['docker', 'exec', '-i', 'box']] }),
  tmux,
  session,
  socket,
  cores: z
    .int()
    .min(1)
    .optional()
    .meta({ description: 'Number of cores, for the checks of `burn doctor`.', examples: [14] }),
  ram_gb: z
    .number()
    .positive()
    .optional()
    .meta({ description: 'Memory in GB, for the checks of `burn doctor`.', examples: [36] }),
  role: role.optional().meta({ description: 'Role for windows without their own.', default: defaults.role, examples: ['worker'] }),
  repos: repos.optional().meta({ description: 'Repos for windows without their own.', examples: [['app']] }),
  depth: depth.optional().meta({ description: 'Maximum number of issues that each of its workers has at once.', examples: [1] }),
  dir: dir
    .optional()
    .meta({ description: 'Parent of the working directories. Each worker has `WINDOW/NAME` below it.', examples: ['/srv/burn'] }),
  agent: agent
    .optional()
    .meta({ description: 'Agent settings of this machine. They override those of the fleet.', examples: [{ env: { TZ: 'UTC' } }] }),
  windows: z
    .array(window)
    .min(1, 'must have at least one window')
    .meta({ description: 'Windows of the machine.', examples: [[{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }]] }),
})

const keys = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: 'Address of the JSON Schema, for editors.', examples: ['./fleet-spec.schema.json'] }),
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
      "Parent of the working directories. Each worker has `MACHINE/WINDOW/NAME` below it. Default: `~/.local/state/burn-fleet/` and the fleet's name.",
    examples: ['~/fleet'],
  }),
  forge: forge.meta({ description: 'Forge that has the issues.', examples: [{ kind: 'folder', path: '~/burn' }] }),
  agent: agent.optional().meta({ description: 'Agent that runs in every pane.', examples: [{ kind: 'hermes' }] }),
  dispatch: policy.optional().meta({ description: 'Rules for giving issues to workers.', examples: [{ depth: 2 }] }),
  sprint: sprint.optional().meta({
    description: 'Sprints: runs without a pane, each with one issue, one workspace and one change for review (docs/how-to/run-sprints.md).',
    examples: [{ backends: [{ kind: 'runner' }] }],
  }),
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
      description: 'Time that the ledger keeps ended work. `burn dispatch` deletes older history once a day. `null`: keep everything.',
      default: defaults.retention,
      examples: ['365d'],
    }),
  repos: z
    .record(repo, repoSettings)
    .optional()
    .meta({
      description: 'Settings of repos, by repo. The windows list the repos that they serve.',
      examples: [{ app: { check: 'npm test' } }],
    }),
  templates: templates.optional().meta({
    description: 'Files that replace the built-in prompts. A relative path starts at the folder of the spec.',
    examples: [{ work: 'prompts/work.md' }],
  }),
  machines: z
    .record(name, machine)
    .refine((machines) => Object.keys(machines).length > 0, 'must have at least one machine')
    .optional()
    .meta({
      description: 'Machines, by name. Optional if `sprint.repos` lists repos.',
      minProperties: 1,
      examples: [{ laptop: { windows: [{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }] } }],
    }),
})

/** The schema of a spec. `when` makes zod check the machines even if other keys are wrong, so `spec` may be anything. */
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
