/** Computes the figures that `burn simulate` reports. */
import type { Fleet } from '../core/nouns.ts'
import type { BacklogSample, Simulated } from './simulate.ts'

/** The figures of one lane. */
export interface LaneFigures {
  readonly lane: string
  readonly workers: number
  /** Share of the time, in [0, 1], in which the lane's agents were idle. The time ends with the last turn of the fleet. */
  readonly idle: number
  /** Number of ended turns. */
  readonly turns: number
}

/** The figures of one simulated fleet. */
export interface Figures {
  /** Whether all issues of the fleet were closed at the end. */
  readonly finished: boolean
  /** Simulated hours until all issues were closed, including their reviews, or until the simulation ended. */
  readonly hours: number
  /** Hours until the last turn on an issue ended. */
  readonly work_hours: number
  readonly issues: number
  readonly done: number
  readonly done_per_hour: number
  /** Median hours until an issue reached an agent; null if no issue reached an agent. */
  readonly wait_p50: number | null
  /** The 90th percentile of the hours until an issue reached an agent; null if no issue reached an agent. */
  readonly wait_p90: number | null
  /** Total hours of turns. */
  readonly agent_hours: number
  /** `agent_hours` times the price; null without a price. */
  readonly cost: number | null
  readonly lanes: readonly LaneFigures[]
  readonly samples: readonly BacklogSample[]
}

const hour = 3_600_000

/** Returns the figures of a simulation. `price`: the price of one hour of an agent, in any currency. */
export function figuresOf({ world, issues, samples, began, ended, finished }: Simulated, fleet: Fleet, price: number | null): Figures {
  const waits = world.reached.map((at) => (at - began) / hour).toSorted((a, b) => a - b)
  const agents = new Map(world.agents().map((agent) => [agent.worker, agent]))
  const over = Math.max(world.lastTurn, began + 1)
  const windows = fleet.machines.flatMap((machine) => machine.windows)
  const lanes = [...Map.groupBy(windows, ({ lane }) => lane)].map(([lane, own]): LaneFigures => {
    const workers = own.flatMap((window) => window.workers).filter(({ role }) => role === 'worker')
    const mine = workers.flatMap(({ id }) => agents.get(id) ?? [])
    const busy = mine.reduce((sum, agent) => sum + Math.min(agent.busy + agent.workedFor(), over - began), 0)
    const idle = mine.length === 0 ? 0 : Math.max(0, 1 - busy / (mine.length * (over - began)))
    return { lane, workers: workers.length, idle, turns: mine.reduce((sum, agent) => sum + agent.turns, 0) }
  })
  const agentHours = [...agents.values()].reduce((sum, agent) => sum + agent.busy + agent.workedFor(), 0) / hour
  const hours = (ended - began) / hour
  return {
    finished,
    hours,
    work_hours: (over - began) / hour,
    issues,
    done: world.done,
    done_per_hour: hours === 0 ? 0 : world.done / hours,
    wait_p50: waits[Math.floor(waits.length / 2)] ?? null,
    wait_p90: waits[Math.floor(waits.length * 0.9)] ?? null,
    agent_hours: agentHours,
    cost: price === null ? null : agentHours * price,
    lanes: lanes.filter(({ workers }) => workers > 0),
    samples,
  }
}
