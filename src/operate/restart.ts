/**
 * `burn restart`: ends agents and starts new ones with the present settings of the spec. The new agents continue the conversations of the old
 * ones. burn takes the lease of a worker and records the restart before it ends the agent. If burn is killed in between, `burn christen` or
 * another `burn restart` completes the restart.
 */
import type { Worker, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { Continued } from './continue.ts'
import { BurnError, messageOf } from '../core/errors.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { restartStep, type RestartMode, type RestartStep } from '../decide/restarts.ts'
import { drainLease } from '../decide/stops.ts'
import { leaseLength, withLeases } from '../observe/session.ts'
import { christenLeased, type Christening } from './christen.ts'
import { continueDispatches } from './continue.ts'
import { interrupt } from './interrupt.ts'
import { readRestartFacts, type WorkerFacts } from './restart-facts.ts'

/** Pause (ms) between two reads of the fleet. */
const pollPause = 1_000

export interface RestartOptions {
  readonly mode: RestartMode
  /** If true, the new agents begin new conversations. */
  readonly fresh: boolean
  /** The cause of the restart, for the log. */
  readonly why: string
  /** Maximum time (ms) to wait until burn may restart a worker; null: no limit. */
  readonly patience: number | null
  /** Called when the reason changes for which burn waits for a worker. */
  readonly onWait?: (worker: WorkerId, why: string) => void
  /** Called as soon as the result for a worker is known, except for its dispatches. */
  readonly onResult?: (restarted: Restarted) => void
  readonly onWithoutHooks?: (worker: WorkerId, why: string) => void
}

/**
 * The result for one worker. `restarted`: the new agent has its name. `unproven`: the new agent runs, but burn found no proof that it has its
 * name. `refused`: burn changed nothing. `failed`: burn may have ended the agent, but no new one has its name; `burn christen` completes the
 * restart.
 */
export interface Restarted {
  readonly worker: WorkerId
  readonly outcome: 'restarted' | 'unproven' | 'refused' | 'failed'
  readonly why: string
  /** The remedy for a person; empty if none is needed. */
  readonly hint: string
  /** The dispatches of the worker; absent if it has none, or if burn refused. */
  readonly dispatches?: Continued
}

/** Restarts the agents of these workers, and returns one result for each. Throws if the ledger fails. */
export async function restartWorkers(
  workers: readonly Worker[],
  session: Session,
  stop: AbortSignal,
  options: RestartOptions,
): Promise<readonly Restarted[]> {
  const results = await withLeases(session, () => new Restarts(workers, session, options).run(stop))
  const ended = new Set(results.filter(({ outcome }) => outcome === 'restarted' || outcome === 'unproven').map(({ worker }) => worker))
  const continued = await continueDispatches(
    workers.filter(({ id }) => ended.has(id)),
    session,
    stop,
  )
  const byWorker = new Map(continued.map((each) => [each.worker, each]))
  return results.map((result) => {
    const dispatches = byWorker.get(result.worker)
    return dispatches === undefined ? result : { ...result, dispatches }
  })
}

class Restarts {
  readonly #pending: Map<WorkerId, Worker>
  readonly #results = new Map<WorkerId, Restarted>()
  readonly #waits = new Map<WorkerId, string>()
  readonly #session: Session
  readonly #options: RestartOptions

  constructor(workers: readonly Worker[], session: Session, options: RestartOptions) {
    this.#pending = new Map(workers.map((worker) => [worker.id, worker]))
    this.#session = session
    this.#options = options
  }

  async run(stop: AbortSignal): Promise<readonly Restarted[]> {
    const { clock } = this.#session
    const { mode, patience } = this.#options
    const began = clock.now()
    await this.#completeNaming()
    if (mode === 'drain') for (const worker of this.#pending.values()) await this.#holdWork(worker)
    while (this.#pending.size > 0) {
      await this.#round(stop)
      if (this.#pending.size === 0) break
      if (stop.aborted || (patience !== null && hasElapsed(began, patience, clock.now()))) {
        for (const [id, why] of this.#waits) this.#refuse(id, `${why}; burn stopped waiting`, 'to restart it at once: burn restart --now')
        break
      }
      await clock.sleep(pollPause, stop)
    }
    return [...this.#results.values()]
  }

  /** Completes the identity texts that killed processes left behind. Nobody else continues them, and burn restarts no agent that gets a text. */
  async #completeNaming(): Promise<void> {
    const { ledger, clock } = this.#session
    const now = clock.now()
    const left = (await ledger.view()).deliveries.filter(({ kind, lease_until }) => kind === 'identity' && lease_until <= now)
    const workers = left.flatMap(({ worker }) => this.#pending.get(worker) ?? [])
    if (workers.length > 0) await this.#christen(workers, () => {})
  }

  /** Keeps new work from a worker until this process ends. If the process is killed, the lease expires. */
  async #holdWork({ id }: Worker): Promise<void> {
    const { ledger, clock, owner } = this.#session
    const now = clock.now()
    const other = await ledger.beginJob({ name: drainLease(id), period: null }, owner, now + leaseLength, now)
    if (other !== null) this.#refuse(id, 'is drained by another process', 'wait until that process has ended')
  }

  /** Restarts the workers that burn may restart now. */
  async #round(stop: AbortSignal): Promise<void> {
    const ready = await this.#decide([...this.#pending.values()])
    const begun: Worker[] = []
    for (const [worker, facts] of ready) if (await this.#begin(worker, facts)) begun.push(worker)
    // From now on no other process types to these workers. So the second decision sees all earlier texts.
    const still = new Map(await this.#decide(begun))
    const { ledger, owner } = this.#session
    await ledger.endStarts(
      begun.filter((worker) => !still.has(worker)).map(({ id }) => id),
      owner,
    )
    if (this.#options.mode === 'now') await Promise.all([...still].map(([worker, facts]) => this.#interrupt(worker, facts, stop)))
    await this.#start(await this.#end(still))
  }

  /** Returns the workers that burn may restart now, with the facts. Stores refusals, and reports why burn waits for others. */
  async #decide(workers: readonly Worker[]): Promise<readonly (readonly [Worker, WorkerFacts])[]> {
    if (workers.length === 0) return []
    const facts = await readRestartFacts(workers, this.#session)
    return workers.flatMap((worker) => {
      const seen = facts.get(worker.id)
      if (seen === undefined) return []
      const step: RestartStep = restartStep(seen, this.#options.mode, worker.name)
      if (step.do === 'begin') return [[worker, seen] as const]
      if (step.do === 'refuse') this.#refuse(worker.id, step.why, step.hint)
      else this.#wait(worker.id, step.why)
      return []
    })
  }

  /** Takes the lease of a worker and records the restart. Returns false if burn may not restart the worker now. */
  async #begin({ id }: Worker, { agent_id, has_agent }: WorkerFacts): Promise<boolean> {
    const { ledger, clock, owner } = this.#session
    const { fresh, why } = this.#options
    const now = clock.now()
    const successor = fresh ? ('fresh' as const) : ('continue' as const)
    const restart = { worker: id, agent: has_agent ? agent_id : null, successor, why }
    const outcome = await ledger.beginRestart(restart, owner, now + leaseLength, now)
    if (outcome === 'busy') this.#refuse(id, 'is started or restarted by another process', 'wait until that process has ended')
    if (outcome === 'placing') this.#wait(id, 'gets a text from burn')
    return outcome === 'begun'
  }

  /** Interrupts a running turn, so that the agent can save it. The restart goes on if the turn does not end. */
  async #interrupt(worker: Worker, { reading }: WorkerFacts, stop: AbortSignal): Promise<void> {
    if (reading.state !== 'working') return
    try {
      await interrupt(worker, this.#session, stop)
    } catch (thrown) {
      if (!(thrown instanceof BurnError)) throw thrown
    }
  }

  /** Ends the agents of these workers. Returns the workers that have no live agent now. */
  async #end(all: ReadonlyMap<Worker, WorkerFacts>): Promise<readonly Worker[]> {
    const { machines, fleet, ledger, owner } = this.#session
    const living = [...all].flatMap(([worker, { incarnation }]) => (incarnation === null ? [] : [{ worker, incarnation }]))
    const hosts = await machines.open(fleet.machines.filter(({ name }) => living.some(({ worker }) => worker.machine === name)))
    const ended = await Promise.all(
      hosts.map(async (host) => {
        const own = living.filter(({ worker }) => worker.machine === host.machine.name)
        return host.end(own.map(({ incarnation }) => incarnation)).then(
          (gone) => own.filter(({ incarnation }) => gone.has(incarnation)).map(({ worker }) => worker),
          (thrown: unknown) => {
            for (const { worker } of own) this.#fail(worker, `burn could not end its agent: ${messageOf(thrown)}`)
            return []
          },
        )
      }),
    )
    const gone = new Set(ended.flat())
    const left = living.map(({ worker }) => worker).filter((worker) => !gone.has(worker))
    for (const worker of left) if (this.#pending.has(worker.id)) this.#fail(worker, 'its agent did not end')
    await ledger.endStarts(
      left.map(({ id }) => id),
      owner,
    )
    return [...all.keys()].filter((worker) => !left.includes(worker))
  }

  async #start(workers: readonly Worker[]): Promise<void> {
    if (workers.length > 0) await this.#christen(workers, (christening) => this.#finish(resultOf(christening)))
  }

  async #christen(workers: readonly Worker[], onOutcome: (christening: Christening) => void): Promise<void> {
    // An agent that burn ended gets its successor even after Ctrl-C.
    const never = new AbortController().signal
    await christenLeased(workers, this.#session, never, {
      parallel: null,
      dryRun: false,
      hooks: true,
      fresh: this.#options.fresh,
      onWithoutHooks: this.#options.onWithoutHooks ?? (() => {}),
      onOutcome,
    })
  }

  #wait(id: WorkerId, why: string): void {
    if (this.#waits.get(id) !== why) this.#options.onWait?.(id, why)
    this.#waits.set(id, why)
  }

  #refuse(id: WorkerId, why: string, hint: string): void {
    this.#finish({ worker: id, outcome: 'refused', why, hint })
  }

  #fail({ id, name }: Worker, why: string): void {
    this.#finish({ worker: id, outcome: 'failed', why, hint: `look at the pane: burn attach ${name}` })
  }

  #finish(result: Restarted): void {
    this.#pending.delete(result.worker)
    this.#waits.delete(result.worker)
    this.#results.set(result.worker, result)
    this.#options.onResult?.(result)
  }
}

/** Returns what `restartWorkers` would do now. */
export async function previewRestarts(workers: readonly Worker[], session: Session, mode: RestartMode): Promise<readonly RestartPreview[]> {
  const facts = await readRestartFacts(workers, session)
  return workers.flatMap(({ id, name }): readonly RestartPreview[] => {
    const seen = facts.get(id)
    if (seen === undefined) return []
    const step = restartStep(seen, mode, name)
    if (step.do === 'refuse') return [{ id, outcome: 'refused', why: step.why, hint: step.hint }]
    if (step.do === 'wait') return [{ id, outcome: 'waiting', why: step.why, hint: '' }]
    return [{ id, outcome: 'ready', why: seen.has_agent ? 'would be restarted' : 'would be started: no agent runs', hint: '' }]
  })
}

/** The result of a dry run for one worker. */
export interface RestartPreview {
  readonly id: WorkerId
  readonly outcome: 'ready' | 'waiting' | 'refused'
  readonly why: string
  readonly hint: string
}

function resultOf({ worker, outcome, why, conversation }: Christening): Restarted {
  const name = worker.slice(worker.lastIndexOf('/') + 1)
  if (outcome === 'named') return { worker, outcome: 'restarted', why: conversation ?? 'new conversation', hint: '' }
  if (outcome === 'unproven') return { worker, outcome: 'unproven', why, hint: `look at the pane: burn attach ${name}` }
  return { worker, outcome: 'failed', why, hint: `Run: burn christen ${name}` }
}
