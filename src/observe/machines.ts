/** The machines of a fleet over tmux, each with the one channel that this process holds to it. */
import type { AgentLiveness } from '../core/incarnation.ts'
import type { Incarnation, Machine, Time } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Machines, PaneHost, SnapshotWithScreens } from '../core/pane-host.ts'
import type { Clock } from '../core/ports.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { pidsOf, agentLiveness } from '../core/incarnation.ts'
import { backoffMs } from '../decide/backoff.ts'
import { processesOn } from '../host/processes.ts'
import { writeDeliveryFiles } from '../host/delivery-files.ts'
import { panesOf } from '../tmux/pane-host.ts'
import { unreachableError } from '../tmux/control-mode.ts'
import { openTmux } from '../tmux/open.ts'
import { unreachableWithAgents } from './agents.ts'

/** Pauses between tries of a machine that can't be reached, milliseconds; after its first failure it is tried again at once. */
const reconnectBackoff = { first: 1_000, longest: 5 * 60_000 }
/** So long who tries a machine that failed before waits for it. What takes longer goes on beside what the process does, and is there for who asks next. */
const grace = 2_000

/**
 * Opens every machine at once; one that can't be reached stops nobody else: only the first try of a machine is waited for to its end, and one that
 * stays away is tried less and less often. A channel that broke is opened anew when next asked for.
 */
export class TmuxMachines implements Machines {
  readonly #hosts = new Map<string, PaneHost>()
  /** Tries that are under way. */
  readonly #trying = new Map<string, Promise<PaneHost>>()
  /** Of machines that failed since they were last looked at: how often in a row, and when last. */
  readonly #failures = new Map<string, { readonly count: number; readonly at: Time }>()
  readonly #clock: Clock
  readonly #random: () => number
  readonly #known: (machine: string) => Promise<readonly Incarnation[]>
  /** Agents that were found to have ended, by machine: that does not change. */
  readonly #ended = new Map<string, Set<Incarnation>>()
  readonly #closed = new AbortController()

  /**
   * `random` gives a number in [0, 1): processes that lost a machine together do not all come back at the same moment. `known` gives the
   * agents that a machine is known to have had: they are looked for before a machine without a session counts as down.
   */
  constructor(clock: Clock, random: () => number, known: (machine: string) => Promise<readonly Incarnation[]>) {
    this.#known = known
    this.#clock = clock
    this.#random = random
  }

  async open(machines: readonly Machine[], longest: number = reconnectBackoff.longest): Promise<readonly PaneHost[]> {
    return Promise.all(machines.map((machine) => this.#open(machine, longest)))
  }

  async #open(machine: Machine, longest: number): Promise<PaneHost> {
    const { name } = machine
    const held = this.#hosts.get(name)
    if (held?.tmux != null && held.state === 'up') return held
    if (held?.state !== 'unreachable') return this.#try(machine)
    if (this.#trying.has(name) || !this.#isDue(name, longest)) return held
    const waited = new AbortController()
    await Promise.race([this.#try(machine), this.#clock.sleep(grace, waited.signal)])
    waited.abort()
    return this.#hosts.get(name) ?? held
  }

  #isDue(name: string, longest: number): boolean {
    const { count, at } = this.#failures.get(name) ?? { count: 0, at: 0 }
    return count < 2 || hasElapsed(at, backoffMs(count - 1, { first: reconnectBackoff.first, longest }, this.#random()), this.#clock.now())
  }

  #try(machine: Machine): Promise<PaneHost> {
    const { name } = machine
    const under = this.#trying.get(name)
    if (under !== undefined) return under
    const trying = connect(machine, this.#clock, this.#closed.signal).then(async (channel) => {
      const host = this.#hostOver(channel)
      this.#trying.delete(name)
      if (this.#closed.signal.aborted) await host.tmux?.close()
      else this.#hosts.set(name, host)
      if (host.state === 'unreachable') this.#failed(name)
      return host
    })
    this.#trying.set(name, trying)
    return trying
  }

  #failed(name: string): void {
    this.#failures.set(name, { count: (this.#failures.get(name)?.count ?? 0) + 1, at: this.#clock.now() })
  }

  #hostOver(channel: Channel): PaneHost {
    const { machine, tmux, reason, hint } = channel
    const panes = tmux === null ? null : panesOf(tmux, machine)
    const lost = () => Promise.reject(unreachableError(machine.name, reason, hint))
    const host: PaneHost = {
      ...channel,
      modes_block: panes?.modes_block ?? false,
      snapshot: async () =>
        (await this.#ask(host, panes === null ? null : async () => ({ snapshot: await panes.snapshot(), screens: new Map() }))).snapshot,
      snapshotWithScreens: () => this.#ask(host, panes?.snapshotWithScreens ?? null),
      history: panes?.history ?? lost,
      type: panes?.type ?? lost,
      start: panes?.start ?? lost,
      write: (texts) => writeDeliveryFiles(machine, texts),
      drop: (thrown) => this.#drop(host, thrown),
    }
    return host
  }

  /** A channel that fails makes its machine unreachable, with the reason. */
  async #ask(host: PaneHost, question: (() => Promise<SnapshotWithScreens>) | null): Promise<SnapshotWithScreens> {
    const { machine, state, reason } = host
    const none = (why: string): SnapshotWithScreens => ({
      snapshot: { machine: machine.name, state: 'unreachable', reason: why },
      screens: new Map(),
    })
    if (question === null) return state === 'down' ? { snapshot: await this.#absent(host), screens: new Map() } : none(reason)
    try {
      const answer = await question()
      this.#failures.delete(machine.name)
      return answer
    } catch (thrown) {
      await host.drop(thrown)
      return none(messageOf(thrown))
    }
  }

  /** A machine whose session is not found is down only if none of its agents runs. */
  async #absent({ machine, reason }: PaneHost): Promise<MachineSnapshot> {
    const { name } = machine
    const known = await this.#known(name)
    const census = known.length === 0 ? null : await this.liveness(machine, known)
    if (census !== null && census.living.size > 0) return unreachableWithAgents(machine, reason, census)
    if (known.length === 0 || census !== null) return { machine: name, state: 'down' }
    return { machine: name, state: 'unreachable', reason: `${reason}, and its process table can't be read` }
  }

  async liveness(machine: Machine, agents: readonly Incarnation[]): Promise<AgentLiveness | null> {
    const before = this.#ended.get(machine.name) ?? new Set()
    const asked = agents.filter((agent) => !before.has(agent))
    const processes = asked.length === 0 ? new Map() : await processesOn(machine, pidsOf(asked))
    if (processes === null) return null
    const { living, ended } = agentLiveness(asked, processes)
    const now = new Set([...before, ...ended])
    this.#ended.set(machine.name, now)
    return { living, ended: new Set(agents.filter((agent) => now.has(agent))) }
  }

  async #drop({ machine, tmux }: PaneHost, thrown: unknown): Promise<void> {
    // Somebody else may have dropped it before, and have opened it anew.
    if (this.#hosts.get(machine.name)?.tmux === tmux) {
      this.#hosts.set(
        machine.name,
        this.#hostOver({ machine, tmux: null, state: 'unreachable', reason: messageOf(thrown), hint: hintOf(thrown) }),
      )
      this.#failed(machine.name)
    }
    await tmux?.close()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await Promise.all(this.#trying.values())
    await Promise.all([...this.#hosts.values()].map(({ tmux }) => tmux?.close()))
    this.#hosts.clear()
  }
}

/** A machine that was tried: a channel, or why there is none. */
type Channel = Pick<PaneHost, 'machine' | 'tmux' | 'state' | 'reason' | 'hint'>

async function connect(machine: Machine, clock: Clock, signal: AbortSignal): Promise<Channel> {
  try {
    return { machine, tmux: await openTmux(machine, { clock, signal }), state: 'up', reason: '', hint: '' }
  } catch (thrown) {
    const state = thrown instanceof BurnError && thrown.code === 'tmux_no_session' ? 'down' : 'unreachable'
    return { machine, tmux: null, state, reason: messageOf(thrown), hint: hintOf(thrown) }
  }
}

function hintOf(thrown: unknown): string {
  return thrown instanceof BurnError ? thrown.hint : ''
}
