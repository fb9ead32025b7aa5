/** The spec as people write it. One source: the types, the JSON Schema for editors, and the reference are made from it. */
import * as z from 'zod'
import { defaults } from './defaults.ts'
import { durationPattern } from './duration.ts'

const controls = /^[^\u0000-\u001f\u007f-\u009f]*$/
const oneLine = z.string().min(1, 'must not be empty').regex(controls, 'must not hold control characters')

/** A name that goes into tmux targets, paths and ids: nothing in it can be an option or tmux syntax. */
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'must be 1 to 64 letters, digits, "_" or "-", and start with a letter or a digit')
const repo = z
  .string()
  .regex(/^(?:[A-Za-z0-9_][A-Za-z0-9._-]*\/)?[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'must be a repo\'s name, or "owner/name"')
const repos = z.array(repo)
const owner = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, 'must be a user or an organisation of the forge')
const host = z
  .string()
  .regex(/^(?:[A-Za-z0-9_][A-Za-z0-9._+-]*@)?[A-Za-z0-9_:][A-Za-z0-9._:-]*$/, 'must be a host that ssh knows, or "user@host", without options or blanks')
const argv = z.tuple([oneLine.regex(/^[^-]/, 'must be a program, not an option')], z.string().regex(/^[^\u0000]*$/, 'must not hold NUL'))
const env = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable\'s name: letters, digits and "_"'),
  z.string().regex(/^[^\u0000]*$/, 'must not hold NUL'),
)
const dir = z.string().regex(/^(?:~|~?\/[^\u0000-\u001f\u007f]*)$/, 'must be an absolute path, or start with "~/"')
const glyph = z
  .string()
  .min(1, 'must not be empty')
  .max(16, 'must be one sign, 16 code units at most')
  .regex(/^[^\u0000-\u0020\u007f-\u009f#%{},"'\\]*$/, 'must be a sign without blanks, control characters or tmux format syntax')
const durationSays = 'must be a duration: "60s", "24h", "1h30m", "2d", or a number of seconds'
const duration = z.union([z.string().regex(durationPattern, durationSays), z.number().positive(durationSays)], durationSays)
const role = z.enum(['worker', 'council', 'sentinel'])
const depth = z.int().min(1).max(100)
const words = z.array(oneLine)

const token = z
  .strictObject({
    file: oneLine.optional().meta({ description: 'A file with the token and nothing else, readable by you alone (0600).', examples: ['~/.config/burn-fleet/token'] }),
    env: oneLine.optional().meta({ description: 'An environment variable that holds it.', examples: ['BURN_TOKEN'] }),
    command: argv.optional().meta({ description: 'A command that prints it.', examples: [['pass', 'show', 'forge']] }),
  })
  .refine((source) => Object.keys(source).length === 1, 'must say one of "file", "env" or "command"')
  .meta({ minProperties: 1, maxProperties: 1 })

const gitea = z.strictObject({
  kind: z.literal('gitea').meta({ description: 'Gitea or Forgejo.' }),
  url: oneLine.meta({ description: 'Where the forge is, without credentials.', examples: ['https://forge.example.com'] }),
  owner: owner.meta({ description: 'The user or organisation whose repos these are.', examples: ['my-org'] }),
  token: token.optional().meta({ description: 'Where the API token is kept; never the token itself.', default: defaults.token, examples: [defaults.token] }),
})
const folder = z.strictObject({
  kind: z.literal('folder').meta({ description: 'A folder of Markdown issues and bare git repositories: no server needed.' }),
  path: oneLine.meta({ description: 'The folder. A relative path starts at the spec.', examples: ['~/burn'] }),
  owner: owner.optional().meta({ description: 'What stands before the slash in `owner/name`.', default: defaults.folderOwner, examples: ['local'] }),
})

const agent = z
  .strictObject({
    kind: name.optional().meta({ description: 'Which agent program it is.', default: defaults.agentKind, examples: ['hermes'] }),
    command: argv.optional().meta({ description: "Program and arguments, in place of the kind's own.", examples: [['hermes', 'chat', '--yolo']] }),
    model: oneLine.optional().meta({ description: 'The model it is told to use.', examples: ['hermes-4-405b'] }),
    provider: oneLine.optional().meta({ description: "Who serves the model, in the agent's own words.", examples: ['nous'] }),
    busy_input_mode: z.enum(['interrupt', 'queue']).optional().meta({ description: "What Enter does while it works, as its own configuration has it (Hermes: `display.busy_input_mode`). With `queue` a prompt for a busy agent is seen at once.", default: defaults.busyInputMode, examples: ['queue'] }),
    env: env.optional().meta({ description: 'Environment variables for it. No secrets: they are seen in the process list.', examples: [{ HERMES_HOME: '~/.hermes' }] }),
  })
  .meta({ id: 'agent' })

const trust = z.strictObject({
  authors: z
    .union([z.enum(['writers', 'anyone']), z.array(oneLine)], 'must be "writers", "anyone", or a list of logins')
    .optional()
    .meta({ description: 'Whose issues are given to agents: `writers` (who may write to the repo), `anyone`, or these logins.', default: defaults.authors, examples: ['writers'] }),
  labels: words.optional().meta({ description: 'Labels that make an issue trusted, whoever wrote it.', default: defaults.trustedLabels, examples: [['approved']] }),
})

const dispatch = z.strictObject({
  depth: depth.optional().meta({ description: 'How many issues a worker may hold at once.', default: defaults.depth, examples: [2] }),
  interval: duration.optional().meta({ description: 'Pause between cycles.', default: defaults.interval, examples: ['60s'] }),
  skip_labels: words.optional().meta({ description: 'Issues with one of these labels are left alone.', default: defaults.skipLabels, examples: [['epic', 'meta']] }),
  skip_titles: words.optional().meta({ description: 'Regular expressions; issues whose title matches one are left alone. Case does not matter.', default: defaults.skipTitles, examples: [['^\\[meta\\]']] }),
  council_labels: words.optional().meta({ description: 'Issues with one of these labels are put to the council, for perspective.', default: defaults.councilLabels, examples: [['council']] }),
  assigned: z.enum(['skip', 'ignore']).optional().meta({ description: '`skip`: an issue assigned to somebody else is theirs. `ignore`: assignment says nothing.', default: defaults.assigned, examples: ['skip'] }),
  stale_after: duration.optional().meta({ description: 'How long a worker may have an issue without a change for review before it is called stale.', default: defaults.staleAfter, examples: ['24h'] }),
  max_attempts: z.int().min(1).max(100).optional().meta({ description: 'How often an issue is given before it is left to people.', default: defaults.maxAttempts, examples: [3] }),
  trust: trust.optional().meta({ description: 'Whose issue text may reach an agent.', examples: [{ authors: 'writers' }] }),
})

const repoSettings = z.strictObject({
  base: oneLine
    .regex(/^[^-][^\s~^:?*[\\]*$/, 'must be a branch\'s name')
    .optional()
    .meta({ description: 'Branch that changes are opened against.', default: defaults.base, examples: ['main'] }),
  check: oneLine.optional().meta({ description: 'Command that must pass before a change is opened.', examples: ['npm test'] }),
  clone_url: oneLine.regex(/^[^-]/, 'must not start with "-"').optional().meta({ description: "Where to clone from, in place of the forge's own URL.", examples: ['ssh://git@forge.example.com/my-org/app.git'] }),
})

const templates = z.strictObject({
  work: oneLine.optional().meta({ description: 'The prompt of an issue.', examples: ['prompts/work.md'] }),
  identity: oneLine.optional().meta({ description: 'The first prompt of a worker: who it is.', examples: ['prompts/identity.md'] }),
  council: oneLine.optional().meta({ description: 'A request for perspective.', examples: ['prompts/council.md'] }),
})

const worker = z.strictObject({
  role: role.optional().meta({ description: 'Its role, in place of its window\'s.', examples: ['council'] }),
  repo: repo.optional().meta({ description: 'Its home: the repo it serves before all others of its window.', examples: ['app'] }),
  repos: repos.optional().meta({ description: "Repos it serves, in place of its window's.", examples: [['app', 'docs']] }),
  sublane: oneLine.nullable().optional().meta({ description: 'What it is for within its lane; issues with this label come to it first. `null`: nothing in particular.', examples: ['frontend'] }),
  glyph: glyph.optional().meta({ description: 'The sign beside its name.', examples: ['◆'] }),
  depth: depth.optional().meta({ description: 'How many issues it may hold at once.', examples: [1] }),
  dir: dir.optional().meta({ description: 'Its working directory on its machine.', examples: ['~/work/azoth'] }),
  agent: agent.optional().meta({ description: 'What differs in its agent.', examples: [{ model: 'hermes-4-70b' }] }),
})

const window = z.strictObject({
  name: name.meta({ description: 'Name of the tmux window.', examples: ['CRUCIBLE'] }),
  lane: oneLine.optional().meta({ description: 'What the window is for, in a word. Without it: its name in lower case.', examples: ['bugs'] }),
  role: role.optional().meta({ description: '`worker`: does issues. `council` and `sentinel`: are asked, and do none.', default: defaults.role, examples: ['worker'] }),
  panes: z.int().min(1).max(500).optional().meta({ description: 'How many workers. Without it: as many as there are names, at least one.', examples: [12] }),
  repos: repos.optional().meta({ description: 'Repos that its workers serve. This is the whole of routing.', examples: [['app', 'docs']] }),
  names: z.array(name).optional().meta({ description: 'Names of its workers; what is missing is drawn from mythology and kept.', examples: [['AZOTH', 'ALBEDO']] }),
  sublanes: words.optional().meta({ description: 'Sublanes of its workers, pane by pane, and over again.', examples: [['frontend', 'backend']] }),
  glyphs: z.array(glyph).optional().meta({ description: 'Signs of its workers, pane by pane, and over again.', examples: [['◆', '◇']] }),
  depth: depth.optional().meta({ description: 'How many issues each may hold at once.', examples: [2] }),
  dir: dir.optional().meta({ description: 'Where its workers have their working directories, one each by name.', examples: ['~/work'] }),
  agent: agent.optional().meta({ description: 'What differs in the agents of this window.', examples: [{ model: 'hermes-4-70b' }] }),
  workers: z.record(name, worker).optional().meta({ description: 'What differs for single workers, by name.', examples: [{ AZOTH: { role: 'council' } }] }),
})

const ssh = z.strictObject({
  port: z.int().min(1).max(65_535).optional().meta({ description: 'Port, in place of that of your ssh configuration.', examples: [22] }),
  options: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be the name of an ssh option'), oneLine)
    .optional()
    .meta({ description: 'Options as in ssh_config(5).', examples: [{ IdentityFile: '~/.ssh/fleet' }] }),
})

const session = name.optional().meta({ description: "The tmux session. Without it: the fleet's name.", examples: ['BURN'] })
const socket = name.optional().meta({ description: 'The tmux socket (`tmux -L`). Without it: `burn-` and the fleet\'s name.', examples: ['burn'] })
const tmux = z
  .string()
  .regex(/^[A-Za-z0-9_/][^\s\u0000-\u001f\u007f]*$/, 'must be the name or the absolute path of a program')
  .optional()
  .meta({ description: 'The tmux program.', default: defaults.tmux, examples: ['/opt/homebrew/bin/tmux'] })

const machine = z.strictObject({
  host: host.optional().meta({ description: 'Reached over ssh: a host, as ssh knows it. Without `host` and `exec` it is this machine.', examples: ['burn@vps'] }),
  ssh: ssh.optional().meta({ description: 'How ssh reaches it, beyond your ssh configuration.', examples: [{ port: 22 }] }),
  exec: argv.optional().meta({ description: 'Reached through a command that runs its arguments there.', examples: [['docker', 'exec', '-i', 'box']] }),
  tmux,
  session,
  socket,
  cores: z.int().min(1).optional().meta({ description: 'Cores it has; for `burn doctor`.', examples: [14] }),
  ram_gb: z.number().positive().optional().meta({ description: 'Memory it has, in GB; for `burn doctor`.', examples: [36] }),
  role: role.optional().meta({ description: 'Role of its windows that say none.', default: defaults.role, examples: ['worker'] }),
  repos: repos.optional().meta({ description: 'Repos of its windows that say none.', examples: [['app']] }),
  depth: depth.optional().meta({ description: 'How many issues each of its workers may hold at once.', examples: [1] }),
  dir: dir.optional().meta({ description: 'Where its workers have their working directories, by window and name.', examples: ['/srv/burn'] }),
  agent: agent.optional().meta({ description: 'What differs in the agents of this machine.', examples: [{ env: { TZ: 'UTC' } }] }),
  windows: z.array(window).min(1, 'must have a window').meta({ description: 'Its windows.', examples: [[{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }]] }),
})

export const writtenSpec = z.strictObject({
  $schema: z.string().optional().meta({ description: 'Where editors find the schema.', examples: ['./fleet-spec.schema.json'] }),
  name: name.optional().meta({ description: 'Name of the fleet. Fleets that share a machine need names of their own.', default: defaults.name, examples: ['timmy'] }),
  session,
  socket,
  tmux,
  dir: dir.optional().meta({ description: 'Where workers have their working directories, by machine, window and name. Without it: `~/.local/state/burn-fleet/` and the fleet\'s name.', examples: ['~/fleet'] }),
  forge: z.discriminatedUnion('kind', [gitea, folder]).meta({ description: 'Where the issues are.', examples: [{ kind: 'folder', path: '~/burn' }] }),
  agent: agent.optional().meta({ description: 'The agent that runs in every pane.', examples: [{ kind: 'hermes' }] }),
  dispatch: dispatch.optional().meta({ description: 'Which issues are given out, and how.', examples: [{ depth: 2 }] }),
  ledger: z
    .string()
    .regex(/^sqlite:[^\u0000-\u001f]+$/, 'must be "sqlite:" and a path')
    .optional()
    .meta({ description: 'Where the fleet remembers what it did. Without it: `sqlite:~/.local/state/burn-fleet/<name>.db`.', examples: ['sqlite:~/.local/state/burn-fleet/timmy.db'] }),
  repos: z.record(repo, repoSettings).optional().meta({ description: 'What is to be known of a repo. Who serves it is said by the windows.', examples: [{ app: { check: 'npm test' } }] }),
  templates: templates.optional().meta({ description: 'Files that replace the built-in prompts. A relative path starts at the spec.', examples: [{ work: 'prompts/work.md' }] }),
  machines: z
    .record(name, machine)
    .refine((machines) => Object.keys(machines).length > 0, 'must have a machine')
    .meta({ description: 'The machines, by name.', minProperties: 1, examples: [{ laptop: { windows: [{ name: 'CRUCIBLE', panes: 4, repos: ['app'] }] } }] }),
})

export type WrittenSpec = z.infer<typeof writtenSpec>
export type WrittenMachine = WrittenSpec['machines'][string]
export type WrittenWindow = WrittenMachine['windows'][number]
export type WrittenAgent = z.infer<typeof agent>
