/** `burn status`: what every worker is doing. */
import { Command, Option } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import type { Io } from '../io.ts'
import type { MachineReport, StatusReport, Totals, WorkerReport } from '../../decide/report.ts'
import type { ReadingState } from '../../core/nouns.ts'
import { machinesNamed, withCommon, withSession } from '../context.ts'
import { duration, table } from '../table.ts'

interface Options extends CommonOptions {
  readonly machine: readonly string[]
  readonly watch?: boolean
  readonly interval: string
}

export function statusCommand(context: Context): Command {
  return withCommon(new Command('status'))
    .description('what every worker is doing, with evidence and age')
    .option('-m, --machine <name...>', 'only these machines', [])
    .option('-w, --watch', 'keep looking until Ctrl-C')
    .addOption(new Option('--interval <seconds>', 'pause between looks with --watch').default('2'))
    .addHelpText('after', '\nExamples:\n  burn status\n  burn status --machine mac --json\n  burn status --watch')
    .action((options: Options) =>
      withSession(context, options, async (session) => {
        const { status } = await import('../../run/status.ts')
        const machines = machinesNamed(session.fleet, options.machine)
        const pause = Math.max(0.2, Number(options.interval) || 2) * 1000
        do {
          const report = await status(machines, session)
          show(report, context, options)
          if (!options.watch) return report.machines.every(({ reachable }) => reachable) ? 0 : 3
          await context.clock.sleep(pause, context.stop)
        } while (!context.stop.aborted)
        return 0
      }),
    )
}

function show(report: StatusReport, { io, clock }: Context, options: Options): void {
  if (options.json) return io.out(JSON.stringify(report, null, io.tty && !options.watch ? 2 : 0))
  if (options.watch && io.tty) io.out('\x1b[H\x1b[2J')
  for (const machine of report.machines) for (const line of machineLines(machine, io, clock.now())) io.out(line)
  io.out(`${io.paint('bold', 'fleet')}  ${totalsLine(report.totals, io)}`)
}

const colours: Record<ReadingState, Parameters<Io['paint']>[0]> = {
  working: 'green',
  idle: 'cyan',
  waiting: 'yellow',
  starting: 'blue',
  error: 'red',
  dead: 'red',
  unreachable: 'magenta',
  unknown: 'gray',
}

function machineLines(machine: MachineReport, io: Io, now: number): string[] {
  const head = `${io.paint('bold', machine.name)}  ${machine.reachable ? totalsLine(machine.totals, io) : io.paint('magenta', `unreachable: ${machine.reason ?? ''}`)}`
  const rows = machine.windows.flatMap((window) => window.workers.map((worker) => workerRow(window, worker, io, now)))
  const retiring = machine.retiring.map(
    (id) => `  ${io.paint('gray', `${id} is retiring: it is no longer in the spec (burn up --prune ends it)`)}`,
  )
  const lines = machine.reachable
    ? table(['  WINDOW', 'LANE', 'WORKER', 'STATE', 'FOR', 'LIVE', 'EVIDENCE'], rows, io.tty ? io.width : Infinity)
    : []
  return [head, ...lines, ...retiring, '']
}

function workerRow(window: { readonly name: string; readonly lane: string }, worker: WorkerReport, io: Io, now: number): string[] {
  const state = worker.detail === null ? worker.state : `${worker.state}: ${worker.detail}`
  const hold = worker.hold === null ? '' : `held: ${worker.hold}; `
  return [
    `  ${window.name}`,
    window.lane,
    worker.id.slice(worker.id.lastIndexOf('/') + 1),
    io.paint(colours[worker.state], state),
    duration(now - Date.parse(worker.since)),
    String(worker.live_dispatches),
    `${hold}${worker.evidence}`,
  ]
}

function totalsLine(totals: Totals, io: Io): string {
  const states = (Object.keys(colours) as ReadingState[])
    .filter((state) => totals[state] > 0)
    .map((state) => io.paint(colours[state], `${totals[state]} ${state}`))
  const more = [
    `${totals.live_dispatches} live dispatches`,
    ...(totals.in_review > 0 ? [`${totals.in_review} in review`] : []),
    ...(totals.stale > 0 ? [io.paint('yellow', `${totals.stale} stale`)] : []),
    ...(totals.held > 0 ? [`${totals.held} held`] : []),
  ]
  return `${totals.workers} workers: ${[...states, ...more].join(' · ')}`
}
