/** The changes of a simulated agent, and the record that the judge keeps of each change. */
import type { DriftState } from '../../src/core/drift.ts'
import type { Time, Worker, WorkerId } from '../../src/core/nouns.ts'
import type { SimulatedAgent } from '../../src/simulate/agent.ts'
import type { VirtualClock } from '../../src/simulate/clock.ts'

/** A difference that the night causes. `person`: a person switches the model. `swap`: the server answers with another model. */
export const injections = ['person', 'fallback', 'swap', 'provider', 'profile', 'outdated'] as const
export type Injection = (typeof injections)[number]

/** A time in which an agent runs with other settings. */
export interface TrueDrift {
  readonly worker: WorkerId
  readonly kind: Injection
  readonly state: DriftState
  /** The first request that shows the difference. burn may report it from now on. */
  readonly from: Time
  /** The first request from which burn must know the difference. */
  due: Time
  /** The first request without the difference. burn need not report it any longer. */
  fades: Time
  /** The first request from which burn must know that the difference has ended. */
  to: Time
}

/** The settings with which a simulated agent runs now. */
export interface Life {
  readonly worker: Worker
  readonly agent: SimulatedAgent
  session: string
  kind: Injection | null
  /** The start of the agent, and whether burn started it. */
  started: Time
  by_burn: boolean
  /** The last settings in each session in the folder since the start. */
  readonly sessions: Map<string, string>
  /** Whether a person begins a new conversation before the next turn. */
  renews: boolean
  /** The time at which the running turn began. */
  begun: Time
  turns: number
  current: unknown
  drift: TrueDrift | null
}

/** Returns true if burn knows the conversation of the agent. */
export function isKnown({ worker, by_burn, agent }: Life): boolean {
  return worker.agent.hooks && by_burn && agent.conversation !== null
}

/** Returns true if all sessions have the same settings. Otherwise they may belong to different people or programs. */
export function isAlone({ sessions }: Life): boolean {
  return new Set(sessions.values()).size <= 1
}

/** The requests of each agent kind that uses the model that it should. */
export const normal = {
  claude: { asked: 'claude-sonnet-4-5', answered: 'claude-sonnet-4-5-20250929', provider: 'anthropic' },
  codex: { asked: 'gpt-5-codex', answered: '', provider: 'openai' },
  hermes: { asked: 'hermes4:14b', answered: '', provider: 'nous' },
} as const
/** The configuration file of Hermes. */
export const hermesConfig = {
  model: { default: normal.hermes.asked, provider: 'nous' },
  fallback_providers: [{ provider: 'nous', model: 'spare-model' }],
}
export const changed: Readonly<
  Record<keyof typeof normal, Partial<Record<Injection, { asked?: string; answered?: string; provider?: string }>>>
> = {
  claude: {
    person: { asked: 'claude-opus-4-1', answered: 'claude-opus-4-1-20250805' },
    fallback: { asked: 'claude-haiku-4-5', answered: 'claude-haiku-4-5-20251001' },
    swap: { answered: 'claude-opus-4-1-20250805' },
    outdated: {},
  },
  codex: { person: { asked: 'o9-mini' }, outdated: {} },
  hermes: {
    person: { asked: 'qwen2.5:7b' },
    fallback: { asked: 'spare-model' },
    provider: { provider: 'openrouter' },
    profile: {},
    outdated: {},
  },
}
export const stateOf: Readonly<Record<Injection, DriftState>> = {
  person: 'wrong_model',
  fallback: 'fallback',
  swap: 'wrong_model',
  provider: 'wrong_model',
  profile: 'wrong_profile',
  outdated: 'outdated',
}

/** Lets things happen at random times, and counts them. */
export class Schedule {
  readonly counts = new Map<string, number>()
  readonly #clock: VirtualClock
  readonly #random: () => number

  constructor(clock: VirtualClock, random: () => number) {
    this.#clock = clock
    this.#random = random
  }

  /** Acts again and again. `mean`: the mean time (ms) between two times. */
  every(name: string, mean: number, act: (at: Time) => unknown): void {
    this.later(-Math.log(1 - this.#random()) * mean, () => {
      this.count(name)
      void act(this.#clock.now())
      this.every(name, mean, act)
    })
  }

  later(ms: number, act: () => void): void {
    this.#clock.at(this.#clock.now() + ms, act)
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
