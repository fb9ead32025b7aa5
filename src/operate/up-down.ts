/** `burn up` and `burn down`: creates and ends the fleet's panes, on all machines concurrently. */
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { DriftReport } from '../core/drift.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Dispatch } from '../core/lifecycle.ts'
import type { Tmux } from '../core/ports.ts'
import type { TopologyAction } from '../decide/topology.ts'
import type { HoldLedger, NewHold } from '../core/ledger/holds.ts'
import type { Session, SessionPart } from '../observe/session.ts'
import { isShell } from '../agents/screen.ts'
import { BurnError, codedMessageOf } from '../core/errors.ts'
import { slotStates } from '../core/lifecycle.ts'
import { counted } from '../core/text.ts'
import { isInForce } from '../decide/holds.ts'
import { releaseEnded } from './issue.ts'
import { planDown, planUp } from '../decide/topology.ts'
import { workUnderWay } from '../decide/under-way.ts'
import { adviceOn, strayAgents } from '../observe/agents.ts'
import { driftsIn } from '../observe/drift.ts'
import { readStatus } from '../observe/state.ts'
import { runOn } from '../host/run-on.ts'
import { openTmux } from '../tmux/open.ts'
import { actionLines, downLines, firstWindow, sessionLines } from '../tmux/topology.ts'

export interface BringUpOptions {
  readonly dryRun: boolean
  readonly prune: boolean
}

/**
 * The actions that burn carried out on one machine; in a dry run, the planned actions. `error` is the first error of the machine or of
 * tmux.
 */
export interface BringUpResult {
  readonly machine: string
  readonly actions: readonly TopologyAction[]
  readonly error: string | null
  readonly hint: string
  /** Remarks for a person, for example that panes are in another session. */
  readonly notes: readonly string[]
  /** The agents that run with other settings than they should. */
  readonly drifts: readonly DriftReport[]
}

/** Timeout of `ps` on a machine (ms). */
const psTimeout = 20_000

/** Creates missing panes on all machines concurrently, and returns one result for each. A machine that fails does not stop the others. */
export async function bringUp(machines: readonly Machine[], session: Session, options: BringUpOptions): Promise<BringUpResult[]> {
  const retired = await retiredWorkers(session)
  const hosts = await session.machines.open(machines)
  return Promise.all(
    hosts.map(async (host): Promise<BringUpResult> => {
      const snapshot = await host.snapshot()
      const name = host.machine.name
      if (snapshot.state === 'unreachable')
        return { machine: name, actions: [], error: snapshot.reason, hint: snapshot.remedy ?? host.hint, notes: [], drifts: [] }
      const childless = await childlessPanes(host.machine, snapshot)
      const strays = await strayAgents(host.machine, snapshot, session)
      const planned = planUp(host.machine, snapshot, {
        prune: options.prune,
        work: await workOfRemoved(host.machine, snapshot, session),
        retired,
        strays: new Set(strays.keys()),
        childless,
      })
      const actions = options.dryRun ? planned : await withGuardedEnds(planned, host.machine, session)
      const notes = [
        ...placeNotes(host.machine, snapshot),
        ...[...strays].map(([worker, why]) => `${worker} gets no pane: ${why}`),
        ...retiredNotes(host.machine, snapshot, retired),
      ]
      const drifts = [...(await driftsIn(host.machine, snapshot, session)).values()]
      if (options.dryRun || actions.length === 0) return { machine: name, actions, error: null, hint: '', notes, drifts }
      try {
        return {
          machine: name,
          actions,
          error: await carryOut(host.machine, host.tmux, actions, session),
          hint: 'run burn up again: it creates the missing panes',
          notes,
          drifts,
        }
      } catch (thrown) {
        return {
          machine: name,
          actions,
          error: codedMessageOf(thrown),
          hint: thrown instanceof BurnError ? thrown.hint : '',
          notes,
          drifts,
        }
      }
    }),
  )
}

/** Returns remarks for a person if panes of the fleet are in a session other than the one that the spec names. */
export function placeNotes(machine: Machine, snapshot: MachineSnapshot): string[] {
  if (snapshot.state !== 'up') return []
  const elsewhere = snapshot.panes.filter(({ worker, session_id }) => worker !== null && session_id !== snapshot.session_id).length
  return [
    ...(snapshot.session === machine.session
      ? []
      : [`there is no session ${machine.session}: the fleet's panes are in session ${snapshot.session}, and burn uses them there`]),
    ...(elsewhere === 0
      ? []
      : [
          `${counted(elsewhere, 'pane')} of the fleet ${elsewhere === 1 ? 'is in another session' : 'are in other sessions'} of the same tmux server, and burn uses ${elsewhere === 1 ? 'it' : 'them'} there`,
        ]),
  ]
}

/** Returns a function that names the work that is under way for a worker that the spec no longer has. */
async function workOfRemoved(machine: Machine, snapshot: MachineSnapshot, session: Session): Promise<(worker: WorkerId) => string | null> {
  const declared = new Set(machine.windows.flatMap(({ workers }) => workers.map(({ id }) => id)))
  const panes = snapshot.state === 'up' ? snapshot.panes : []
  const removed = new Set(panes.flatMap(({ worker }) => (worker === null || declared.has(worker) ? [] : [worker])))
  const part = { hasWorker: (id: WorkerId) => removed.has(id), hasRepo: () => false }
  const found = removed.size === 0 ? [] : workUnderWay(await readStatus([machine], session), part)
  return (worker) => found.find((each) => each.worker === worker)?.what ?? null
}

/** Returns the number of dispatches that use a slot, by worker. */
async function liveCounts({ ledger }: Session): Promise<Map<WorkerId, number>> {
  const counts = new Map<WorkerId, number>()
  for (const { worker, state } of (await ledger.view()).dispatches)
    if (slotStates.includes(state)) counts.set(worker, (counts.get(worker) ?? 0) + 1)
  return counts
}

/** Returns the workers that a person retires or has retired. */
export async function retiredWorkers({ ledger, clock }: SessionPart<Pick<HoldLedger, 'holds'>, 'clock'>): Promise<ReadonlySet<WorkerId>> {
  const holds = (await ledger.holds()).filter((hold) => hold.code === 'retire' && isInForce(hold, clock.now()))
  return new Set(holds.map(({ name }) => name))
}

/** Returns a remark for each worker of the spec that gets no pane because a person retires the worker. */
function retiredNotes(machine: Machine, snapshot: MachineSnapshot, retired: ReadonlySet<WorkerId>): string[] {
  const shown = new Set(snapshot.state === 'up' ? snapshot.panes.map(({ worker }) => worker) : [])
  const workers = machine.windows.flatMap((window) => window.workers)
  return workers
    .filter(({ id }) => retired.has(id) && !shown.has(id))
    .map(({ id, name }) => `${id} gets no pane: it is retired (to bring it back: burn resume ${name})`)
}

/** The time (ms) for which a worker gets no issue before `burn up --prune` ends its pane. */
const pruneHold = 60_000

/**
 * Stops new work for the workers whose panes burn is about to end, because a dispatcher may still use an older spec. Returns the actions
 * without the ends of panes whose workers got work since burn planned the actions.
 */
async function withGuardedEnds(actions: readonly TopologyAction[], machine: Machine, session: Session): Promise<readonly TopologyAction[]> {
  const ends = actions.flatMap((action) => (action.do === 'end_pane' ? [action.worker] : []))
  if (ends.length === 0) return actions
  const now = session.clock.now()
  const by = { reason: { code: 'retiring', why: 'burn up --prune' }, until: now + pruneHold, actor: 'burn' } as const
  const held = new Map((await session.ledger.holds()).flatMap((each) => (each.code === 'retire' ? [[each.name, each] as const] : [])))
  const fresh = ends.flatMap((name): NewHold[] => {
    const before = held.get(name)
    if (before !== undefined && isInForce(before, now)) return []
    return [{ scope: 'worker', name, code: 'retire', ...by, before: before?.created_at ?? null }]
  })
  await session.ledger.saveHolds(fresh, now)
  const [host] = await session.machines.open([machine])
  const work = host === undefined ? () => null : await workOfRemoved(machine, await host.snapshot(), session)
  return actions.filter((action) => action.do !== 'end_pane' || work(action.worker) === null)
}

/** Runs the actions and returns the first error of tmux; null if all succeeded. */
async function carryOut(
  machine: Machine,
  open: Tmux | null,
  actions: readonly TopologyAction[],
  { clock }: Session,
): Promise<string | null> {
  const first = actions.find((action) => action.do === 'create_window')
  const fresh = open === null && first !== undefined
  const tmux = open ?? (await openTmux(machine, { clock, ...(first === undefined ? {} : { create: firstWindow(first) }) }))
  try {
    const lines = [
      ...(fresh ? sessionLines(tmux.session) : []),
      ...actions.flatMap((action) => actionLines(action, { session: tmux.session, made_for: machine.session }, fresh && action === first)),
    ]
    const replies = await tmux.run(lines)
    return replies.find(({ ok }) => !ok)?.error ?? null
  } finally {
    if (fresh) await tmux.close()
  }
}

/**
 * Returns the panes that nobody uses: they lack the option `@burn_worker`, and their shell has no child process. Returns none if the
 * machine has no `ps`.
 */
async function childlessPanes(machine: Machine, snapshot: MachineSnapshot): Promise<ReadonlySet<string>> {
  const unmarked = snapshot.state === 'up' ? snapshot.panes.filter((pane) => pane.worker === null && isShell(pane.command)) : []
  if (unmarked.length === 0) return new Set()
  const { code, stdout } = await runOn(machine, ['ps', '-A', '-o', 'ppid='], { timeout_ms: psTimeout })
  const parents = new Set(stdout.split('\n').map((line) => Number(line.trim())))
  return new Set(code === 0 ? unmarked.filter(({ pid }) => !parents.has(pid)).map(({ id }) => id) : [])
}

/** The effects of `burn down` on one machine. */
export interface DownPlan {
  readonly machine: string
  readonly end: readonly Pane[]
  /** Panes of the fleet that burn did not create. burn removes its options (`@burn_…`) from these panes and does not end them. */
  readonly leave: readonly Pane[]
  /** The workers with live dispatches whose panes would end. */
  readonly live: readonly WorkerId[]
  readonly error: string | null
}

/** Returns the effects of `burn down` without carrying them out. */
export async function planBringDown(machines: readonly Machine[], session: Session): Promise<DownPlan[]> {
  const live = await liveCounts(session)
  const hosts = await session.machines.open(machines)
  return Promise.all(
    hosts.map(async (host): Promise<DownPlan> => {
      const snapshot = await host.snapshot()
      const { end, leave } = snapshot.state === 'up' ? planDown(snapshot) : { end: [], leave: [] }
      const busy = end.flatMap(({ worker }) => (worker !== null && (live.get(worker) ?? 0) > 0 ? [worker] : []))
      return { machine: host.machine.name, end, leave, live: busy, error: snapshot.state === 'unreachable' ? adviceOn(snapshot) : null }
    }),
  )
}

/** Throws BurnError `still_live` if workers whose panes would end have live dispatches. */
export function throwIfLive(plans: readonly DownPlan[]): void {
  const busy = plans.flatMap(({ live }) => live)
  if (busy.length === 0) return
  throw new BurnError(
    'still_live',
    `${counted(busy.length, 'worker')} ${busy.length === 1 ? 'has' : 'have'} live dispatches: ${busy.slice(0, 5).join(', ')}${busy.length > 5 ? ', …' : ''}`,
    'wait for these workers, release their issues (burn issue release), or end the panes with --force',
  )
}

/** Ends the panes of the plans, and releases the issues of their workers. Returns the released dispatches. */
export async function bringDown(machines: readonly Machine[], plans: readonly DownPlan[], session: Session): Promise<readonly Dispatch[]> {
  const hosts = await session.machines.open(machines)
  await Promise.all(
    hosts.map(async (host) => {
      const plan = plans.find(({ machine }) => machine === host.machine.name)
      if (host.tmux === null || plan === undefined) return
      // When the last pane ends, the tmux server exits and closes the connection. burn does not report that as an error.
      await host.tmux.run(downLines(plan.end, plan.leave)).catch((thrown: unknown) => host.drop(thrown))
    }),
  )
  const live = new Set(plans.flatMap((plan) => plan.live))
  return live.size === 0 ? [] : releaseEnded(live, session)
}
