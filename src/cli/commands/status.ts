/** `burn status`: what every worker is doing. */
import { worded } from '../../decide/wording.ts'
import { Command, Option } from 'commander'
import type { CommonOptions, Context } from '../context.ts'
import type { StatusReport } from '../../decide/report.ts'
import { machinesNamed, withCommon, withSession } from '../context.ts'
import { elsewhereLines, fleetLine, machineLines, restLines, sprintLines } from '../status-table.ts'

interface Options extends CommonOptions {
  readonly machine: readonly string[]
  readonly watch?: boolean
  readonly interval: string
}

export function statusCommand(context: Context): Command {
  return withCommon(new Command('status'))
    .description('what every worker is doing, with evidence and age')
    .option('-m, --machine <name...>', 'only these machines', [])
    .option('-w, --watch', 'keep looking until Ctrl-C (burn watch is told of changes instead)')
    .addOption(new Option('--interval <seconds>', 'pause between looks with --watch').default('2'))
    .addHelpText('after', '\nExamples:\n  burn status\n  burn status --machine mac --json\n\nburn watch shows it as it changes.')
    .action((options: Options) =>
      withSession(context, options, async (session) => {
        const { status } = await import('../../observe/status.ts')
        const machines = machinesNamed(session.fleet, options.machine)
        const pause = Math.max(0.2, Number(options.interval) || 2) * 1000
        do {
          const report = await status(machines, session)
          show(report, context, options)
          if (!options.watch) return isWhole(report) ? 0 : 3
          await context.clock.sleep(pause, context.stop)
        } while (!context.stop.aborted)
        return 0
      }),
    )
}

/** Everything was seen, and nothing is left alone. */
function isWhole({ machines, resting, unread }: StatusReport): boolean {
  return machines.every(({ reachable }) => reachable) && resting.length + unread.length === 0
}

function show(report: StatusReport, { io, clock }: Context, options: Options): void {
  if (options.json) return io.out(JSON.stringify(worded(report), null, io.tty && !options.watch ? 2 : 0))
  if (options.watch && io.tty) io.out('\x1b[H\x1b[2J')
  for (const machine of report.machines) for (const line of machineLines(machine, io, clock.now())) io.out(line)
  for (const line of sprintLines(report, io, clock.now())) io.out(line)
  for (const line of restLines(report, io, clock.now())) io.out(line)
  io.out(fleetLine(report, io))
  for (const line of elsewhereLines(report, io)) io.out(line)
}
