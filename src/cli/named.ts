/** What the words of a command line name: machines, workers, issues, durations. */
import type { Fleet, Machine, Worker } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'

/** Machines by name; all of them if none is named. Throws BurnError `machine_unknown` (exit 2). */
export function machinesNamed(fleet: Fleet, names: readonly string[]): readonly Machine[] {
  if (names.length === 0) return fleet.machines
  return names.map((name) => {
    const found = fleet.machines.find((machine) => machine.name === name)
    if (found !== undefined) return found
    throw unknownNameError(
      'machine',
      name,
      fleet.machines.map((machine) => machine.name),
    )
  })
}

export function allWorkers(fleet: Fleet): Worker[] {
  return fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
}

/** One worker by its id, or by its name if only one has it. Throws BurnError `worker_unknown` (exit 2). */
export function workerNamed(fleet: Fleet, name: string): Worker {
  const workers = allWorkers(fleet)
  const found = workers.filter((worker) => worker.id === name || worker.name === name)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new BurnError(
      'worker_ambiguous',
      `${name} is the name of ${found.length} workers`,
      `say which: ${found.map(({ id }) => id).join(', ')}`,
      { exit: 2 },
    )
  }
  throw unknownNameError(
    'worker',
    name,
    workers.flatMap(({ id, name: own }) => [own, id]),
  )
}

/** All workers that a name means: one, every worker of a window (`mac/CRUCIBLE`, or its name), lane or machine, or `all`. Throws BurnError (exit 2). */
export function workersNamed(fleet: Fleet, name: string): Worker[] {
  const workers = allWorkers(fleet)
  if (name === 'all') return workers
  const groups = workers.filter(({ machine, window, lane }) => [machine, window, lane, `${machine}/${window}`].includes(name))
  return groups.length > 0 ? groups : [workerNamed(fleet, name)]
}

/** The kinds of names that a command line may get wrong. */
type Noun = 'kind' | 'lane' | 'machine' | 'name' | 'place' | 'repo' | 'worker'

/** Returns the error `NOUN_unknown` (exit 2), with the nearest of `candidates` in its hint. */
export function unknownNameError(noun: Noun, name: string, candidates: readonly string[]): BurnError {
  const near = nearest(name, candidates)
  const listed = candidates.slice(0, 12).join(', ')
  const hint = near === null ? (listed === '' ? `the fleet has no ${noun}` : `there are: ${listed}`) : `did you mean ${near}?`
  return new BurnError(`${noun}_unknown`, `there is no ${noun} ${JSON.stringify(name)}`, hint, { exit: 2 })
}

/** `owner/repo#7`, or `repo#7` with the forge's owner. Throws BurnError `issue_ref` (exit 2). */
export function issueNamed(fleet: Fleet, text: string): string {
  const match = /^(?:([\w.-]+)\/)?([\w.-]+)#([1-9]\d{0,9})$/.exec(text)
  if (match === null) throw new BurnError('issue_ref', `${JSON.stringify(text)} names no issue`, 'write owner/repo#7', { exit: 2 })
  return `${match[1] ?? fleet.forge.owner}/${match[2]}#${match[3]}`
}
