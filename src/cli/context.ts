/** What a command is given: the person, the clock, and a way to the fleet. Commands read nothing else of the process. */
import { InvalidArgumentError, type Command } from 'commander'
import type { ExitCode } from '../core/errors.ts'
import type { Fleet, Machine, Worker } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import type { Session } from '../observe/session.ts'
import type { Io } from './io.ts'
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'

/** What a command line needs of the process that it runs in. */
export interface Deps {
  readonly io: Io
  readonly clock: Clock
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly cwd: string
  /** The words that start this program: interpreter and file. */
  readonly self: readonly string[]
  /** Aborted by the first Ctrl-C or SIGTERM: finish what was begun, begin nothing. */
  readonly stop: AbortSignal
}

export interface Context extends Deps {
  readonly openSession: (options: CommonOptions) => Promise<OpenSession>
  readonly setExit: (code: ExitCode) => void
}

export interface OpenSession {
  readonly session: Session
  /** Where the spec was read. */
  readonly spec_file: string
  close(): Promise<void>
}

export interface CommonOptions {
  readonly spec?: string
  readonly here?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

/** The options that every command of the fleet has. */
export function withCommon(command: Command): Command {
  return command
    .option('-f, --spec <file>', 'the fleet spec (default: ./fleet-spec.json, $BURN_SPEC, ~/.config/burn-fleet/fleet-spec.json)')
    .option('--here <machine>', 'the machine of the spec that this command runs on: it is not asked over ssh (default: $BURN_HERE)')
    .option('--json', 'print JSON')
}

/** Opens the fleet, runs, and closes it whatever happens. */
export async function withSession(context: Context, options: CommonOptions, run: (session: Session) => Promise<ExitCode>): Promise<void> {
  return withOpen(context, options, ({ session }) => run(session))
}

/** The same, for what must know which spec it is. */
export async function withOpen(context: Context, options: CommonOptions, run: (open: OpenSession) => Promise<ExitCode>): Promise<void> {
  const open = await context.openSession(options)
  try {
    context.setExit(await run(open))
  } finally {
    await open.close()
  }
}

/** Machines by name; all of them where none is named. Throws BurnError `machine_unknown` (exit 2). */
export function machinesNamed(fleet: Fleet, names: readonly string[]): readonly Machine[] {
  if (names.length === 0) return fleet.machines
  return names.map((name) => {
    const found = fleet.machines.find((machine) => machine.name === name)
    if (found !== undefined) return found
    throw unknown(
      'machine',
      name,
      fleet.machines.map((machine) => machine.name),
    )
  })
}

export function allWorkers(fleet: Fleet): Worker[] {
  return fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
}

/** One worker by id or, where only one has it, by name. Throws BurnError `worker_unknown` (exit 2). */
export function workerNamed(fleet: Fleet, name: string): Worker {
  const workers = allWorkers(fleet)
  const found = workers.filter((worker) => worker.id === name || worker.name === name)
  if (found.length === 1) return found[0] as Worker
  if (found.length > 1) {
    throw new BurnError(
      'worker_ambiguous',
      `${name} is the name of ${found.length} workers`,
      `say which: ${found.map(({ id }) => id).join(', ')}`,
      { exit: 2 },
    )
  }
  throw unknown(
    'worker',
    name,
    workers.flatMap(({ id, name: own }) => [own, id]),
  )
}

/** All that a name means: a worker, every worker of a window (`mac/CRUCIBLE`, or its name), lane or machine, or `all`. Throws BurnError (exit 2). */
export function workersNamed(fleet: Fleet, name: string): Worker[] {
  const workers = allWorkers(fleet)
  if (name === 'all') return workers
  const groups = workers.filter(({ machine, window, lane }) => [machine, window, lane, `${machine}/${window}`].includes(name))
  return groups.length > 0 ? groups : [workerNamed(fleet, name)]
}

export function unknown(noun: string, name: string, candidates: readonly string[]): BurnError {
  const near = nearest(name, candidates)
  const listed = candidates.slice(0, 12).join(', ')
  const hint = near === null ? (listed === '' ? `the fleet has no ${noun}` : `there are: ${listed}`) : `did you mean ${near}?`
  return new BurnError(`${noun}_unknown`, `there is no ${noun} ${JSON.stringify(name)}`, hint, { exit: 2 })
}

/** An option's whole number, 0 or more. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it must be a whole number, 0 or more.')
  return Number(text)
}

/** An option's whole number, 1 or more. */
export function positive(text: string): number {
  const number = wholeNumber(text)
  if (number === 0) throw new InvalidArgumentError('it must be 1 or more.')
  return number
}

/** An option's duration in milliseconds. Throws BurnError `duration` (exit 2); `example` is what to write. */
export async function durationGiven(written: string, example: string): Promise<number> {
  const { durationMs, durationPattern } = await import('../spec/duration.ts')
  if (durationPattern.test(written)) return durationMs(written)
  throw new BurnError('duration', `${JSON.stringify(written)} is no duration`, `write for example ${example}`, { exit: 2 })
}

/** `owner/repo#7`, or `repo#7` with the forge's owner. Throws BurnError `issue_ref` (exit 2). */
export function issueNamed(fleet: Fleet, text: string): string {
  const match = /^(?:([\w.-]+)\/)?([\w.-]+)#([1-9]\d{0,9})$/.exec(text)
  if (match === null) throw new BurnError('issue_ref', `${JSON.stringify(text)} names no issue`, 'write owner/repo#7', { exit: 2 })
  return `${match[1] ?? fleet.forge.owner}/${match[2]}#${match[3]}`
}
