/**
 * For agents that are in no pane, reads the process tables of their machines. An agent counts as ended only if burn could read the process
 * table: a machine that does not answer proves nothing.
 */
import type { WorkerLedger } from '../core/ledger/workers.ts'
import type { AgentLiveness } from '../core/incarnation.ts'
import type { Incarnation, Machine, WorkerId } from '../core/nouns.ts'
import type { MachineSnapshot, Unreachable } from '../core/panes.ts'
import type { MachineScreens } from './readings.ts'
import type { Session, SessionPart } from './session.ts'
import { agentKey, endedIn } from '../core/incarnation.ts'
import { machineOf } from '../core/refs.ts'
import { shellWords } from '../host/quote.ts'
import { noServerAt } from '../tmux/open.ts'
import { lineOn } from './remedies.ts'

/** A worker and the last agent that burn saw in its pane. */
export interface KnownAgent {
  readonly worker: WorkerId
  readonly incarnation: Incarnation | null
}

/**
 * Returns the keys (`agentKey`) of agents that have ended. Such an agent's pane is dead in tmux, or its process is no longer in the
 * machine's process table. Reads a process table only if an agent of that machine has no pane.
 */
export async function endedAgents(
  known: readonly KnownAgent[],
  snapshots: ReadonlyMap<string, MachineSnapshot>,
  { fleet, machines }: Pick<Session, 'fleet' | 'machines'>,
): Promise<ReadonlySet<string>> {
  const ended = new Set<string>()
  const byMachine = Map.groupBy(known, ({ worker }) => machineOf(worker))
  await Promise.all(
    fleet.machines.map(async (machine) => {
      const snapshot = snapshots.get(machine.name)
      const agents = (byMachine.get(machine.name) ?? []).flatMap(({ incarnation }) => incarnation ?? [])
      if (snapshot === undefined || agents.length === 0) return
      const found = await endedIn(snapshot, [...new Set(agents)], (missing) => machines.liveness(machine, missing))
      for (const agent of found) ended.add(agentKey(machine.name, agent))
    }),
  )
  return ended
}

/** Returns the workers that have a running agent but no pane, each with the evidence. These agents are called stray. */
export async function strayAgents(
  machine: Machine,
  snapshot: MachineSnapshot,
  { ledger, machines }: SessionPart<Pick<WorkerLedger, 'knownAgents'>, 'machines'>,
): Promise<ReadonlyMap<WorkerId, string>> {
  const shown = new Set(snapshot.state === 'up' ? snapshot.panes.map(({ worker }) => worker) : [])
  const missing = machine.windows.flatMap(({ workers }) => workers.map(({ id }) => id)).filter((id) => !shown.has(id))
  if (snapshot.state !== 'up' || missing.length === 0) return new Map()
  const known = (await ledger.knownAgents()).filter(({ worker }) => missing.includes(worker))
  const liveness = known.length === 0 ? null : await machines.liveness(machine, [...new Set(known.map(({ incarnation }) => incarnation))])
  return new Map(
    known.flatMap(({ worker, incarnation }) => {
      const found = liveness?.living.get(incarnation)
      return found === undefined ? [] : [[worker, `the worker's agent runs as process ${found.pid}, but in no pane of the fleet`] as const]
    }),
  )
}

/** Returns the snapshot with the stray agents of its machine: those that run in no pane of the fleet. */
export async function withStrays(machine: Machine, seen: MachineScreens, session: Session): Promise<MachineScreens> {
  const strays = await strayAgents(machine, seen.snapshot, session)
  return strays.size === 0 ? seen : { ...seen, strays }
}

/** Returns a text that says why a machine is unreachable, with the remedy if burn knows one. */
export function adviceOn({ reason, remedy: what }: Unreachable): string {
  return what === undefined ? reason : `${reason}; ${what}`
}

/** Returns the snapshot of a machine that has running agents but no session. `searched`: the message with the socket that burn tried. */
export function unreachableWithAgents(machine: Machine, searched: string, { living }: AgentLiveness): Unreachable {
  const pids = [...living.values()].map(({ pid }) => pid)
  const shown = `${pids.slice(0, 5).join(', ')}${pids.length > 5 ? ', …' : ''}`
  const agents = pids.length === 1 ? `1 agent still runs (process ${shown})` : `${pids.length} agents still run (processes ${shown})`
  return {
    machine: machine.name,
    state: 'unreachable',
    reason: `${searched}, but ${agents}`,
    remedy: remedyFor(machine, searched, living),
    answers: true,
  }
}

function remedyFor(machine: Machine, searched: string, living: AgentLiveness['living']): string {
  const agents = [...living.values()]
  const child = agents.find(({ parent, server }) => parent > 1 && (server === null || server.pid === parent))
  if (child === undefined)
    return `the tmux server of these agents has ended. To end the agents: ${lineOn(machine, `kill ${agents.map(({ pid }) => pid).join(' ')}`)}`
  if (!searched.includes(noServerAt)) {
    const list = lineOn(machine, shellWords([machine.tmux, '-L', machine.socket, 'list-sessions']))
    return `the agents are in another session of the tmux server (${list}). Rename that session to ${machine.session}`
  }
  const lost = `To make the tmux server create its socket again: ${lineOn(machine, `kill -USR1 ${child.parent}`)}`
  const socket = child.server?.socket ?? ''
  return socket === '' || searched.includes(socket) ? lost : `${otherSocket(machine, searched, socket)}. ${lost}`
}

/** Returns the remedy for agents whose tmux server uses a socket that burn did not try: of another user, folder (TMUX_TMPDIR) or name. */
function otherSocket(machine: Machine, searched: string, socket: string): string {
  const [, folder, user, name] = /^(.+)\/tmux-(\d+)\/([^/]+)$/.exec(socket) ?? []
  const tried = /\/tmux-(\d+)\//.exec(searched)?.[1]
  const found = `the tmux server of these agents uses ${socket}`
  if (name === undefined) return found
  if (tried !== undefined && tried !== user) return `${found}. Run burn as the user with id ${user}`
  return name === machine.socket ? `${found}. Run burn with TMUX_TMPDIR=${folder}` : `${found}. Write "socket": "${name}" in the spec`
}
