/** Takes samples of the fleet: reads machines and ledger, compares the result with the open spans, and saves the changes. */
import type { MachineFacts, MachineProcess } from '../core/machine-facts.ts'
import type { Machine, Time } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Measure, Span, SpanState } from '../core/span.ts'
import { isMerge, type Event } from '../core/events.ts'
import type { LedgerView } from '../core/ledger.ts'
import type { Queues } from '../core/ledger/backlog.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { ReadingsFacet, StatusState } from '../core/fleet-state.ts'
import type { Session } from '../observe/session.ts'
import { burnJobStates, machineJobStates } from './jobs.ts'
import { descendants, leftovers } from '../core/machine-facts.ts'
import { repoOf } from '../core/refs.ts'
import { lastRead } from '../decide/health-parts.ts'
import { presentIssue } from '../decide/present-issue.ts'
import { spanChanges, type Sample } from '../decide/spans.ts'
import { paneLimits } from '../decide/usage-limits.ts'
import { saveNewReadings } from '../observe/save-readings.ts'
import { readStatus } from '../observe/state.ts'

/** The number of samples that may fail one after another before burn treats the time in between as unknown. */
export const missedSamples = 3
const day = 24 * 60 * 60_000
/** The maximum number of merges that one sample counts. */
const maxMerges = 1000

/** The number of spans that one sample saved, and of events that it recorded. */
export interface Collected {
  readonly spans: number
  readonly events: number
}

/** Takes one sample of a machine and its workers, and saves it. `answered`: whether the machine did. Throws if the ledger fails. */
export async function collectMachine(machine: Machine, session: Session): Promise<Collected & { readonly answered: boolean }> {
  const { ledger, clock } = session
  const [host] = await session.machines.open([machine])
  const [state, facts, open, jobs] = await Promise.all([
    readStatus([machine], session),
    host?.facts() ?? null,
    ledger.openSpans(),
    ledger.jobs(),
  ])
  // A dispatcher that starts again learns from these readings what the agents did meanwhile.
  await saveNewReadings(state, session)
  const at = clock.now()
  const limits = paneLimits(state.snapshots, at)
  if (limits.length > 0) await ledger.saveUsageLimits(limits)
  const found = facts?.jobs ?? null
  const ended = await endedPrompts(state, open, session)
  const states = [
    ...workerStates(state, open, ended),
    ...machineStates(state),
    ...(found === null
      ? []
      : machineJobStates(machine, found, { jobs, spec_file: sharesLedger(machine, session) ? session.spec_file : null }, at)),
  ]
  const covers = ({ kind, machine: of }: Span) => of === machine.name && kind !== 'drift' && (kind !== 'job' || found !== null)
  const measures = facts === null ? [] : [machineMeasure(machine, facts, state.snapshots.get(machine.name), at)]
  const saved = await save({ at, states, covers }, open, measures, session)
  return { ...saved, answered: state.snapshots.get(machine.name)?.state !== 'unreachable' }
}

/** Takes one sample of what belongs to no machine: the dispatchers and the repos. Throws if the ledger fails. */
export async function collectFleet(session: Session): Promise<Collected> {
  const { ledger, clock, fleet, owner } = session
  const at = clock.now()
  const [open, cycles, jobs, queues, view, merges] = await Promise.all([
    ledger.openSpans(),
    ledger.spans({ kind: 'dispatcher', since: at - fleet.health.dispatcher }),
    ledger.jobs(),
    ledger.queues(),
    ledger.view(),
    ledger.events({ kinds: ['dispatch.done'], since: at - day, limit: maxMerges }),
  ])
  const dispatchers = open.filter(({ kind }) => kind === 'dispatcher')
  const silent = silentDispatchers(dispatchers, { at, longest: fleet.health.dispatcher, owner })
  // Nobody runs burn's jobs while all dispatchers are late or silent. Then the silence is the trouble, and not each missed job.
  const running = dispatchers.filter(({ state, detail, seen_at }) => state === 'running' && at - Number(detail) <= Number(detail) - seen_at)
  const since = Math.min(...running.map(({ began_at }) => began_at))
  return save(
    {
      at,
      states: [...silent, ...(running.length === 0 ? [] : burnJobStates(jobs, since, at))],
      covers: ({ kind, machine, state }) => (kind === 'job' && machine === null) || (kind === 'dispatcher' && state === 'silent'),
    },
    open,
    await repoMeasures({ ...view, queues, cycles, merges }, session, at),
    session,
  )
}

/** Returns true if jobs of the machine can write to this ledger. A file of SQLite is on this machine. */
function sharesLedger({ transport }: Machine, { fleet }: Pick<Session, 'fleet'>): boolean {
  return transport.kind === 'local' || !fleet.ledger.startsWith('sqlite:')
}

async function save(sample: Sample, open: readonly Span[], measures: readonly Measure[], session: Session): Promise<Collected> {
  const { interval, waiting_after } = session.fleet.telemetry
  const changes = spanChanges(open, sample, { waiting_after, longest_gap: missedSamples * interval })
  await session.ledger.saveSample({ ...changes, measures }, sample.at)
  return { spans: changes.spans.length, events: changes.events.length }
}

/** The maximum number of dispatches that end on all machines between two samples. */
const maxEnded = 10_000

/**
 * Returns recent dispatches of the workers of which a dispatch was done since the last sample, or whose issue of the last sample has ended.
 * They show which earlier prompts an agent has finished without a change.
 */
async function endedPrompts({ workers, dispatches }: StatusState, open: readonly Span[], { ledger }: Session): Promise<Dispatch[]> {
  const own = Map.groupBy(dispatches, ({ worker }) => worker)
  const before = new Map(open.flatMap((span) => (span.kind === 'worker' ? [[span.subject, span] as const] : [])))
  const since = Math.min(...workers.flatMap(({ worker: { id } }) => before.get(id)?.seen_at ?? []))
  const done = since === Infinity ? [] : await ledger.events({ kinds: ['dispatch.done'], since, limit: maxEnded })
  const hasDone = new Set(done.map(({ worker }) => worker))
  const unsure = workers.filter(({ worker: { id } }) => {
    const all = own.get(id) ?? []
    const isOver = hasDone.has(id) || all.every(({ issue }) => issue !== before.get(id)?.issue)
    return isOver && all.some(({ state }) => state === 'handed')
  })
  const found = await Promise.all(unsure.map(({ worker: { id } }) => ledger.dispatches({ worker: id, limit: 10 })))
  return found.flat().filter(({ state }) => state === 'done')
}

/** Returns the state of each worker, with its issue. `open`: the open spans. `ended`: dispatches that are done. */
function workerStates(
  { workers, states, dispatches, holds }: StatusState,
  open: readonly Span[],
  ended: readonly Dispatch[],
): (SpanState & { readonly since: Time | undefined })[] {
  const own = Map.groupBy([...dispatches, ...ended], ({ worker }) => worker)
  const before = new Map(open.flatMap((span) => (span.kind === 'worker' ? [[span.subject, span] as const] : [])))
  const issueOf = (id: string, incarnation: string | null) => {
    const last = before.get(id)
    // Another agent begins with the first prompt that it got.
    return presentIssue(own.get(id) ?? [], last?.incarnation === incarnation ? last.issue : null)
  }
  // `burn worker retire` ends the pane on purpose, so the missing agent is no trouble.
  const retired = new Set(holds.flatMap(({ scope, code, name }) => (scope === 'worker' && code === 'retire' ? [name] : [])))
  const present = workers.filter(({ worker, reading }) => reading.state !== 'dead' || !retired.has(worker.id))
  return present.map(({ worker: { id, machine }, reading: { state, detail, evidence }, incarnation }) => ({
    kind: 'worker' as const,
    subject: id,
    machine,
    state,
    detail,
    issue: issueOf(id, incarnation),
    incarnation,
    evidence,
    since: sinceOf(id, state, states),
  }))
}

function sinceOf(id: string, state: string, states: ReadingsFacet['states']): Time | undefined {
  const known = states.get(id)
  return known?.state === state ? known.since : undefined
}

function machineStates({ snapshots }: StatusState): SpanState[] {
  return [...snapshots].map(([machine, snapshot]) => ({
    kind: 'machine',
    subject: machine,
    machine,
    state: snapshot.state,
    detail: null,
    issue: null,
    incarnation: null,
    evidence: snapshot.state === 'unreachable' ? snapshot.reason : '',
  }))
}

/** The facts about repos. */
interface RepoFacts extends Pick<LedgerView, 'repos' | 'dispatches'> {
  readonly queues: Queues
  /** The spans of dispatchers that show when burn last read the forge. */
  readonly cycles: readonly Span[]
  /** The dispatches that ended as done in the last day. */
  readonly merges: readonly Event[]
}

/**
 * Returns the number of open, waiting and reviewed issues of each repo, of its merges in the last day, and of the commits in its mirror. The
 * numbers of a repo that burn has not read lately are unknown.
 */
async function repoMeasures(
  { repos, dispatches, queues: { open, queued }, cycles, merges }: RepoFacts,
  { countCommits, fleet }: Pick<Session, 'countCommits' | 'fleet'>,
  at: Time,
): Promise<Measure[]> {
  const isRead = (record: LedgerView['repos'][number]) =>
    record.unread === null && at - lastRead([record], cycles) <= fleet.health.dispatcher
  const countBy = (issues: readonly (string | null)[]) => {
    const groups = Map.groupBy(issues, (issue) => (issue === null ? null : repoOf(issue)))
    return (repo: string) => groups.get(repo)?.length ?? 0
  }
  const reviewed = countBy(dispatches.filter(({ state }) => state === 'review').map(({ issue }) => issue))
  const merged = countBy(merges.filter(isMerge).map(({ issue }) => issue))
  return Promise.all(
    repos.filter(isRead).map(async ({ repo }) => {
      const commits = await countCommits(repo)
      const issues = { open: open.get(repo) ?? 0, ready: queued.get(repo) ?? 0, in_review: reviewed(repo), merged: merged(repo) }
      return { subject: `repo ${repo}`, at, period: 0, numbers: { ...issues, ...(commits === null ? {} : { commits }) } }
    }),
  )
}

/**
 * Returns a state `silent` for each dispatcher whose next cycle is overdue by `longest` (ms). `detail` of a running dispatcher's span has the
 * time of its next cycle. The silence ends when another dispatcher begins later, because that one replaces the silent one. The process
 * `owner` runs this function, so it is not silent.
 */
function silentDispatchers(
  open: readonly Span[],
  { at, longest, owner }: { readonly at: Time; readonly longest: number; readonly owner: string },
): (SpanState & { readonly since?: Time })[] {
  const newest = Math.max(...open.flatMap(({ state, began_at }) => (state === 'running' ? [began_at] : [])))
  return open.flatMap((span) => {
    if (span.state === 'silent') return newest > span.began_at ? [] : [span]
    const isOverdue = span.state === 'running' && span.subject !== owner && at > Number(span.detail) + longest
    const evidence = `no cycle since ${new Date(span.seen_at).toISOString().slice(0, 16)}Z`
    return isOverdue ? [{ ...span, state: 'silent', detail: null, evidence, since: span.seen_at }] : []
  })
}

function machineMeasure(machine: Machine, facts: MachineFacts, snapshot: MachineSnapshot | undefined, at: Time): Measure {
  const { clock, processes, jobs, socket_folder: folder, ...numbers } = facts
  const known = Object.entries(numbers).flatMap(([key, number]) => (number === null ? [] : [[key, number] as const]))
  return {
    subject: `machine ${machine.name}`,
    at,
    period: 0,
    numbers: {
      ...Object.fromEntries(known),
      ...(jobs === null ? {} : { jobs: jobs.jobs.length }),
      ...(clock === null ? {} : { clock_offset: clock - Math.floor(at / 1000) * 1000 }),
      ...(processes === null || snapshot?.state !== 'up' ? {} : processNumbers(processes, snapshot.panes, { ...machine, folder })),
    },
  }
}

function processNumbers(
  processes: readonly MachineProcess[],
  panes: readonly Pick<Pane, 'pid'>[],
  machine: Pick<Machine, 'name' | 'socket'> & { readonly folder: string | null },
): Record<string, number> {
  const roots = panes.map(({ pid }) => pid)
  const memoryOf = (some: readonly MachineProcess[]) => some.reduce((sum, { memory }) => sum + memory, 0)
  const left = leftovers(processes, roots, machine)
  return { agents_memory: memoryOf(descendants(processes, roots)), leftovers: left.length, leftovers_memory: memoryOf(left) }
}
