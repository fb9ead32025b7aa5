/**
 * The truth about a simulated night, from the simulated world alone: what each agent did, what the forge saw, and when samples were taken.
 * It never reads the ledger, so it can contradict the report.
 */
import type { Fleet, IssueRef, RepoRef, Time, WorkerId } from '../../src/core/nouns.ts'
import type { SimulatedAgent } from '../../src/simulate/agent.ts'
import type { SimulatedMachine } from '../../src/simulate/machines.ts'
import type { World } from '../../src/simulate/world.ts'
import { markerOf } from '../../src/core/marker.ts'
import { machineOf, repoOf } from '../../src/core/refs.ts'

/** The end of a dispatch, as the world caused it. */
export interface Cause {
  readonly end: 'done' | 'failed' | 'lost' | 'released'
  readonly why: string
  readonly at: Time
}

/** The world's record of one dispatch: from the marker of its comment, the prompts of agents, and the changes on the forge. */
export interface TrueDispatch {
  readonly id: string
  readonly issue: IssueRef
  worker: WorkerId | null
  claimed: Time
  received: Time | null
  /** The ends of turns on it. */
  readonly turnEnds: Time[]
  opened: Time | null
  readonly causes: Cause[]
}

/** The state of an agent from a time on, until its next entry. */
export interface TrueState {
  readonly at: Time
  readonly state: string
  readonly detail: string | null
}

/** Records what happens in a simulated world. */
export class Truth {
  readonly dispatches = new Map<string, TrueDispatch>()
  /** The states of each worker, oldest first. */
  readonly states = new Map<WorkerId, TrueState[]>()
  /** The times of samples, by machine. */
  readonly samples = new Map<string, Time[]>()
  /** The times at which burn read the changes of a repo. */
  readonly reads = new Map<RepoRef, Time[]>()
  /** The times at which issues were closed. */
  readonly closed = new Map<IssueRef, Time>()
  readonly #queues = new Map<WorkerId, { pid: number; queue: SimulatedAgent['queue'] }>()
  readonly #world: () => World
  readonly #now: () => Time

  constructor(world: () => World, now: () => Time) {
    this.#world = world
    this.#now = now
  }

  /** Begins to observe the world: its forge, its machines and its agents. */
  observe({ machines }: Fleet): void {
    const { forge, machines: simulated } = this.#world()
    this.#observeForge(forge)
    for (const { name } of machines) {
      const machine = simulated.get(name)!
      this.samples.set(name, [])
      const facts = machine.facts.bind(machine)
      machine.facts = () => (this.samples.get(name)!.push(this.#now()), facts())
      const reach = machine.reach.bind(machine)
      machine.reach = (reachable) => (reach(reachable), this.#lookAt(machine))
      this.#lookAt(machine)
    }
  }

  #lookAt(machine: SimulatedMachine): void {
    for (const agent of machine.agents.values()) this.agentChanged(agent)
  }

  #observeForge(forge: World['forge']): void {
    const [change, close, changes, comment] = [
      forge.change.bind(forge),
      forge.close.bind(forge),
      forge.changes.bind(forge),
      forge.comment.bind(forge),
    ]
    forge.change = (issue, id, state) => {
      const dispatch = this.dispatches.get(id)
      if (dispatch !== undefined && state === 'open') dispatch.opened ??= this.#now()
      if (state === 'closed') dispatch?.causes.push({ end: 'failed', why: 'its change was closed', at: this.#now() })
      if (state === 'merged') dispatch?.causes.push({ end: 'done', why: 'its change was merged', at: this.#now() })
      change(issue, id, state)
    }
    forge.close = (issue) => {
      if (!this.closed.has(issue)) this.closed.set(issue, this.#now())
      for (const dispatch of this.dispatches.values())
        if (dispatch.issue === issue) dispatch.causes.push({ end: 'done', why: 'its issue was closed', at: this.#now() })
      close(issue)
    }
    forge.changes = async (repo, since) => {
      const page = await changes(repo, since)
      this.reads.set(repo, [...(this.reads.get(repo) ?? []), this.#now()])
      return page
    }
    forge.comment = async (issue, body) => {
      const id = markerOf(body)?.dispatch
      if (id !== undefined) this.#dispatch(id, issue)
      return comment(issue, body)
    }
  }

  #dispatch(id: string, issue: IssueRef): TrueDispatch {
    const found = this.dispatches.get(id) ?? {
      id,
      issue,
      worker: null,
      claimed: this.#now(),
      received: null,
      turnEnds: [],
      opened: null,
      causes: [],
    }
    this.dispatches.set(id, found)
    return found
  }

  /** Records that a person released a dispatch. */
  released(id: string): void {
    this.dispatches.get(id)?.causes.push({ end: 'released', why: 'a person released it', at: this.#now() })
  }

  /** Records the state of an agent, and the prompts that it received or ended. */
  agentChanged(agent: SimulatedAgent): void {
    this.#recordQueue(agent)
    const { machines } = this.#world()
    const states = this.states.get(agent.worker) ?? []
    const now = stateOf(agent, machines.get(machineOf(agent.worker))!.reachable)
    const last = states.at(-1)
    if (last?.state === now.state && last.detail === now.detail) return
    this.states.set(agent.worker, [...states, { at: this.#now(), ...now }])
  }

  #recordQueue({ worker, pid, alive, queue, failure }: SimulatedAgent): void {
    const before = this.#queues.get(worker) ?? { pid, queue: [] }
    const at = this.#now()
    const died = !alive || pid !== before.pid
    for (const { id, issue } of queue) {
      if (issue === '') continue
      const dispatch = this.#dispatch(id, issue)
      dispatch.worker = worker
      dispatch.received ??= at
    }
    if (died) {
      for (const dispatch of this.dispatches.values())
        if (dispatch.worker === worker && dispatch.received !== null && !this.wasSeenOpen(dispatch, at))
          dispatch.causes.push({ end: 'lost', why: 'its agent ended', at })
    } else
      for (const { id, issue } of before.queue.filter((prompt) => !queue.includes(prompt))) {
        const dispatch = this.dispatches.get(id)
        if (issue === '' || dispatch === undefined) continue
        dispatch.turnEnds.push(at)
        if (failure !== '') dispatch.causes.push({ end: 'released', why: `its turn failed: ${failure}`, at })
      }
    this.#queues.set(worker, { pid, queue: alive ? [...queue] : [] })
  }

  /** Returns the states of a worker that overlap a period, cut to the period. */
  timeline(worker: WorkerId, since: Time, until: Time): { state: string; detail: string | null; from: Time; to: Time }[] {
    const states = this.states.get(worker) ?? []
    return states
      .map(({ at, state, detail }, index) => ({
        state,
        detail,
        from: Math.max(at, since),
        to: Math.min(states[index + 1]?.at ?? until, until),
      }))
      .filter(({ from, to }) => to > from)
  }

  /**
   * Returns all ends that the world caused for a dispatch, oldest first. A turn without a change ends its dispatch when the agent has been
   * idle for `idle_timeout` afterwards.
   */
  causesOf({ causes, turnEnds, opened, worker }: TrueDispatch, idle_timeout: number, until: Time): Cause[] {
    const failed = turnEnds.flatMap((ended): Cause[] => {
      const quiet = worker === null ? [] : this.timeline(worker, ended, Math.min(opened ?? until, until))
      const idle = quiet.find(({ state, from, to }) => state === 'idle' && to - from >= idle_timeout)
      return idle === undefined ? [] : [{ end: 'failed', why: 'its turn ended without a change', at: idle.from + idle_timeout }]
    })
    return [...causes, ...failed].toSorted((a, b) => a.at - b.at)
  }

  /** Returns true if burn read the changes of the issue's repo while the change of the dispatch was open. */
  wasSeenOpen({ issue, opened, causes }: TrueDispatch, until: Time): boolean {
    if (opened === null) return false
    const end = causes.find(({ why }) => why.startsWith('its change') || why.startsWith('its issue'))?.at ?? until
    return (this.reads.get(repoOf(issue)) ?? []).some((at) => at >= opened && at < Math.min(end, until))
  }
}

function stateOf({ alive, asks, working, failure }: SimulatedAgent, reachable: boolean): Omit<TrueState, 'at'> {
  if (!reachable) return { state: 'unreachable', detail: null }
  if (!alive) return { state: 'dead', detail: null }
  if (asks) return { state: 'waiting', detail: null }
  if (working) return { state: 'working', detail: null }
  return failure === '' ? { state: 'idle', detail: null } : { state: 'error', detail: failure }
}
