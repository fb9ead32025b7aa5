/** Machines in memory: panes with agents, reached through commands as tmux takes them. */
import type { Census } from '../core/incarnation.ts'
import type { Incarnation, Machine, WorkerId } from '../core/nouns.ts'
import type { MachineSight, Pane } from '../core/panes.ts'
import type { Tmux, TmuxCommand, TmuxReply } from '../core/ports.ts'
import type { Placed, WrittenText } from '../host/texts.ts'
import type { Link, Machines } from '../observe/machines.ts'
import type { MachineScreens } from '../observe/readings.ts'
import type { AgentWorld } from './agent.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { takeCensus } from '../core/incarnation.ts'
import { SimulatedAgent } from './agent.ts'

/** As tmux 3.3a: what is pasted goes in as bytes. */
const version = '3.3a'
const agentStarted = 1_000_000

interface Kept extends MachineScreens {
  readonly sight: Extract<MachineSight, { state: 'up' }>
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
  readonly #buffers = new Map<string, string>()
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
      workers.map(({ id }) => new SimulatedAgent(id, name, `%${panes++}`, this.#pids++, world)),
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

  look(): MachineScreens {
    const name = this.machine.name
    if (!this.reachable) return { sight: { machine: name, state: 'unreachable', reason: 'simulated: no route' }, screens: new Map() }
    if (!this.up) return { sight: { machine: name, state: 'down' }, screens: new Map() }
    const clock = Math.floor(this.#world.clock.now() / 1000) * 1000
    this.#kept ??= this.#draw()
    return { ...this.#kept, sight: { ...this.#kept.sight, clock } }
  }

  /** What the machine's process table says of agents. */
  census(asked: readonly Incarnation[]): Census {
    const processes = [...this.agents.values()].flatMap(({ alive, pid, pane }) =>
      alive ? [[pid, { pid, started: '', parent: 1, under_tmux: true, pane, server: null }] as const] : [],
    )
    return takeCensus(asked, new Map(processes))
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
    return { sight: { ...head, panes }, screens }
  }

  /** Throws where the connection is gone: whether what was asked for is done is not known then. */
  run(lines: readonly (readonly TmuxCommand[])[]): TmuxReply[] {
    const cut = () => new BurnError('tmux_closed', `the connection to ${this.machine.name} ended`, 'it is simulated')
    const { breaks } = this
    this.breaks = null
    if (!this.reachable || !this.up || breaks === 'before') throw cut()
    const replies = lines.map((line) => this.#line(line))
    if (breaks === 'after') throw cut()
    return replies
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

  #line(line: readonly TmuxCommand[]): TmuxReply {
    const said: string[] = []
    for (const words of line) {
      const [command] = words
      if (command === 'set-buffer') this.#buffers.set(words[2] ?? '', words[4] ?? '')
      else if (command === 'capture-pane') said.push(...(this.agents.get(words.at(-1) ?? '')?.screen() ?? []))
      else if (command === 'if-shell') said.push(this.#guarded(words))
      else throw new RangeError(`${command} is not simulated`)
    }
    return { ok: true, lines: said, error: null }
  }

  /** `if-shell -F -t <pane> #{==:<facts>,<facts wanted>} <insert> <refuse>`: pastes of the line's buffers, where the agent is the one that was meant. */
  #guarded(words: TmuxCommand): string {
    const [, , , pane = '', condition = '', insert = ''] = words
    const agent = this.agents.get(pane)
    const buffers = [...insert.matchAll(/paste-buffer -d -r -b (\S+) /g)].map(([, name = '']) => name)
    const texts = buffers.map((name) => this.#buffers.get(name) ?? '')
    for (const name of buffers) this.#buffers.delete(name)
    const wanted = /,(%\d+) (\d+) \d+ 0 open\}$/.exec(condition)
    if (agent === undefined || !agent.alive || wanted?.[2] !== String(agent.pid)) return 'burn-refused'
    this.changed(agent)
    for (const text of texts) {
      if (text === '\r') agent.enter((line) => this.#read(line))
      else agent.paste(text.replaceAll('\u001b[200~', '').replaceAll('\u001b[201~', ''))
    }
    return 'burn-done'
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
export function reach(machines: ReadonlyMap<string, SimulatedMachine>, trip: Trip): Pick<Machines, keyof Machines> {
  const dropped = new Map<string, string>()
  const linkOf = (machine: Machine): Link => {
    const there = machines.get(machine.name)
    const link = { machine, hint: '', reason: dropped.get(machine.name) ?? 'simulated: no route' }
    if (there === undefined || !there.reachable) return { ...link, tmux: null, state: 'unreachable' }
    return there.up ? { ...link, tmux: channel(there), state: 'up' } : { ...link, tmux: null, state: 'down' }
  }
  const channel = (there: SimulatedMachine): Tmux => ({
    machine: there.machine.name,
    session: '$0',
    version,
    run: async (lines) => {
      if (lines.length === 0) return []
      await trip.there(there.machine.name)
      const replies = there.run(lines)
      await trip.back()
      return replies
    },
    listen: () => false,
    close: async () => {},
  })
  const look = async ({ machine }: Link): Promise<MachineScreens> => {
    await trip.there(machine.name)
    return machines.get(machine.name)?.look() ?? { sight: { machine: machine.name, state: 'down' }, screens: new Map() }
  }
  return {
    open: async (wanted) => wanted.map(linkOf),
    look,
    sight: async (link) => (await look(link)).sight,
    census: async (machine, agents) => machines.get(machine.name)?.census(agents) ?? null,
    write: async ({ machine }, texts) => {
      await trip.there(machine.name)
      const written = machines.get(machine.name)?.write(texts) ?? new Map<string, Placed>()
      await trip.back()
      return written
    },
    drop: async ({ machine }, thrown) => void dropped.set(machine.name, messageOf(thrown)),
    close: async () => {},
  }
}
