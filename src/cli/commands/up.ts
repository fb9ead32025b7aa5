/** `burn up` creates the panes of the spec, and `burn down` ends panes. */
import type { TopologyAction } from '../../decide/topology.ts'
import type { DownPlan, BringUpResult } from '../../operate/up-down.ts'
import { command, done, exitFor } from '../command.ts'
import type { Io } from '../io.ts'
import { machinesNamed } from '../named.ts'
import { counted } from '../../core/text.ts'
import { driftLine } from '../../decide/drift.ts'
import { flag, list } from '../args.ts'

export const upCommand = command({
  args: {
    machines: list('[machine...]', 'Machines on which burn creates panes (default: all)'),
    dry_run: flag('-n, --dry-run', 'Show what would be changed, and change nothing'),
    prune: flag('--prune', 'Also end panes of workers that are no longer in the spec and have no issue'),
  },
  examples: ['burn up --dry-run', 'burn up', 'burn up mac --prune'],
  async run({ open }, { machines, dry_run, prune }) {
    const { session } = await open()
    const { bringUp } = await import('../../operate/up-down.ts')
    const results = await bringUp(machinesNamed(session.fleet, machines), session, { dryRun: dry_run, prune })
    return done({ dry_run, machines: results.map(upReport) }, exitFor(results.filter(({ error }) => error === null).length, results.length))
  },
  present({ machines }, io, { dry_run }) {
    for (const machine of machines) showUp(machine, dry_run, io)
  },
})

/** The result of `burn up` on one machine. */
export type UpReport = ReturnType<typeof upReport>

/** Returns the result of `burn up` on one machine, for `--json`. */
export function upReport({ machine, actions, error, hint, notes, drifts }: BringUpResult) {
  return { name: machine, error, hint, notes, drifts, actions: actions.map((action) => ({ ...actionOf(action), reason: action.reason })) }
}

function actionOf(action: TopologyAction) {
  if ('workers' in action) return { do: action.do, window: action.window, workers: action.workers.map(({ id }) => id) }
  return { do: action.do, pane: action.pane, worker: typeof action.worker === 'string' ? action.worker : action.worker.id }
}

/** Prints the result of `burn up` on one machine. */
export function showUp({ name, actions, error, hint, notes, drifts }: UpReport, dryRun: boolean, io: Io): void {
  const bold = io.paint('bold', name)
  const panes = actions.reduce((sum, action) => sum + ('workers' in action ? action.workers.length : 0), 0)
  const others = actions.filter((action) => !('workers' in action))
  for (const action of actions) io.out(`${bold}  ${dryRun ? 'would ' : ''}${actionText(action)} (${action.reason})`)
  for (const note of [...notes, ...drifts.map(driftLine)]) io.err(`${io.paint('yellow', name)}: ${note}`)
  if (error !== null) return io.err(`${io.paint('magenta', name)}: ${error}`, ...(hint === '' ? [] : [`  hint: ${hint}`]))
  const changes = `${counted(panes, 'pane')} ${dryRun ? 'to add' : 'added'}, ${counted(others.length, 'other change')}`
  const agents = drifts.length === 0 ? '' : `; ${counted(drifts.length, 'agent')} with other settings than expected`
  io.out(`${bold}  ${actions.length === 0 ? 'up to date' : changes}${agents}`)
}

function actionText(action: UpReport['actions'][number]): string {
  if ('workers' in action) {
    if (action.do === 'create_window') return `create window ${action.window} with ${counted(action.workers.length, 'pane')}`
    const names = action.workers.map((id) => id.slice(id.lastIndexOf('/') + 1)).join(', ')
    return `add ${counted(action.workers.length, 'pane')} to window ${action.window}: ${names}`
  }
  switch (action.do) {
    case 'adopt_pane':
      return `use pane ${action.pane} for ${action.worker}`
    case 'relabel_pane':
      return `relabel pane ${action.pane} of ${action.worker}`
    case 'retire_pane':
      return `retire ${action.worker}`
    case 'end_pane':
      return `end ${action.worker}`
  }
}

interface DownReport {
  readonly dry_run: boolean
  readonly machines: readonly ReturnType<typeof machineDown>[]
}

export const downCommand = command({
  args: {
    machines: list('[machine...]', 'Machines whose panes burn ends (default: all)'),
    yes: flag('-y, --yes', 'Do not ask for confirmation'),
    force: flag('--force', 'End panes even if workers have live dispatches, and release their issues'),
    dry_run: flag('-n, --dry-run', 'Show which panes would be ended, and end no pane'),
  },
  examples: ['burn down --dry-run', 'burn down allegro --yes'],
  async run({ open, emit, io, person }, given) {
    const { session } = await open()
    const { planBringDown, bringDown, throwIfLive } = await import('../../operate/up-down.ts')
    const machines = machinesNamed(session.fleet, given.machines)
    const plans = await planBringDown(machines, session)
    emit({ dry_run: given.dry_run, machines: plans.map(machineDown) } satisfies DownReport)
    const exit = plans.some(({ error }) => error !== null) ? 3 : 0
    const count = plans.reduce((sum, { end, leave }) => sum + end.length + leave.length, 0)
    if (given.dry_run || count === 0) return exit
    if (!given.force) throwIfLive(plans)
    if (!given.yes && !(await io.confirm(`End ${counted(count, 'pane')} and the agents in them?`))) {
      io.err('burn ended no pane. Without a terminal, confirm with --yes.')
      return 1
    }
    const released = await bringDown(machines, plans, session)
    person?.out(`ended ${counted(plans.flatMap(({ end }) => end).length, 'pane')}`)
    for (const { issue, worker } of released) person?.out(`${issue}: released by ${worker}`)
    return exit
  },
  present({ machines }: DownReport, io) {
    for (const machine of machines) io.out(`${io.paint('bold', machine.name)}  ${downText(machine)}`)
  },
})

function machineDown({ machine, end, leave, live, error }: DownPlan) {
  return { name: machine, error, end: end.map(({ worker }) => worker), leave: leave.map(({ worker }) => worker), live }
}

function downText({ end, leave, live, error }: ReturnType<typeof machineDown>): string {
  if (error !== null) return `unreachable: ${error}`
  const left = leave.length === 0 ? '' : `; ${counted(leave.length, 'adopted pane')} to leave`
  if (end.length + leave.length === 0) return 'nothing to end'
  const working = live.length === 0 ? '' : `; ${counted(live.length, 'worker')} with live dispatches`
  return `${counted(end.length, 'pane')} to end${left}${working}`
}
