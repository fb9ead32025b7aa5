/** Reads the facts about the settings of agents, and compares them with the settings that the agents should have. */
import type { AgentFiles } from '../agents/expected-model.ts'
import type { AgentRecord } from '../core/agent-record.ts'
import type { Drift, DriftReport } from '../core/drift.ts'
import type { Moment } from '../core/fleet-state.ts'
import type { Span } from '../core/span.ts'
import type { LastUse } from '../core/model-use.ts'
import type { Incarnation, Machine, Worker, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { Session } from './session.ts'
import { expectedModel, modelFiles } from '../agents/expected-model.ts'
import { modelSources } from '../agents/models.ts'
import { startedWith } from '../agents/started-with.ts'
import { ifCode } from '../core/errors.ts'
import { driftOf, reportedDrift, type Started } from '../decide/drift.ts'
import { identityPrompt } from '../decide/prompts.ts'
import { readIncarnations } from './readings.ts'

/** The facts about the settings of agents that the ledger has, and the text of a template. */
export interface DriftEvidence {
  /** The last use of a model in each conversation of each worker. */
  readonly uses: readonly LastUse[]
  /** The states that the watchdog saved last. */
  readonly spans: readonly Span[]
  /** The text of the fleet's template for identity prompts; undefined if burn could not read it. */
  readonly identity: string | null | undefined
}

/** The facts about agents from the ledger and from machines. */
interface AgentFacts extends Pick<DriftEvidence, 'uses' | 'identity'> {
  /** The live agent in the pane of each worker. */
  readonly incarnations: ReadonlyMap<WorkerId, Incarnation>
  /** The record of each worker's last start. */
  readonly agents: ReadonlyMap<WorkerId, AgentRecord>
  /** The configuration files of agents, by machine. A machine is missing if burn has not read them. */
  readonly files: ReadonlyMap<string, AgentFiles>
}

/** Returns the drift of each worker of the machines. */
export function driftOfWorkers(machines: readonly Machine[], facts: AgentFacts, { fleet }: Pick<Session, 'fleet'>): Map<WorkerId, Drift> {
  const uses = Map.groupBy(facts.uses, ({ worker }) => worker)
  const workers = machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
  return new Map(
    workers.map((worker) => {
      const expected = expectedModel({ fleet: fleet.name, worker }, facts.files.get(worker.machine) ?? null)
      const own = (uses.get(worker.id) ?? []).map((use) => ({ ...use, profile: profileOf(worker, use) }))
      const incarnation = facts.incarnations.get(worker.id) ?? null
      const started = startOf(worker, incarnation, facts, fleet)
      return [worker.id, driftOf({ worker: worker.id, expected, incarnation, uses: own, started })]
    }),
  )
}

/** Returns the profile in which the agent recorded a use; null if its kind has no profiles, or if the record is no file. */
function profileOf({ agent }: Worker, { record }: LastUse): string | null {
  return record.startsWith('/') ? (modelSources[agent.kind]?.profileOf?.(record) ?? null) : null
}

/** Returns the start of the live agent; null if burn has no record of it. */
function startOf(
  worker: Worker,
  incarnation: Incarnation | null,
  { agents, identity }: AgentFacts,
  { name, dispatch }: Session['fleet'],
): Started | null {
  const record = agents.get(worker.id)
  if (record === undefined || record.incarnation === null || record.incarnation !== incarnation) return null
  const told = identity === undefined ? null : identityPrompt({ fleet: name, branch_prefix: dispatch.branch_prefix, worker }, identity)
  const now = startedWith(worker.agent, told ?? '')
  const was = record.started_with
  const changed = [
    ...(now.kind !== was.kind || now.command.join('\0') !== was.command.join('\0') ? ['command'] : []),
    ...(now.environment === was.environment ? [] : ['environment']),
    ...(told === null || now.identity === was.identity ? [] : ['identity']),
  ]
  // Until the hook of a new agent reports its conversation, the one that burn told it to continue counts.
  const conversation = record.conversation ?? record.continues
  return { at: record.started_at, model: was.model, provider: was.provider, conversation, changed }
}

/** Reads the evidence that needs no machine. `open`: the open spans, if the caller has read them. */
export async function readDriftEvidence({ ledger, fleet, readTemplate }: Session, open?: readonly Span[]): Promise<DriftEvidence> {
  const path = fleet.templates.identity
  return {
    uses: await ledger.modelUses(),
    spans: (open ?? (await ledger.openSpans())).filter(({ kind }) => kind === 'drift'),
    identity: path === null ? null : await readTemplate(path).catch(ifCode(['template_unreadable'], undefined)),
  }
}

/** Returns the differences that reports show, from evidence that needs no configuration of an agent. */
export function reportedDrifts(
  machines: readonly Machine[],
  facts: Pick<AgentFacts, 'incarnations' | 'agents'> & DriftEvidence & Moment,
  session: Pick<Session, 'fleet'>,
): Map<WorkerId, DriftReport> {
  const spans = new Map(facts.spans.map((span) => [span.subject, span]))
  const found = [...driftOfWorkers(machines, { ...facts, files: new Map() }, session)].flatMap(([worker, live]) => {
    const incarnation = facts.incarnations.get(worker)
    const span = spans.get(worker)
    const report = incarnation === undefined ? null : reportedDrift(live, span?.incarnation === incarnation ? span : undefined, facts.now)
    return report === null ? [] : [[worker, report] as const]
  })
  return new Map(found)
}

/** Returns the differences of the live agents of a machine, by worker. Reads the ledger, but not the machine. Throws if the ledger fails. */
export async function driftsIn(machine: Machine, snapshot: MachineSnapshot, session: Session): Promise<Map<WorkerId, DriftReport>> {
  if (snapshot.state !== 'up') return new Map()
  const incarnations = readIncarnations(new Map([[machine.name, { snapshot, screens: new Map() }]]))
  const [agents, evidence] = [await session.ledger.lastAgents(), await readDriftEvidence(session)]
  const facts = { incarnations, agents: new Map(agents.map((agent) => [agent.worker, agent])), ...evidence, now: session.clock.now() }
  return reportedDrifts([machine], { ...facts, fleet: session.fleet }, session)
}

/** Reads the configuration files of the agents of each machine. A machine that does not answer is missing in the result. */
export async function readAgentFiles(
  machines: readonly Machine[],
  session: Pick<Session, 'fleet' | 'machines'>,
): Promise<Map<string, AgentFiles>> {
  const found = await Promise.all(
    machines.map(async (machine): Promise<[string, AgentFiles][]> => {
      const workers = machine.windows.flatMap((window) => window.workers)
      const paths = [...new Set(workers.flatMap((worker) => modelFiles({ fleet: session.fleet.name, worker })))]
      if (paths.length === 0) return []
      const [host] = await session.machines.open([machine])
      const read = host === undefined || host.state === 'unreachable' ? null : await host.texts(paths)
      if (read === null) return []
      // Only commands that read these files load the parser.
      const { parseAnyConfig } = await import('../host/config-file.ts')
      const files = [...read.texts].flatMap(([path, text]) =>
        text === null ? [] : [[path, { text, data: parseAnyConfig(text) }] as const],
      )
      return [[machine.name, { person: read.home, files: new Map(files) }]]
    }),
  )
  return new Map(found.flat())
}
