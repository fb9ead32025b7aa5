/** Simulates machines in memory: tmux servers with panes and agents. */
import type { AgentLiveness } from '../core/incarnation.ts'
import type { Incarnation, Machine, WorkerId } from '../core/nouns.ts'
import type { HomeTexts, Launch, Machines, PaneHost, Placed, SnapshotWithScreens, Typed, Typing, WrittenText } from '../core/pane-host.ts'
import type { MachineFacts } from '../core/machine-facts.ts'
import type { LoginAccess } from '../core/login.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { UsageRecords } from '../core/usage.ts'
import type { AgentWorld } from './agent.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { agentLiveness, pidsOf } from '../core/incarnation.ts'
import { SimulatedAgent } from './agent.ts'

/** Simulated agents have no logins. */
const noLogins: LoginAccess = { read: async () => null, renew: async () => 'no_answer' }

/** Simulated agents record no usage. */
const noUsage: UsageRecords = { list: async () => null, read: async () => null, query: async () => null }

const agentStarted = 1_000_000

interface UpSnapshot extends SnapshotWithScreens {
  readonly snapshot: Extract<MachineSnapshot, { state: 'up' }>
}

interface DrawnPane {
  readonly pane: Pane
  readonly screen: readonly string[]
}

/** A simulated machine: one tmux server with its panes and agents. */
export class SimulatedMachine {
  readonly machine: Machine
  readonly agents: ReadonlyMap<string, SimulatedAgent>
  reachable = true
  up = true
  serverStarted = agentStarted
  /** The records of usage of the machine's agents. */
  usage: UsageRecords = noUsage
  /** The texts of the configuration files of the machine's agents. */
  texts: HomeTexts = { home: '/home/agent', texts: new Map() }
  /** The facts that the machine reports beside its clock and its processes. */
  reported: Partial<MachineFacts> = {}
  /** If not null, the connection breaks at the next write: before or after the machine carries out the write. */
  breaks: 'before' | 'after' | null = null
  readonly #world: AgentWorld
  /** Files with texts for agents, by name. A file is removed when an agent reads it. */
  readonly #files = new Map<string, string>()
  #pids = 100
  #cached: UpSnapshot | null = null
  /** The cached pane and screen of each agent. When an agent changes, its entry is dropped. */
  readonly #drawn = new Map<SimulatedAgent, DrawnPane>()

  constructor(machine: Machine, world: AgentWorld) {
    this.machine = machine
    this.#world = world
    let panes = 0
    const agents = machine.windows.flatMap(({ name, workers }) =>
      workers.map(({ id }) => new SimulatedAgent({ worker: id, window: name, pane: `%${panes++}`, pid: this.#pids++ }, world)),
    )
    this.agents = new Map(agents.map((agent) => [agent.pane, agent]))
  }

  /** Returns the agent of a worker. */
  agentOf(worker: WorkerId): SimulatedAgent | undefined {
    return [...this.agents.values()].find((agent) => agent.worker === worker)
  }

  /** Drops the cached pane and screen of an agent, or of all agents if none is given. */
  changed(agent?: SimulatedAgent): void {
    this.#cached = null
    if (agent === undefined) this.#drawn.clear()
    else this.#drawn.delete(agent)
  }

  /** Makes the machine reachable or unreachable. */
  reach(reachable: boolean): void {
    this.reachable = reachable
    this.changed()
  }

  /** Starts the tmux server, and an agent in each pane that has none. */
  bringUp(): void {
    if (!this.up) this.serverStarted += 1
    this.up = true
    for (const agent of this.agents.values()) if (!agent.alive) agent.start(this.#pids++)
    this.changed()
  }

  /** Ends the tmux server with all its agents. */
  bringDown(): void {
    this.up = false
    for (const agent of this.agents.values()) agent.die()
    this.changed()
  }

  /** Returns a snapshot of the machine with the screens of its agents. */
  snapshot(): SnapshotWithScreens {
    const name = this.machine.name
    if (!this.reachable) return { snapshot: { machine: name, state: 'unreachable', reason: 'simulated: no route' }, screens: new Map() }
    if (!this.up) return { snapshot: { machine: name, state: 'down' }, screens: new Map() }
    const clock = Math.floor(this.#world.clock.now() / 1000) * 1000
    this.#cached ??= this.#draw()
    return { ...this.#cached, snapshot: { ...this.#cached.snapshot, clock } }
  }

  /** Returns the machine's facts; null if it is unreachable. Facts that `reported` does not have are unknown. */
  facts(): MachineFacts | null {
    if (!this.reachable) return null
    const none = { load: null, cores: null, memory_total: null, memory_free: null, disk_total: null, disk_free: null, socket_folder: null }
    const running = [...this.agents.values()].filter(({ alive }) => alive)
    const processes = running.map(({ pid, worker }) => ({ pid, parent: 1, memory: 0, command: 'agent', worker, socket: null }))
    return { clock: this.#world.clock.now(), ...none, processes, jobs: null, ...this.reported }
  }

  /** Looks up agents in the machine's process table. Returns which of them are running and which have ended. */
  liveness(asked: readonly Incarnation[]): AgentLiveness {
    const processes = [...this.agents.values()].flatMap(({ alive, pid, pane }) =>
      alive ? [[pid, { pid, started: '', parent: 1, under_tmux: true, pane, server: null }] as const] : [],
    )
    return agentLiveness(asked, new Map(processes))
  }

  #draw(): UpSnapshot {
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

  /** Runs a write, and returns its result. Throws BurnError `machine_unreachable` if the connection breaks, before or after the write. */
  overConnection<T>(act: () => T): T {
    const cut = () => new BurnError('machine_unreachable', `the connection to ${this.machine.name} ended`, 'this is a simulated fault')
    const { breaks } = this
    this.breaks = null
    if (!this.reachable || !this.up || breaks === 'before') throw cut()
    const answer = act()
    if (breaks === 'after') throw cut()
    return answer
  }

  /** Types a text into a pane, or presses a key such as Enter there. */
  type(typing: Typing): Typed {
    const { pane, agent_pid } = typing.target
    const agent = this.agents.get(pane)
    if (agent === undefined || !agent.alive || agent.pid !== agent_pid) return { outcome: 'refused', why: 'its agent is gone' }
    if ('place' in typing && typing.after !== undefined) {
      if (agent.last_text !== typing.after) return { outcome: 'refused', why: 'burn has typed another text' }
      agent.last_text = typing.id
    }
    this.changed(agent)
    const enter = () => agent.enter((line) => this.#read(line))
    if ('submit' in typing) {
      if (typing.submit !== '\r') throw new RangeError(`the simulation does not know the key ${JSON.stringify(typing.submit)}`)
      enter()
    } else {
      for (const piece of typing.place) {
        if ('key' in piece) throw new RangeError(`the simulation does not know the key ${piece.key}`)
        agent.paste('paste' in piece ? piece.paste : piece.type)
      }
    }
    return { outcome: 'done', why: '' }
  }

  /** Starts an agent in a pane. Returns false if the pane's process is no longer the one of the snapshot. */
  start({ id: agentId, pane: { id, pid } }: Launch): boolean {
    const agent = this.agents.get(id)
    if (agent === undefined || agent.pid !== pid) return false
    if (agent.alive) agent.die()
    agent.start(this.#pids++, agentId)
    this.changed(agent)
    return true
  }

  /** Ends the agents, and returns those that have ended. */
  end(agents: readonly Incarnation[]): ReadonlySet<Incarnation> {
    const pids = pidsOf(agents)
    for (const each of this.agents.values()) if (each.alive && pids.includes(each.pid)) each.die()
    this.changed()
    return this.liveness(agents).ended
  }

  /** Writes texts to files. Throws BurnError `machine_files` if the machine is unreachable. */
  write(texts: readonly WrittenText[]): Map<string, Placed> {
    if (!this.reachable || !this.up)
      throw new BurnError('machine_files', `${this.machine.name} can't be reached`, 'this is a simulated fault')
    for (const { file, text } of texts) this.#files.set(file, text)
    return new Map(texts.map(({ id, dir }) => [id, { directory: absoluteOf(dir) }]))
  }

  /** Returns the text of the file that a submitted line names, or the line itself. Each file is read only once. */
  #read(line: string): string {
    const path = / Read .* of (?:\S*\/)?(\.burn\/\S+) \(/.exec(line)?.[1]
    if (path === undefined) return line
    const text = this.#files.get(path)
    if (text === undefined) throw new RangeError(`a prompt told an agent to read ${path}, but this file does not exist`)
    this.#files.delete(path)
    return text
  }
}

/** Returns the absolute path of a directory, with `~` resolved as a shell does. */
function absoluteOf(dir: string): string {
  return dir.replace(/^~(?=\/|$)/, '/home/agent')
}

/** Simulates the way to a machine and back: delays and faults before and after each call. */
export interface RoundTrip {
  before(machine: string): Promise<void>
  after(): Promise<void>
}

/** Returns the port `Machines` through which one simulated process reaches the simulated machines. */
export function machinesOver(machines: ReadonlyMap<string, SimulatedMachine>, trip: RoundTrip): Machines {
  const dropped = new Map<string, string>()
  return {
    open: async (wanted) =>
      wanted.map((machine) => {
        const simulated = machines.get(machine.name)
        if (simulated === undefined) throw new RangeError(`${machine.name} is not simulated`)
        return hostOf(simulated, trip, dropped)
      }),
    liveness: async (machine, agents) => machines.get(machine.name)?.liveness(agents) ?? null,
    close: async () => {},
  }
}

function hostOf(simulated: SimulatedMachine, trip: RoundTrip, dropped: Map<string, string>): PaneHost {
  const { machine, reachable, up } = simulated
  const { name } = machine
  const ask = async <T>(act: () => T): Promise<T> => {
    await trip.before(name)
    const answer = act()
    await trip.after()
    return answer
  }
  const snapshotWithScreens = async () => {
    await trip.before(name)
    return simulated.snapshot()
  }
  return {
    machine,
    state: !reachable ? 'unreachable' : up ? 'up' : 'down',
    reason: dropped.get(name) ?? 'simulated: no route',
    hint: '',
    tmux: null,
    modes_block: false,
    snapshotWithScreens,
    snapshot: async () => (await snapshotWithScreens()).snapshot,
    capture: async () => {
      const { snapshot, screens } = await snapshotWithScreens()
      const placed = [...screens].map(([id, rows], index) => {
        return [id, { left: 0, top: index * (rows.length + 1), active: index === 0, zoomed: false, rows }] as const
      })
      return { snapshot, panes: new Map(placed) }
    },
    // A simulated agent's screen has no history.
    history: (panes) => ask(() => simulated.overConnection(() => new Map(panes.map(({ id }) => [id, []])))),
    type: (all) => ask(() => simulated.overConnection(() => all.map((typing) => simulated.type(typing)))),
    start: (launches) => ask(() => simulated.overConnection(() => launches.map((launch) => simulated.start(launch)))),
    end: (agents) => ask(() => simulated.end(agents)),
    write: (texts) => ask(() => simulated.write(texts)),
    facts: () => ask(() => simulated.facts()),
    texts: () => ask(() => simulated.texts),
    usage: simulated.usage,
    logins: noLogins,
    drop: async (thrown) => void dropped.set(name, messageOf(thrown)),
  }
}
