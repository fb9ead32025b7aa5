/** The machines of a fleet, each with the one channel that this process holds to it. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSight } from '../core/panes.ts'
import type { Clock, Tmux } from '../core/ports.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { openTmux } from '../tmux/open.ts'
import { sight } from '../tmux/panes.ts'

/** A machine that was asked for: a channel, or why there is none. */
export interface Link {
  readonly machine: Machine
  readonly tmux: Tmux | null
  /** `down`: reached, but no session is there. `unreachable`: nothing is known. */
  readonly state: 'up' | 'down' | 'unreachable'
  readonly reason: string
  readonly hint: string
}

/** Opens every machine at once; one that can't be reached stops nobody else. A channel that broke is opened anew when next asked for. */
export class Machines {
  readonly #links = new Map<string, Link>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async open(machines: readonly Machine[]): Promise<readonly Link[]> {
    return Promise.all(machines.map((machine) => this.#open(machine)))
  }

  async #open(machine: Machine): Promise<Link> {
    const held = this.#links.get(machine.name)
    if (held?.tmux != null && held.state === 'up') return held
    const link = await connect(machine, this.#clock)
    this.#links.set(machine.name, link)
    return link
  }

  /** What the machine shows now. A channel that fails makes it unreachable, with the reason. */
  async sight(link: Link): Promise<MachineSight> {
    const { machine, tmux } = link
    if (tmux === null) return link.state === 'down' ? { machine: machine.name, state: 'down' } : unreachable(machine, link.reason)
    try {
      return await sight(tmux, machine)
    } catch (thrown) {
      await this.drop(link, thrown)
      return unreachable(machine, messageOf(thrown))
    }
  }

  /** Forgets a channel that failed, so that the next `open` tries again. */
  async drop(link: Link, thrown: unknown): Promise<void> {
    this.#links.set(link.machine.name, { ...link, tmux: null, state: 'unreachable', reason: messageOf(thrown), hint: hintOf(thrown) })
    await link.tmux?.close()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link.tmux?.close()))
    this.#links.clear()
  }
}

async function connect(machine: Machine, clock: Clock): Promise<Link> {
  try {
    return { machine, tmux: await openTmux(machine, { clock }), state: 'up', reason: '', hint: '' }
  } catch (thrown) {
    const state = thrown instanceof BurnError && thrown.code === 'tmux_no_session' ? 'down' : 'unreachable'
    return { machine, tmux: null, state, reason: messageOf(thrown), hint: hintOf(thrown) }
  }
}

function hintOf(thrown: unknown): string {
  return thrown instanceof BurnError ? thrown.hint : ''
}

function unreachable(machine: Machine, reason: string): MachineSight {
  return { machine: machine.name, state: 'unreachable', reason }
}

