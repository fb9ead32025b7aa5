/** The updating table of `burn watch`: on the terminal's other screen, so that what stood there before comes back. */
import type { WorkerId } from '../core/nouns.ts'
import type { Clock } from '../core/ports.ts'
import type { WatchUpdate } from '../observe/watch.ts'
import type { Io } from './io.ts'
import { fleetLine, machineLines, restLines, sprintLines } from './status-table.ts'

/** How long a row that changed stands out, and how often ages are drawn anew, milliseconds. */
const lately = 5_000
const tick = 1_000
// Wrapping is off: the terminal itself cuts what is too long.
const screen = {
  open: '\x1b[?1049h\x1b[?25l\x1b[?7l',
  home: '\x1b[H',
  rest: '\x1b[K',
  below: '\x1b[J',
  close: '\x1b[?7h\x1b[?25h\x1b[?1049l',
}

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

  /** Gives the terminal back as it was. */
  async close(): Promise<void> {
    this.#end.abort()
    if (this.#ticking === null) return
    await this.#ticking
    this.#io.write(screen.close)
  }

  async #tick(): Promise<void> {
    this.#io.write(screen.open)
    while (!this.#end.signal.aborted) {
      await this.#clock.sleep(tick, this.#end.signal)
      if (!this.#end.signal.aborted) this.#draw()
    }
  }

  #draw(): void {
    if (this.#update === null) return
    const { width, height } = this.#io.size()
    const io = { ...this.#io, width }
    const lines = liveLines(this.#update, io, height, this.#clock.now(), this.#changed)
    const drawn = screen.home + lines.map((line) => line + screen.rest).join('\n') + screen.below
    if (drawn !== this.#drawn) io.write(drawn)
    this.#drawn = drawn
  }
}

/** As many lines as fit in `height`: totals and the clock first, what does not fit in one line. */
export function liveLines(
  { report }: WatchUpdate,
  io: Io,
  height: number,
  now: number,
  changed: ReadonlyMap<WorkerId, number>,
): readonly string[] {
  const bold = new Set([...changed].flatMap(([worker, at]) => (now - at < lately ? [worker] : [])))
  const clock = new Date(now).toTimeString().slice(0, 8)
  const head = [`${io.paint('gray', clock)}  ${fleetLine(report, io)}`, '']
  const body = [
    ...report.machines.flatMap((machine) => machineLines(machine, io, now, bold)),
    ...sprintLines(report, io, now),
    ...restLines(report, io, now),
  ].slice(0, -1)
  const room = height - head.length
  if (body.length <= room) return [...head, ...body]
  const shown = Math.max(0, room - 1)
  return [
    ...head,
    ...body.slice(0, shown),
    io.paint('gray', `… ${body.length - shown} more lines (burn watch <machine|window|worker> shows a part)`),
  ]
}
