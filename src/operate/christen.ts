/** Wakes an agent in every pane that has none, and tells each worker who it is. */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { AgentStart } from '../core/agent.ts'
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Session } from '../observe/session.ts'
import { paneAgent } from '../agents/index.ts'
import { activeStates } from '../core/lifecycle.ts'
import { looping, loopsIn } from '../decide/stops.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { adviceOn } from '../observe/agents.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { CircuitBreakers } from '../deliver/circuit-breakers.ts'
import { prepareAgentStarts } from './agent-files.ts'
import { identityFor } from '../claim/prompts.ts'
import { leaseLength, withLeases } from '../observe/session.ts'
import { sentence } from '../decide/wording.ts'
import { MachineDeliveries, writerOf } from '../deliver/round.ts'

/** `planned`: what a dry run would do. `named`: told who it is, and seen so. `already`: it knew. `unproven`: told, but not seen. `failed`: see why. */
export type Outcome = 'planned' | 'named' | 'already' | 'unproven' | 'failed'

export interface Christening {
  readonly worker: string
  readonly outcome: Outcome
  readonly why: string
}

export interface ChristenOptions {
  /** Agents that may be starting at once on one machine; null: as many as it has cores, and at least two. */
  readonly parallel: number | null
  readonly dryRun: boolean
  /** Agents get hooks where the spec and their kind have them. */
  readonly hooks: boolean
  readonly onWithoutHooks: (worker: string, why: string) => void
  readonly onOutcome: (christening: Christening) => void
}

const shells = /^-?(?:ba|z|da|fi|k)?sh$/

/** Idempotent: an agent that was told stays as it is. On `stop` no more are started; those that were are seen through. */
export async function christen(
  workers: readonly Worker[],
  session: Session,
  stop: AbortSignal,
  options: ChristenOptions,
): Promise<Christening[]> {
  const names = new Set(workers.map(({ machine }) => machine))
  const hosts = await session.machines.open(session.fleet.machines.filter(({ name }) => names.has(name)))
  const all = await withLeases(session, async () => {
    const taken = await session.ledger.takeOverDeliveries(session.owner, session.clock.now() + leaseLength, session.clock.now())
    const breakers = options.dryRun ? null : new CircuitBreakers(session, (await session.ledger.view()).recent)
    const shared = { holds: new Map(), breakers, write: writerOf(session) }
    return mapConcurrently(hosts, hosts.length, async (host) => {
      const own = workers.filter(({ machine }) => machine === host.machine.name)
      const begun = taken.filter(({ kind, worker }) => kind === 'identity' && own.some(({ id }) => id === worker))
      return new Ward(own, new MachineDeliveries(host, begun, shared, session), session, options).run(stop)
    })
  })
  return all.flat()
}

/** One machine's christening: a queue of workers, and those whose agents are waking. */
class Ward {
  readonly #done: Christening[] = []
  #starts: ReadonlyMap<WorkerId, AgentStart> = new Map()
  readonly #workers: readonly Worker[]
  /** The identities of those whose agents are waking. */
  readonly #waking: MachineDeliveries
  readonly #session: Session
  readonly #options: ChristenOptions

  constructor(workers: readonly Worker[], waking: MachineDeliveries, session: Session, options: ChristenOptions) {
    this.#workers = workers
    this.#waking = waking
    this.#session = session
    this.#options = options
  }

  async run(stop: AbortSignal): Promise<Christening[]> {
    const queue = await this.#queue()
    if (this.#options.hooks && !this.#options.dryRun) {
      const asleep = queue.filter(({ alive }) => !alive).map(({ worker }) => worker)
      this.#starts = await prepareAgentStarts(this.#waking.host.machine, asleep, this.#session.fleet.name)
    }
    const most = this.#options.parallel ?? Math.max(2, this.#waking.host.machine.cores ?? 4)
    while (this.#waking.all.length > 0 || (queue.length > 0 && !stop.aborted)) {
      const next = stop.aborted ? [] : queue.splice(0, most - this.#waking.all.length)
      if (next.length > 0) await this.#begin(next)
      if (this.#waking.all.length > 0 && !(await this.#step(stop))) await this.#session.clock.sleep(60, stop)
      if (stop.aborted && this.#waking.all.every(({ state }) => state === 'planned')) break
    }
    for (const { worker } of stop.aborted ? queue : []) this.#finish(worker.id, 'failed', 'stopped before its agent was started')
    return this.#done
  }

  /** Workers to start or to tell; what needs nothing is finished at once. */
  async #queue(): Promise<{ worker: Worker; pane: Pane; alive: boolean }[]> {
    const sight = await this.#waking.host.snapshot()
    if (sight.state !== 'up') {
      const why = sight.state === 'down' ? `no session on ${sight.machine} (burn up ${sight.machine})` : `unreachable: ${adviceOn(sight)}`
      for (const { id } of this.#workers) this.#finish(id, 'failed', why)
      return []
    }
    const panes = new Map(sight.panes.map((pane) => [pane.worker, pane]))
    const queue = []
    const begun = new Set(this.#waking.all.map(({ worker }) => worker))
    const loops = await this.#loops()
    for (const worker of this.#workers.filter(({ id }) => !begun.has(id))) {
      if (loops.has(worker.id)) {
        this.#finish(worker.id, 'already', sentence(looping))
        continue
      }
      const pane = panes.get(worker.id)
      if (pane === undefined) {
        this.#finish(worker.id, 'failed', `it has no pane (burn up ${worker.machine})`)
        continue
      }
      if (!pane.made && !pane.dead && pane.agent_pid !== pane.pid && !shells.test(pane.command)) {
        this.#finish(worker.id, 'failed', `${pane.command} runs in its pane, and was not started by burn`)
        continue
      }
      const incarnation = incarnationOf(pane, sight.server_started)
      const told = incarnation === null ? null : await this.#told(worker, incarnation)
      if (told === null) queue.push({ worker, pane, alive: incarnation !== null })
      else this.#finish(worker.id, 'already', told)
    }
    return queue
  }

  async #loops(): Promise<ReadonlyMap<WorkerId, Reason>> {
    const { ledger, owner, clock } = this.#session
    return loopsIn((await ledger.deliveryView(owner)).leases, clock.now())
  }

  async #leaveLoops(): Promise<void> {
    const loopers = new Set(this.#workers.filter(({ agent }) => paneAgent(agent).may_loop === true).map(({ id }) => id))
    const waking = this.#waking.all.filter(({ worker, state }) => state === 'planned' && loopers.has(worker))
    const loops = waking.length === 0 ? new Map() : await this.#loops()
    const left = waking.filter(({ worker }) => loops.has(worker))
    if (left.length === 0) return
    const { ledger, owner, clock } = this.#session
    const moves = left.map(({ id, lease_token: token }) => ({
      id,
      token,
      from: 'planned' as const,
      to: 'refused' as const,
      evidence: looping,
    }))
    for (const { worker } of await ledger.moveDeliveries(moves, owner, clock.now())) this.#finish(worker, 'named', sentence(looping))
    this.#waking.all = this.#waking.all.filter((each) => !left.includes(each))
  }

  /** How this very agent was told who it is; null where it was not. */
  async #told(worker: Worker, incarnation: string): Promise<string | null> {
    const [last] = await this.#session.ledger.deliveries({ worker: worker.id, kind: 'identity', limit: 1 })
    if (last === undefined || last.state === 'refused' || last.state === 'mangled') return null
    if (activeStates.includes(last.state)) return 'another process is telling it'
    return last.incarnation === incarnation ? `told before (${last.state})` : null
  }

  async #begin(next: readonly { worker: Worker; pane: Pane; alive: boolean }[]): Promise<void> {
    const { ledger, clock, newId, owner } = this.#session
    if (this.#options.dryRun) {
      for (const { worker, alive } of next)
        this.#finish(worker.id, 'planned', alive ? 'would be told who it is' : 'its agent would be started and told who it is')
      return
    }
    const asleep = next.filter(({ alive }) => !alive)
    const launches = asleep.map(({ worker, pane }) => {
      const { argv, env, queues = false, without_hooks } = this.#starts.get(worker.id) ?? paneAgent(worker.agent).start(worker.agent, null)
      if (without_hooks !== undefined) this.#options.onWithoutHooks(worker.id, without_hooks)
      return { pane, argv, env, queues, without_hooks: without_hooks ?? null, dir: worker.dir }
    })
    try {
      if (launches.length > 0) await this.#waking.host.start(launches)
    } catch (thrown) {
      await this.#waking.host.drop(thrown)
    }
    const texts = await Promise.all(
      next.map(async ({ worker }) => ({
        id: newId(),
        kind: 'identity' as const,
        worker: worker.id,
        text: await identityFor(worker, this.#session),
      })),
    )
    const now = clock.now()
    this.#waking.all = [...this.#waking.all, ...(await ledger.plan(texts, owner, now + leaseLength, now))]
  }

  /** True where something moved. */
  async #step(stop: AbortSignal): Promise<boolean> {
    await this.#leaveLoops()
    const { moved, lost, wrote } = await this.#waking.round(stop.aborted)
    const held = ({ state, lease_owner }: Delivery) => activeStates.includes(state) && lease_owner === this.#session.owner
    for (const delivery of this.#waking.all) {
      const { worker, state, evidence } = delivery
      if (lost) this.#finish(worker, 'failed', 'its machine can not be reached any more')
      else if (!activeStates.includes(state))
        this.#finish(worker, state === 'seen' ? 'named' : state === 'unknown' ? 'unproven' : 'failed', sentence(evidence))
      else if (!held(delivery)) this.#finish(worker, 'failed', 'another process is telling it')
    }
    this.#waking.all = lost ? [] : this.#waking.all.filter(held)
    return moved.length > 0 || wrote
  }

  #finish(worker: string, outcome: Outcome, why: string): void {
    const christening = { worker, outcome, why }
    this.#done.push(christening)
    this.#options.onOutcome(christening)
  }
}
