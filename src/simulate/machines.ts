/** Machines in memory: panes with agents, as hosts of panes. */
import type { AgentLiveness } from '../core/incarnation.ts'
import type { Incarnation, Machine, WorkerId } from '../core/nouns.ts'
import type { Launch, Machines, PaneHost, Placed, SnapshotWithScreens, Typed, Typing, WrittenText } from '../core/pane-host.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { AgentWorld } from './agent.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { agentLiveness } from '../core/incarnation.ts'
import { SimulatedAgent } from './agent.ts'

const agentStarted = 1_000_000

interface Kept extends SnapshotWithScreens {
  readonly snapshot: Extract<MachineSnapshot, { state: 'up' }>
}

interface Drawn {
  readonly pane: Pane
  readonly screen: readonly string[]
}

/** One tmux server and its agents. */
export class SimulatedMachine {
  readonly machine: Machine
  readonly agents: ReadonlyMap<string, SimulatedAgent>
  reachable = true
  up = true
  serverStarted = agentStarted
  /** The connection breaks at the next write: before it is done, or after. */
  breaks: 'before' | 'after' | null = null
  readonly #world: AgentWorld
  /** Texts by their file below its worker's directory, until an agent reads them: no two have the same. */
  readonly #files = new Map<string, string>()
  #pids = 100
  #kept: Kept | null = null
  /** What each agent's pane shows, until something about it changes. */
  readonly #drawn = new Map<SimulatedAgent, Drawn>()

  constructor(machine: Machine, world: AgentWorld) {
    this.machine = machine
    this.#world = world
    let panes = 0
    const agents = machine.windows.flatMap(({ name, workers }) =>
      workers.map(({ id }) => new SimulatedAgent({ worker: id, window: name, pane: `%${panes++}`, pid: this.#pids++ }, world)),
    )
    this.agents = new Map(agents.map((agent) => [agent.pane, agent]))
  }

  agentOf(worker: WorkerId): SimulatedAgent | undefined {
    return [...this.agents.values()].find((agent) => agent.worker === worker)
  }

  /** Something about this agent, or about any, is not as it was. */
  changed(agent?: SimulatedAgent): void {
    this.#kept = null
    if (agent === undefined) this.#drawn.clear()
    else this.#drawn.delete(agent)
  }

  /** A person, or a timer, raises it and starts an agent wherever none lives. */
  raise(): void {
    if (!this.up) this.serverStarted += 1
    this.up = true
    for (const agent of this.agents.values()) if (!agent.alive) agent.start(this.#pids++)
    this.changed()
  }

  /** The tmux server ends, or the whole machine. */
  fall(): void {
    this.up = false
    for (const agent of this.agents.values()) agent.die()
    this.changed()
  }

  look(): SnapshotWithScreens {
    const name = this.machine.name
    if (!this.reachable) return { snapshot: { machine: name, state: 'unreachable', reason: 'simulated: no route' }, screens: new Map() }
    if (!this.up) return { snapshot: { machine: name, state: 'down' }, screens: new Map() }
    const clock = Math.floor(this.#world.clock.now() / 1000) * 1000
    this.#kept ??= this.#draw()
    return { ...this.#kept, snapshot: { ...this.#kept.snapshot, clock } }
  }

  /** What the machine's process table says of agents. */
  census(asked: readonly Incarnation[]): AgentLiveness {
    const processes = [...this.agents.values()].flatMap(({ alive, pid, pane }) =>
      alive ? [[pid, { pid, started: '', parent: 1, under_tmux: true, pane, server: null }] as const] : [],
    )
    return agentLiveness(asked, new Map(processes))
  }

  #draw(): Kept {
    const panes: Pane[] = []
    const screens = new Map<string, readonly string[]>()
    for (const agent of this.agents.values()) {
      const drawn = this.#drawn.get(agent) ?? { pane: agent.facts({ window_id: '@1' }), screen: agent.screen() }
      this.#drawn.set(agent, drawn)
      panes.push(drawn.pane)
      screens.set(agent.pane, drawn.screen)
    }
    const { name: machine, session } = this.machine
    const head = { machine, session, session_id: '$0', state: 'up' as const, server_started: this.serverStarted, clock: 0, windows: [] }
    return { snapshot: { ...head, panes }, screens }
  }

  /** Throws if the connection is gone: nobody knows then whether what was asked for is done. */
  asked<T>(act: () => T): T {
    const cut = () => new BurnError('machine_unreachable', `the connection to ${this.machine.name} ended`, 'it is simulated')
    const { breaks } = this
    this.breaks = null
    if (!this.reachable || !this.up || breaks === 'before') throw cut()
    const answer = act()
    if (breaks === 'after') throw cut()
    return answer
  }

  type(typing: Typing): Typed {
    const { pane, agent_pid } = typing.target
    const agent = this.agents.get(pane)
    if (agent === undefined || !agent.alive || agent.pid !== agent_pid) return { outcome: 'refused', why: 'its agent is gone' }
    this.changed(agent)
    const enter = () => agent.enter((line) => this.#read(line))
    if ('submit' in typing) {
      if (typing.submit !== '\r') throw new RangeError(`the key ${JSON.stringify(typing.submit)} is not simulated`)
      enter()
    } else {
      for (const piece of typing.place) {
        if ('key' in piece) throw new RangeError(`the key ${piece.key} is not simulated`)
        agent.paste('paste' in piece ? piece.paste : piece.type)
      }
    }
    return { outcome: 'done', why: '' }
  }

  /** Returns false if the pane has another process than was seen. */
  start({ pane: { id, pid } }: Launch): boolean {
    const agent = this.agents.get(id)
    if (agent === undefined || agent.pid !== pid) return false
    if (agent.alive) agent.die()
    agent.start(this.#pids++)
    this.changed(agent)
    return true
  }

  /** Throws where the machine can't be reached. */
  write(texts: readonly WrittenText[]): Map<string, Placed> {
    if (!this.reachable || !this.up) throw new BurnError('machine_files', `${this.machine.name} can't be reached`, 'it is simulated')
    for (const { file, text } of texts) this.#files.set(file, text)
    return new Map(texts.map(({ id, dir }) => [id, { directory: homeOf(dir) }]))
  }

  /** What a submitted line says: the text of the file that it names, as an agent reads it, or itself. The file is not read twice. */
  #read(line: string): string {
    const path = / Read .* of (?:\S*\/)?(\.burn\/\S+) \(/.exec(line)?.[1]
    if (path === undefined) return line
    const text = this.#files.get(path)
    if (text === undefined) throw new RangeError(`an agent was told to read ${path}, which is not there`)
    this.#files.delete(path)
    return text
  }
}

/** Absolute, as a shell resolves it. */
function homeOf(dir: string): string {
  return dir.replace(/^~(?=\/|$)/, '/home/agent')
}

/** What a process goes through at each call to a machine. */
export interface Trip {
  there(machine: string): Promise<void>
  back(): Promise<void>
}

/** The machines as one process reaches them. */
export function reach(machines: ReadonlyMap<string, SimulatedMachine>, trip: Trip): Machines {
  const dropped = new Map<string, string>()
  return {
    open: async (wanted) =>
      wanted.map((machine) => {
        const there = machines.get(machine.name)
        if (there === undefined) throw new RangeError(`${machine.name} is not simulated`)
        return hostOf(there, trip, dropped)
      }),
    liveness: async (machine, agents) => machines.get(machine.name)?.census(agents) ?? null,
    close: async () => {},
  }
}

function hostOf(there: SimulatedMachine, trip: Trip, dropped: Map<string, string>): PaneHost {
  const { machine, reachable, up } = there
  const { name } = machine
  const ask = async <T>(act: () => T): Promise<T> => {
    await trip.there(name)
    const answer = act()
    await trip.back()
    return answer
  }
  const look = async () => {
    await trip.there(name)
    return there.look()
  }
  return {
    machine,
    state: !reachable ? 'unreachable' : up ? 'up' : 'down',
    reason: dropped.get(name) ?? 'simulated: no route',
    hint: '',
    tmux: null,
    modes_block: false,
    snapshotWithScreens: look,
    snapshot: async () => (await look()).snapshot,
    // What a simulated agent shows never scrolls away.
    history: (panes) => ask(() => there.asked(() => new Map(panes.map(({ id }) => [id, []])))),
    type: (all) => ask(() => there.asked(() => all.map((typing) => there.type(typing)))),
    start: (launches) => ask(() => there.asked(() => launches.map((launch) => there.start(launch)))),
    write: (texts) => ask(() => there.write(texts)),
    drop: async (thrown) => void dropped.set(name, messageOf(thrown)),
  }
}
