/** Looks up the machines, workers and issues that are named on a command line. */
import type { Fleet, Machine, Worker } from '../core/nouns.ts'
import { BurnError } from '../core/errors.ts'
import { nearest } from '../core/suggest.ts'

/** Returns the machines with these names; all machines if `names` is empty. Throws BurnError `machine_unknown` (exit 2). */
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

/**
 * Returns the worker with this id or name. Throws BurnError `worker_unknown`, or `worker_ambiguous` if several workers have the name (exit 2).
 * `others`: other names that the hint of the error may suggest.
 */
export function workerNamed(fleet: Fleet, name: string, others: Iterable<string> = []): Worker {
  const workers = allWorkers(fleet)
  const found = workers.filter((worker) => worker.id === name || worker.name === name)
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new BurnError(
      'worker_ambiguous',
      `${found.length} workers have the name ${name}`,
      `write one of these names: ${found.map(({ id }) => id).join(', ')}`,
      { exit: 2 },
    )
  }
  throw unknownNameError('worker', name, [...workers.flatMap(({ id, name: own }) => [own, id]), ...others])
}

/**
 * Returns the workers that a name stands for. It is the name of a worker, a window (`CRUCIBLE` or `mac/CRUCIBLE`), a lane or a machine, or
 * `all`. Throws BurnError `worker_unknown` or `worker_ambiguous` (exit 2).
 */
export function workersNamed(fleet: Fleet, name: string): Worker[] {
  const workers = allWorkers(fleet)
  if (name === 'all') return workers
  const groups = workers.filter(({ machine, window, lane }) => [machine, window, lane, `${machine}/${window}`].includes(name))
  if (groups.length > 0) return groups
  const names = workers.flatMap(({ machine, window, lane }) => [machine, window, lane])
  return [workerNamed(fleet, name, new Set([...names, 'all']))]
}

/** Kinds of things that a command line can name. `place`: a worker, a window or a machine. `name`: one of these, for `burn watch`. */
type Noun = 'channel' | 'job' | 'kind' | 'lane' | 'machine' | 'model' | 'name' | 'place' | 'repo' | 'worker'

/** Returns the BurnError `<noun>_unknown` (exit 2). Its hint has the candidate that is most similar to `name`. */
export function unknownNameError(noun: Noun, name: string, candidates: readonly string[]): BurnError {
  const near = nearest(name, candidates)
  const listed = candidates.slice(0, 12).join(', ')
  const hint = near === null ? (listed === '' ? `the fleet has no ${noun}` : `the fleet has: ${listed}`) : `did you mean ${near}?`
  return new BurnError(`${noun}_unknown`, `there is no ${noun} ${JSON.stringify(name)}`, hint, { exit: 2 })
}

/** Returns an issue in the form `owner/repo#7`. Adds the owner of the spec's forge to `repo#7`. Throws BurnError `issue_ref` (exit 2). */
export function issueNamed(fleet: Fleet, text: string): string {
  // A name copied from a message or a comment may contain the gap that keeps it from working there (`core/forge-text.ts`).
  const match = /^(?:([\w.-]+)\/)?([\w.-]+)#([1-9]\d{0,9})$/.exec(text.replaceAll('\u200b', ''))
  if (match === null)
    throw new BurnError('issue_ref', `${JSON.stringify(text)} is not an issue`, 'write repo#7 or owner/repo#7', { exit: 2 })
  return `${match[1] ?? fleet.forge.owner}/${match[2]}#${match[3]}`
}
