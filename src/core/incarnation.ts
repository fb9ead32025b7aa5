/** One live agent process, named so that it can be found again in tmux and in the machine's process table. */
import type { Incarnation } from './nouns.ts'
import type { MachineSnapshot, Pane } from './panes.ts'

/** A process as the machine's process table shows it. */
export interface RunningProcess {
  readonly pid: number
  /** When it started, in the machine's own notation: equal for the same process, and different for a later one with its pid. */
  readonly started: string
  readonly parent: number
  /** Its parent is a tmux server, by its name. */
  readonly under_tmux: boolean
  /** `TMUX_PANE` of its environment; null where that is not known. */
  readonly pane: string | null
  /** The tmux server that started it, by `TMUX` of its environment; null where that is not known. Programs may overwrite theirs. */
  readonly server: { readonly socket: string; readonly pid: number } | null
}

/** What the process table says of agents. Every one that was asked for is in one of the two. */
export interface AgentLiveness {
  readonly living: ReadonlyMap<Incarnation, RunningProcess>
  readonly ended: ReadonlySet<Incarnation>
}

/** An agent among those of all machines: two machines that began alike can have agents with the same incarnation. */
export function agentKey(machine: string, incarnation: Incarnation): string {
  return `${machine} ${incarnation}`
}

/** The live agent in a pane; null where the pane holds none (dead, never started, or somebody else's process). */
export function incarnationOf(pane: Pane, serverStarted: number): Incarnation | null {
  return pane.dead || pane.agent_pid !== pane.pid ? null : agentOf(pane, serverStarted)
}

/** The agent that was started in a pane, whether it lives or not. */
function agentOf({ id, pid, started }: Pane, serverStarted: number): Incarnation {
  return `${serverStarted}.${id}.${pid}${started === null ? '' : `.${started}`}`
}

/** The agents that the panes of a sight show: alive, or dead by tmux's own word. */
export function agentsIn(sight: MachineSnapshot): { readonly living: ReadonlySet<Incarnation>; readonly ended: ReadonlySet<Incarnation> } {
  const agents = sight.state === 'up' ? sight.panes.filter((pane) => pane.agent_pid === pane.pid) : []
  const named = (dead: boolean) =>
    agents.filter((pane) => pane.dead === dead).map((pane) => agentOf(pane, sight.state === 'up' ? sight.server_started : 0))
  return { living: new Set(named(false)), ended: new Set(named(true)) }
}

/** Null where it is not an incarnation. `started` is null in those that older versions wrote. */
function partsOf(incarnation: Incarnation): { readonly pid: number; readonly pane: string; readonly started: string | null } | null {
  const [, pane, pid, started] = /^\d+\.(%\d+)\.(\d+)(?:\.(\S+))?$/.exec(incarnation) ?? []
  return pane === undefined ? null : { pane, pid: Number(pid), started: started ?? null }
}

/** The pids to look for in the process table. */
export function pidsOf(incarnations: readonly Incarnation[]): number[] {
  return [...new Set(incarnations.flatMap((incarnation) => partsOf(incarnation)?.pid ?? []))]
}

/**
 * Which agents run, by what the process table showed of their pids. If an agent's start is not known, a process with its pid counts as the
 * agent if it was started in the agent's pane, or in a pane that is not known.
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
 * Returns which of one machine's agents have ended: tmux shows their pane dead, or their process is gone from the machine's table. `census` reads that table,
 * and is called only if the machine answers and its panes do not show all of the agents.
 */
export async function endedIn(
  sight: MachineSnapshot,
  agents: readonly Incarnation[],
  census: (missing: readonly Incarnation[]) => Promise<AgentLiveness | null>,
): Promise<ReadonlySet<Incarnation>> {
  const shown = agentsIn(sight)
  const missing = agents.filter((agent) => !shown.living.has(agent) && !shown.ended.has(agent))
  const answers = sight.state !== 'unreachable' || sight.answers === true
  const found = missing.length === 0 || !answers ? null : await census(missing)
  return new Set([...agents.filter((agent) => shown.ended.has(agent)), ...(found?.ended ?? [])])
}
