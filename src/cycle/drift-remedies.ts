/** Carries out the remedies for agents that run with other settings than they should, and tells people if none helps. */
import type { Drift } from '../core/drift.ts'
import type { DriftSettings } from '../core/observation-settings.ts'
import type { NewEvent } from '../core/events.ts'
import type { Time, Worker, WorkerId } from '../core/nouns.ts'
import type { Session } from '../observe/session.ts'
import type { DriftSample } from './drift-sample.ts'
import { isDrift } from '../core/drift.ts'
import { activeStates, slotStates } from '../core/lifecycle.ts'
import { remedyStep, type Remedy, type RemedyStep } from '../decide/drift-remedy.ts'
import { driftText } from '../decide/drift.ts'
import { heldBy } from '../decide/holds.ts'
import { sentence } from '../decide/wording.ts'
import { leaseLength } from '../observe/session.ts'

const day = 24 * 60 * 60_000
/** The maximum number of agents that one run restarts, so that the other jobs of a dispatcher need not wait for long. */
const maxRestarts = 4
/** Matches a name of a model or provider that burn may type. */
const plainName = /^[\w./:@+-]+$/

/** The step that burn took for one worker. `failed`: the reason that burn could not take it. */
export interface AppliedRemedy {
  readonly worker: WorkerId
  readonly step: RemedyStep
  readonly failed?: string
}

export interface RemedyOptions {
  readonly settings: DriftSettings
  readonly stop: AbortSignal
  /** If true, decides the steps, and carries out none. */
  readonly dryRun: boolean
}

/** Decides the next step for each worker with drift, and carries it out. Texts are planned, and delivered later. Throws if the ledger fails. */
export async function applyRemedies(sample: DriftSample, session: Session, options: RemedyOptions): Promise<readonly AppliedRemedy[]> {
  const workers = new Map(sample.state.workers.map(({ worker }) => [worker.id, worker]))
  const drifts = [...sample.drifts.values()].filter(({ worker, state }) => isDrift(state) && sample.state.incarnations.has(worker))
  if (drifts.length === 0 || options.settings.remedy === 'report') return []
  const decided: { readonly drift: Drift; readonly worker: Worker; readonly step: RemedyStep }[] = []
  for (const drift of drifts) {
    const worker = workers.get(drift.worker)
    if (worker === undefined) continue
    const tried = await triedRemedies(worker.id, session)
    decided.push({ drift, worker, step: stepFor({ drift, worker, tried }, sample, session, options.settings) })
  }
  if (options.dryRun) return decided.map(({ worker: { id }, step }) => ({ worker: id, step }))
  const of = (what: RemedyStep['do']) => decided.filter(({ step }) => step.do === what)
  await escalate(of('escalate'), sample, session)
  await planCommands(of('command'), sample, session)
  const restarts = of('restart').slice(0, maxRestarts)
  const failed = await restart(restarts, session, options.stop)
  return decided.flatMap((each) => {
    const { step, worker, drift } = each
    if (step.do === 'restart' && !restarts.includes(each))
      return [{ worker: worker.id, step: { do: 'wait', why: 'burn restarts other agents first' } as const }]
    const why = failed.get(drift.worker)
    return [{ worker: worker.id, step, ...(why === undefined ? {} : { failed: why }) }]
  })
}

function stepFor(
  { drift, worker, tried }: { readonly drift: Drift; readonly worker: Worker; readonly tried: readonly Remedy[] },
  { state }: DriftSample,
  session: Session,
  settings: DriftSettings,
): RemedyStep {
  const snapshot = state.workers.find((each) => each.worker.id === worker.id)
  const kind = session.kindOf(worker.agent)
  const hold = heldBy(state.holds, state.now, session.fleet.accounts).worker(worker.id) ?? snapshot?.stopped ?? null
  return remedyStep({
    drift,
    settings,
    tried,
    state: snapshot?.reading.state ?? 'unknown',
    has_command: kind.model_command !== undefined && isTypeable(drift),
    // An agent that continues its conversation keeps its issue.
    has_work:
      kind.conversations === undefined && state.dispatches.some((each) => each.worker === worker.id && slotStates.includes(each.state)),
    has_text: state.texts.some((each) => each.worker === worker.id && activeStates.includes(each.state)),
    held: hold === null ? null : sentence(hold),
  })
}

function isTypeable({ expected: { model, provider } }: Drift): boolean {
  return model !== null && plainName.test(model) && (provider === null || plainName.test(provider))
}

/** Returns the remedies of the last 24 hours. A command that burn never typed does not count. */
async function triedRemedies(worker: WorkerId, { ledger, clock }: Session): Promise<Remedy[]> {
  const since = clock.now() - day
  const [commands, restarts] = await Promise.all([
    ledger.deliveries({ worker, kind: 'command', limit: 20 }),
    ledger.events({ kinds: ['drift.restarted'], subject: worker, since }),
  ])
  const typed = commands.filter(({ planned_at, state }) => planned_at >= since && state !== 'refused')
  return [...typed.map(() => 'command' as const), ...restarts.map(() => 'restart' as const)]
}

type Decided = readonly { readonly drift: Drift; readonly worker: Worker; readonly step: RemedyStep }[]

const about = (worker: WorkerId) => ({ subject: worker, worker, issue: null, actor: 'burn' }) as const

/** Records once for each difference that a person must act. */
async function escalate(decided: Decided, { state }: DriftSample, { ledger, clock }: Session): Promise<void> {
  const spans = new Map(
    (await ledger.openSpans()).flatMap((span) => (span.kind === 'drift' ? [[span.subject, span.began_at] as const] : [])),
  )
  const notes = decided.flatMap(({ drift, worker: { id }, step }): { event: NewEvent; since: Time }[] => {
    if (step.do !== 'escalate') return []
    const payload = { what: driftText(drift), why: step.why }
    return [{ event: { kind: 'drift.escalated', ...about(id), payload }, since: spans.get(id) ?? state.now - day }]
  })
  await ledger.noteEvents(notes, clock.now())
}

/** Plans the commands that change the model. Only the present agent may get them. */
async function planCommands(decided: Decided, { state }: DriftSample, session: Session): Promise<void> {
  const { ledger, clock, newId, owner, kindOf } = session
  const now = clock.now()
  const planned = decided.flatMap(({ drift, worker: { id, agent } }) => {
    const { model } = drift.expected
    const command = kindOf(agent).model_command
    if (model === null || command === undefined) return []
    const provider = drift.differs.includes('provider') ? drift.expected.provider : null
    const delivery = newId()
    const payload = { what: driftText(drift), model, provider, delivery }
    const event: NewEvent = { kind: 'drift.commanded', ...about(id), payload }
    const incarnation = state.incarnations.get(id) ?? null
    return [{ event, text: { id: delivery, kind: 'command' as const, worker: id, text: command.line(model, provider), incarnation } }]
  })
  if (planned.length === 0) return
  await ledger.noteEvents(
    planned.map(({ event }) => ({ event, since: now })),
    now,
  )
  await ledger.planDeliveries(
    planned.map(({ text }) => text),
    owner,
    now + leaseLength,
    now,
  )
}

/** Restarts agents. Records each restart before it begins. Returns the reasons for failures, by worker. */
async function restart(decided: Decided, session: Session, stop: AbortSignal): Promise<ReadonlyMap<WorkerId, string>> {
  if (decided.length === 0) return new Map()
  const { ledger, clock } = session
  const now = clock.now()
  const notes = decided.map(({ drift, worker: { id } }) => {
    const event: NewEvent = { kind: 'drift.restarted', ...about(id), payload: { what: driftText(drift) } }
    return { event, since: now }
  })
  await ledger.noteEvents(notes, now)
  return session.restart(
    decided.map(({ worker }) => worker),
    'the agent ran with other settings than it should',
    stop,
  )
}
