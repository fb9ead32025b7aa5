/** The commands, by task, in the order in which help lists them. A command's module is loaded only if it is called. */
import type { AnyCommand } from './command.ts'

export interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<AnyCommand>
}

/** Names that stay for one release, each with the name that replaces it. */
export const deprecatedNames: Readonly<Record<string, string>> = {
  launch: 'up',
  'ledger adopt': 'ledger release-claims',
  'ledger events': 'log',
  prompt: 'issue prompt',
  release: 'issue release',
  requeue: 'issue requeue',
  schedule: 'job schedule',
}

/** What the words stand for that begin several commands. */
export const nouns: Readonly<Record<string, string>> = {
  issue: 'give issues back, or print their prompts',
  job: 'run burn on a schedule',
  ledger: 'the record of what the fleet did',
  log: 'what happened, newest last; with --follow also what happens',
  spec: 'check and describe fleet-spec.json',
  sprint: 'work on an issue in a workspace of its own and open a change for review; no pane needed',
  worker: 'a worker that takes its own issues, and the issues that workers skip',
}

const modules = {
  christen: () => import('./commands/christen.ts'),
  dispatch: () => import('./commands/dispatch.ts'),
  doctor: () => import('./commands/doctor.ts'),
  explain: () => import('./commands/explain.ts'),
  hold: () => import('./commands/hold.ts'),
  issue: () => import('./commands/issue.ts'),
  job: () => import('./commands/job.ts'),
  ledger: () => import('./commands/ledger.ts'),
  ledgerCopy: () => import('./commands/ledger-copy.ts'),
  log: () => import('./commands/log.ts'),
  panes: () => import('./commands/panes.ts'),
  records: () => import('./commands/sprint-records.ts'),
  send: () => import('./commands/send.ts'),
  simulate: () => import('./commands/simulate.ts'),
  spec: () => import('./commands/spec.ts'),
  sprint: () => import('./commands/sprint.ts'),
  status: () => import('./commands/status.ts'),
  up: () => import('./commands/up.ts'),
  watch: () => import('./commands/watch.ts'),
  worker: () => import('./commands/worker.ts'),
}

type Modules = { readonly [M in keyof typeof modules]: Awaited<ReturnType<(typeof modules)[M]>> }

type CommandIn<M> = { [K in keyof M]: M[K] extends AnyCommand ? K : never }[keyof M]

/** A command by the module that has it, and its name there. */
function entry<M extends keyof Modules>(name: string, summary: string, module: M, key: CommandIn<Modules[M]>): Entry {
  // The compiler follows neither the module nor the key through their lookups: `CommandIn` admits only names of commands.
  const load = modules[module] as () => Promise<Readonly<Record<typeof key, AnyCommand>>>
  return { name, summary, load: async () => (await load())[key] }
}

export const groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Set up',
    entries: [
      entry('spec check', 'check the spec; every finding has its line and column', 'spec', 'specCheckCommand'),
      entry('spec docs', 'every key: its type, its default, what it means (Markdown)', 'spec', 'specDocsCommand'),
      entry('spec schema', 'the JSON Schema, for editors', 'spec', 'specSchemaCommand'),
      entry(
        'doctor',
        'check machines, forge, credentials, ledger and what sprints need; each finding says what to do',
        'doctor',
        'doctorCommand',
      ),
      entry('up', 'create the tmux sessions, windows and panes that the spec declares', 'up', 'upCommand'),
      entry('christen', 'start an agent in every pane that has none, and tell each worker who it is', 'christen', 'christenCommand'),
      entry('down', 'end the panes that burn made, and no others', 'up', 'downCommand'),
    ],
  },
  {
    title: 'Run',
    entries: [
      entry('dispatch', 'assign open issues to workers: claim, comment, deliver, each exactly once', 'dispatch', 'dispatchCommand'),
    ],
  },
  {
    title: 'Look',
    entries: [
      entry('status', 'what every worker is doing, with evidence and age', 'status', 'statusCommand'),
      entry('watch', 'what every worker is doing, as it changes', 'watch', 'watchCommand'),
      entry('log', 'what happened, newest last; with --follow also what happens', 'log', 'logCommand'),
      entry('log kinds', 'every kind of event, with its payload (Markdown)', 'log', 'logKindsCommand'),
      entry(
        'explain',
        'why an issue was or was not assigned, to whom, and how it went; or what an error code means',
        'explain',
        'explainCommand',
      ),
      entry('capture', "print the screen of a worker's pane", 'panes', 'captureCommand'),
    ],
  },
  {
    title: 'Act',
    entries: [
      entry('hold', 'give a worker, a lane, a machine, a repo or all no more work until it is resumed', 'hold', 'holdCommand'),
      entry('resume', 'let what was held get work again', 'hold', 'resumeCommand'),
      entry('send', 'send a text to workers; burn places it where it disturbs nobody, and proves it', 'send', 'sendCommand'),
      entry('answer', 'show the question of a waiting worker; with a choice, answer it', 'panes', 'answerCommand'),
      entry('attach', "show a worker's pane, a window or a machine in this terminal", 'panes', 'attachCommand'),
      entry('council', 'ask every council and sentinel worker for its perspective', 'send', 'councilCommand'),
    ],
  },
  {
    title: 'Manage',
    entries: [
      entry('issue release', 'give an issue back, so that another worker may get it', 'issue', 'releaseCommand'),
      entry('issue requeue', 'let an issue be assigned again that is done or was given up', 'issue', 'requeueCommand'),
      entry('issue prompt', 'print the prompt of an issue, for pasting elsewhere; claims nothing', 'issue', 'promptCommand'),
      entry('worker loop', 'issue after issue for one worker, in its pane or without one, until Ctrl-C', 'worker', 'loopCommand'),
      entry('worker skip', 'have a worker skip an issue', 'worker', 'skipCommand'),
      entry('worker skips', 'the issues that workers skip, for how long, and why', 'worker', 'skipsCommand'),
      entry('sprint run', 'work on the first eligible issue, or on several', 'sprint', 'sprintRunCommand'),
      entry('sprint publish', 'push a change that burn kept for a person, and open it for review', 'sprint', 'publishCommand'),
      entry('sprint list', 'the sprints, newest first', 'records', 'sprintListCommand'),
      entry('sprint show', 'one sprint, with its transcript', 'records', 'sprintShowCommand'),
      entry('sprint results', 'results of sprints: totals by model, or every row as CSV', 'records', 'resultsCommand'),
      entry('sprint prune', 'remove old workspaces and transcripts; never work that is nowhere else', 'records', 'sprintPruneCommand'),
      entry('job list', 'what burn runs again and again: when, and what came of it', 'job', 'jobListCommand'),
      entry('job schedule', 'print a crontab line, systemd units or a launchd job that runs sprints or cycles', 'job', 'scheduleCommand'),
      entry('ledger', 'the dispatches, newest first', 'ledger', 'ledgerCommand'),
      entry('ledger check', 'check that the ledger is whole', 'ledger', 'checkCommand'),
      entry(
        'ledger release-claims',
        'release the claims of another ledger of this fleet, after that ledger was lost',
        'ledger',
        'releaseClaimsCommand',
      ),
      entry('ledger prune', 'delete the history that ended long ago and is needed no more', 'ledger', 'ledgerPruneCommand'),
      entry('ledger migrate', 'upgrade the database schema (every command does this automatically)', 'ledger', 'migrateCommand'),
      entry('ledger backup', 'copy the ledger into a file, while it is in use', 'ledgerCopy', 'backupCommand'),
      entry('ledger move', 'move the ledger to another file or database, and close the old one', 'ledgerCopy', 'moveCommand'),
      entry('ledger export', 'print the whole ledger, a JSON object a row', 'ledgerCopy', 'exportCommand'),
    ],
  },
  {
    title: 'Plan',
    entries: [
      entry(
        'simulate',
        'how long the backlog takes: the real loop against simulated machines, agents and forge',
        'simulate',
        'simulateCommand',
      ),
      entry('classify', 'read a recorded screen: tmux capture-pane -p … | burn classify --agent KIND', 'panes', 'classifyCommand'),
    ],
  },
]

export const entries: readonly Entry[] = groups.flatMap((group) => group.entries)
