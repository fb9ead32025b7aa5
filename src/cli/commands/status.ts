/** `burn status`: shows what each worker is doing. */
import type { StatusReport } from '../../decide/report.ts'
import { status } from '../../observe/state.ts'
import { command, done } from '../command.ts'
import { machinesNamed } from '../named.ts'
import { elsewhereLines, fleetLine, machineLines, backoffLines, sprintLines } from '../status-table.ts'
import { flag, list, parsedArg } from '../args.ts'

export const statusCommand = command({
  args: {
    machine: list('-m, --machine <name...>', 'Machines to show (default: all)'),
    watch: flag('-w, --watch', 'Repeat the report until Ctrl-C (see also "burn watch")'),
    interval: parsedArg('--interval <seconds>', 'Pause between two reports with --watch', (word) => Math.max(0.2, Number(word) || 2), 2),
  },
  examples: ['burn status', 'burn status --machine mac --json'],
  notes: [
    'Exit codes: 0 done, 1 failed, 2 usage or spec error, 3 a machine is unreachable, a repo could not be read, or burn waits before it retries a repo or an issue (back-off).',
  ],
  async run({ open, emit, clock, stop }, { machine, watch, interval }) {
    const { session } = await open()
    const machines = machinesNamed(session.fleet, machine)
    if (!watch) {
      const report = await status(machines, session)
      return done(report, isComplete(report) ? 0 : 3)
    }
    do {
      emit((await status(machines, session)) satisfies StatusReport)
      await clock.sleep(interval * 1000, stop)
    } while (!stop.aborted)
    return 0
  },
  present(report: StatusReport, io, { watch }, now) {
    if (watch && io.tty) io.write(io.control('H') + io.control('2J'))
    for (const machine of report.machines) io.out(...machineLines(machine, io, now))
    io.out(...sprintLines(report, io, now), ...backoffLines(report, io, now), fleetLine(report, io), ...elsewhereLines(report, io))
  },
})

/** Whether every machine was reached, every repo was read, and no issue or repo is backed off. */
function isComplete({ machines, backed_off, unread }: StatusReport): boolean {
  return machines.every(({ reachable }) => reachable) && backed_off.length + unread.length === 0
}
