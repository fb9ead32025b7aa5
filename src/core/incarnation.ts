/**
 * Functions for incarnations. An incarnation is an id of one agent process, by which burn finds the process again in tmux and in the
 * machine's process table.
 */
import type { Incarnation } from './nouns.ts'
import type { MachineSnapshot, Pane } from './panes.ts'

/** A process in the process table of a machine. */
export interface RunningProcess {
  readonly pid: number
  /** The start time of the process, in the machine's own notation. A later process with the same pid has a different start time. */
  readonly started: string
  readonly parent: number
  /** True if the parent process has the name of a tmux server. */
  readonly under_tmux: boolean
  /** The value of `TMUX_PANE` in the environment of the process; null if unknown. */
  readonly pane: string | null
  /** The tmux server that started the process, according to `TMUX` in its environment; null if unknown. Programs may overwrite this variable. */
  readonly server: { readonly socket: string; readonly pid: number } | null
}

/**
 * The live and the ended agents, according to the process table. Each agent that the caller asked about is either in `living` or in
 * `ended`.
 */
export interface AgentLiveness {
  readonly living: ReadonlyMap<Incarnation, RunningProcess>
  readonly ended: ReadonlySet<Incarnation>
}

/** Returns a key for an agent that is unique among all machines. Agents on two machines can have the same incarnation. */
export function agentKey(machine: string, incarnation: Incarnation): string {
  return `${machine} ${incarnation}`
}

/**
 * Returns the incarnation of the live agent in a pane. Returns null if the pane is dead, or if its process is not an agent that burn
 * started.
 */
export function incarnationOf(pane: Pane, serverStarted: number): Incarnation | null {
  return pane.dead || pane.agent_pid !== pane.pid ? null : agentOf(pane, serverStarted)
}

/** Returns the incarnation of the agent that burn started in a pane, whether the agent is alive or has ended. */
function agentOf({ id, pid, started }: Pane, serverStarted: number): Incarnation {
  return `${serverStarted}.${id}.${pid}${started === null ? '' : `.${started}`}`
}

/** Returns the agents in the panes of a snapshot: live agents, and ended agents, whose panes tmux shows as dead. */
export function agentsIn(snapshot: MachineSnapshot): {
  readonly living: ReadonlySet<Incarnation>
  readonly ended: ReadonlySet<Incarnation>
} {
  const agents = snapshot.state === 'up' ? snapshot.panes.filter((pane) => pane.agent_pid === pane.pid) : []
  const named = (dead: boolean) =>
    agents.filter((pane) => pane.dead === dead).map((pane) => agentOf(pane, snapshot.state === 'up' ? snapshot.server_started : 0))
  return { living: new Set(named(false)), ended: new Set(named(true)) }
}

/**
 * Splits an incarnation into its parts; null if the text is no incarnation. `started` is null if an older version of burn wrote the
 * incarnation.
 */
export function incarnationParts(
  incarnation: Incarnation,
): { readonly pid: number; readonly pane: string; readonly started: string | null } | null {
  const [, pane, pid, started] = /^\d+\.(%\d+)\.(\d+)(?:\.(\S+))?$/.exec(incarnation) ?? []
  return pane === undefined ? null : { pane, pid: Number(pid), started: started ?? null }
}

/** Returns the process ids of these agents, without duplicates. */
export function pidsOf(incarnations: readonly Incarnation[]): number[] {
  return [...new Set(incarnations.flatMap((incarnation) => incarnationParts(incarnation)?.pid ?? []))]
}

/**
 * Returns which agents are alive. `processes` has the running processes by pid. A process is the agent if both have the same start time. If
 * the agent's start time is unknown, burn compares the panes. If the pane of the process is unknown, too, any child of a tmux server counts
 * as the agent.
 */
export function agentLiveness(incarnations: readonly Incarnation[], processes: ReadonlyMap<number, RunningProcess>): AgentLiveness {
  const living = new Map<Incarnation, RunningProcess>()
  const ended = new Set<Incarnation>()
  for (const incarnation of incarnations) {
    const parts = incarnationParts(incarnation)
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
 * Returns the agents of a machine that have ended: tmux shows their pane as dead, or the process table no longer has their process.
 * `readLiveness` reads the process table. burn calls `readLiveness` only if the machine answers and some agents are in no pane of the
 * snapshot.
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
