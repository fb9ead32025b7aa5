/** Decides whether agents run with the settings that they should have. Pure. */
import type { AgentModel, Drift, DriftReport, DriftSource, DriftState } from '../core/drift.ts'
import type { ExpectedModel, LastUse } from '../core/model-use.ts'
import type { Incarnation, Time, WorkerId } from '../core/nouns.ts'
import type { Span } from '../core/span.ts'
import { isDrift } from '../core/drift.ts'
import { isSameModel, isSameProvider } from '../core/model-names.ts'
import { toSecond } from './wording.ts'

/** The settings with which burn started an agent. */
export interface Started {
  readonly at: Time
  readonly model: string | null
  readonly provider: string | null
  /** The conversation of the agent, as its hook reported it; null if it is unknown. */
  readonly conversation: string | null
  /** The parts that the spec has changed since then: `command`, `environment`, `identity`. */
  readonly changed: readonly string[]
}

/** A use of a model. `profile`: null if the agent kind has no profiles. */
type ProfiledUse = LastUse & { readonly profile: string | null }

/** The facts about one worker. */
export interface DriftFacts {
  readonly worker: WorkerId
  readonly expected: ExpectedModel
  /** The live agent in the pane; null if there is none, or if burn did not look. */
  readonly incarnation: Incarnation | null
  /** The last requests of the sessions of the agent program in the folder of the worker, one for each session. */
  readonly uses: readonly ProfiledUse[]
  /** The start of the live agent; null if burn has no record of it. */
  readonly started: Started | null
}

/** The model of an agent, with the evidence for it. */
interface Evidence extends AgentModel {
  readonly source: DriftSource
  /** The model that the agent asked for, if another source names the model that answered; otherwise null. */
  readonly asked: string | null
  readonly at: Time
  readonly evidence: string
}

/** Returns the drift of one worker. */
export function driftOf(facts: DriftFacts): Drift {
  const { worker, expected } = facts
  const found = evidenceOf(facts)
  const changed = facts.started?.changed ?? []
  const result = (state: DriftState, evidence: string, differs: readonly string[] = []): Drift => ({
    worker,
    state,
    expected: { model: expected.model, provider: expected.provider, profile: expected.profile, source: expected.source },
    used: {
      model: found?.model ?? null,
      provider: found?.provider ?? null,
      profile: found?.profile ?? null,
      source: found?.source ?? null,
    },
    differs: [...differs, ...changed],
    swapped: differs.includes('model') && found?.asked != null && expected.model !== null && names(expected, expected.model, found.asked),
    evidence,
    at: found?.at ?? null,
  })
  if (found !== null && isAmbiguous(facts, found))
    return {
      ...result('unknown', 'several sessions in the folder use different models, and no hook shows which one is the agent'),
      used: noModel,
    }
  const others = found === null ? [] : differencesOf(expected, found)
  if (found !== null && others.includes('profile')) return result('wrong_profile', found.evidence, others)
  if (found !== null && others.length > 0) return result(isFallback(expected, found) ? 'fallback' : 'wrong_model', found.evidence, others)
  if (changed.length > 0) return result('outdated', `burn started the agent at ${toSecond(facts.started?.at ?? 0)}`)
  if (expected.model === null) return result('unknown', 'neither the spec nor the configuration of the agent names a model')
  return found === null ? result('unknown', 'the agent has recorded no request since its start') : result('ok', found.evidence)
}

/** Returns the newest evidence about the model of the live agent; null if there is none. */
function evidenceOf(facts: DriftFacts): Evidence | null {
  const { started } = facts
  const used = usesOfAgent(facts).at(-1)
  const all: Evidence[] = []
  if (used !== undefined) {
    const { at, model_asked, model_answered, record, profile } = used
    const model = model_answered === '' ? model_asked : model_answered
    const source = model_answered === '' ? 'asked' : 'answered'
    const beside = model_answered !== '' && model_asked !== '' && !isSameModel(model_asked, model_answered)
    const evidence = `${source} at ${toSecond(at)}${beside ? `, asked for ${model_asked}` : ''}: ${record}`
    const asked = model_answered === '' || model_asked === '' ? null : model_asked
    all.push({ model, provider: used.provider === '' ? null : used.provider, profile, source, asked, at, evidence })
  }
  if (started !== null && started.model !== null) {
    const { at, model, provider } = started
    all.push({
      model,
      provider,
      profile: null,
      source: 'started',
      asked: null,
      at,
      evidence: `burn started the agent with ${model} at ${toSecond(at)}`,
    })
  }
  return all.toSorted((a, b) => b.at - a.at)[0] ?? null
}

/**
 * Returns the uses that may be those of the live agent, oldest first. If burn knows the conversation of the agent, it leaves out other sessions
 * of the program in the same folder: of a person, or of a sub-agent that the agent started as a process. Otherwise it leaves out requests at times at which no sample shows that the agent worked.
 */
function usesOfAgent({ incarnation, uses, started }: DriftFacts): readonly ProfiledUse[] {
  const conversation = started?.conversation ?? null
  // A sample attributes requests to the agent that it saw last, so the time of the start decides if burn knows it.
  const own = uses.filter((use) => (started !== null ? use.at >= started.at : incarnation === null || use.incarnation === incarnation))
  const ofConversation = own.filter(({ session, idle }) => session === '' || (conversation === null ? !idle : session === conversation))
  return ofConversation.toSorted((a, b) => a.at - b.at)
}

/** The time (ms) in which a sample shows that another agent runs in a pane. Until then, requests count as those of the agent before. */
const sampled = 10 * 60_000

/** Returns true if burn does not know which of several sessions is that of the agent, and they use different models. */
function isAmbiguous({ expected, uses, incarnation, started }: DriftFacts, found: Evidence): boolean {
  if (found.source === 'started' || (started?.conversation ?? null) !== null) return false
  const isOfThisTime = (use: LastUse) =>
    started !== null ? use.at >= started.at : use.incarnation === incarnation || use.at > found.at - sampled
  return uses.filter(isOfThisTime).some(({ model_asked, model_answered, provider, profile }) => {
    const model = model_answered || model_asked
    const isSame = found.model !== null && names(expected, found.model, model)
    return !isSame || !isSameProvider(found.provider ?? '', provider) || profile !== found.profile
  })
}

const noModel = { model: null, provider: null, profile: null, source: null }

/** Returns the settings in which the agent differs. A setting that is unknown on one side does not differ. */
function differencesOf(expected: ExpectedModel, found: Evidence): ('model' | 'provider' | 'profile')[] {
  const model = expected.model !== null && found.model !== null && !names(expected, expected.model, found.model)
  const provider = expected.provider !== null && found.provider !== null && !isSameProvider(expected.provider, found.provider)
  const profile = expected.profile !== null && found.profile !== null && expected.profile !== found.profile
  return [...(profile ? (['profile'] as const) : []), ...(model ? (['model'] as const) : []), ...(provider ? (['provider'] as const) : [])]
}

/** Returns true if both names can mean the same model, if necessary by an alias of the agent's configuration. */
function names({ aliases }: ExpectedModel, one: string, other: string): boolean {
  const meaning = (name: string) => aliases[name] ?? name
  return isSameModel(one, other) || isSameModel(meaning(one), meaning(other))
}

function isFallback(expected: ExpectedModel, { model, provider }: Evidence): boolean {
  return expected.fallbacks.some(
    (each) =>
      model !== null &&
      names(expected, each.model, model) &&
      (each.provider === null || provider === null || isSameProvider(each.provider, provider)),
  )
}

/** Returns the state as a sentence: `ANN runs big-model, the spec says small-model`. */
export function driftText({ worker, state, expected, used, differs, swapped }: Drift): string {
  const name = nameOf(worker)
  switch (state) {
    case 'wrong_profile':
      return `${name} works in the profile ${profileName(used.profile)}, and should work in ${profileName(expected.profile)}`
    case 'wrong_model': {
      const setting = expected.source === 'spec' ? 'the spec' : expected.source
      const isOnlyProvider = !differs.includes('model')
      const [runs, wants] = isOnlyProvider ? [used.provider, expected.provider] : [used.model, expected.model]
      if (swapped) return `${name} asks for ${expected.model}, and the server answers with ${used.model}`
      return `${name} ${isOnlyProvider ? 'uses the provider' : 'runs'} ${runs}, ${setting} says ${wants}`
    }
    case 'fallback':
      return `${name} runs the fallback ${used.model}, because ${expected.model} failed`
    case 'outdated':
      return `${name} runs with the ${differs.join(', ')} of its start, which the spec has changed since then`
    case 'unknown':
      return `${name} should run ${expected.model ?? 'any model'}; the model in use is unknown`
    case 'ok':
      return `${name} runs ${used.model ?? 'the expected model'}`
  }
}

const nameOf = (worker: WorkerId) => worker.slice(worker.lastIndexOf('/') + 1)
const profileName = (profile: string | null) => (profile === '' ? 'default' : (profile ?? 'unknown'))

/** Returns the command that gives the agent its expected settings; null if a restart does not help. */
export function driftRemedy({ worker, state, swapped }: Pick<Drift, 'worker' | 'state' | 'swapped'>): string | null {
  return isDrift(state) && state !== 'fallback' && !swapped ? `burn restart ${nameOf(worker)}` : null
}

/** Returns the difference with its remedy, as one line. */
export function driftLine({ text, remedy }: Pick<DriftReport, 'text' | 'remedy'>): string {
  return remedy === null ? text : `${text}. Run: ${remedy}`
}

/**
 * Returns the difference that a report shows; null if there is none. `live`: the drift by the spec alone. `span`: the state that the watchdog
 * saved last, which also knows the configuration of the agent; undefined if there is none of the live agent.
 */
export function reportedDrift(live: Drift, span: Span | undefined, now: Time): DriftReport | null {
  const isSame = span !== undefined && span.detail === live.used.model
  // Without the configuration burn knows neither fallbacks nor, if the spec names no model, the expected one.
  const counts = isSame && (live.state === 'wrong_model' ? span.state === 'fallback' : live.expected.model === null && isDrift(span.state))
  // The watchdog saves only states of drift as spans of this kind.
  const state = counts ? (span.state as DriftState) : live.state
  const remedy = driftRemedy({ ...live, state })
  if (counts) return { state, text: span.evidence, remedy, since: span.began_at }
  if (!isDrift(live.state)) return null
  return { state, text: driftText(live), remedy, since: isSame && span.state === live.state ? span.began_at : (live.at ?? now) }
}
