/** Incarnations: names of live agent processes, by which burn finds them again in tmux and in the machine's process table. */
import type { Incarnation } from './nouns.ts'
import type { MachineSnapshot, Pane } from './panes.ts'

/** A process in the process table of a machine. */
export interface RunningProcess {
  readonly pid: number
  /** The start time in the machine's own notation. A later process with the same pid has another one. */
  readonly started: string
  readonly parent: number
  /** Its parent has the name of a tmux server. */
  readonly under_tmux: boolean
  /** `TMUX_PANE` in its environment; null if unknown. */
  readonly pane: string | null
  /** The tmux server that started it, by `TMUX` in its environment; null if unknown. Programs may overwrite this variable. */
  readonly server: { readonly socket: string; readonly pid: number } | null
}

/** The agents that live and those that have ended, by the process table. Each agent in question is in one of the two. */
export interface AgentLiveness {
  readonly living: ReadonlyMap<Incarnation, RunningProcess>
  readonly ended: ReadonlySet<Incarnation>
}

/** Returns a key that is unique among all machines. Two machines can have agents with the same incarnation. */
export function agentKey(machine: string, incarnation: Incarnation): string {
  return `${machine} ${incarnation}`
}

/**
 * Returns the live agent in a pane; null if there is none: the pane is dead, nothing was started, or the process is not an agent of the
 * fleet.
 */
export function incarnationOf(pane: Pane, serverStarted: number): Incarnation | null {
  return pane.dead || pane.agent_pid !== pane.pid ? null : agentOf(pane, serverStarted)
}

/** Returns the agent that was started in a pane, dead or alive. */
function agentOf({ id, pid, started }: Pane, serverStarted: number): Incarnation {
  return `${serverStarted}.${id}.${pid}${started === null ? '' : `.${started}`}`
}

/** Returns the agents in the panes of a snapshot: those that live, and those whose pane tmux shows as dead. */
export function agentsIn(snapshot: MachineSnapshot): {
  readonly living: ReadonlySet<Incarnation>
  readonly ended: ReadonlySet<Incarnation>
} {
  const agents = snapshot.state === 'up' ? snapshot.panes.filter((pane) => pane.agent_pid === pane.pid) : []
  const named = (dead: boolean) =>
    agents.filter((pane) => pane.dead === dead).map((pane) => agentOf(pane, snapshot.state === 'up' ? snapshot.server_started : 0))
  return { living: new Set(named(false)), ended: new Set(named(true)) }
}

/** Returns the parts; null if the text is not an incarnation. `started` is null if an older version wrote it. */
function partsOf(incarnation: Incarnation): { readonly pid: number; readonly pane: string; readonly started: string | null } | null {
  const [, pane, pid, started] = /^\d+\.(%\d+)\.(\d+)(?:\.(\S+))?$/.exec(incarnation) ?? []
  return pane === undefined ? null : { pane, pid: Number(pid), started: started ?? null }
}

/** Returns the pids of these agents, each once. */
export function pidsOf(incarnations: readonly Incarnation[]): number[] {
  return [...new Set(incarnations.flatMap((incarnation) => partsOf(incarnation)?.pid ?? []))]
}

/**
 * Returns which agents live, by the processes that have their pids. If the start time of an agent is unknown, burn compares the pane of the
 * process. If the pane is unknown, too, a process under tmux counts as the agent.
 */
export function agentLiveness(incarnations: readonly Incarnation[], processes: ReadonlyMap<number, RunningProcess>): AgentLiveness {
  const living = new Map<Incarnation, RunningProcess>()
  const ended = new Set<Incarnation>()
  for (const incarnation of incarnations) {
    const parts = partsOf(incarnation)
    if (parts === null) continue
    const found = processes.get(parts.pid)
    if (found !== undefined && isSame(parts, found)) living.set(incarnation, found)
    else ended.add(incarnation)
  }
  return { living, ended }
}

function isSame({ started, pane }: { readonly started: string | null; readonly pane: string }, found: RunningProcess): boolean {
  if (started !== null) return found.started === started
  return found.pane === null ? found.under_tmux : found.pane === pane
}

/**
 * Returns which of a machine's agents have ended: tmux shows their pane as dead, or their process is gone from the process table.
 * `readLiveness` reads that table. It is called only if the machine answers and its panes do not show all of the agents.
 */
export async function endedIn(
  snapshot: MachineSnapshot,
  agents: readonly Incarnation[],
  readLiveness: (missing: readonly Incarnation[]) => Promise<AgentLiveness | null>,
): Promise<ReadonlySet<Incarnation>> {
  const shown = agentsIn(snapshot)
  const missing = agents.filter((agent) => !shown.living.has(agent) && !shown.ended.has(agent))
  const answers = snapshot.state !== 'unreachable' || snapshot.answers === true
  const found = missing.length === 0 || !answers ? null : await readLiveness(missing)
  return new Set([...agents.filter((agent) => shown.ended.has(agent)), ...(found?.ended ?? [])])
}
