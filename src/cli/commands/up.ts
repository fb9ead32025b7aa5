/** `burn up` and `burn down`. */
import { Command } from 'commander'
import type { TopologyAction } from '../../decide/topology.ts'
import type { DownPlan, RaiseResult } from '../../operate/raise.ts'
import type { CommonOptions, Context } from '../context.ts'
import { machinesNamed, withCommon, withSession } from '../context.ts'

interface UpOptions extends CommonOptions {
  readonly dryRun?: boolean
  readonly prune?: boolean
}

export function upCommand(context: Context): Command {
  return withCommon(new Command('up'))
    .alias('launch')
    .description('raise the tmux sessions, windows and panes that the spec declares, and nothing else')
    .argument('[machine...]', 'only these (default: all)')
    .option('-n, --dry-run', 'say what would be done, and do nothing')
    .option('--prune', 'end workers that the spec no longer has, where they hold nothing')
    .addHelpText('after', '\nExamples:\n  burn up --dry-run\n  burn up\n  burn up mac --prune')
    .action((names: string[], options: UpOptions) =>
      withSession(context, options, async (session) => {
        const { raise } = await import('../../operate/raise.ts')
        const results = await raise(machinesNamed(session.fleet, names), session, {
          dryRun: options.dryRun ?? false,
          prune: options.prune ?? false,
        })
        if (options.json) context.io.out(JSON.stringify({ dry_run: options.dryRun ?? false, machines: results.map(toJson) }))
        else for (const result of results) show(result, options, context)
        const failed = results.filter(({ error }) => error !== null).length
        return failed === 0 ? 0 : failed === results.length ? 1 : 3
      }),
    )
}

function toJson({ machine, actions, error, notes }: RaiseResult): object {
  return {
    name: machine,
    error,
    notes,
    actions: actions.map(({ do: what, reason, ...rest }) => ({
      do: what,
      reason,
      ...('workers' in rest
        ? { window: rest.window, workers: rest.workers.map(({ id }) => id) }
        : 'pane' in rest
          ? { pane: rest.pane, worker: typeof rest.worker === 'string' ? rest.worker : rest.worker.id }
          : {}),
    })),
  }
}

function show({ machine, actions, error, hint, notes }: RaiseResult, { dryRun }: UpOptions, { io }: Context): void {
  const panes = actions.reduce((sum, action) => sum + ('workers' in action ? action.workers.length : 0), 0)
  const others = actions.filter((action) => !('workers' in action))
  for (const action of actions) io.out(`${io.paint('bold', machine)}  ${dryRun ? 'would ' : ''}${sayAction(action)} (${action.reason})`)
  for (const note of notes) io.err(`${io.paint('yellow', machine)}: ${note}`)
  if (error !== null) return io.err(`${io.paint('magenta', machine)}: ${error}${hint === '' ? '' : `\n  hint: ${hint}`}`)
  io.out(
    `${io.paint('bold', machine)}  ${actions.length === 0 ? 'as it should be' : `${panes} panes ${dryRun ? 'to add' : 'added'}, ${others.length} other changes`}`,
  )
}

function sayAction(action: TopologyAction): string {
  switch (action.do) {
    case 'create_window':
      return `create window ${action.window} with ${action.workers.length} panes`
    case 'add_panes':
      return `add ${action.workers.length} panes to window ${action.window}: ${action.workers.map(({ name }) => name).join(', ')}`
    case 'adopt_pane':
      return `adopt pane ${action.pane} for ${action.worker.id}`
    case 'relabel_pane':
      return `relabel pane ${action.pane} of ${action.worker.id}`
    case 'retire_pane':
      return `retire ${action.worker}`
    case 'end_pane':
      return `end ${action.worker}`
  }
}

interface DownOptions extends CommonOptions {
  readonly yes?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
}

export function downCommand(context: Context): Command {
  return withCommon(new Command('down'))
    .description('end the panes that burn made, and no others')
    .argument('[machine...]', 'only these (default: all)')
    .option('-y, --yes', 'do not ask')
    .option('--force', 'also while workers have live dispatches')
    .option('-n, --dry-run', 'say what would be ended, and end nothing')
    .addHelpText('after', '\nExamples:\n  burn down --dry-run\n  burn down allegro --yes')
    .action((names: string[], options: DownOptions) =>
      withSession(context, options, async (session) => {
        const { planLowering, lower } = await import('../../operate/raise.ts')
        const { io } = context
        const machines = machinesNamed(session.fleet, names)
        const plans = await planLowering(machines, session)
        if (options.json) io.out(JSON.stringify({ dry_run: options.dryRun ?? false, machines: plans.map(downJson) }))
        else for (const plan of plans) io.out(`${io.paint('bold', plan.machine)}  ${sayDown(plan)}`)
        const failed = plans.filter(({ error }) => error !== null).length
        const count = plans.reduce((sum, { end, leave }) => sum + end.length + leave.length, 0)
        if (options.dryRun || count === 0) return failed === 0 ? 0 : 3
        if (!options.yes && !(await io.confirm(`End ${count} panes and the agents in them?`))) {
          io.err('Nothing was ended (say --yes where nobody can answer).')
          return 1
        }
        await lower(machines, plans, options.force ?? false, session)
        return failed === 0 ? 0 : 3
      }),
    )
}

function downJson({ machine, end, leave, live, error }: DownPlan): object {
  return { name: machine, error, end: end.map(({ worker }) => worker), leave: leave.map(({ worker }) => worker), live }
}

function sayDown({ end, leave, live, error }: DownPlan): string {
  if (error !== null) return `unreachable: ${error}`
  const left = leave.length === 0 ? '' : `; ${leave.length} adopted panes are left`
  return end.length + leave.length === 0
    ? 'nothing to end'
    : `${end.length} panes to end${left}${live.length === 0 ? '' : `; ${live.length} workers have live dispatches`}`
}
