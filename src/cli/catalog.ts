/** Lists the commands by task, in the order of `--help`. burn loads the module of a command only to run it or to print its help. */
import type { AnyCommand } from './command.ts'

/** A command by its full name. */
export interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<AnyCommand>
}

/** The new command name for each deprecated one. Deprecated names work for one more release. */
export const deprecatedNames: Readonly<Record<string, string>> = {
  launch: 'up',
  'ledger adopt': 'ledger release-claims',
  'ledger events': 'log',
  prompt: 'issue prompt',
  release: 'issue release',
  requeue: 'issue requeue',
  schedule: 'job schedule',
}

/** Help texts for first words that several commands share, such as `ledger`. */
export const nouns: Readonly<Record<string, string>> = {
  change: 'Inspect and merge changes in review',
  issue: 'List issues, assign issues to agents, and manage one issue',
  job: 'List recurring jobs, and schedule burn commands',
  ledger: 'Inspect and maintain the database of the fleet',
  login: 'Show the logins of agents, and renew them',
  log: 'Show the events of the fleet, newest last',
  model: 'List and check the models of the fleet, and its chain of models',
  notify: 'List the channels of notifications, and test them',
  spec: 'Check and describe fleet-spec.json',
  sprint: 'Work on issues without a pane, each in its own workspace',
  worker: 'List or interrupt workers, run the loop of one worker, or make a worker skip issues',
}

const modules = {
  capture: () => import('./commands/capture.ts'),
  change: () => import('./commands/change.ts'),
  christen: () => import('./commands/christen.ts'),
  completion: () => import('./commands/completion.ts'),
  costs: () => import('./commands/costs.ts'),
  dispatch: () => import('./commands/dispatch.ts'),
  doctor: () => import('./commands/doctor.ts'),
  explain: () => import('./commands/explain.ts'),
  health: () => import('./commands/health.ts'),
  hold: () => import('./commands/hold.ts'),
  init: () => import('./commands/init.ts'),
  issue: () => import('./commands/issue.ts'),
  issueDelegate: () => import('./commands/issue-delegate.ts'),
  job: () => import('./commands/job.ts'),
  ledger: () => import('./commands/ledger.ts'),
  ledgerCopy: () => import('./commands/ledger-copy.ts'),
  login: () => import('./commands/login.ts'),
  log: () => import('./commands/log.ts'),
  model: () => import('./commands/model.ts'),
  modelDrift: () => import('./commands/model-drift.ts'),
  notify: () => import('./commands/notify.ts'),
  panes: () => import('./commands/panes.ts'),
  records: () => import('./commands/sprint-records.ts'),
  report: () => import('./commands/report.ts'),
  restart: () => import('./commands/restart.ts'),
  send: () => import('./commands/send.ts'),
  simulate: () => import('./commands/simulate.ts'),
  start: () => import('./commands/start.ts'),
  spec: () => import('./commands/spec.ts'),
  sprint: () => import('./commands/sprint.ts'),
  status: () => import('./commands/status.ts'),
  up: () => import('./commands/up.ts'),
  watch: () => import('./commands/watch.ts'),
  worker: () => import('./commands/worker.ts'),
  workerLife: () => import('./commands/worker-life.ts'),
  workers: () => import('./commands/workers.ts'),
}

type Modules = { readonly [M in keyof typeof modules]: Awaited<ReturnType<(typeof modules)[M]>> }

type CommandIn<M> = { [K in keyof M]: M[K] extends AnyCommand ? K : never }[keyof M]

/** Returns the entry of a command. `key` is the name under which `module` exports the command. */
function entry<M extends keyof Modules>(name: string, summary: string, module: M, key: CommandIn<Modules[M]>): Entry {
  // TypeScript cannot follow these lookups. The cast is safe, because `CommandIn` admits only exported commands.
  const load = modules[module] as () => Promise<Readonly<Record<typeof key, AnyCommand>>>
  return { name, summary, load: async () => (await load())[key] }
}

/** The commands by task. */
export const groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Set up',
    entries: [
      entry('init', 'Write the first spec of a fleet: search this computer, and ask questions', 'init', 'initCommand'),
      entry('completion', 'Print a script that completes commands, options and names in a shell', 'completion', 'completionCommand'),
      entry('spec check', 'Check the spec and print each finding with its line and column', 'spec', 'specCheckCommand'),
      entry('spec docs', 'Print all spec keys with types, defaults and meanings (Markdown)', 'spec', 'specDocsCommand'),
      entry('spec schema', 'Print the JSON Schema of the spec, for editors', 'spec', 'specSchemaCommand'),
      entry('doctor', 'Check machines, forge, credentials and ledger, and print remedies', 'doctor', 'doctorCommand'),
    ],
  },
  {
    title: 'Run the fleet',
    entries: [
      entry('up', 'Create the tmux sessions, windows and panes of the spec', 'up', 'upCommand'),
      entry('christen', 'Start an agent in each empty pane, and tell the agent its name and role', 'christen', 'christenCommand'),
      entry('start', 'Create panes, start agents and assign issues, until Ctrl-C or burn stop', 'start', 'startCommand'),
      entry('stop', 'End every burn start and burn dispatch of the ledger', 'start', 'stopCommand'),
      entry('dispatch', 'Assign open issues to workers, each issue exactly once', 'dispatch', 'dispatchCommand'),
      entry('down', 'End the panes that burn created, and no other panes', 'up', 'downCommand'),
    ],
  },
  {
    title: 'Look at the fleet',
    entries: [
      entry('status', 'Show the state and the issue of each worker, with the evidence for the state', 'status', 'statusCommand'),
      entry('watch', 'Show all workers live, those that need you first; attach, answer and filter by key', 'watch', 'watchCommand'),
      entry('health', 'Check whether the fleet does its work, with exit codes for monitoring', 'health', 'healthCommand'),
      entry('report', 'Report what happened in a period, and what needs you now', 'report', 'reportCommand'),
      entry('costs', 'Show the tokens that agents and sprints used, and their cost', 'costs', 'costsCommand'),
      entry('log', 'Show the events of the fleet, newest last', 'log', 'logCommand'),
      entry('log kinds', 'Print the event kinds with their payloads (Markdown)', 'log', 'logKindsCommand'),
      entry('explain', 'Explain an error code, or why an issue was or was not assigned', 'explain', 'explainCommand'),
      entry('capture', "Print the screen of a worker's pane, or save the screens of all panes", 'capture', 'captureCommand'),
    ],
  },
  {
    title: 'Talk to workers, or stop them',
    entries: [
      entry('send', 'Send a text to workers, and verify that it arrived', 'send', 'sendCommand'),
      entry('answer', 'Show the question of a waiting worker, or answer the question', 'panes', 'answerCommand'),
      entry('attach', "Attach this terminal to a worker's pane, a window or a machine", 'panes', 'attachCommand'),
      entry('council', 'Ask all council and sentinel workers a question', 'send', 'councilCommand'),
      entry('hold', 'Stop new work for workers, lanes, machines, repos or the fleet, or drain them', 'hold', 'holdCommand'),
      entry('resume', 'End a hold', 'hold', 'resumeCommand'),
      entry('restart', 'Start agents again with the present settings of the spec', 'restart', 'restartCommand'),
    ],
  },
  {
    title: 'Manage issues and changes',
    entries: [
      entry('issue list', 'List open issues, and the agents that they are assigned to', 'issueDelegate', 'issueListCommand'),
      entry('issue delegate', 'Assign unassigned issues to agents on the forge', 'issueDelegate', 'delegateCommand'),
      entry('issue release', 'End the dispatch of an issue, so that another worker can get the issue', 'issue', 'releaseCommand'),
      entry('issue requeue', 'Allow burn to assign an issue again after it was done or given up', 'issue', 'requeueCommand'),
      entry('issue priority', 'Set the place of an issue in the queue', 'issue', 'priorityCommand'),
      entry('issue prompt', 'Print the prompt for an issue, without claiming the issue', 'issue', 'promptCommand'),
      entry('change list', 'List the changes in review, with what each waits for', 'change', 'changeListCommand'),
      entry('change show', 'Show the checks, reviews and steps of a change in review', 'change', 'changeShowCommand'),
      entry('change merge', 'Merge a change in review', 'change', 'changeMergeCommand'),
      entry('change update', 'Bring the base branch into the branch of a change', 'change', 'changeUpdateCommand'),
    ],
  },
  {
    title: 'Manage workers, models and logins',
    entries: [
      entry('worker list', 'Show the life and the work of each worker: issue, results, time, cost', 'workers', 'workerListCommand'),
      entry('worker show', 'Show one worker with its signs of life, clones and history', 'workers', 'workerShowCommand'),
      entry('worker provision', 'Make folders, clones and agent files of workers', 'workerLife', 'workerProvisionCommand'),
      entry('worker retire', 'End workers when nothing is under way, and keep their work', 'workerLife', 'workerRetireCommand'),
      entry('worker interrupt', 'Interrupt the running turn of a worker', 'restart', 'interruptCommand'),
      entry('worker loop', 'Work on one issue after another as one worker, until Ctrl-C', 'worker', 'loopCommand'),
      entry('worker skip', 'Make a worker skip an issue, or remove a skip', 'worker', 'skipCommand'),
      entry('worker skips', 'List the issues that workers skip', 'worker', 'skipsCommand'),
      entry('model drift', 'Compare the model of each agent with the one that it should use', 'modelDrift', 'modelDriftCommand'),
      entry('model list', 'List the models of the fleet, and which of them are loaded', 'model', 'modelListCommand'),
      entry('model check', 'Check whether models answer, without loading any model', 'model', 'modelCheckCommand'),
      entry('model chain', 'Show the chain of models that sprints use, and the first step that answers', 'model', 'modelChainCommand'),
      entry('model import', 'Print the chain of a model-chain.json as a key of the spec', 'model', 'modelImportCommand'),
      entry('login status', 'Show the logins of agents, when they end, and who shares them', 'login', 'loginStatusCommand'),
      entry('login refresh', "Renew the logins that are due, with the agents' own commands", 'login', 'loginRefreshCommand'),
    ],
  },
  {
    title: 'Work without panes',
    entries: [
      entry('sprint run', 'Work on one or more eligible issues without a pane', 'sprint', 'sprintRunCommand'),
      entry('sprint publish', 'Push the change of a kept sprint, and open the change for review', 'sprint', 'publishCommand'),
      entry('sprint list', 'List sprints, newest first', 'records', 'sprintListCommand'),
      entry('sprint show', 'Show a sprint with its transcript', 'records', 'sprintShowCommand'),
      entry('sprint results', 'Show the results of sprints by model, or all sprints as CSV', 'records', 'resultsCommand'),
      entry('sprint prune', 'Delete old workspaces and transcripts, but keep unpushed work', 'records', 'sprintPruneCommand'),
    ],
  },
  {
    title: 'Schedule and notify',
    entries: [
      entry('job list', 'List recurring jobs with their last and next runs', 'job', 'jobListCommand'),
      entry('job run', 'Run a recurring job now', 'job', 'jobRunCommand'),
      entry('job schedule', 'Print a crontab line, systemd units or a launchd job', 'job', 'scheduleCommand'),
      entry('notify list', 'List the channels of notifications with their unsent messages', 'notify', 'notifyListCommand'),
      entry('notify test', 'Send a test message to channels', 'notify', 'notifyTestCommand'),
    ],
  },
  {
    title: 'Maintain the ledger',
    entries: [
      entry('ledger', 'List dispatches, newest first', 'ledger', 'ledgerCommand'),
      entry('ledger check', 'Check the integrity of the ledger', 'ledger', 'checkCommand'),
      entry('ledger release-claims', 'Release the claims that a lost ledger of this fleet made', 'ledger', 'releaseClaimsCommand'),
      entry('ledger prune', 'Delete history that is older than the retention period', 'ledger', 'ledgerPruneCommand'),
      entry('ledger migrate', 'Upgrade the database schema (every command does this automatically)', 'ledger', 'migrateCommand'),
      entry('ledger backup', 'Copy the ledger to a file, even while other processes use the ledger', 'ledgerCopy', 'backupCommand'),
      entry('ledger move', 'Move the ledger to another file or database', 'ledgerCopy', 'moveCommand'),
      entry('ledger export', 'Print the whole ledger as JSON lines', 'ledgerCopy', 'exportCommand'),
    ],
  },
  {
    title: 'Plan',
    entries: [
      entry('simulate', 'Estimate by simulation how long the fleet needs for the backlog', 'simulate', 'simulateCommand'),
      entry('classify', "Read an agent's state from a recorded screen", 'panes', 'classifyCommand'),
    ],
  },
]

/** All commands. */
export const entries: readonly Entry[] = groups.flatMap((group) => group.entries)
