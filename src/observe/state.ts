/** Loads the facets of the fleet's state: `refresh` for a cycle or a sprint, `readStatus` for whoever only looks. */
import type { Reason } from '../core/reasons.ts'
import type {
  FleetState,
  FollowUpFacet,
  HoldsFacet,
  KeptFacet,
  MachinesFacet,
  Moment,
  ReadingsFacet,
  StatusState,
  UnderWayState,
  WorkerSnapshot,
  WorkFacet,
} from '../core/fleet-state.ts'
import type { Hold } from '../core/ledger/holds.ts'
import type { ForeignChange } from '../core/ledger/forge.ts'
import type { LedgerView, CycleView } from '../core/ledger.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { ChangedWork, LiveDispatch, ResumeText } from '../core/ledger/claims.ts'
import type { WorkerLedger, WorkerRecord } from '../core/ledger/workers.ts'
import type { Delivery, DeliveryState } from '../core/lifecycle.ts'
import type { Change, Machine, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot } from '../core/panes.ts'
import type { MachineScreens } from './readings.ts'
import type { ForgeView } from './forge.ts'
import type { Session, SessionPart } from './session.ts'
import { followUpKinds, isFirstText, slotStates, unprovenStates } from '../core/lifecycle.ts'
import { repoOf, servedRepos } from '../core/refs.ts'
import { heldBy } from '../decide/holds.ts'
import { withFreed } from '../decide/settle.ts'
import { rulesMark } from '../decide/eligible.ts'
import { withStops } from '../decide/stops.ts'
import { endedAgents, withStrays } from './agents.ts'
import { refreshForge } from './forge.ts'
import { readIncarnations, readWorkers } from './readings.ts'
import type { StatusReport } from '../decide/report.ts'
import { messageWithHint } from '../core/errors.ts'
import { statusReport } from '../decide/report.ts'

/** What each machine shows, agents' screens included. One that can't be reached is in it, and says so. */
export async function readMachines(machines: readonly Machine[], session: Session): Promise<ReadonlyMap<string, MachineScreens>> {
  const hosts = await session.machines.open(machines)
  const seen = await Promise.all(
    hosts.map(async (host): Promise<[string, MachineScreens]> => {
      return [host.machine.name, await withStrays(host.machine, await host.snapshotWithScreens(), session)]
    }),
  )
  return new Map(seen)
}

export function snapshotsOf(seen: ReadonlyMap<string, MachineScreens>): ReadonlyMap<string, MachineSnapshot> {
  return new Map([...seen].map(([name, { snapshot: sight }]) => [name, sight]))
}

export interface Refreshing {
  /** The repos that the forge is asked about; without it those that the machines serve. */
  readonly served?: readonly RepoRef[]
  /** Caches are brought up to date without an event: for a dry run. */
  readonly quiet?: boolean
}

/**
 * Reads forge, machines and ledger, and brings the caches up to date: issues, changes, rights and readings. Nothing is decided or carried out. `machines`
 * narrows it to some of the fleet's machines.
 */
export async function refresh(
  machines: readonly Machine[],
  session: Session,
  { served = servedRepos(machines), quiet = false }: Refreshing = {},
): Promise<UnderWayState> {
  const { ledger, clock, fleet } = session
  const before = await ledger.cycleView()
  if (before.has_pending_events && !quiet) await ledger.writePendingEvents(clock.now())
  const [forge, seen] = await Promise.all([refreshForge(served, before, session, quiet), readMachines(machines, session)])
  const news = await ledger.affectedWork(changedWork(before.dispatches, forge))
  const known = new Set(before.dispatches.map(({ id }) => id))
  // One that came into review while the machines were looked at is known as it was before.
  const dispatches = [...before.dispatches, ...news.reviews.filter(({ id }) => !known.has(id))]
  const looked = readWorkers(machines, seen, session.kindOf)
  const failed = failing(looked, before.workers, dispatches)
  const resumes = failed.length === 0 ? new Map<string, readonly ResumeText[]>() : await ledger.resumeTexts(failed)
  const now = clock.now()
  const state = {
    ...fleetSeen(looked, seen, { ...before, dispatches, given: givenAt(dispatches, resumes), now }, session),
    ...(await followUps({ ...before, dispatches }, seen, resumes, session)),
    changes: [...news.foreign_changes.map(asChange), ...forge.changes],
    changes_at: forge.changes_at,
    closed: new Set(news.closed.filter((issue) => !forge.repos_down.has(repoOf(issue)))),
    writers: forge.writers,
    repos_down: forge.repos_down,
    held_repos: heldRepos([...served, ...before.repos.map(({ repo }) => repo)], before.holds, now),
    waits: new Map(before.repos.flatMap(({ repo, wait_reason }) => (wait_reason === null ? [] : [[repo, wait_reason] as const]))),
    skipped: forge.skipped,
  }
  await keepReadings(state, session)
  const rules = rulesMark(fleet)
  if (before.rules !== rules) await ledger.rejudgeIfRulesChanged(rules)
  return state
}

/** Reads machines and ledger, and never the forge. */
export async function readStatus(machines: readonly Machine[], session: Session): Promise<StatusState> {
  // The ledger is read while the machines answer.
  const [seen, kept] = await Promise.all([readMachines(machines, session), readKept(session)])
  return statusState(machines, seen, kept, session)
}

/** What everyone is doing now, as people are told. Since when each is in its state is kept. */
export async function status(machines: readonly Machine[], session: Session): Promise<StatusReport> {
  const state = await readStatus(machines, session)
  try {
    await keepReadings(state, session)
  } catch (thrown) {
    // A full disk is when a person needs to see the fleet most.
    session.notify({ kind: 'ledger.unsaved', subject: 'ledger', payload: { why: messageWithHint(thrown) } })
  }
  return statusReport(machines, state)
}

/** What the ledger keeps for whoever only looks. */
export type KeptState = LedgerView & Pick<KeptFacet, 'backed_off' | 'texts'>

export async function readKept({ ledger, clock }: Session): Promise<KeptState> {
  const view = await ledger.view()
  const given = await ledger.deliveries({ ids: view.dispatches.map(({ id }) => id) })
  return { ...view, backed_off: await ledger.backoffs(clock.now()), texts: [...given, ...view.deliveries] }
}

/** The state of what was seen already. */
export function statusState(
  machines: readonly Machine[],
  seen: ReadonlyMap<string, MachineScreens>,
  kept: KeptState,
  session: Pick<Session, 'fleet' | 'clock' | 'kindOf'>,
): StatusState {
  const { repos, backed_off: rests, texts, elsewhere } = kept
  const looked = readWorkers(machines, seen, session.kindOf)
  return {
    ...fleetSeen(looked, seen, { ...kept, given: new Map(), now: session.clock.now() }, session),
    repos,
    backed_off: rests,
    texts,
    elsewhere,
  }
}

interface Known extends Pick<LedgerView, 'workers' | 'holds' | 'leases' | 'recent' | 'deliveries' | 'sprints'> {
  readonly dispatches: readonly LiveDispatch[]
  /** When each worker's agent was given a text that it may have failed at since. */
  readonly given: ReadonlyMap<WorkerId, Time>
  readonly now: Time
}

/** The facets that every reader has, from one look at the machines and one at the ledger. */
function fleetSeen(
  looked: readonly WorkerSnapshot[],
  seen: ReadonlyMap<string, MachineScreens>,
  { workers, holds, leases, recent, deliveries, sprints, dispatches, given, now }: Known,
  { fleet }: Pick<Session, 'fleet'>,
): Moment & MachinesFacet & ReadingsFacet & HoldsFacet & WorkFacet {
  const states = statesOf(looked, workers, given, now)
  const inState = (...wanted: readonly DeliveryState[]) =>
    new Set(deliveries.flatMap((text) => (isFirstText(text) && wanted.includes(text.state) ? [text.id] : [])))
  return {
    fleet,
    now,
    snapshots: snapshotsOf(seen),
    incarnations: readIncarnations(seen),
    workers: withStops(looked, { fleet, leases, recent, records: workers, states, now }),
    states,
    records: workers,
    holds,
    dispatches,
    sprints,
    unproven: inState('submitted', ...unprovenStates),
    mangled: inState('mangled'),
    following: new Set(
      deliveries.flatMap(({ kind, state, worker }) => (followUpKinds.includes(kind) && state === 'planned' ? [worker] : [])),
    ),
  }
}

async function followUps(
  { dispatches, deliveries }: Pick<Known, 'dispatches' | 'deliveries'>,
  seen: ReadonlyMap<string, MachineScreens>,
  resumes: FollowUpFacet['resumes'],
  session: Session,
): Promise<FollowUpFacet> {
  const held = dispatches.filter(({ state }) => slotStates.includes(state))
  const mangled = deliveries.flatMap((text) => (isFirstText(text) && text.state === 'mangled' ? [text.id] : []))
  const corrections: readonly Delivery[] = mangled.length === 0 ? [] : await session.ledger.deliveries({ about: mangled })
  return { resumes, corrections, ended: await endedAgents(held, snapshotsOf(seen), session), freed: [] }
}

/** Those that are new with this look: since when each worker is in its state is a cache, and no act. */
export async function keepReadings(
  { states, now }: ReadingsFacet & Moment,
  { ledger }: SessionPart<Pick<WorkerLedger, 'saveReadings'>>,
): Promise<void> {
  const fresh = [...states]
    .filter(([, { since }]) => since === now)
    .map(([worker, { state }]) => ({ worker, state, anew: state === 'error' }))
  if (fresh.length > 0) await ledger.saveReadings(fresh, now)
}

/** One that is kept is open, and closes the issue; nothing more of it is asked. */
function asChange({ issue, name, url }: ForeignChange): Change {
  return { dispatch_id: null, name, url, state: 'open', author: '', fork: false, closes: [issue], created_at: 0 }
}

function heldRepos(repos: readonly RepoRef[], holds: readonly Hold[], now: Time): ReadonlyMap<RepoRef, Reason> {
  const held = heldBy(holds, now)
  return new Map(repos.flatMap((repo) => [held.repo(repo)].flatMap((why) => (why === null ? [] : [[repo, why] as const]))))
}

/** What changes with news may end of work in review, beside what is held. */
function changedWork(held: CycleView['dispatches'], { changes }: ForgeView): ChangedWork {
  const known = new Set(held.map(({ id }) => id))
  return {
    ids: changes.flatMap(({ dispatch_id: id }) => (id === null || known.has(id) ? [] : [id])),
    issues: changes.flatMap(({ closes }) => closes),
    urls: changes.flatMap(({ dispatch_id, url }) => (dispatch_id === null ? [url] : [])),
  }
}

/** Dispatches of workers whose turn failed, and that were not seen at work since. */
function failing(sights: readonly WorkerSnapshot[], records: readonly WorkerRecord[], dispatches: readonly LiveDispatch[]): string[] {
  const failed = new Set([
    ...sights.flatMap(({ worker, reading }) => (reading.state === 'error' ? [worker.id] : [])),
    ...records.flatMap(({ id, error_at }) => (error_at === null ? [] : [id])),
  ])
  return dispatches.flatMap(({ id, worker, state }) => (state === 'handed' && failed.has(worker) ? [id] : []))
}

const arrived: ReadonlySet<DeliveryState> = new Set<DeliveryState>(['submitted', 'seen', 'unknown'])

function givenAt(dispatches: readonly LiveDispatch[], resumes: FollowUpFacet['resumes']): Map<WorkerId, Time> {
  const given = new Map<WorkerId, Time>()
  for (const { id, worker, handed_at } of dispatches) {
    const told = resumes.get(id)?.flatMap(({ state, planned_at }) => (arrived.has(state) ? [planned_at] : [])) ?? []
    given.set(worker, Math.max(given.get(worker) ?? 0, handed_at ?? 0, ...told))
  }
  return given
}

/** A turn that failed at once after its agent was given a text may be over before anybody saw it at work: it is an error anew. */
function statesOf(
  sights: readonly WorkerSnapshot[],
  records: readonly WorkerRecord[],
  given: ReadonlyMap<WorkerId, Time>,
  now: Time,
): ReadingsFacet['states'] {
  const before = new Map(records.map((record) => [record.id, record]))
  return new Map(
    sights.map(({ worker: { id }, reading: { state } }) => {
      const record = before.get(id)
      const since = record?.state === state ? (record.state_since ?? now) : now
      return [id, { state, since: state === 'error' && (given.get(id) ?? 0) > since ? now : since }]
    }),
  )
}

/** The state with issues to decide about. Looks up the fleet's own login only if an issue has assignees. */
export async function withIssues(
  state: UnderWayState & Partial<Pick<FleetState, 'claims'>>,
  read: readonly IssueRecord[],
  session: Session,
): Promise<FleetState> {
  const issues = withFreed(read, state)
  const assigned = issues.some(({ issue }) => issue.assignees.length > 0)
  return { ...state, issues, login: assigned ? await loginOf(session) : null, claims: state.claims ?? new Map() }
}

async function loginOf({ forge, notify }: Session): Promise<string | null> {
  try {
    return (await forge.whoami()).login
  } catch (thrown) {
    notify({ kind: 'forge.login_unknown', subject: 'forge', payload: { why: String(thrown) } })
    return null
  }
}
