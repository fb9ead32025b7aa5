/** `burn christen`: starts agents, and tells each worker its name and role. */
import type { Fleet, Worker } from '../../core/nouns.ts'
import type { Christening, ChristenOptions, Outcome } from '../../operate/christen.ts'
import { command, done, exitFor } from '../command.ts'
import type { Io } from '../io.ts'
import { allWorkers, machinesNamed, workerNamed } from '../named.ts'
import { counted } from '../../core/text.ts'
import { flag, list, parsePositive, parsedArg } from '../args.ts'

export const christenCommand = command({
  args: {
    names: list('[machine|worker...]', 'Machines and workers to christen (default: all)'),
    parallel: parsedArg(
      '-p, --parallel <n>',
      "Number of agents to start at once on each machine (default: the machine's number of CPU cores)",
      parsePositive,
      null,
    ),
    dry_run: flag('-n, --dry-run', 'Show what would be started, and start nothing'),
    hooks: flag('--no-hooks', 'Start agents without the hooks that report to burn'),
  },
  examples: ['burn christen', 'burn christen mac --parallel 4', 'burn christen mac/CRUCIBLE/AZOTH'],
  async run({ open, io, person, stop }, { names, parallel, dry_run, hooks }) {
    const { session } = await open()
    const { christen } = await import('../../operate/christen.ts')
    const workers = chosen(session.fleet, names)
    const all = await christen(workers, session, stop, {
      parallel,
      dryRun: dry_run,
      hooks,
      fresh: false,
      ...reportsTo(workers, io, person),
    })
    const failed = all.filter(({ outcome }) => outcome === 'failed' || outcome === 'unproven').length
    const result = { workers: all.map(({ worker, outcome, why, conversation }) => ({ id: worker, outcome, why, conversation })) }
    return done(result, exitFor(all.length - failed, all.length))
  },
  /** Prints only the totals. `run` has printed a line for each worker as soon as its outcome was known. */
  present({ workers }, io) {
    const count = (outcome: Outcome) => workers.filter((one) => one.outcome === outcome).length
    const planned = count('planned') === 0 ? '' : `${count('planned')} to start or name, `
    const others = `${count('named')} named, ${count('already')} already named, ${count('unproven')} unproven, ${count('failed')} failed`
    io.out(`${counted(workers.length, 'worker')}: ${planned}${others}`)
  },
})

/** Returns the functions that print each outcome as soon as it is known. `person`: null if no person reads the output. */
export function reportsTo(workers: readonly Worker[], io: Io, person: Io | null): Pick<ChristenOptions, 'onOutcome' | 'onWithoutHooks'> {
  let count = 0
  const reported = new Set<string>()
  return {
    // Usually many workers have the same reason, so print each reason once.
    onWithoutHooks: (worker, why) => {
      if (!reported.has(why))
        io.err(`${io.paint('gray', 'without hooks')}: ${worker} (other workers with this reason are not listed): ${why}`)
      reported.add(why)
    },
    onOutcome: (one) => {
      count += 1
      person?.out(lineOf(one, count, workers.length, person))
    },
  }
}

function chosen(fleet: Fleet, names: readonly string[]): Worker[] {
  if (names.length === 0) return allWorkers(fleet)
  const machines = new Set(fleet.machines.map(({ name }) => name))
  const all = names.flatMap((name) => {
    if (!machines.has(name)) return [workerNamed(fleet, name)]
    return machinesNamed(fleet, [name]).flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
  })
  return [...new Set(all)]
}

const colours = { planned: 'cyan', named: 'green', already: 'gray', unproven: 'yellow', failed: 'red' } as const

function lineOf({ worker, outcome, why, conversation }: Christening, count: number, of: number, io: Io): string {
  return `${String(count).padStart(String(of).length)}/${of}  ${io.paint(colours[outcome], outcome.padEnd(8))}  ${worker}  ${conversation === null ? why : `${why}; ${conversation}`}`
}
