/** Decides what burn does about an agent that runs with other settings than it should. Pure. */
import type { Drift } from '../core/drift.ts'
import type { DriftSettings } from '../core/observation-settings.ts'
import type { ReadingState } from '../core/nouns.ts'
import { isDrift } from '../core/drift.ts'
import { counted } from '../core/text.ts'

/** A remedy. `command`: a command of the agent program that changes the model. `restart`: a new agent in the same pane. */
export type Remedy = 'command' | 'restart'

/** The facts that decide about the remedy for one worker. */
export interface RemedyFacts {
  readonly drift: Drift
  readonly settings: DriftSettings
  readonly state: ReadingState
  /** The remedies that burn used for the worker in the last 24 hours. */
  readonly tried: readonly Remedy[]
  /** True if the agent program has a command that can name the expected model. */
  readonly has_command: boolean
  /** True if the worker has an issue that a restart would lose. */
  readonly has_work: boolean
  /** True if a text for the worker is under way. */
  readonly has_text: boolean
  /** The reason that burn must leave the worker alone, for people; null if there is none. */
  readonly held: string | null
}

/** The next step. `escalate`: a person must act. `wait`: burn uses the remedy later. */
export type RemedyStep = { readonly do: 'nothing' | Remedy } | { readonly do: 'wait' | 'escalate'; readonly why: string }

const wait = (why: string): RemedyStep => ({ do: 'wait', why })
const escalate = (why: string): RemedyStep => ({ do: 'escalate', why })

/** Returns the next step for one worker: the weakest remedy that can work. burn never acts during a turn. */
export function remedyStep(facts: RemedyFacts): RemedyStep {
  const { drift, settings, tried } = facts
  // A fallback is what the configuration wants, and the agent returns to its first model by itself.
  if (!isDrift(drift.state) || drift.state === 'fallback' || settings.remedy === 'report') return { do: 'nothing' }
  if (drift.swapped) return escalate('no restart helps: the server answers with another model than the agent asks for')
  const isModel = drift.expected.model !== null && drift.differs.every((part) => part === 'model' || part === 'provider')
  const remedy: Remedy = isModel && facts.has_command && !tried.includes('command') ? 'command' : 'restart'
  if (remedy === 'restart' && settings.remedy === 'command')
    return drift.state === 'outdated' ? { do: 'nothing' } : escalate('only a restart helps, and "drift.remedy" in the spec allows none')
  if (tried.length >= settings.attempts)
    return escalate(`burn used ${counted(tried.length, 'remedy', 'remedies')} in 24 hours without success`)
  const why = blocked(facts, remedy)
  return why === null ? { do: remedy } : wait(why)
}

/** Returns the reason that burn must wait; null if there is none. */
function blocked({ state, has_text, has_work, held }: RemedyFacts, remedy: Remedy): string | null {
  if (held !== null) return held
  if (state !== 'idle' && state !== 'error') return `the agent is not idle: ${state}`
  if (has_text) return 'a text for the agent is under way'
  return remedy === 'restart' && has_work ? 'the worker has an issue' : null
}
