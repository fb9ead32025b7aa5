/** `burn status`: what every worker is doing. */
import type { StatusReport } from '../../decide/report.ts'
import { status } from '../../observe/state.ts'
import { command, done } from '../command.ts'
import { machinesNamed } from '../named.ts'
import { elsewhereLines, fleetLine, machineLines, backoffLines, sprintLines } from '../status-table.ts'
import { flag, list, parsedArg } from '../args.ts'

export const statusCommand = command({
  args: {
    machine: list('-m, --machine <name...>', 'only these machines'),
    watch: flag('-w, --watch', 'look again and again until Ctrl-C (burn watch shows changes when they happen)'),
    interval: parsedArg('--interval <seconds>', 'pause between looks with --watch', (word) => Math.max(0.2, Number(word) || 2), 2),
  },
  examples: ['burn status', 'burn status --machine mac --json'],
  notes: ['burn watch shows it as it changes.'],
  async run({ open, emit, clock, stop }, { machine, watch, interval }) {
    const { session } = await open()
    const machines = machinesNamed(session.fleet, machine)
    if (!watch) {
      const report = await status(machines, session)
      return done(withOldName(report), isWhole(report) ? 0 : 3)
    }
    do {
      emit(withOldName(await status(machines, session)) satisfies StatusReport)
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

/** Adds `resting`, the old name of `backed_off`, for one release. */
const withOldName = (report: StatusReport) => ({ ...report, resting: report.backed_off })

/** Everything was seen, and nothing is left alone. */
function isWhole({ machines, backed_off, unread }: StatusReport): boolean {
  return machines.every(({ reachable }) => reachable) && backed_off.length + unread.length === 0
}
