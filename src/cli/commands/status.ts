/** `burn status`: shows what each worker is doing. */
import type { StatusReport } from '../../decide/report.ts'
import { noneStarted, workersIn } from '../../decide/report.ts'
import { status } from '../../observe/state.ts'
import { command, done } from '../command.ts'
import { machinesNamed } from '../named.ts'
import { elsewhereLines, fleetTotals, machineLines, backoffLines, needLines, sprintLines } from '../status-table.ts'
import { wrap } from '../wrap.ts'
import { flag, list, parsedArg, parseDuration } from '../args.ts'

/** The shortest pause (ms) between two reports. */
const minPause = 200

export const statusCommand = command({
  args: {
    machine: list('-m, --machine <machine...>', 'Machines to show (default: all)'),
    watch: flag('-w, --watch', 'Repeat the report until Ctrl-C (see also "burn watch")'),
    interval: parsedArg('--interval <duration>', 'Pause between two reports with --watch, such as 30s (default: 2s)', parseDuration, 2000),
  },
  examples: ['burn status', 'burn status --machine mac --json'],
  notes: [
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 done in part. In part means: no agent was ever started, a machine is unreachable, a repo could not be read, or burn backs off before a retry.',
  ],
  endless: ({ watch }) => watch,
  async run({ open, emit, clock, stop }, { machine, watch, interval }) {
    const { session } = await open()
    const machines = machinesNamed(session.fleet, machine)
    if (!watch) {
      const report = await status(machines, session)
      return done(report, isComplete(report) ? 0 : 3)
    }
    do {
      emit((await status(machines, session)) satisfies StatusReport)
      await clock.sleep(Math.max(minPause, interval), stop)
    } while (!stop.aborted)
    return 0
  },
  present(report: StatusReport, io, { watch }, now) {
    const lines = [
      ...report.machines.flatMap((machine) => machineLines(machine, io, now)),
      ...sprintLines(report, io, now),
      ...backoffLines(report, io, now),
      ...needLines(report, io, now),
      ...wrap(`${io.paint('bold', 'fleet')}  ${fleetTotals(report, io)}`, io.columns, '  '),
      ...elsewhereLines(report, io),
    ]
    const redraws = watch && io.draws
    // If burn cleared the whole screen first, it would flicker. So burn replaces each line, and then clears the rest.
    if (redraws) io.write(io.control('H'))
    io.out(...(redraws ? lines.map((line) => io.control('K') + line) : lines))
    if (redraws) io.write(io.control('J'))
    if (noneStarted(workersIn(report.machines)))
      io.err(...wrap(`${io.paint('cyan', 'hint:')} burn has started no agent of this fleet. Run: burn start`, io.columns, '  '))
  },
})

/** Whether the fleet was started, every machine was reached, every repo was read, and no issue or repo is backed off. */
function isComplete({ machines, backed_off, unread }: StatusReport): boolean {
  return !noneStarted(workersIn(machines)) && machines.every(({ reachable }) => reachable) && backed_off.length + unread.length === 0
}
