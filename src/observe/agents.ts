/** Agents that no pane shows: which of them still run, by the process tables of their machines. Not found is not ended. */
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

/** A worker and the agent that is known to have had its pane. */
export interface KnownAgent {
  readonly worker: WorkerId
  readonly incarnation: Incarnation | null
}

/**
 * Returns the agents that have ended, by `agentKey`: tmux shows their pane dead, or their process is gone from the machine's table. One call a machine,
 * and none where tmux shows all of them.
 */
export async function endedAgents(
  known: readonly KnownAgent[],
  sights: ReadonlyMap<string, MachineSnapshot>,
  { fleet, machines }: Pick<Session, 'fleet' | 'machines'>,
): Promise<ReadonlySet<string>> {
  const ended = new Set<string>()
  const byMachine = Map.groupBy(known, ({ worker }) => machineOf(worker))
  await Promise.all(
    fleet.machines.map(async (machine) => {
      const sight = sights.get(machine.name)
      const agents = (byMachine.get(machine.name) ?? []).flatMap(({ incarnation }) => incarnation ?? [])
      if (sight === undefined || agents.length === 0) return
      const found = await endedIn(sight, [...new Set(agents)], (missing) => machines.liveness(machine, missing))
      for (const agent of found) ended.add(agentKey(machine.name, agent))
    }),
  )
  return ended
}

/** Workers whose agent runs although no pane of theirs is found, each with what is known of it. */
export async function strayAgents(
  machine: Machine,
  sight: MachineSnapshot,
  { ledger, machines }: SessionPart<Pick<WorkerLedger, 'agents'>, 'machines'>,
): Promise<ReadonlyMap<WorkerId, string>> {
  const shown = new Set(sight.state === 'up' ? sight.panes.map(({ worker }) => worker) : [])
  const missing = machine.windows.flatMap(({ workers }) => workers.map(({ id }) => id)).filter((id) => !shown.has(id))
  if (sight.state !== 'up' || missing.length === 0) return new Map()
  const known = (await ledger.agents()).filter(({ worker }) => missing.includes(worker))
  const census = known.length === 0 ? null : await machines.liveness(machine, [...new Set(known.map(({ incarnation }) => incarnation))])
  return new Map(
    known.flatMap(({ worker, incarnation }) => {
      const found = census?.living.get(incarnation)
      return found === undefined ? [] : [[worker, `its agent runs as process ${found.pid}, and no pane of the fleet shows it`] as const]
    }),
  )
}

/** The same for a whole look. */
export async function withStrays(machine: Machine, seen: MachineScreens, session: Session): Promise<MachineScreens> {
  const strays = await strayAgents(machine, seen.snapshot, session)
  return strays.size === 0 ? seen : { ...seen, strays }
}

/** Why a machine is unreachable, with what to do about it. */
export function adviceOn({ reason, remedy: what }: Unreachable): string {
  return what === undefined ? reason : `${reason}; ${what}`
}

/** What a machine is whose session is not found although agents of it run. `said`: where its server was looked for. */
export function unreachableWithAgents(machine: Machine, said: string, { living }: AgentLiveness): Unreachable {
  const pids = [...living.values()].map(({ pid }) => pid)
  const shown = `${pids.slice(0, 5).join(', ')}${pids.length > 5 ? ', …' : ''}`
  const agents = pids.length === 1 ? `1 agent still runs (process ${shown})` : `${pids.length} agents still run (processes ${shown})`
  return {
    machine: machine.name,
    state: 'unreachable',
    reason: `${said}, but ${agents}`,
    remedy: remedy(machine, said, living),
    answers: true,
  }
}

function remedy(machine: Machine, said: string, living: AgentLiveness['living']): string {
  const agents = [...living.values()]
  const child = agents.find(({ parent, server }) => parent > 1 && (server === null || server.pid === parent))
  if (child === undefined)
    return `their tmux server has ended; to end them, too: ${lineOn(machine, `kill ${agents.map(({ pid }) => pid).join(' ')}`)}`
  if (!said.includes(noServerAt)) {
    const list = lineOn(machine, shellWords([machine.tmux, '-L', machine.socket, 'list-sessions']))
    return `they are in another session of its tmux server (${list}): rename that one to ${machine.session}`
  }
  const lost = `to have its tmux server create its socket again: ${lineOn(machine, `kill -USR1 ${child.parent}`)}`
  const socket = child.server?.socket ?? ''
  return socket === '' || said.includes(socket) ? lost : `${otherSocket(machine, said, socket)}; ${lost}`
}

/** A server of another user, or one that was started with another TMUX_TMPDIR or another socket than the spec has now. */
function otherSocket(machine: Machine, said: string, socket: string): string {
  const [, folder, user, name] = /^(.+)\/tmux-(\d+)\/([^/]+)$/.exec(socket) ?? []
  const tried = /\/tmux-(\d+)\//.exec(said)?.[1]
  const found = `their tmux server uses ${socket}`
  if (name === undefined) return found
  if (tried !== undefined && tried !== user) return `${found}: run burn as the user with id ${user}`
  return name === machine.socket ? `${found}: run burn with TMUX_TMPDIR=${folder}` : `${found}: write "socket": "${name}" in the spec`
}
