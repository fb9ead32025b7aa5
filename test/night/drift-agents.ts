/** The simulated agents of a night of drift: what happens to them, which models they use, and the judge's own record of that. */
import type { Ledger } from '../../src/core/ledger.ts'
import type { Fleet, Time, WorkerId } from '../../src/core/nouns.ts'
import type { Launch } from '../../src/core/pane-host.ts'
import type { SimulatedAgent } from '../../src/simulate/agent.ts'
import type { VirtualClock } from '../../src/simulate/clock.ts'
import type { Dispatcher } from '../../src/simulate/dispatcher.ts'
import type { World } from '../../src/simulate/world.ts'
import { startedWith } from '../../src/agents/started-with.ts'
import { newId } from '../../src/core/ids.ts'
import { seeded } from '../../src/core/random.ts'
import { machineOf } from '../../src/core/refs.ts'
import { identityPrompt } from '../../src/decide/prompts.ts'
import { AgentRecords, person } from './agent-records.ts'
import { changed, hermesConfig, injections, isAlone, isKnown, normal, Schedule, stateOf, type Life, type TrueDrift } from './drift-life.ts'

const [minute, hour] = [60_000, 3_600_000]

interface Parts {
  readonly fleet: Fleet
  readonly world: World
  readonly clock: VirtualClock
  readonly ledger: Ledger
  readonly seed: number
  readonly injects: boolean
}

/** The agents of a night, and what happens to them. */
export class DriftAgents {
  readonly drifts: TrueDrift[] = []
  readonly #lives = new Map<WorkerId, Life>()
  readonly #records = new Map<string, AgentRecords>()
  /** The end of the time in which burn takes no sample of a machine; '' stands for all machines. */
  readonly #blindUntil = new Map<string, Time>()
  readonly #kills: Time[] = []
  readonly #random: () => number
  readonly #parts: Parts
  readonly #schedule: Schedule
  #sessions = 0
  #last = 0

  constructor(parts: Parts) {
    const { fleet, world, clock, seed } = parts
    this.#parts = parts
    this.#random = seeded(seed + 3)
    this.#schedule = new Schedule(clock, this.#random)
    for (const [index, { name, windows }] of fleet.machines.entries()) {
      const machine = world.machines.get(name)!
      const skew = () => index * 90_000
      const records = new AgentRecords(machine, () => clock.now(), skew)
      this.#records.set(name, records)
      machine.usage = records
      machine.texts = { home: person, texts: new Map([['~/.hermes/config.yaml', JSON.stringify(hermesConfig)]]) }
      for (const worker of windows.flatMap((window) => window.workers)) {
        const agent = machine.agentOf(worker.id)!
        const rest = {
          session: `s${++this.#sessions}`,
          kind: null,
          started: clock.now(),
          by_burn: false,
          begun: 0,
          turns: 0,
          current: null,
        }
        const life = { worker, agent, ...rest, sessions: new Map<string, string>(), renews: false, drift: null }
        this.#lives.set(worker.id, life)
      }
    }
  }

  /** How often each event happened. */
  get counts(): ReadonlyMap<string, number> {
    return this.#schedule.counts
  }

  /** Returns the times at which the jobs read each machine, without those at which the dispatcher was killed. */
  reads(): ReadonlyMap<string, readonly Time[]> {
    const isWhole = (at: Time) => !this.#kills.some((kill) => kill >= at && kill < at + minute)
    return new Map([...this.#records].map(([name, { reads }]) => [name, reads.filter(isWhole)]))
  }

  /** Starts most agents as burn does, and schedules all events. */
  async begin(dispatcher: Dispatcher): Promise<void> {
    for (const [index, life] of [...this.#lives.values()].entries()) {
      if (index % 5 !== 4) await this.#restartByBurn(life, false, false)
      for (const [name, act] of Object.entries(this.#harmless()))
        this.#often(name, (name === 'turn in the folder' ? 2 : 5) * hour, life, act)
      if (this.#parts.injects) this.#often('injection', 2 * hour, life, (each) => this.#inject(each))
    }
    this.#schedule.every('dispatcher ends', 5 * hour, (at) => {
      this.#kills.push(at)
      this.#blindUntil.set('', at + 35 * minute)
      dispatcher.injectFault({ kind: 'dispatcher', at, whom: 0, how: 0, lasts: 25 * minute })
    })
    for (const [name, machine] of this.#parts.world.machines)
      this.#schedule.every('machine unreachable', 4 * hour, () => {
        machine.reach(false)
        const lasts = (5 + this.#random() * 40) * minute
        this.#blindUntil.set(name, this.#parts.clock.now() + lasts + 10 * minute)
        this.#schedule.later(lasts, () => machine.reach(true))
      })
  }

  /** The events after which burn must report nothing new. */
  #harmless(): Readonly<Record<string, (life: Life) => unknown>> {
    return {
      'restart by burn': (life) => this.#restartByBurn(life, false, false),
      'continued session': (life) => this.#restartByBurn(life, true, false),
      'restart by a person': (life) => this.#restartByPerson(life),
      'dead for a while': (life) => {
        life.agent.die()
        this.#endDrift(life)
        this.#schedule.later((10 + this.#random() * 80) * minute, () => this.#restartByPerson(life))
      },
      // A person who works with the agent waits until its turn ends.
      'new conversation': (life) => (life.agent.working ? (life.renews = true) : this.#renew(life)),
      'turn in the folder': (life) => this.#otherSession(life),
      'sub-agent': (life) => this.#record(life, { kind: 'aside', asked: 'tiny-model', answered: 'tiny-model' }),
    }
  }

  /** Another session of the program works in the folder: of a person in the default profile, or a process that the agent started. */
  #otherSession(life: Life): void {
    if (this.#isUnsure(life)) return
    const session = `s${++this.#sessions}`
    const in_profile = this.#random() < 0.5
    for (let index = 0; index < 1 + this.#random() * 5; index++)
      this.#schedule.later(index * 4 * minute, () => {
        if (this.#isUnsure(life)) return
        life.sessions.set(session, 'other-model')
        this.#add(life, { session, in_profile, asked: 'other-model', answered: 'other-model', kind: 'own' })
      })
  }

  /** Changes the settings of an agent, and brings them back after a while. */
  async #inject(life: Life): Promise<void> {
    const { clock } = this.#parts
    const kinds = injections.filter((kind) => changed[kindOf(life)][kind] !== undefined)
    const kind = kinds[Math.floor(this.#random() * kinds.length)]!
    const isShared = /\/W[69]$/.test(life.worker.id)
    // Nothing names the model of the seventh worker. Without a conversation, burn cannot tell sessions apart.
    const isSilent = life.worker.agent.model === null && kindOf(life) !== 'hermes'
    if (
      (kind === 'profile' && !life.worker.agent.hooks) ||
      life.kind !== null ||
      life.drift !== null ||
      isShared ||
      isSilent ||
      (!isKnown(life) && !isAlone(life))
    )
      return
    this.#schedule.count(`injected ${kind}`)
    if (kind === 'outdated') return this.#restartByBurn(life, true, true)
    if (kind === 'profile') this.#restartByPerson(life)
    life.kind = kind
    this.#schedule.later((60 + this.#random() * 90) * minute, () => {
      if (life.kind === kind) life.kind = null
    })
    if (kind === 'profile') life.started = clock.now()
  }

  /** Returns true if another session would hide the other settings of an agent whose conversation burn does not know. */
  #isUnsure(life: Life): boolean {
    return (life.kind !== null || life.drift !== null) && !isKnown(life)
  }

  #renew(life: Life): void {
    life.renews = false
    life.session = `s${++this.#sessions}`
    this.#report(life, 'start')
  }

  /** Records the requests of an agent: at the begin of a turn, and at its end. */
  agentChanged(agent: SimulatedAgent): void {
    const life = this.#lives.get(agent.worker)
    if (life === undefined) return
    const [current] = agent.queue
    const isBegin = current !== undefined && current !== life.current
    const isEnd = agent.turns > life.turns
    if (isBegin && life.renews) this.#renew(life)
    if (isBegin) life.begun = this.#parts.clock.now()
    life.turns = agent.turns
    life.current = current
    if (isBegin) this.#goOn(life, current)
    if (!isBegin && !isEnd) return
    this.#report(life, 'turn')
    this.#ownRequest(life)
  }

  /** During a turn, an agent makes a request every few minutes. */
  #goOn(life: Life, turn: unknown): void {
    this.#schedule.later(4 * minute, () => {
      if (life.current !== turn || !life.agent.working) return
      this.#ownRequest(life)
      this.#goOn(life, turn)
    })
  }

  /** Returns true if several samples saw the running turn, and no fault was in their way. */
  #wasSampled({ begun, started, worker }: Life): boolean {
    const seen = Math.max(begun, started, this.#blindUntil.get('') ?? 0, this.#blindUntil.get(worker.machine) ?? 0)
    return this.#parts.clock.now() - seen > 12 * minute
  }

  /** Records a request of an agent, and notes in the truth what it shows. */
  #ownRequest(life: Life): void {
    this.#record(life, {})
    const [now, { kind, worker }] = [this.#parts.clock.now(), life]
    // A reported conversation proves a request at once. Otherwise the samples must show that the agent works.
    const isSampled = isAlone(life) && (life.by_burn || worker.agent.hooks) && this.#wasSampled(life)
    const isProven = isKnown(life) || isSampled
    if (life.drift?.kind === 'outdated') return
    if (kind === null) {
      if (life.drift !== null) life.drift.fades = Math.min(life.drift.fades, now)
      if (isProven) this.#endDrift(life)
      return
    }
    if (life.drift?.kind !== kind) {
      this.#endDrift(life)
      life.drift = { worker: worker.id, kind, state: stateOf[kind], from: now, due: Infinity, fades: Infinity, to: Infinity }
      this.drifts.push(life.drift)
    }
    if (isProven) life.drift.due = Math.min(life.drift.due, now)
  }

  #endDrift(life: Life): void {
    const now = this.#parts.clock.now()
    if (life.drift !== null) Object.assign(life.drift, { fades: Math.min(life.drift.fades, now), to: now })
    life.drift = null
  }

  async #restartByBurn(life: Life, continues: boolean, outdated: boolean): Promise<void> {
    const { world, ledger, clock, fleet } = this.#parts
    const { worker, agent } = life
    const machine = world.machines.get(worker.machine)!
    if (!machine.reachable || !machine.up || !agent.alive) return
    const now = clock.now()
    const told = identityPrompt({ fleet: fleet.name, branch_prefix: fleet.dispatch.branch_prefix, worker }, null)
    const started_with = { ...startedWith(worker.agent, told), ...(outdated ? { environment: 'of an older spec' } : {}) }
    const id = newId((this.#last = Math.max(now, this.#last + 1)), this.#random)
    const own = continues && agent.conversation !== null ? agent.conversation : null
    const given = { id, worker: worker.id, started_with, continues: own, reason: { code: 'no_conversation' } as const }
    const [record] = await ledger.recordAgents([given], 'night', now + 30_000, now)
    if (record === undefined) return
    machine.start({ id, pane: agent.facts({ window_id: '@1' }) } as unknown as Launch)
    await ledger.endStarts([worker.id], 'night')
    this.#started(life, record.continues, true)
    if (!outdated) return
    life.drift = { worker: worker.id, kind: 'outdated', state: 'outdated', from: now, due: now, fades: Infinity, to: Infinity }
    this.drifts.push(life.drift)
  }

  #restartByPerson(life: Life): void {
    const { world } = this.#parts
    const machine = world.machines.get(life.worker.machine)!
    if (life.agent.alive) life.agent.die()
    machine.start({ id: null, pane: life.agent.facts({ window_id: '@1' }) } as unknown as Launch)
    this.#started(life, null, false)
  }

  #started(life: Life, continues: string | null, by_burn: boolean): void {
    this.#endDrift(life)
    const session = continues ?? `s${++this.#sessions}`
    Object.assign(life, { session, kind: null, started: this.#parts.clock.now(), by_burn, renews: false, current: null })
    life.sessions.clear()
    if (by_burn) this.#report(life, 'start')
  }

  /** Lets the hook report the conversation. Claude Code reports it at its start, the others with their first turn. */
  #report(life: Life, when: 'start' | 'turn'): void {
    const { worker, agent, by_burn, session } = life
    if (!worker.agent.hooks || !by_burn || (when === 'start' && worker.agent.kind !== 'claude')) return
    if (agent.conversation === session) return
    agent.conversation = session
    this.#parts.world.machines.get(worker.machine)!.changed(agent)
  }

  #record(life: Life, request: { readonly kind?: 'aside'; readonly asked?: string; readonly answered?: string }): void {
    const kind = kindOf(life)
    const other = life.kind === null ? {} : changed[kind][life.kind]
    const in_profile = life.kind !== 'profile' && life.worker.agent.hooks
    const settings = { ...normal[kind], ...other, ...request }
    if (request.kind !== 'aside') life.sessions.set(life.session, JSON.stringify([settings, in_profile]))
    this.#add(life, { session: life.session, in_profile, kind: 'own', ...settings })
  }

  #add({ worker, agent }: Life, request: Partial<Parameters<AgentRecords['add']>[1]>): void {
    if (!agent.alive) return
    this.#records
      .get(machineOf(worker.id))!
      .add(worker, { ...normal[worker.agent.kind as 'codex'], session: '', kind: 'own', in_profile: true, ...request })
  }

  #often(name: string, mean: number, life: Life, act: (life: Life) => unknown): void {
    this.#schedule.every(name, mean, () => (life.agent.alive ? act(life) : undefined))
  }
}

const kindOf = ({ worker }: Life) => worker.agent.kind as keyof typeof normal
