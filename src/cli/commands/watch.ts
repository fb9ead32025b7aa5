/** `burn watch`: shows what each worker is doing, live. On a terminal it draws a screen with keys. */
import type { Fleet, Machine, Worker } from '../../core/nouns.ts'
import type { WorkerChange } from '../../observe/watch.ts'
import { command } from '../command.ts'
import { FleetScreen, fleetSteps } from '../fleet-screen.ts'
import { assertRoom } from '../live-screen.ts'
import { unknownNameError } from '../named.ts'
import { stateText } from '../status-table.ts'
import { list, parsedArg, parsePositiveDuration } from '../args.ts'

type Change = Omit<WorkerChange, 'at'> & { readonly at: string }

export const watchCommand = command({
  args: {
    names: list('[names...]', 'Machines, windows and workers to show (default: all)'),
    for: parsedArg('--for <duration>', 'Stop after this time, such as 90s or 5m', parsePositiveDuration, null),
  },
  examples: ['burn watch', 'burn watch mac WORKBENCH', 'burn watch --json --for 60 | jq .to'],
  notes: [
    'The workers that need you come first. Press ? for the keys: select a worker, attach to its pane, answer its question, filter, quit.',
    'Without a terminal, or with TERM=dumb, burn watch prints one line per change.',
  ],
  endless: () => true,
  async run({ open, emit, person, clock, env, stop }, given) {
    const draws = person?.draws === true
    if (draws) assertRoom(person)
    const { session } = await open()
    const machines = machinesWith(session.fleet, given.names)
    const { watch } = await import('../../observe/watch.ts')
    const end = new AbortController()
    const screen = draws
      ? new FleetScreen(
          person,
          clock,
          fleetSteps(session, env, () => person.size().height),
        )
      : null
    const until = AbortSignal.any([stop, end.signal, ...(screen === null ? [] : [screen.quit])])
    const timer = given.for === null ? null : clock.sleep(given.for, until).then(() => end.abort())
    try {
      for await (const update of watch(machines, session, until)) {
        if (screen !== null) screen.show(update)
        else for (const { at, ...change } of update.changes) emit({ at: new Date(at).toISOString(), ...change } satisfies Change)
      }
    } finally {
      end.abort()
      await screen?.close()
      await timer
    }
    return 0
  },
  present({ at, worker, from, to, detail, evidence }: Change, io) {
    io.out(`${at}  ${worker}  ${from === null ? '' : `${from} → `}${stateText(to, detail, io)}  ${evidence}`)
  },
})

/**
 * Returns the machines, each with only the windows and workers that `names` selects. Returns all machines if `names` is empty. Throws
 * BurnError `name_unknown` (exit 2).
 */
function machinesWith(fleet: Fleet, names: readonly string[]): readonly Machine[] {
  if (names.length === 0) return fleet.machines
  const used = new Set<string>()
  const all: string[] = []
  const isNamed = (own: readonly string[]) => {
    all.push(...own)
    const named = own.filter((name) => names.includes(name))
    for (const name of named) used.add(name)
    return named.length > 0
  }
  const machines = fleet.machines.flatMap((machine) => {
    const whole = isNamed([machine.name])
    const windows = machine.windows.flatMap((window) => {
      const open = isNamed([window.name, `${machine.name}/${window.name}`])
      const workers = window.workers.filter((worker: Worker) => isNamed([worker.name, worker.id]))
      return whole || open ? [window] : workers.length > 0 ? [{ ...window, workers }] : []
    })
    return windows.length > 0 ? [{ ...machine, windows }] : []
  })
  const missing = names.find((name) => !used.has(name))
  if (missing !== undefined) throw unknownNameError('name', missing, all)
  return machines
}
