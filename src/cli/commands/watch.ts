/** `burn watch`: shows what each worker is doing, live. On a terminal it draws a table on the alternate screen. */
import type { Fleet, Machine, Worker, WorkerId } from '../../core/nouns.ts'
import type { Clock } from '../../core/ports.ts'
import type { WatchUpdate, WorkerChange } from '../../observe/watch.ts'
import type { Io } from '../io.ts'
import { command } from '../command.ts'
import { unknownNameError } from '../named.ts'
import { fleetLine, machineLines, backoffLines, sprintLines, stateText } from '../status-table.ts'
import { counted } from '../../core/text.ts'
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
// Switch to the alternate screen, hide the cursor, and turn line wrapping off, so that the terminal cuts long lines.
const opening = ['?1049h', '?25l', '?7l']
const closing = ['?7h', '?25h', '?1049l']

/** Draws the fleet's status on a terminal, and redraws it every second until closed. */
export class LiveTable {
  readonly #io: Io
  readonly #clock: Clock
  readonly #end = new AbortController()
  readonly #changed = new Map<WorkerId, number>()
  #update: WatchUpdate | null = null
  #ticking: Promise<void> | null = null
  #drawn = ''

  constructor(io: Io, clock: Clock) {
    this.#io = io
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
    this.#io.write(closing.map(this.#io.control).join(''))
  }

  async #tick(): Promise<void> {
    this.#io.write(opening.map(this.#io.control).join(''))
    while (!this.#end.signal.aborted) {
      await this.#clock.sleep(redrawInterval, this.#end.signal)
      if (!this.#end.signal.aborted) this.#draw()
    }
  }

  #draw(): void {
    if (this.#update === null) return
    const { width, height } = this.#io.size()
    const io = { ...this.#io, width, columns: width }
    const lines = liveLines(this.#update, io, { height, now: this.#clock.now(), changed: this.#changed })
    const rest = `${io.control('K')}\n`
    const drawn =
      io.control('H') + lines.map((line) => line.replace(/[\r\n\u2028\u2029]+/g, ' ')).join(rest) + io.control('K') + io.control('J')
    if (drawn !== this.#drawn) io.write(drawn)
    this.#drawn = drawn
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
  const room = height - head.length
  if (body.length <= room) return [...head, ...body]
  const shown = Math.max(0, room - 1)
  return [
    ...head,
    ...body.slice(0, shown),
    io.paint('gray', `… ${counted(body.length - shown, 'more line')} (burn watch <machine|window|worker> shows a part)`),
  ]
}
