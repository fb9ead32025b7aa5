/** `burn watch`: shows what each worker is doing, live. On a terminal it draws a table on the alternate screen. */
import type { Fleet, Machine, Worker, WorkerId } from '../../core/nouns.ts'
import type { Clock } from '../../core/ports.ts'
import type { WatchUpdate, WorkerChange } from '../../observe/watch.ts'
import type { Io } from '../io.ts'
import { command } from '../command.ts'
import { unknownNameError } from '../named.ts'
import { fleetLine, machineLines, backoffLines, sprintLines, stateText } from '../status-table.ts'
import { fitHeight, LiveScreen } from '../live-screen.ts'
import { list, parsePositive, parsedArg } from '../args.ts'

type Change = Omit<WorkerChange, 'at'> & { readonly at: string }

export const watchCommand = command({
  args: {
    names: list('[names...]', 'Machines, windows and workers to show (default: all)'),
    for: parsedArg('--for <seconds>', 'Stop after this time', parsePositive, null),
  },
  examples: ['burn watch', 'burn watch mac WORKBENCH', 'burn watch --json --for 60 | jq .to'],
  notes: ['Without a terminal, burn watch prints one line per change.'],
  async run({ open, emit, person, clock, stop }, given) {
    const { session } = await open()
    const machines = machinesWith(session.fleet, given.names)
    const { watch } = await import('../../observe/watch.ts')
    const end = new AbortController()
    const until = AbortSignal.any([stop, end.signal])
    const timer = given.for === null ? null : clock.sleep(given.for * 1000, until).then(() => end.abort())
    const live = person?.tty === true ? new LiveTable(person, clock) : null
    try {
      for await (const update of watch(machines, session, until)) {
        if (live !== null) live.show(update)
        else for (const { at, ...change } of update.changes) emit({ at: new Date(at).toISOString(), ...change } satisfies Change)
      }
    } finally {
      end.abort()
      await live?.close()
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

/** Time (ms) for which the row of a changed worker is bold. */
const highlightTime = 5_000
/** Pause between two redraws (ms). They update the ages in the table. */
const redrawInterval = 1_000
/** Draws the fleet's status on a terminal, and redraws it every second until closed. */
export class LiveTable {
  readonly #screen: LiveScreen
  readonly #clock: Clock
  readonly #end = new AbortController()
  readonly #changed = new Map<WorkerId, number>()
  #update: WatchUpdate | null = null
  #ticking: Promise<void> | null = null

  constructor(io: Io, clock: Clock) {
    this.#screen = new LiveScreen(io)
    this.#clock = clock
  }

  show(update: WatchUpdate): void {
    this.#update = update
    for (const { worker, from, at } of update.changes) if (from !== null) this.#changed.set(worker, at)
    this.#ticking ??= this.#tick()
    this.#draw()
  }

  /** Restores the terminal. */
  async close(): Promise<void> {
    this.#end.abort()
    if (this.#ticking === null) return
    await this.#ticking
    this.#screen.close()
  }

  async #tick(): Promise<void> {
    while (!this.#end.signal.aborted) {
      await this.#clock.sleep(redrawInterval, this.#end.signal)
      if (!this.#end.signal.aborted) this.#draw()
    }
  }

  #draw(): void {
    const update = this.#update
    if (update === null) return
    this.#screen.draw((io, height) => liveLines(update, io, { height, now: this.#clock.now(), changed: this.#changed }))
  }
}

/**
 * Returns at most `height` lines. The first line has the time and the totals. If some lines do not fit, the last line shows the number of
 * these lines.
 */
export function liveLines(
  { report }: WatchUpdate,
  io: Io,
  { height, now, changed }: { readonly height: number; readonly now: number; readonly changed: ReadonlyMap<WorkerId, number> },
): readonly string[] {
  const bold = new Set([...changed].flatMap(([worker, at]) => (now - at < highlightTime ? [worker] : [])))
  const clock = new Date(now).toTimeString().slice(0, 8)
  const head = [`${io.paint('gray', clock)}  ${fleetLine(report, io)}`, '']
  const body = [
    ...report.machines.flatMap((machine) => machineLines(machine, io, now, bold)),
    ...sprintLines(report, io, now),
    ...backoffLines(report, io, now),
  ].slice(0, -1)
  return [...head, ...fitHeight(body, height - head.length, io, ' (burn watch <machine|window|worker> shows a part)')]
}
