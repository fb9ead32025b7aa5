/**
 * Tells an agent that redraws its screen from an agent whose screen burn does not know. While an agent prints a prompt, it removes its
 * composer for an instant. Agents that get prompts at the same moment do so together.
 */
import type { Machine, Worker } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Clock } from '../core/ports.ts'
import type { PaneAgentOf } from '../agents/index.ts'
import type { MachineScreens } from './readings.ts'
import { hasElapsed } from '../core/elapsed.ts'

/** Maximum time (ms) that an agent needs to draw its composer again. */
export const redrawTime_ms = 1_000

type Rows = readonly string[]

/** Returns the panes of a machine's workers whose screens burn does not recognise. Kinds without a known screen do not count. */
export function unrecognisedPanes(machine: Machine, { snapshot, screens }: MachineScreens, kindOf: PaneAgentOf): Pane[] {
  if (snapshot.state !== 'up') return []
  const workers = new Map<string | null, Worker>(machine.windows.flatMap((window) => window.workers.map((worker) => [worker.id, worker])))
  return snapshot.panes.filter((pane) => {
    const worker = workers.get(pane.worker)
    const kind = worker === undefined ? null : kindOf(worker.agent)
    if (kind?.versions === undefined || pane.agent_pid !== pane.pid) return false
    const { composer, reading } = kind.parseScreen(screens.get(pane.id) ?? [], pane)
    return composer === 'absent' && reading.state === 'unknown'
  })
}

/** Replaces a screen that burn does not recognise by the last one that burn recognised, until the agent had time to draw its composer. */
export class SteadyScreens {
  readonly #kindOf: PaneAgentOf
  readonly #clock: Pick<Clock, 'now'>
  readonly #last = new Map<string, Rows>()
  readonly #since = new Map<string, number>()

  constructor(kindOf: PaneAgentOf, clock: Pick<Clock, 'now'>) {
    this.#kindOf = kindOf
    this.#clock = clock
  }

  /** True if the last call of `of` replaced a screen. The caller must call `of` again after `redrawTime_ms`. */
  replaced = false

  /** Returns the machines' screens, some of them replaced. */
  of(machines: readonly Machine[], seen: ReadonlyMap<string, MachineScreens>): Map<string, MachineScreens> {
    this.replaced = false
    return new Map(
      [...seen].map(([name, screens]) => [
        name,
        this.#steady(
          machines.find((machine) => machine.name === name),
          screens,
        ),
      ]),
    )
  }

  #steady(machine: Machine | undefined, seen: MachineScreens): MachineScreens {
    if (machine === undefined) return seen
    const strange = new Set(unrecognisedPanes(machine, seen, this.#kindOf).map(({ id }) => id))
    const screens = new Map(seen.screens)
    const now = this.#clock.now()
    for (const [pane, rows] of seen.screens) {
      const key = `${machine.name} ${pane}`
      if (!strange.has(pane)) {
        this.#last.set(key, rows)
        this.#since.delete(key)
        continue
      }
      const since = this.#since.get(key) ?? now
      this.#since.set(key, since)
      const last = this.#last.get(key)
      if (last === undefined || hasElapsed(since, redrawTime_ms, now)) continue
      screens.set(pane, last)
      this.replaced = true
    }
    return { ...seen, screens }
  }
}
