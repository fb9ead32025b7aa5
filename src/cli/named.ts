/** Finds the machines, workers and issues that a command line names. */
import type { Fleet, Machine, Worker } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'

/** Returns the named machines, or all machines if none is named. Throws BurnError `machine_unknown` (exit 2). */
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

/** Returns all workers of the fleet, in the order of the spec. */
export function allWorkers(fleet: Fleet): Worker[] {
  return fleet.machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers))
}

/** Returns the worker with an id, or with a unique name. Throws BurnError `worker_unknown` or `worker_ambiguous` (exit 2). */
export function workerNamed(fleet: Fleet, name: string): Worker {
  const workers = allWorkers(fleet)
  const found = workers.filter((worker) => worker.id === name || worker.name === name)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new BurnError(
      'worker_ambiguous',
      `${found.length} workers have the name ${name}`,
      `name one of them: ${found.map(({ id }) => id).join(', ')}`,
      { exit: 2 },
    )
  }
  throw unknownNameError(
    'worker',
    name,
    workers.flatMap(({ id, name: own }) => [own, id]),
  )
}

/**
 * Returns the workers that a name stands for: one worker, or all of a window (`CRUCIBLE` or `mac/CRUCIBLE`), lane or machine, or `all`.
 * Throws BurnError `worker_unknown` or `worker_ambiguous` (exit 2).
 */
export function workersNamed(fleet: Fleet, name: string): Worker[] {
  const workers = allWorkers(fleet)
  if (name === 'all') return workers
  const groups = workers.filter(({ machine, window, lane }) => [machine, window, lane, `${machine}/${window}`].includes(name))
  return groups.length > 0 ? groups : [workerNamed(fleet, name)]
}

/** The kinds of names on a command line. */
type Noun = 'kind' | 'lane' | 'machine' | 'name' | 'place' | 'repo' | 'worker'

/** Returns the error `NOUN_unknown` (exit 2), with the nearest of `candidates` in its hint. */
export function unknownNameError(noun: Noun, name: string, candidates: readonly string[]): BurnError {
  const near = nearest(name, candidates)
  const listed = candidates.slice(0, 12).join(', ')
  const hint = near === null ? (listed === '' ? `the fleet has no ${noun}` : `the fleet has: ${listed}`) : `did you mean ${near}?`
  return new BurnError(`${noun}_unknown`, `there is no ${noun} ${JSON.stringify(name)}`, hint, { exit: 2 })
}

/** Returns the issue `owner/repo#7` that a text names; `repo#7` gets the forge's owner. Throws BurnError `issue_ref` (exit 2). */
export function issueNamed(fleet: Fleet, text: string): string {
  const match = /^(?:([\w.-]+)\/)?([\w.-]+)#([1-9]\d{0,9})$/.exec(text)
  if (match === null) throw new BurnError('issue_ref', `${JSON.stringify(text)} is not an issue`, 'write owner/repo#7', { exit: 2 })
  return `${match[1] ?? fleet.forge.owner}/${match[2]}#${match[3]}`
}
