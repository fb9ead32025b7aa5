/** Loads the fleet's state. `refresh` loads it for cycles and sprints, `readStatus` for commands that make no request to the forge. */
import type { Reason } from '../core/reasons.ts'
import type {
  FleetState,
  FollowUpFacet,
  HoldsFacet,
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
import type { Delivery, DeliveryState } from '../core/lifecycle.ts'
import type { Change, Machine, RepoRef, Time } from '../core/nouns.ts'
import type { MachineScreens } from './readings.ts'
import type { ForgeView } from './forge.ts'
import type { Session } from './session.ts'
import type { WorkerLimit } from '../core/usage-limit.ts'
import { activeStates, followUpKinds, isFirstText, slotStates, unprovenStates } from '../core/lifecycle.ts'
import { repoOf, servedRepos } from '../core/refs.ts'
import { heldBy } from '../decide/holds.ts'
import { withFreed } from '../decide/settle.ts'
import { rulesMark } from '../decide/eligible.ts'
import { withStops } from '../decide/stops.ts'
import { paneLimits, withUsageLimits } from '../decide/usage-limits.ts'
import { readBudgets } from './budgets.ts'
import { readChangesInReview } from './reviews.ts'
import { endedAgents, withStrays } from './agents.ts'
import { reportedDrifts } from './drift.ts'
import { readKept, type KeptState } from './kept.ts'
import { refreshForge } from './forge.ts'
import { readNeeds } from './needs.ts'
import { ownLogin } from './own-login.ts'
import { steeringOf } from './steering.ts'
import { seenAgents } from './seen-agents.ts'
import { givenAt, toldDispatches } from './told.ts'
import { saveNewReadings } from './save-readings.ts'
import { statesOf, type EarlierStates } from './worker-states.ts'
import { readIncarnations, readRemoved, readWorkers, snapshotsOf } from './readings.ts'
import { redrawTime_ms, unrecognisedPanes } from './steady-screens.ts'
import type { StatusReport } from '../decide/report.ts'
import { messageWithHint } from '../core/errors.ts'
import { statusReport } from '../decide/report.ts'

/**
 * Returns a snapshot of each machine with screens, or the reason why the machine is unreachable. If burn does not recognise some screens, it
 * takes a second snapshot, because the agents may have been redrawing.
 */
export async function readMachines(machines: readonly Machine[], session: Session): Promise<ReadonlyMap<string, MachineScreens>> {
  const hosts = await session.machines.open(machines)
  const seen = await Promise.all(
    hosts.map(async (host): Promise<[string, MachineScreens]> => {
      const first = await host.snapshotWithScreens()
      const isStrange = unrecognisedPanes(host.machine, first, session.kindOf).length > 0
      if (isStrange) await session.clock.sleep(redrawTime_ms)
      return [host.machine.name, await withStrays(host.machine, isStrange ? await host.snapshotWithScreens() : first, session)]
    }),
  )
  return new Map(seen)
}

/** Options of `refresh`. */
export interface RefreshOptions {
  /** The repos to read; by default the repos of the machines' workers. */
  readonly served?: readonly RepoRef[]
  /** If true, `refresh` writes no events while it updates the caches, for a dry run. */
  readonly quiet?: boolean
}

/**
 * Reads forge, machines and ledger, updates the caches (issues, changes, writers, readings), and returns the state. It decides nothing and
 * carries out nothing. `machines`: all machines of the fleet, or some of them.
 */
export async function refresh(
  machines: readonly Machine[],
  session: Session,
  { served = servedRepos(machines), quiet = false }: RefreshOptions = {},
): Promise<UnderWayState> {
  const { ledger, clock, fleet } = session
  const before = await ledger.cycleView()
  const began = clock.now()
  if (before.has_pending_events && !quiet) await ledger.writePendingEvents(clock.now())
  const [forge, seen] = await Promise.all([refreshForge(served, before, session, quiet), readMachines(machines, session)])
  const affected = await ledger.affectedWork(changedWork(before.dispatches, forge))
  const known = new Set(before.dispatches.map(({ id }) => id))
  // If the state of a dispatch became `review` while burn read the machines, keep its earlier state, because the other dispatches in
  // `before` are as old.
  const dispatches = [...before.dispatches, ...affected.reviews.filter(({ id }) => !known.has(id))]
  const workers = readWorkers(machines, seen, session.kindOf)
  const failed = toldDispatches(workers, before, dispatches)
  const resumes = failed.length === 0 ? new Map<string, readonly ResumeText[]>() : await ledger.resumeTexts(failed)
  const ended = await endedAgents(
    dispatches.filter((each) => slotStates.includes(each.state)),
    snapshotsOf(seen),
    session,
  )
  const now = clock.now()
  const limited = workers.some(({ reading }) => reading.detail === 'rate limit')
  const state = {
    ...fleetFacets(
      workers,
      seen,
      {
        ...before,
        dispatches,
        given: givenAt(dispatches, resumes, began),
        ended,
        sampled: null,
        usage_limits: limited ? await ledger.usageLimits() : [],
        now,
      },
      session,
    ),
    ...(await followUps(before, resumes, ended, session)),
    changes: [...affected.foreign_changes.map(asChange), ...forge.changes],
    changes_at: forge.changes_at,
    closed: new Set(affected.closed.filter((issue) => !forge.repos_down.has(repoOf(issue)))),
    writers: forge.writers,
    steering: await steeringOf(forge.steering, () => ownLogin(session)),
    repos_down: forge.repos_down,
    held_repos: heldRepos([...served, ...before.repos.map(({ repo }) => repo)], before.holds, now),
    waits: new Map(before.repos.flatMap(({ repo, wait_reason }) => (wait_reason === null ? [] : [[repo, wait_reason] as const]))),
    skipped: forge.skipped,
    budgets: await readBudgets(dispatches, session),
    reviews: await readChangesInReview(forge, session),
  }
  await saveNewReadings(state, session)
  const rules = rulesMark(fleet)
  if (before.rules !== rules) await ledger.rejudgeIfRulesChanged(rules)
  return state
}

/** Reads machines and ledger, but not the forge, and returns the state. */
export async function readStatus(machines: readonly Machine[], session: Session): Promise<StatusState> {
  const [seen, kept] = await Promise.all([readMachines(machines, session), readKept(session)])
  return statusState(machines, seen, kept, session)
}

/** Returns the status report. Saves the states of workers that changed, so that later reports can show when these states began. */
export async function status(machines: readonly Machine[], session: Session): Promise<StatusReport> {
  const [state, needs] = await Promise.all([readAndSaveStatus(machines, session), readNeeds(session)])
  return statusReport(machines, state, needs)
}

/** Returns the state like `readStatus`, and saves the states of workers that changed. */
export async function readAndSaveStatus(machines: readonly Machine[], session: Session): Promise<StatusState> {
  const state = await readStatus(machines, session)
  try {
    await saveNewReadings(state, session)
  } catch (thrown) {
    // A failed write must not end the report, because people need the report most when the disk is full.
    session.notify({ kind: 'ledger.unsaved', subject: 'ledger', payload: { why: messageWithHint(thrown) } })
  }
  return state
}

/** Returns the fleet's state, computed from snapshots and from data of the ledger that the caller has read. */
export function statusState(
  machines: readonly Machine[],
  seen: ReadonlyMap<string, MachineScreens>,
  kept: KeptState,
  session: Pick<Session, 'fleet' | 'clock' | 'kindOf'>,
): StatusState {
  const { repos, backed_off, texts, elsewhere } = kept
  const facets = fleetFacets(
    readWorkers(machines, seen, session.kindOf),
    seen,
    { ...kept, given: new Map(), ended: new Set(), now: session.clock.now() },
    session,
  )
  return {
    ...facets,
    removed: readRemoved(machines, seen, kept.agents, session.kindOf),
    drifts: reportedDrifts(machines, { ...facets, ...kept.drift }, session),
    repos,
    backed_off,
    texts,
    elsewhere,
  }
}

interface LedgerFacts extends EarlierStates, Pick<LedgerView, 'holders' | 'holds' | 'leases' | 'recent' | 'deliveries' | 'sprints'> {
  readonly dispatches: readonly LiveDispatch[]
  /** The keys (`agentKey`) of agents that have ended. */
  readonly ended: ReadonlySet<string>
  /** The usage limits that the ledger has. */
  readonly usage_limits: readonly WorkerLimit[]
}

/** Returns the facets that both cycles and status reports use, from one read of the machines and one read of the ledger. */
function fleetFacets(
  snapshots: readonly WorkerSnapshot[],
  seen: ReadonlyMap<string, MachineScreens>,
  {
    workers,
    agents,
    holders,
    holds,
    leases,
    recent,
    deliveries,
    sprints,
    dispatches,
    given,
    ended,
    sampled,
    usage_limits,
    now,
  }: LedgerFacts,
  { fleet }: Pick<Session, 'fleet'>,
): Moment & MachinesFacet & ReadingsFacet & HoldsFacet & WorkFacet {
  const states = statesOf(snapshots, { workers, agents, given, sampled, now })
  const inState = (...wanted: readonly DeliveryState[]) =>
    new Set(deliveries.flatMap((text) => (isFirstText(text) && wanted.includes(text.state) ? [text.id] : [])))
  return {
    fleet,
    now,
    snapshots: snapshotsOf(seen),
    incarnations: readIncarnations(seen),
    workers: withStops(withUsageLimits(snapshots, [...usage_limits, ...paneLimits(snapshotsOf(seen), now)], fleet.accounts), {
      fleet,
      leases,
      recent,
      records: workers,
      states,
      now,
    }),
    states,
    records: workers,
    ...seenAgents({ agents, holders }, snapshots, ended, now),
    holds,
    dispatches,
    sprints,
    unproven: inState('submitted', ...unprovenStates),
    mangled: inState('mangled'),
    following: new Set(
      deliveries.flatMap(({ kind, state, worker }) => (followUpKinds.includes(kind) && state === 'planned' ? [worker] : [])),
    ),
    arriving: new Set(
      deliveries.flatMap(({ kind, state, dispatch }) => {
        const isArriving = kind === 'follow_up' && state !== 'planned' && activeStates.includes(state)
        return isArriving && dispatch !== null ? [dispatch] : []
      }),
    ),
  }
}

async function followUps(
  { deliveries }: Pick<LedgerFacts, 'deliveries'>,
  resumes: FollowUpFacet['resumes'],
  ended: FollowUpFacet['ended'],
  session: Session,
): Promise<FollowUpFacet> {
  const mangled = deliveries.flatMap((text) => (isFirstText(text) && text.state === 'mangled' ? [text.id] : []))
  const corrections: readonly Delivery[] = mangled.length === 0 ? [] : await session.ledger.deliveries({ about: mangled })
  return { resumes, corrections, ended, freed: [] }
}

/** Converts a stored change that a person opened. Such a change is open and closes the issue. The other fields are placeholders. */
function asChange({ issue, name, url }: ForeignChange): Change {
  return { dispatch_id: null, name, url, state: 'open', author: '', fork: false, closes: [issue], created_at: 0 }
}

function heldRepos(repos: readonly RepoRef[], holds: readonly Hold[], now: Time): ReadonlyMap<RepoRef, Reason> {
  const held = heldBy(holds, now, [])
  return new Map(repos.flatMap((repo) => [held.repo(repo)].flatMap((why) => (why === null ? [] : [[repo, why] as const]))))
}

/** Returns the keys (ids, issues, URLs) by which the ledger finds dispatches that new changes may affect and that are not in `held`. */
function changedWork(held: CycleView['dispatches'], { changes }: ForgeView): ChangedWork {
  const known = new Set(held.map(({ id }) => id))
  return {
    ids: changes.flatMap(({ dispatch_id: id }) => (id === null || known.has(id) ? [] : [id])),
    issues: changes.flatMap(({ closes }) => closes),
    urls: changes.flatMap(({ dispatch_id, url }) => (dispatch_id === null ? [url] : [])),
  }
}

/** Adds the issues that the deciders judge to the state. Looks up the fleet's own login only if an issue has assignees. */
export async function withIssues(
  state: UnderWayState & Partial<Pick<FleetState, 'claims'>>,
  read: readonly IssueRecord[],
  session: Session,
): Promise<FleetState> {
  const issues = withFreed(read, state)
  const assigned = issues.some(({ issue }) => issue.assignees.length > 0)
  return { ...state, issues, login: assigned ? await ownLogin(session) : null, claims: state.claims ?? new Map() }
}
