/** `burn christen`: starts an agent in every pane that has none, and tells each worker its name and role. */
import type { Reason } from '../core/reasons.ts'
import type { Delivery } from '../core/lifecycle.ts'
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Pane } from '../core/panes.ts'
import type { Session } from '../observe/session.ts'
import { paneAgent } from '../agents/index.ts'
import { isShell } from '../agents/screen.ts'
import { activeStates } from '../core/lifecycle.ts'
import { looping, loopsIn } from '../decide/stops.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { adviceOn } from '../observe/agents.ts'
import { driftLine } from '../decide/drift.ts'
import { driftsIn } from '../observe/drift.ts'
import { mapConcurrently } from '../core/concurrency.ts'
import { CircuitBreakers } from '../deliver/circuit-breakers.ts'
import { retiredWorkers } from './up-down.ts'
import { AgentStarts, type StartOptions, type ToStart } from './agent-starts.ts'
import { continueDispatches } from './continue.ts'
import { leaseLength, withLeases } from '../observe/session.ts'
import { sentence } from '../decide/wording.ts'
import { MachineDeliveries, writerOf } from '../deliver/round.ts'

/**
 * `planned`: a dry run. `named`: the agent now has its name. `already`: it had its name before this call. `unproven`: burn typed the text,
 * but found no proof that the agent has it. `failed`: `why` has the reason.
 */
export type Outcome = 'planned' | 'named' | 'already' | 'unproven' | 'failed'

/** The result for one worker. */
export interface Christening {
  readonly worker: string
  readonly outcome: Outcome
  readonly why: string
  /** A phrase that says which conversation the agent has; null if burn started no agent, or knew no earlier conversation. */
  readonly conversation: string | null
}

export interface ChristenOptions extends StartOptions {
  /** Maximum number of agents that start concurrently on one machine; null means its number of cores, but at least two. */
  readonly parallel: number | null
  readonly dryRun: boolean
  readonly onOutcome: (christening: Christening) => void
}

/**
 * Starts and names the agents of these workers, and returns one result for each. It is idempotent: an agent that has its name gets no
 * second identity text. After `stop` it starts no further agents, but names the agents that are starting. Throws if the ledger fails.
 */
export async function christen(
  workers: readonly Worker[],
  session: Session,
  stop: AbortSignal,
  options: ChristenOptions,
): Promise<Christening[]> {
  const all = await withLeases(session, () => christenLeased(workers, session, stop, options))
  if (!options.dryRun) await continueDispatches(workers, session, stop)
  return all
}

/** Does the work of `christen`. The caller renews the leases of this process meanwhile. */
export async function christenLeased(
  workers: readonly Worker[],
  session: Session,
  stop: AbortSignal,
  options: ChristenOptions,
): Promise<Christening[]> {
  const names = new Set(workers.map(({ machine }) => machine))
  const hosts = await session.machines.open(session.fleet.machines.filter(({ name }) => names.has(name)))
  const taken = await session.ledger.takeOverDeliveries(session.owner, session.clock.now() + leaseLength, session.clock.now())
  const breakers = options.dryRun ? null : new CircuitBreakers(session, (await session.ledger.view()).recent)
  const shared = { holds: new Map(), breakers, write: writerOf(session) }
  const all = await mapConcurrently(hosts, hosts.length, async (host) => {
    const own = workers.filter(({ machine }) => machine === host.machine.name)
    const unfinished = taken.filter(({ kind, worker }) => kind === 'identity' && own.some(({ id }) => id === worker))
    return new MachineChristening(own, new MachineDeliveries(host, unfinished, shared, session), session, options).run(stop)
  })
  return all.flat()
}

/** A worker to start or to name. `alive`: an agent runs in its pane. */
type Queued = ToStart & { readonly alive: boolean }

/** Christens the workers of one machine. A limited number of agents start at the same time; the other workers wait in a queue. */
class MachineChristening {
  readonly #done: Christening[] = []
  /** The workers whose agent burn must start or name. */
  #queue: Queued[] = []
  readonly #starts: AgentStarts
  readonly #workers: readonly Worker[]
  /** The identity texts of the workers whose agents are starting. */
  readonly #starting: MachineDeliveries
  readonly #session: Session
  readonly #options: ChristenOptions

  constructor(workers: readonly Worker[], starting: MachineDeliveries, session: Session, options: ChristenOptions) {
    this.#workers = workers
    this.#starting = starting
    this.#session = session
    this.#options = options
    this.#starts = new AgentStarts(session, options)
  }

  async run(stop: AbortSignal): Promise<Christening[]> {
    this.#queue = await this.#readQueue()
    if (!this.#options.dryRun) {
      const withoutAgent = this.#queue.filter(({ alive }) => !alive).map(({ worker }) => worker)
      await this.#starts.prepare(this.#starting.host, withoutAgent)
    }
    const limit = this.#options.parallel ?? Math.max(2, this.#starting.host.machine.cores ?? 4)
    while (this.#starting.all.length > 0 || (this.#queue.length > 0 && !stop.aborted)) {
      const next = stop.aborted ? [] : this.#queue.splice(0, limit - this.#starting.all.length)
      if (next.length > 0) await this.#begin(next)
      if (this.#starting.all.length > 0 && !(await this.#step(stop))) await this.#session.clock.sleep(60, stop)
      if (stop.aborted && this.#starting.all.every(({ state }) => state === 'planned')) break
    }
    for (const { worker } of stop.aborted ? this.#queue : [])
      this.#finish(worker.id, 'failed', 'burn was stopped before it started the agent')
    return this.#done
  }

  /** Returns the workers whose agent burn must start or name. Stores the results of all other workers immediately. */
  async #readQueue(): Promise<Queued[]> {
    const snapshot = await this.#starting.host.snapshot()
    if (snapshot.state !== 'up') {
      const why =
        snapshot.state === 'down'
          ? `no session on ${snapshot.machine} (to create it: burn up ${snapshot.machine})`
          : `unreachable: ${adviceOn(snapshot)}`
      for (const { id } of this.#workers) this.#finish(id, 'failed', why)
      return []
    }
    const panes = new Map(snapshot.panes.map((pane) => [pane.worker, pane]))
    const queue = []
    await this.#dropGone(panes, snapshot.server_started)
    const unfinished = new Set(this.#starting.all.map(({ worker }) => worker))
    const loops = await this.#loops()
    const drifts = await driftsIn(this.#starting.host.machine, snapshot, this.#session)
    const retired = await retiredWorkers(this.#session)
    for (const worker of this.#workers.filter(({ id }) => !unfinished.has(id))) {
      if (retired.has(worker.id)) {
        this.#finish(worker.id, 'already', `a person retires the worker (to bring it back: burn resume ${worker.name})`)
        continue
      }
      if (loops.has(worker.id)) {
        this.#finish(worker.id, 'already', sentence(looping))
        continue
      }
      const pane = panes.get(worker.id)
      if (pane === undefined) {
        this.#finish(worker.id, 'failed', `the worker has no pane (to create it: burn up ${worker.machine})`)
        continue
      }
      if (!pane.made && !pane.dead && pane.agent_pid !== pane.pid && !isShell(pane.command)) {
        this.#finish(worker.id, 'failed', `the pane runs ${pane.command}, which burn did not start`)
        continue
      }
      const incarnation = incarnationOf(pane, snapshot.server_started)
      const reason = incarnation === null ? null : await this.#whyNamed(worker, incarnation)
      if (reason === null) queue.push({ worker, pane, alive: incarnation !== null })
      else {
        const drift = drifts.get(worker.id)
        this.#finish(worker.id, 'already', drift === undefined ? reason : `${reason}. ${driftLine(drift)}`)
      }
    }
    return queue
  }

  /** Ends the identity texts of killed processes whose agent has ended. Their workers get another agent and another text. */
  async #dropGone(panes: ReadonlyMap<WorkerId | null, Pane>, serverStarted: number): Promise<void> {
    const gone = this.#starting.all.filter(({ worker }) => {
      const pane = panes.get(worker)
      return pane !== undefined && incarnationOf(pane, serverStarted) === null
    })
    if (gone.length === 0) return
    const { ledger, owner, clock } = this.#session
    const moves = gone.map(({ id, lease_token: token, state: from }) => {
      const to = from === 'planned' ? ('refused' as const) : ('unknown' as const)
      return { id, token, from, to, evidence: { code: 'agent_gone' as const } }
    })
    await ledger.moveDeliveries(moves, owner, clock.now())
    this.#starting.all = this.#starting.all.filter((each) => !gone.includes(each))
  }

  async #loops(): Promise<ReadonlyMap<WorkerId, Reason>> {
    const { ledger, owner, clock } = this.#session
    return loopsIn((await ledger.deliveryView(owner)).leases, clock.now())
  }

  /** Withdraws the texts for workers that run `burn worker loop`, because a loop reads no text from its pane. */
  async #skipLoops(): Promise<void> {
    const loopWorkers = new Set(this.#workers.filter(({ agent }) => paneAgent(agent).may_loop === true).map(({ id }) => id))
    const planned = this.#starting.all.filter(({ worker, state }) => state === 'planned' && loopWorkers.has(worker))
    const loops = planned.length === 0 ? new Map() : await this.#loops()
    const withLoop = planned.filter(({ worker }) => loops.has(worker))
    if (withLoop.length === 0) return
    const { ledger, owner, clock } = this.#session
    const moves = withLoop.map(({ id, lease_token: token }) => ({
      id,
      token,
      from: 'planned' as const,
      to: 'refused' as const,
      evidence: looping,
    }))
    for (const { worker } of await ledger.moveDeliveries(moves, owner, clock.now())) this.#finish(worker, 'named', sentence(looping))
    this.#starting.all = this.#starting.all.filter((each) => !withLoop.includes(each))
  }

  /** Returns the reason that this agent needs no identity text; null if it needs one. */
  async #whyNamed(worker: Worker, incarnation: string): Promise<string | null> {
    const [last] = await this.#session.ledger.deliveries({ worker: worker.id, kind: 'identity', limit: 1 })
    if (last === undefined || last.state === 'refused' || last.state === 'mangled') return null
    if (activeStates.includes(last.state)) return 'another process is naming the agent'
    return last.incarnation === incarnation ? `named before (${last.state})` : null
  }

  async #begin(next: readonly Queued[]): Promise<void> {
    const { ledger, clock, newId, owner } = this.#session
    if (this.#options.dryRun) {
      for (const { worker, alive } of next)
        this.#finish(worker.id, 'planned', alive ? 'would tell the agent its name' : 'would start the agent and tell it its name')
      return
    }
    const failed = await this.#starts.start(
      this.#starting.host,
      next.filter(({ alive }) => !alive),
    )
    for (const [worker, why] of failed) this.#finish(worker, 'failed', why)
    const started = next.filter(({ worker }) => !failed.has(worker.id))
    const texts = await Promise.all(
      started.map(async ({ worker }) => ({
        id: newId(),
        kind: 'identity' as const,
        worker: worker.id,
        text: await this.#starts.identityOf(worker),
      })),
    )
    const now = clock.now()
    this.#starting.all = [...this.#starting.all, ...(await ledger.planDeliveries(texts, owner, now + leaseLength, now))]
  }

  /** Runs one round of deliveries. Returns true if a delivery changed. */
  async #step(stop: AbortSignal): Promise<boolean> {
    await this.#skipLoops()
    const { moved, lost, wrote } = await this.#starting.round(stop.aborted)
    const held = ({ state, lease_owner }: Delivery) => activeStates.includes(state) && lease_owner === this.#session.owner
    for (const delivery of this.#starting.all) {
      const { worker, state } = delivery
      if (lost) this.#finish(worker, 'failed', 'lost the connection to the machine')
      else if (!activeStates.includes(state)) await this.#end(delivery)
      else if (!held(delivery)) this.#finish(worker, 'failed', 'another process is naming the agent')
    }
    this.#starting.all = lost ? [] : this.#starting.all.filter(held)
    return moved.length > 0 || wrote
  }

  /** Handles the end of an identity text. If the agent did not find its conversation, the worker gets another agent. */
  async #end({ worker: id, state, evidence }: Delivery): Promise<void> {
    const worker = this.#workers.find((each) => each.id === id)
    if (worker !== undefined && (await this.#starts.endIfMissing(this.#starting.host, worker))) {
      const snapshot = await this.#starting.host.snapshot()
      const pane = snapshot.state === 'up' ? snapshot.panes.find((each) => each.worker === id) : undefined
      if (pane !== undefined) return void this.#queue.push({ worker, pane, alive: false })
    }
    const outcome = state === 'seen' ? 'named' : state === 'unknown' ? 'unproven' : 'failed'
    await this.#session.ledger.endStarts([id], this.#session.owner)
    this.#finish(id, outcome, sentence(evidence))
  }

  #finish(worker: string, outcome: Outcome, why: string): void {
    const christening = { worker, outcome, why, conversation: this.#starts.conversationOf(worker) }
    this.#done.push(christening)
    this.#options.onOutcome(christening)
  }
}
