/** `burn start` creates panes, starts agents and gives issues until it is stopped. `burn stop` ends it. */
import type { Session } from '../../observe/session.ts'
import type { Io } from '../io.ts'
import { counted } from '../../core/text.ts'
import { flag, parsedArg, parseDuration } from '../args.ts'
import { command, done, type CommandContext } from '../command.ts'
import { allWorkers } from '../named.ts'
import { reportsTo } from './christen.ts'
import { openScreenOutput } from '../start-screen.ts'
import { isQuiet, planCycle, runCycles, showPart as showCycle, type DispatchPart } from './dispatch.ts'
import { showUp, upReport, type UpReport } from './up.ts'

/** A part of the output: the result of `up`, a cycle, or why the command ended. */
type Part = { readonly dry_run: boolean; readonly machines: readonly UpReport[] } | DispatchPart

export const startCommand = command({
  args: {
    interval: parsedArg(
      '-i, --interval <duration>',
      'Pause between cycles, such as 90s or 5m (default: dispatch.interval of the spec)',
      parseDuration,
      null,
    ),
    dry_run: flag('-n, --dry-run', 'Show the panes that would be created and the issues that would be assigned, and change nothing'),
  },
  examples: ['burn start --dry-run', 'burn start', 'burn start | tee fleet.log'],
  notes: [
    'burn start does the work of burn up, burn christen and burn dispatch --cycles 0. When it ends, panes and agents stay as they are.',
    'Several burn start on one ledger share the work: burn gives each issue only once. burn stop ends all of them.',
    'Exit codes: 0 ended by Ctrl-C or burn stop, 1 no machine could be brought up, 2 usage or spec error, 3 a cycle failed.',
  ],
  endless: ({ dry_run }) => !dry_run,
  async run(context, { interval, dry_run }) {
    const output = openScreenOutput(context, showNews)
    const { session } = await context.open(output.log)
    const machines = session.fleet.machines
    const [{ bringUp }, { withStopRequests }] = await Promise.all([
      import('../../operate/up-down.ts'),
      import('../../cycle/stop-requests.ts'),
    ])
    // A request to stop counts from the beginning, because the start of many agents takes minutes.
    return withStopRequests(session, context.stop, async (signals) => {
      const raised = await bringUp(machines, session, { dryRun: dry_run, prune: false })
      context.emit({ dry_run, machines: raised.map(upReport) } satisfies Part)
      if (raised.length > 0 && raised.every(({ error }) => error !== null)) return 1
      if (dry_run) return planCycle(machines, session, true)
      if (!signals.stop.aborted) await startAgents(session, { ...context, stop: signals.stop })
      const exit = await output.during(() => runCycles(machines, session, { ...output, ...signals }, { cycles: 0, interval }))
      context.person?.out('burn start has ended. The agents keep running. To see them: burn status')
      return exit
    })
  },
  present(part: Part, io) {
    if (!('machines' in part)) showCycle(part, io)
    else {
      for (const machine of part.machines) showUp(machine, part.dry_run, io)
      if (part.dry_run) io.out('burn would then start an agent in each empty pane, and assign the issues:')
    }
  },
})

/** Shows a cycle on the screen, if something happened in it. */
function showNews(part: unknown, io: Io): void {
  // `runCycles` emits only such parts.
  const cycle = part as DispatchPart
  if (!('cycle' in cycle) || isQuiet(cycle)) return
  showCycle(cycle, io)
}

/** Starts and names the agents of all workers. A failure is no reason to end: the other workers get issues. */
async function startAgents(session: Session, { io, person, stop }: CommandContext): Promise<void> {
  const { christen } = await import('../../operate/christen.ts')
  const workers = allWorkers(session.fleet)
  const reports = reportsTo(workers, io, person)
  await christen(workers, session, stop, { parallel: null, dryRun: false, hooks: true, fresh: false, ...reports })
}

interface StopReport {
  readonly drain: boolean
  /** The dispatchers that ran when the request was made. */
  readonly asked: readonly string[]
  /** The dispatchers that still ran when the wait ended. */
  readonly running: readonly string[]
}

/** The pause (ms) between two looks at the dispatchers. */
const pollInterval = 250

export const stopCommand = command({
  args: {
    drain: flag('--drain', 'Let the running work end first: the dispatchers begin no new work, and end when nothing is under way'),
  },
  examples: ['burn stop', 'burn stop --drain && burn down --yes'],
  notes: [
    'burn stop ends every burn start and burn dispatch of the ledger, also on other computers. It waits until they have ended. Ctrl-C ends only the wait.',
    'Agents keep running and finish their present turn. burn down ends them. A later burn start works as usual.',
    'Exit codes: 0 all have ended, 1 failed, 2 usage or spec error, 3 the wait ended while a dispatcher ran.',
  ],
  async run({ open, clock, stop, person }, { drain }) {
    const { session } = await open()
    const [{ requestStop }, { runningDispatchers }] = await Promise.all([
      import('../../cycle/stop-requests.ts'),
      import('../../observe/dispatchers.ts'),
    ])
    const asked = await runningDispatchers(session)
    await requestStop(drain, session)
    if (person !== null) showAsked(asked, drain, person)
    let running = asked
    for (; running.length > 0 && !stop.aborted; await clock.sleep(pollInterval, stop)) {
      const now = await runningDispatchers(session)
      running = running.filter((owner) => now.includes(owner))
    }
    return done<StopReport>({ drain, asked, running }, running.length === 0 ? 0 : 3)
  },
  present({ asked, running }: StopReport, io) {
    if (asked.length > 0 && running.length === 0) io.out(`${counted(asked.length, 'dispatcher')} ended`)
    if (running.length > 0) io.out(`stopped waiting: ${counted(running.length, 'dispatcher')} still running. The request stays in force.`)
  },
})

function showAsked(asked: readonly string[], drain: boolean, io: Io): void {
  if (asked.length === 0) return io.out('no burn start or burn dispatch is running')
  const when = drain ? ' when nothing is under way' : ''
  for (const owner of asked) io.out(`asked ${processName(owner)} to end${when}`)
}

/** Returns the host and pid of the owner of leases. */
function processName(owner: string): string {
  const [host, pid] = owner.split(':')
  return pid === undefined ? owner : `process ${pid} on ${host}`
}
