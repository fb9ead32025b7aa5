/** `burn up` and `burn down`. */
import type { TopologyAction } from '../../decide/topology.ts'
import type { DownPlan, BringUpResult } from '../../operate/up-down.ts'
import { command, done, exitFor } from '../command.ts'
import type { Io } from '../io.ts'
import { machinesNamed } from '../named.ts'
import { flag, list } from '../args.ts'

export const upCommand = command({
  args: {
    machines: list('[machine...]', 'only these (default: all)'),
    dry_run: flag('-n, --dry-run', 'say what would be done, and do nothing'),
    prune: flag('--prune', 'end workers that the spec no longer has, if they hold nothing'),
  },
  examples: ['burn up --dry-run', 'burn up', 'burn up mac --prune'],
  async run({ open }, { machines, dry_run, prune }) {
    const { session } = await open()
    const { bringUp } = await import('../../operate/up-down.ts')
    const results = await bringUp(machinesNamed(session.fleet, machines), session, { dryRun: dry_run, prune })
    return done({ dry_run, machines: results.map(raisedOf) }, exitFor(results.filter(({ error }) => error === null).length, results.length))
  },
  present({ machines }, io, { dry_run }) {
    for (const machine of machines) showRaised(machine, dry_run, io)
  },
})

type Raised = ReturnType<typeof raisedOf>

function raisedOf({ machine, actions, error, hint, notes }: BringUpResult) {
  return { name: machine, error, hint, notes, actions: actions.map((action) => ({ ...actionOf(action), reason: action.reason })) }
}

function actionOf(action: TopologyAction) {
  if ('workers' in action) return { do: action.do, window: action.window, workers: action.workers.map(({ id }) => id) }
  return { do: action.do, pane: action.pane, worker: typeof action.worker === 'string' ? action.worker : action.worker.id }
}

function showRaised({ name, actions, error, hint, notes }: Raised, dryRun: boolean, io: Io): void {
  const bold = io.paint('bold', name)
  const panes = actions.reduce((sum, action) => sum + ('workers' in action ? action.workers.length : 0), 0)
  const others = actions.filter((action) => !('workers' in action))
  for (const action of actions) io.out(`${bold}  ${dryRun ? 'would ' : ''}${sayAction(action)} (${action.reason})`)
  for (const note of notes) io.err(`${io.paint('yellow', name)}: ${note}`)
  if (error !== null) return io.err(`${io.paint('magenta', name)}: ${error}`, ...(hint === '' ? [] : [`  hint: ${hint}`]))
  io.out(
    `${bold}  ${actions.length === 0 ? 'as it should be' : `${panes} panes ${dryRun ? 'to add' : 'added'}, ${others.length} other changes`}`,
  )
}

function sayAction(action: Raised['actions'][number]): string {
  if ('workers' in action) {
    if (action.do === 'create_window') return `create window ${action.window} with ${action.workers.length} panes`
    const names = action.workers.map((id) => id.slice(id.lastIndexOf('/') + 1)).join(', ')
    return `add ${action.workers.length} panes to window ${action.window}: ${names}`
  }
  switch (action.do) {
    case 'adopt_pane':
      return `adopt pane ${action.pane} for ${action.worker}`
    case 'relabel_pane':
      return `relabel pane ${action.pane} of ${action.worker}`
    case 'retire_pane':
      return `retire ${action.worker}`
    case 'end_pane':
      return `end ${action.worker}`
  }
}

interface Lowered {
  readonly dry_run: boolean
  readonly machines: readonly ReturnType<typeof loweredOf>[]
}

export const downCommand = command({
  args: {
    machines: list('[machine...]', 'only these (default: all)'),
    yes: flag('-y, --yes', 'do not ask'),
    force: flag('--force', 'also while workers have live dispatches'),
    dry_run: flag('-n, --dry-run', 'say what would be ended, and end nothing'),
  },
  examples: ['burn down --dry-run', 'burn down allegro --yes'],
  async run({ open, emit, io }, given) {
    const { session } = await open()
    const { planBringDown, bringDown } = await import('../../operate/up-down.ts')
    const machines = machinesNamed(session.fleet, given.machines)
    const plans = await planBringDown(machines, session)
    emit({ dry_run: given.dry_run, machines: plans.map(loweredOf) } satisfies Lowered)
    const exit = plans.some(({ error }) => error !== null) ? 3 : 0
    const count = plans.reduce((sum, { end, leave }) => sum + end.length + leave.length, 0)
    if (given.dry_run || count === 0) return exit
    if (!given.yes && !(await io.confirm(`End ${count} panes and the agents in them?`))) {
      io.err('Nothing was ended (say --yes where nobody can answer).')
      return 1
    }
    await bringDown(machines, plans, given.force, session)
    return exit
  },
  present({ machines }: Lowered, io) {
    for (const machine of machines) io.out(`${io.paint('bold', machine.name)}  ${sayLowered(machine)}`)
  },
})

function loweredOf({ machine, end, leave, live, error }: DownPlan) {
  return { name: machine, error, end: end.map(({ worker }) => worker), leave: leave.map(({ worker }) => worker), live }
}

function sayLowered({ end, leave, live, error }: ReturnType<typeof loweredOf>): string {
  if (error !== null) return `unreachable: ${error}`
  const left = leave.length === 0 ? '' : `; ${leave.length} adopted panes are left`
  if (end.length + leave.length === 0) return 'nothing to end'
  return `${end.length} panes to end${left}${live.length === 0 ? '' : `; ${live.length} workers have live dispatches`}`
}
