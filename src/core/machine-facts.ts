/** The facts that burn samples about a machine, and the calculations on them. */
import type { MachineJobs } from './scheduled-job.ts'
import type { Machine, Time, WorkerId } from './nouns.ts'

/** One process of the machine's process table. */
export interface MachineProcess {
  readonly pid: number
  readonly parent: number
  /** The resident memory (bytes). */
  readonly memory: number
  /** The name of the program, without its arguments. */
  readonly command: string
  /**
   * `$BURN_WORKER` of the process: the worker for whose agent burn started the process; null if the variable is not set or burn could not
   * read it.
   */
  readonly worker: WorkerId | null
  /** The path of the tmux socket in `$TMUX` of the process; null if the variable is not set or burn could not read it. */
  readonly socket: string | null
}

/** The facts about a machine at one time. A fact is null if the machine did not report it. */
export interface MachineFacts {
  /** The machine's own clock. */
  readonly clock: Time | null
  /** The load average over one minute. */
  readonly load: number | null
  readonly cores: number | null
  /** Bytes. */
  readonly memory_total: number | null
  readonly memory_free: number | null
  /** Bytes of the file system with the home directory. */
  readonly disk_total: number | null
  readonly disk_free: number | null
  /** The folder with the tmux sockets that burn uses on the machine. */
  readonly socket_folder: string | null
  readonly processes: readonly MachineProcess[] | null
  readonly jobs: MachineJobs | null
}

/** Returns the processes that descend from one of the `roots`, and the roots themselves. */
export function descendants(processes: readonly MachineProcess[], roots: Iterable<number>): MachineProcess[] {
  const children = Map.groupBy(processes, ({ parent }) => parent)
  const found = new Set<number>()
  const open = [...roots]
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    if (found.has(pid)) continue
    found.add(pid)
    open.push(...(children.get(pid) ?? []).map((child) => child.pid))
  }
  return processes.filter(({ pid }) => found.has(pid))
}

/**
 * Returns the processes that burn started for agents of a machine's workers, and that descend from no pane. `panes`: the pids of the panes'
 * first processes. Other fleets may use the same names, so the process must also have the tmux socket of the machine. `folder`: the folder of
 * this socket; null if it is unknown.
 */
export function leftovers(
  processes: readonly MachineProcess[],
  panes: Iterable<number>,
  { name, socket, folder }: Pick<Machine, 'name' | 'socket'> & { readonly folder: string | null },
) {
  const owned = new Set(descendants(processes, panes).map(({ pid }) => pid))
  const isOwnSocket = (path: string) => (folder === null ? path.endsWith(`/${socket}`) : path === `${folder}/${socket}`)
  const isOfFleet = (each: MachineProcess) =>
    each.worker?.startsWith(`${name}/`) === true && each.socket !== null && isOwnSocket(each.socket)
  return processes.filter((each) => isOfFleet(each) && !owned.has(each.pid))
}
