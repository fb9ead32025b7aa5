/** Reads machines, forge and ledger into the one value that the deciders see. */
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { LiveDispatch } from '../core/ledger/claims.ts'
import type { BesideChange, RepoRecord } from '../core/ledger/forge.ts'
import type { WorkerRecord } from '../core/ledger/workers.ts'
import type { DeliveryState } from '../core/lives.ts'
import type { Change, IssueRef, Machine, RepoRef, Time, WorkerId } from '../core/nouns.ts'
import type { MachineSight } from '../core/panes.ts'
import type { View, WorkerSight } from '../core/view.ts'
import type { ForgeView } from './forge.ts'
import type { MachineScreens } from './readings.ts'
import type { Session } from './session.ts'
import { slotStates, unprovenStates } from '../core/lives.ts'
import { repoOf, servedRepos } from '../core/refs.ts'
import { longestOfRepos } from '../decide/forge-fault.ts'
import { restsReason } from '../decide/rests.ts'
import { withLoops } from '../decide/loops.ts'
import { withTroubles } from '../decide/trouble.ts'
import { refreshForge } from './forge.ts'
import { endedAgents, withStrays } from './agents.ts'
import { approveSeen } from './rights.ts'
import { readIncarnations, readWorkers } from './readings.ts'

/** What each machine shows, agents' screens included. One that can't be reached is in it, and says so. */
export async function lookAt(machines: readonly Machine[], session: Session): Promise<ReadonlyMap<string, MachineScreens>> {
  const links = await session.machines.open(machines)
  const seen = await Promise.all(
    links.map(async (link): Promise<[string, MachineScreens]> => {
      return [link.machine.name, await withStrays(link.machine, await session.machines.look(link), session)]
    }),
  )
  return new Map(seen)
}

export function sightsOf(seen: ReadonlyMap<string, MachineScreens>): ReadonlyMap<string, MachineSight> {
  return new Map([...seen].map(([name, { sight }]) => [name, sight]))
}

export interface ViewResult {
  readonly view: View
  readonly forge: ForgeView
  readonly seen: ReadonlyMap<string, MachineScreens>
}

/** One look at everything but the issues. `machines` narrows it to some of the fleet's machines, `served` the repos that the forge is asked about. */
export async function readView(
  machines: readonly Machine[],
  session: Session,
  served: readonly RepoRef[] = servedRepos(machines),
): Promise<ViewResult> {
  const { fleet, ledger, clock } = session
  const { dispatches: held, reviews, deliveries, workers, repos, sprints, leases } = await ledger.underWay()
  const [forge, seen] = await Promise.all([refreshForge(served, { dispatches: held, reviews, repos }, session), lookAt(machines, session)])
  const now = clock.now()
  const closed = new Set((await ledger.closed()).filter((issue) => !forge.repos_down.has(repoOf(issue))))
  const dispatches = [...held, ...(await newsOf(held, forge, closed, session))]
  const looked = readWorkers(machines, seen, session.kindOf)
  const resumes = await ledger.resumes(failing(looked, workers, dispatches))
  const states = statesOf(looked, workers, { dispatches, resumes }, now)
  const sights = withTroubles(withLoops(looked, leases, now), { records: workers, states, now })
  const view: View = {
    fleet,
    now,
    dispatches,
    sprints,
    issues: [],
    records: workers,
    states,
    resumes,
    unproven: new Set(deliveries.flatMap(({ id, state }) => (state === 'submitted' || unprovenStates.includes(state) ? [id] : []))),
    mangled: new Set(deliveries.flatMap(({ id, state }) => (state === 'mangled' ? [id] : []))),
    workers: sights,
    incarnations: readIncarnations(seen),
    ended: await endedAgents(
      dispatches.filter(({ state }) => slotStates.includes(state)),
      sightsOf(seen),
      session,
    ),
    login: null,
    writers: forge.writers,
    repos_down: forge.repos_down,
    resting: restingRepos(repos, now),
    changes: [...(await ledger.changesBeside()).map(asChange), ...forge.changes],
    closed,
  }
  return { view, forge, seen }
}

/** One that is kept is open, and closes the issue; nothing more of it is asked. */
function asChange({ issue, name, url }: BesideChange): Change {
  return { dispatch_id: null, name, url, state: 'open', author: '', fork: false, closes: [issue], created_at: 0 }
}

function restingRepos(repos: readonly RepoRecord[], now: Time): View['resting'] {
  return new Map(
    repos.flatMap(({ repo, rests }) =>
      rests !== null && rests.until > now && rests.until <= now + longestOfRepos ? [[repo, restsReason(rests)]] : [],
    ),
  )
}

/** Work in review whose change is another, or whose issue was closed: all that a look at the forge can end. */
async function newsOf(
  held: readonly LiveDispatch[],
  { changes }: ForgeView,
  closed: ReadonlySet<IssueRef>,
  { ledger }: Session,
): Promise<readonly LiveDispatch[]> {
  const known = new Set(held.map(({ id }) => id))
  const changed = changes.flatMap(({ dispatch_id: id }) => (id === null || known.has(id) ? [] : [id]))
  const closing = changes.flatMap(({ closes }) => closes)
  const urls = changes.flatMap(({ dispatch_id, url }) => (dispatch_id === null ? [url] : []))
  // One that came into review while the machines were looked at is known as it was before.
  return (await ledger.inReview(changed, [...closed, ...closing], urls)).filter(({ id }) => !known.has(id))
}

/** Dispatches of workers whose turn failed, and that were not seen at work since. */
function failing(sights: readonly WorkerSight[], records: readonly WorkerRecord[], dispatches: readonly LiveDispatch[]): string[] {
  const failed = new Set([
    ...sights.flatMap(({ worker, reading }) => (reading.state === 'error' ? [worker.id] : [])),
    ...records.flatMap(({ id, error_at }) => (error_at === null ? [] : [id])),
  ])
  return dispatches.flatMap(({ id, worker, state }) => (state === 'handed' && failed.has(worker) ? [id] : []))
}

/** A turn that failed at once after its agent was given a text may be over before anybody saw it at work: it is an error anew. */
function statesOf(
  sights: readonly WorkerSight[],
  records: readonly WorkerRecord[],
  { dispatches, resumes }: Pick<View, 'dispatches' | 'resumes'>,
  now: Time,
): View['states'] {
  const before = new Map(records.map((record) => [record.id, record]))
  const given = new Map<WorkerId, Time>()
  for (const { id, worker, handed_at } of dispatches) {
    const told = resumes.get(id)?.flatMap(({ state, planned_at }) => (arrived.has(state) ? [planned_at] : [])) ?? []
    given.set(worker, Math.max(given.get(worker) ?? 0, handed_at ?? 0, ...told))
  }
  return new Map(
    sights.map(({ worker: { id }, reading: { state } }) => {
      const record = before.get(id)
      const since = record?.state === state ? (record.state_since ?? now) : now
      return [id, { state, since: state === 'error' && (given.get(id) ?? 0) > since ? now : since }]
    }),
  )
}

const arrived: ReadonlySet<DeliveryState> = new Set<DeliveryState>(['submitted', 'seen', 'unknown'])

/** The view with the issues to decide about. Who the fleet is is asked only where an assignee may be the fleet itself. */
export async function withIssues(view: View, read: readonly IssueRecord[], session: Session): Promise<View> {
  const issues = await approveSeen(read, session)
  const assigned = issues.some(({ issue }) => issue.assignees.length > 0)
  return { ...view, issues, login: assigned ? await loginOf(session) : null }
}

async function loginOf({ forge, notify }: Session): Promise<string | null> {
  try {
    return (await forge.whoami()).login
  } catch (thrown) {
    notify({ level: 'warn', subject: 'forge', text: `who the fleet is could not be asked: ${String(thrown)}` })
    return null
  }
}
