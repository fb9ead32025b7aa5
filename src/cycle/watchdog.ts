/** The watchdog: compares the settings of agents with those that the agents should have, and saves what it finds. */
import type { Drift } from '../core/drift.ts'
import type { StatusState } from '../core/fleet-state.ts'
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
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
  return { state, drifts: driftOfWorkers(machines, { ...state, ...evidence, files }, session) }
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
