/** `burn up` and `burn down`: makes what is into what should be, on every machine at once. */
import type { Machine, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { Tmux } from '../core/ports.ts'
import type { TopologyAction } from '../decide/topology.ts'
import type { Session } from '../observe/session.ts'
import { BurnError, codedMessageOf } from '../core/errors.ts'
import { slotStates } from '../core/lifecycle.ts'
import { planDown, planUp } from '../decide/topology.ts'
import { adviceOn, strayAgents } from '../observe/agents.ts'
import { runProcess } from '../host/exec.ts'
import { argvOn } from '../host/transport.ts'
import { openTmux } from '../tmux/open.ts'
import { actionLines, downLines, firstWindow, sessionLines } from '../tmux/topology.ts'

export interface BringUpOptions {
  readonly dryRun: boolean
  readonly prune: boolean
}

/** What was done, or would be, on one machine. `error` says why it could not be, or what tmux refused. */
export interface BringUpResult {
  readonly machine: string
  readonly actions: readonly TopologyAction[]
  readonly error: string | null
  readonly hint: string
  /** What a person should know of the fleet's panes: they were moved, or the session was renamed. */
  readonly notes: readonly string[]
}

const psLimit = 20_000

/** Raises all machines at once; one that fails stops nobody else. */
export async function bringUp(machines: readonly Machine[], session: Session, options: BringUpOptions): Promise<BringUpResult[]> {
  const live = await liveCounts(session)
  const hosts = await session.machines.open(machines)
  return Promise.all(
    hosts.map(async (host): Promise<BringUpResult> => {
      const sight = await host.snapshot()
      const name = host.machine.name
      if (sight.state === 'unreachable')
        return { machine: name, actions: [], error: sight.reason, hint: sight.remedy ?? host.hint, notes: [] }
      const childless = await childlessPanes(host.machine, sight)
      const strays = await strayAgents(host.machine, sight, session)
      const actions = planUp(host.machine, sight, {
        prune: options.prune,
        live: (worker) => live.get(worker) ?? 0,
        strays: new Set(strays.keys()),
        childless,
      })
      const notes = [...placeNotes(host.machine, sight), ...[...strays].map(([worker, why]) => `${worker} gets no pane: ${why}`)]
      if (options.dryRun || actions.length === 0) return { machine: name, actions, error: null, hint: '', notes }
      try {
        return {
          machine: name,
          actions,
          error: await carryOut(host.machine, host.tmux, actions, session),
          hint: 'run burn up again: it goes on where this ended',
          notes,
        }
      } catch (thrown) {
        return { machine: name, actions, error: codedMessageOf(thrown), hint: thrown instanceof BurnError ? thrown.hint : '', notes }
      }
    }),
  )
}

/** Where the fleet's panes are, if not all of them are in the session of the spec. */
export function placeNotes(machine: Machine, sight: MachineSnapshot): string[] {
  if (sight.state !== 'up') return []
  const away = sight.panes.filter(({ worker, session_id }) => worker !== null && session_id !== sight.session_id).length
  return [
    ...(sight.session === machine.session
      ? []
      : [`there is no session ${machine.session}: its panes are in session ${sight.session}, and burn uses them there`]),
    ...(away === 0 ? [] : [`panes that are in other sessions of the same tmux server, and are used there: ${away}`]),
  ]
}

export async function liveCounts({ ledger }: Session): Promise<Map<WorkerId, number>> {
  const counts = new Map<WorkerId, number>()
  for (const { worker, state } of (await ledger.view()).dispatches)
    if (slotStates.includes(state)) counts.set(worker, (counts.get(worker) ?? 0) + 1)
  return counts
}

/** Returns the first thing that tmux refused; null where it refused nothing. */
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

/** Unmarked panes whose process has no child. Without `ps` on the machine, none is known to be unused. */
async function childlessPanes(machine: Machine, sight: MachineSnapshot): Promise<ReadonlySet<string>> {
  const unmarked =
    sight.state === 'up' ? sight.panes.filter((pane) => pane.worker === null && /^-?(?:ba|z|da|fi|k)?sh$/.test(pane.command)) : []
  if (unmarked.length === 0) return new Set()
  const { code, stdout } = await runProcess(argvOn(machine, ['ps', '-A', '-o', 'ppid=']), { timeout_ms: psLimit })
  const parents = new Set(stdout.split('\n').map((line) => Number(line.trim())))
  return new Set(code === 0 ? unmarked.filter(({ pid }) => !parents.has(pid)).map(({ id }) => id) : [])
}

export interface DownPlan {
  readonly machine: string
  readonly end: readonly Pane[]
  readonly leave: readonly Pane[]
  readonly live: readonly WorkerId[]
  readonly error: string | null
}

/** What `burn down` would end. */
export async function planBringDown(machines: readonly Machine[], session: Session): Promise<DownPlan[]> {
  const live = await liveCounts(session)
  const hosts = await session.machines.open(machines)
  return Promise.all(
    hosts.map(async (host): Promise<DownPlan> => {
      const sight = await host.snapshot()
      const { end, leave } = sight.state === 'up' ? planDown(sight) : { end: [], leave: [] }
      const busy = end.flatMap(({ worker }) => (worker !== null && (live.get(worker) ?? 0) > 0 ? [worker] : []))
      return { machine: host.machine.name, end, leave, live: busy, error: sight.state === 'unreachable' ? adviceOn(sight) : null }
    }),
  )
}

/** Ends what the plans say. Throws BurnError where dispatches are live and `force` is not given. */
export async function bringDown(machines: readonly Machine[], plans: readonly DownPlan[], force: boolean, session: Session): Promise<void> {
  const busy = plans.flatMap(({ live }) => live)
  if (busy.length > 0 && !force) {
    throw new BurnError(
      'still_live',
      `${busy.length} workers have live dispatches: ${busy.slice(0, 5).join(', ')}${busy.length > 5 ? ', …' : ''}`,
      'wait for them, burn issue release them, or end them with --force',
    )
  }
  const hosts = await session.machines.open(machines)
  await Promise.all(
    hosts.map(async (host) => {
      const plan = plans.find(({ machine }) => machine === host.machine.name)
      if (host.tmux === null || plan === undefined) return
      // The last pane takes the server with it, and the channel: that is what was asked for.
      await host.tmux.run(downLines(plan.end, plan.leave)).catch((thrown: unknown) => host.drop(thrown))
    }),
  )
}
