/** Reads the state of each worker from the snapshot of its machine. */
import type { PaneAgent } from '../core/agent.ts'
import type { AgentRecord } from '../core/agent-record.ts'
import type { Incarnation, Machine, Reading, ReadingState, Time, Worker, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot, Pane } from '../core/panes.ts'
import type { WorkerSnapshot } from '../core/fleet-state.ts'
import type { PaneAgentOf } from '../agents/index.ts'
import { incarnationOf } from '../core/incarnation.ts'
import { parseHookEvent } from '../core/hook-event.ts'
import { mergeReading } from '../decide/reading.ts'

/** A snapshot of a machine, with the screens of panes with agents, by pane id. */
export interface MachineScreens {
  readonly snapshot: MachineSnapshot
  readonly screens: ReadonlyMap<string, readonly string[]>
  /** Workers that have a running agent but no pane, each with the evidence. */
  readonly strays?: ReadonlyMap<WorkerId, string>
}

/** Returns the state of each worker of the machines. */
export function readWorkers(
  machines: readonly Machine[],
  seen: ReadonlyMap<string, MachineScreens>,
  kindOf: PaneAgentOf,
): WorkerSnapshot[] {
  return machines.flatMap((machine) => {
    const screens = seen.get(machine.name)
    const panes = new Map(panesOf(screens?.snapshot).map((pane) => [pane.worker, pane]))
    return machine.windows.flatMap(({ workers }) =>
      workers.map((worker) => readWorker(worker, machine, { seen: screens, pane: panes.get(worker.id) }, kindOf)),
    )
  })
}

function panesOf(snapshot: MachineSnapshot | undefined): readonly Pane[] {
  return snapshot?.state === 'up' ? snapshot.panes : []
}

function readWorker(
  worker: Worker,
  machine: Machine,
  { seen, pane }: { readonly seen: MachineScreens | undefined; readonly pane: Pane | undefined },
  kindOf: PaneAgentOf,
): WorkerSnapshot {
  const without = (state: Reading['state'], evidence: string): WorkerSnapshot => ({
    worker,
    reading: { state, detail: null, evidence },
    incarnation: null,
  })
  if (seen === undefined) return without('unreachable', "burn did not read the worker's machine")
  const { snapshot } = seen
  if (snapshot.state === 'unreachable') return without('unreachable', snapshot.reason)
  if (snapshot.state === 'down') return without('dead', `no session ${machine.session} on ${machine.name} (to create it: burn up)`)
  const stray = seen.strays?.get(worker.id)
  if (stray !== undefined) return without('unreachable', stray)
  if (pane === undefined) return without('dead', 'the worker has no pane (to create it: burn up)')
  if (pane.dead) return without('dead', `its agent ended${pane.ended === null ? '' : ` ${pane.ended}`}`)
  const incarnation = incarnationOf(pane, snapshot.server_started)
  if (incarnation === null) return without('dead', 'no agent was started in the pane (to start it: burn christen)')
  const kind = kindOf(worker.agent)
  const { parsed, event, reading } = readAgent(kind, pane, seen.screens, snapshot.clock)
  const conversation = kind.conversations === undefined ? null : (event?.conversation ?? null)
  return {
    worker,
    reading,
    incarnation,
    agent_id: pane.agent_id,
    ...(conversation === null ? {} : { conversation }),
    parsed,
  }
}

/** Reads the state of an agent from its screen and its last hook event. */
function readAgent(kind: PaneAgent, pane: Pane, screens: MachineScreens['screens'], clock: Time) {
  const parsed = kind.parseScreen(screens.get(pane.id) ?? [], pane)
  const event = parseHookEvent(pane.signal)
  const hookState = event === null ? null : (kind.hookState?.(event) ?? null)
  return { parsed, event, reading: mergeReading(parsed, event, hookState, clock) }
}

/**
 * Returns the states of the live agents of workers that the spec no longer has. The records of the agents name their kinds. burn cannot read
 * the screen of a custom kind without its declaration, so such a worker is left out.
 */
export function readRemoved(
  machines: readonly Machine[],
  seen: ReadonlyMap<string, MachineScreens>,
  agents: readonly AgentRecord[],
  kindOf: PaneAgentOf,
): Map<WorkerId, ReadingState> {
  const declared = new Set(machines.flatMap(({ windows }) => windows.flatMap(({ workers }) => workers.map(({ id }) => id))))
  const kinds = new Map(agents.map(({ worker, started_with }) => [worker, started_with.kind]))
  const states = new Map<WorkerId, ReadingState>()
  for (const { snapshot, screens } of seen.values()) {
    if (snapshot.state !== 'up') continue
    for (const pane of snapshot.panes) {
      const kind = pane.worker === null || declared.has(pane.worker) ? undefined : kinds.get(pane.worker)
      if (pane.worker === null || kind === undefined || kind === 'custom' || incarnationOf(pane, snapshot.server_started) === null) continue
      states.set(pane.worker, readAgent(kindOf({ kind }), pane, screens, snapshot.clock).reading.state)
    }
  }
  return states
}

/** Returns the live agent of each worker that has one in its pane, even if the worker is no longer in the spec. */
export function readIncarnations(seen: ReadonlyMap<string, MachineScreens>): Map<WorkerId, Incarnation> {
  const living = new Map<WorkerId, Incarnation>()
  for (const { snapshot } of seen.values()) {
    if (snapshot.state !== 'up') continue
    for (const pane of snapshot.panes) {
      const incarnation = incarnationOf(pane, snapshot.server_started)
      if (pane.worker !== null && incarnation !== null) living.set(pane.worker, incarnation)
    }
  }
  return living
}

/** Returns the snapshots without screens. */
export function snapshotsOf(seen: ReadonlyMap<string, MachineScreens>): ReadonlyMap<string, MachineSnapshot> {
  return new Map([...seen].map(([name, { snapshot }]) => [name, snapshot]))
}
