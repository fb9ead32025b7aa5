/** Compares the settings of agents with those that the agents should have, and saves the result. */
import type { Drift } from '../core/drift.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import { isDrift } from '../core/drift.ts'
import { missedSamples } from '../collect/collect.ts'
import { driftText } from '../decide/drift.ts'
import { spanChanges } from '../decide/spans.ts'
import { driftOfWorkers, readAgentFiles, readDriftEvidence } from '../observe/drift.ts'
import { readStatus } from '../observe/state.ts'

/** The settings of the agents of some machines at one time. */
export interface DriftSample {
  readonly state: StatusState
  /** The drift of each worker, also of those without a live agent. */
  readonly drifts: ReadonlyMap<WorkerId, Drift>
}

/** Compares the settings of the machines' agents with those that they should have. Throws if the ledger fails. */
export async function readDrift(machines: readonly Machine[], session: Session): Promise<DriftSample> {
  const [state, evidence, files] = await Promise.all([
    readStatus(machines, session),
    readDriftEvidence(session),
    readAgentFiles(machines, session),
  ])
  const driftsWith = (uses: readonly LastUse[]) => driftOfWorkers(machines, { ...state, ...evidence, uses, files }, session)
  const drifts = driftsWith(evidence.uses)
  const switched = await commandsSince(drifts, state, session)
  if (switched.length === 0) return { state, drifts }
  await session.ledger.addUsage([], [], switched)
  const known = new Set(switched.map(({ worker }) => worker))
  return { state, drifts: driftsWith([...evidence.uses.filter(({ worker }) => !known.has(worker)), ...switched]) }
}

/**
 * Returns the models to which burn's commands changed agents that burn found with another one. The next request of such an agent proves the
 * change; until then the proof of the command counts.
 */
async function commandsSince(drifts: ReadonlyMap<WorkerId, Drift>, state: StatusState, { ledger }: Session): Promise<LastUse[]> {
  const changed = [...drifts.values()].filter((drift) => isDrift(drift.state) && state.incarnations.has(drift.worker))
  const found = await Promise.all(
    changed.map(async ({ worker, at }): Promise<LastUse[]> => {
      const [event] = await ledger.events({ kinds: ['drift.commanded'], subject: worker, limit: 1 })
      if (event?.kind !== 'drift.commanded' || 'prose' in event.payload || event.at <= (at ?? 0)) return []
      const { model: model_asked, provider, delivery } = event.payload
      const [sent] = await ledger.deliveries({ ids: [delivery] })
      if (sent?.state !== 'seen' || sent.incarnation === null || sent.incarnation !== state.incarnations.get(worker)) return []
      const record = `delivery ${delivery}`
      return [
        // The command changes the model of whatever conversation the agent has.
        {
          worker,
          session: '',
          at: sent.changed_at,
          provider: provider ?? '',
          model_asked,
          model_answered: '',
          record,
          incarnation: sent.incarnation,
          idle: false,
        },
      ]
    }),
  )
  return found.flat()
}

/** Saves the states of a machine's agents as spans, with events about those that began or ended. Returns the number of workers with drift. */
export async function saveDrift(machine: Machine, { state, drifts }: DriftSample, session: Session): Promise<number> {
  const { ledger, clock, fleet } = session
  const at = clock.now()
  const states = [...drifts.values()].flatMap((drift) => {
    const incarnation = state.incarnations.get(drift.worker) ?? null
    const about = { kind: 'drift' as const, subject: drift.worker, machine: machine.name, issue: null, incarnation }
    const seen = { state: drift.state, detail: drift.used.model, evidence: driftText(drift) }
    return incarnation === null ? [] : [{ ...about, ...seen, ...(drift.at === null ? {} : { since: drift.at }) }]
  })
  const isRead = state.snapshots.get(machine.name)?.state !== 'unreachable'
  const covers = (span: { readonly kind: string; readonly machine: string | null }) =>
    isRead && span.kind === 'drift' && span.machine === machine.name
  const { interval, waiting_after } = fleet.telemetry
  const limits = { waiting_after, longest_gap: missedSamples * interval }
  const changes = spanChanges(await ledger.openSpans(), { at, states, covers }, limits)
  await ledger.saveSample({ ...changes, measures: [] }, at)
  return states.filter((each) => each.state !== 'ok' && each.state !== 'unknown').length
}
