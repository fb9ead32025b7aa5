/** The commands, by task, in the order in which help lists them. A command's module is loaded only if it is called. */
import type { AnyCommand } from './command.ts'

export interface Entry {
  readonly name: string
  readonly summary: string
  readonly load: () => Promise<AnyCommand>
}

/** Names that stay for one release, each with the name that replaces it. */
export const oldNames: Readonly<Record<string, string>> = {
  launch: 'up',
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

const entry = (name: string, summary: string, load: Entry['load']): Entry => ({ name, summary, load })

const doctor = async () => (await import('./commands/doctor.ts')).doctorCommand
const dispatch = async () => (await import('./commands/dispatch.ts')).dispatchCommand
const explain = async () => (await import('./commands/explain.ts')).explainCommand
const hold = () => import('./commands/hold.ts')
const issue = () => import('./commands/issue.ts')
const ledger = () => import('./commands/ledger.ts')
const ledgerCopy = () => import('./commands/ledger-copy.ts')
const log = () => import('./commands/log.ts')
const panes = () => import('./commands/panes.ts')
const send = () => import('./commands/send.ts')
const simulate = async () => (await import('./commands/simulate.ts')).simulateCommand
const spec = () => import('./commands/spec.ts')
const sprint = () => import('./commands/sprint.ts')
const records = () => import('./commands/sprint-records.ts')
const up = () => import('./commands/up.ts')
const worker = () => import('./commands/worker.ts')

export const groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Set up',
    entries: [
      entry('spec check', 'check the spec; every finding has its line and column', async () => (await spec()).specCheckCommand),
      entry('spec docs', 'every key: its type, its default, what it means (Markdown)', async () => (await spec()).specDocsCommand),
      entry('spec schema', 'the JSON Schema, for editors', async () => (await spec()).specSchemaCommand),
      entry('doctor', 'check machines, forge, credentials, ledger and what sprints need; each finding says what to do', doctor),
      entry('up', 'create the tmux sessions, windows and panes that the spec declares', async () => (await up()).upCommand),
      entry('christen', 'start an agent in every pane that has none, and tell each worker who it is', async () => {
        return (await import('./commands/christen.ts')).christenCommand
      }),
      entry('down', 'end the panes that burn made, and no others', async () => (await up()).downCommand),
    ],
  },
  {
    title: 'Run',
    entries: [entry('dispatch', 'assign open issues to workers: claim, comment, deliver, each exactly once', dispatch)],
  },
  {
    title: 'Look',
    entries: [
      entry('status', 'what every worker is doing, with evidence and age', async () => {
        return (await import('./commands/status.ts')).statusCommand
      }),
      entry('watch', 'what every worker is doing, as it changes', async () => (await import('./commands/watch.ts')).watchCommand),
      entry('log', 'what happened, newest last; with --follow also what happens', async () => (await log()).logCommand),
      entry('log kinds', 'every kind of event, with its payload (Markdown)', async () => (await log()).logKindsCommand),
      entry('explain', 'why an issue was or was not assigned, to whom, and how it went', explain),
      entry('capture', "print the screen of a worker's pane", async () => (await panes()).captureCommand),
    ],
  },
  {
    title: 'Act',
    entries: [
      entry(
        'hold',
        'give a worker, a lane, a machine, a repo or all no more work until it is resumed',
        async () => (await hold()).holdCommand,
      ),
      entry('resume', 'give what is held work again', async () => (await hold()).resumeCommand),
      entry(
        'send',
        'send a text to workers; burn places it where it disturbs nobody, and proves it',
        async () => (await send()).sendCommand,
      ),
      entry('answer', 'show the question of a waiting worker; with a choice, answer it', async () => (await panes()).answerCommand),
      entry('attach', "show a worker's pane, a window or a machine in this terminal", async () => (await panes()).attachCommand),
      entry('council', 'ask every council and sentinel worker for its perspective', async () => (await send()).councilCommand),
    ],
  },
  {
    title: 'Nouns',
    entries: [
      entry('issue release', 'give an issue back, so that another worker may get it', async () => (await issue()).releaseCommand),
      entry('issue requeue', 'let an issue be assigned again that is done or was given up', async () => (await issue()).requeueCommand),
      entry(
        'issue prompt',
        'print the prompt of an issue, for pasting elsewhere; claims nothing',
        async () => (await issue()).promptCommand,
      ),
      entry(
        'worker loop',
        'issue after issue for one worker, in its pane or without one, until Ctrl-C',
        async () => (await worker()).loopCommand,
      ),
      entry('worker skip', 'have a worker skip an issue', async () => (await worker()).skipCommand),
      entry('worker skips', 'the issues that workers skip, for how long, and why', async () => (await worker()).skipsCommand),
      entry('sprint run', 'work on the first eligible issue, or on several', async () => (await sprint()).sprintRunCommand),
      entry(
        'sprint publish',
        'push a change that burn kept for a person, and open it for review',
        async () => (await sprint()).publishCommand,
      ),
      entry('sprint list', 'the sprints, newest first', async () => (await records()).sprintListCommand),
      entry('sprint show', 'one sprint, with its transcript', async () => (await records()).sprintShowCommand),
      entry('sprint results', 'results of sprints: totals by model, or every row as CSV', async () => (await records()).resultsCommand),
      entry('sprint prune', 'remove old workspaces and transcripts; never work that is nowhere else', async () => {
        return (await records()).sprintPruneCommand
      }),
      entry('job schedule', 'print a crontab line, systemd units or a launchd job that runs sprints or cycles', async () => {
        return (await import('./commands/job.ts')).scheduleCommand
      }),
      entry('ledger', 'the dispatches, newest first', async () => (await ledger()).ledgerCommand),
      entry('ledger check', 'check that the ledger is whole', async () => (await ledger()).checkCommand),
      entry('ledger adopt', 'release the claims of another ledger of this fleet, after that ledger was lost', async () => {
        return (await ledger()).adoptCommand
      }),
      entry(
        'ledger prune',
        'delete the history that ended long ago and is needed no more',
        async () => (await ledger()).ledgerPruneCommand,
      ),
      entry('ledger migrate', 'upgrade the database schema (every command does this automatically)', async () => {
        return (await ledger()).migrateCommand
      }),
      entry('ledger backup', 'copy the ledger into a file, while it is in use', async () => (await ledgerCopy()).backupCommand),
      entry(
        'ledger move',
        'move the ledger to another file or database, and close the old one',
        async () => (await ledgerCopy()).moveCommand,
      ),
      entry('ledger export', 'print the whole ledger, a JSON object a row', async () => (await ledgerCopy()).exportCommand),
    ],
  },
  {
    title: 'Plan',
    entries: [
      entry('simulate', 'how long the backlog takes: the real loop against simulated machines, agents and forge', simulate),
      entry(
        'classify',
        'read a recorded screen: tmux capture-pane -p … | burn classify --agent KIND',
        async () => (await panes()).classifyCommand,
      ),
    ],
  },
]

export const entries: readonly Entry[] = groups.flatMap((group) => group.entries)
