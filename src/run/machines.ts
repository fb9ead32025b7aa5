/** The machines of a fleet, each with the one channel that this process holds to it. */
import type { Machine } from '../core/nouns.ts'
import type { MachineSight } from '../core/panes.ts'
import type { Clock, Tmux } from '../core/ports.ts'
import type { Sample } from '../tmux/panes.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { openTmux } from '../tmux/open.ts'
import { sample, sight } from '../tmux/panes.ts'

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

  /** What the machine is now, without its screens. A channel that fails makes it unreachable, with the reason. */
  async sight(link: Link): Promise<MachineSight> {
    const { tmux, machine } = link
    return (await this.#ask(link, tmux === null ? null : async () => ({ sight: await sight(tmux, machine), screens: new Map() }))).sight
  }

  /** The same with what every pane shows: one round trip, whatever the number of panes. */
  look(link: Link): Promise<Sample> {
    const { tmux, machine } = link
    return this.#ask(link, tmux === null ? null : () => sample(tmux, machine))
  }

  async #ask(link: Link, question: (() => Promise<Sample>) | null): Promise<Sample> {
    const { machine, state, reason } = link
    const none = (why: string): Sample => ({ sight: { machine: machine.name, state: 'unreachable', reason: why }, screens: new Map() })
    if (question === null) return state === 'down' ? { sight: { machine: machine.name, state }, screens: new Map() } : none(reason)
    try {
      return await question()
    } catch (thrown) {
      await this.drop(link, thrown)
      return none(messageOf(thrown))
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
