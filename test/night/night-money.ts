/** The requests of the simulated agents of a night to their models: the records that burn reads, and the night's own record of tokens and money. */
import type { Fleet, Time, Worker, WorkerId } from '../../src/core/nouns.ts'
import type { Prompt, SimulatedAgent } from '../../src/simulate/agent.ts'
import type { World } from '../../src/simulate/world.ts'
import { seeded } from '../../src/core/random.ts'
import { AgentRecords, type RequestTokens } from './agent-records.ts'
import type { NightModel, TrueRequest } from './money-models.ts'

const minute = 60_000
/** The number of requests that an agent makes at once for an issue that uses up its budget. */
const costly = 20

interface Life {
  readonly worker: Worker
  readonly models: readonly NightModel[]
  current: Prompt | null
  turns: number
}

interface Parts {
  readonly fleet: Fleet
  readonly models: ReadonlyMap<WorkerId, readonly NightModel[]>
  readonly world: World
  readonly seed: number
  /** Returns the difference of a machine's clock (ms). */
  readonly skew: (machine: string) => number
}

/** Lets agents make requests during their turns, and records each one. It never reads the ledger. */
export class NightMoney {
  readonly requests: TrueRequest[] = []
  /** Issues whose attempts use many times the tokens of others. */
  readonly costly = new Set<string>()
  /** Workers whose next turn makes no request and does not end, and the time at which that turn began. */
  readonly mute = new Map<WorkerId, Time | null>()
  /** All turns without requests. */
  readonly muted: { readonly worker: WorkerId; readonly at: Time }[] = []
  readonly models: Parts['models']
  /** The times at which burn read the records of each machine. */
  readonly reads = new Map<string, Time[]>()
  readonly #lives = new Map<WorkerId, Life>()
  readonly #records = new Map<string, AgentRecords>()
  /** The requests of each machine that burn has not read. */
  readonly #unread = new Map<string, TrueRequest[]>()
  readonly #parts: Parts
  readonly #random: () => number

  constructor(parts: Parts) {
    const { fleet, world, models, seed, skew } = parts
    this.#parts = parts
    this.models = models
    this.#random = seeded(seed + 11)
    for (const { name, windows } of fleet.machines) {
      const machine = world.machines.get(name)!
      const records = new AgentRecords(
        machine,
        () => world.clock.now(),
        () => skew(name),
      )
      this.#records.set(name, records)
      this.#unread.set(name, [])
      this.reads.set(name, records.reads)
      records.onList = () => this.#listed(name)
      machine.usage = records
      for (const worker of windows.flatMap((window) => window.workers))
        this.#lives.set(worker.id, { worker, models: models.get(worker.id) ?? [], current: null, turns: 0 })
    }
  }

  /** Lets an agent make its requests: soon after the begin of a turn, every few minutes, and at the end. */
  agentChanged(agent: SimulatedAgent): void {
    const life = this.#lives.get(agent.worker)
    if (life === undefined) return
    const before = life.current
    const current = agent.queue[0] ?? null
    if (agent.turns > life.turns && before !== null) this.#request(life, agent, before)
    life.turns = agent.turns
    life.current = current
    if (current === null || current === before) return
    this.#records.get(life.worker.machine)!.prompt(life.worker, sessionOf(life.worker, agent), `[burn ${current.id}] Read all 9 lines of x`)
    if (current.issue === '') return
    if (this.mute.get(agent.worker) === null) {
      const at = this.#parts.world.clock.now()
      this.mute.set(agent.worker, at)
      this.muted.push({ worker: agent.worker, at })
      agent.hangs = true
    }
    this.#goOn(life, agent, current, (3 + this.#random() * 10) * 1000)
  }

  #goOn(life: Life, agent: SimulatedAgent, turn: Prompt, pause: number): void {
    const { clock } = this.#parts.world
    clock.at(clock.now() + pause, () => {
      if (life.current !== turn) return
      if (!agent.hangs && !agent.asks && this.#parts.world.refuses(agent) === null) this.#request(life, agent, turn)
      this.#goOn(life, agent, turn, (2.5 + this.#random() * 3) * minute)
    })
  }

  #request({ worker, models }: Life, agent: SimulatedAgent, { issue }: Prompt): void {
    if (!agent.alive) return
    const at = this.#parts.world.clock.now()
    const between = (least: number, most: number) => Math.round(least + this.#random() * (most - least))
    for (let count = 0; count < (this.costly.has(issue) ? costly : 1); count++)
      for (const model of models) {
        if (model.kind === 'aside' && this.#random() < 0.7) continue
        const cache_write = worker.agent.kind === 'codex' ? 0 : between(0, 4_000)
        const tokens: RequestTokens = {
          input: between(500, 8_000),
          cache_read: between(10_000, 60_000),
          cache_write,
          output: between(100, 2_000),
        }
        const { asked, answered, provider, kind, subscription } = model
        const session = sessionOf(worker, agent)
        const plan = subscription ? { plan: 'team' } : {}
        this.#records.get(worker.machine)!.add(worker, { session, asked, answered, provider, kind, in_profile: false, tokens, ...plan })
        const stamp = at + this.#parts.skew(worker.machine)
        const request: TrueRequest = { worker: worker.id, session, issue, model, tokens, at, stamp, read: null, dated: null }
        this.requests.push(request)
        this.#unread.get(worker.machine)!.push(request)
      }
  }

  /**
   * Notes that burn has read all requests of a machine. A row of Hermes has only the time of its last request, so burn dates all its new
   * tokens to this time.
   */
  #listed(machine: string): void {
    const now = this.#parts.world.clock.now()
    const found = this.#unread.get(machine)!
    this.#unread.set(machine, [])
    const rowOf = ({ session, model }: TrueRequest) => `${session} ${model.name}`
    const last = new Map(found.map((request) => [rowOf(request), request.stamp]))
    for (const request of found) {
      const isHermes = this.#lives.get(request.worker)?.worker.agent.kind === 'hermes'
      request.read = now
      request.dated = (isHermes ? last.get(rowOf(request))! : request.stamp) - this.#parts.skew(machine)
    }
  }
}

/** Returns the name of the session of an agent: one for each process. */
const sessionOf = (worker: Worker, agent: SimulatedAgent) => `${worker.id.replaceAll('/', '-')}-${agent.pid}`
