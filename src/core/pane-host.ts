/**
 * The port to the panes of one machine: snapshots, typing, and starting agents. `observe/machines` implements it over tmux; the simulator
 * has its own.
 */
import type { AgentStart, Keystrokes } from './agent.ts'
import type { AgentLiveness } from './incarnation.ts'
import type { Incarnation, Machine } from './nouns.ts'
import type { MachineSnapshot, Pane } from './panes.ts'
import type { Tmux } from './ports.ts'

/** The screen rows of each pane, by pane id. */
export type Screens = ReadonlyMap<string, readonly string[]>

/** A snapshot of a machine, with the screens of its panes. */
export interface SnapshotWithScreens {
  readonly snapshot: MachineSnapshot
  readonly screens: Screens
}

/** The live agent that may receive the keys. */
export interface Target {
  /** `%5` */
  readonly pane: string
  /** `@burn_agent`, which is also the pid of the pane's own process. */
  readonly agent_pid: number
}

/** The input for one pane: a text for the composer, or the bytes of a key that submits or clears the composer. */
export type Typing = {
  readonly target: Target
  /** Unique among the typings in progress. It has only letters, digits and `-`. */
  readonly id: string
} & ({ readonly place: readonly Keystrokes[] } | { readonly submit: string })

/**
 * The outcome of a typing. `refused`: nothing reached the pane, because the agent is gone or the pane accepts no input. `failed`: the host
 * reported an error, and burn does not know whether anything reached the pane.
 */
export interface Typed {
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly why: string
}

/** An agent to start in a pane. It replaces the process that burn saw there. */
export interface Launch extends Pick<AgentStart, 'argv' | 'env'> {
  /** The pane in the snapshot. If it has another process by now, burn does not start the agent. */
  readonly pane: Pick<Pane, 'id' | 'pid' | 'worker'>
  /** The working directory on the machine; created if missing. A leading `~/` stands for the machine's home directory. */
  readonly dir: string
  /** Enter queues behind a running turn. */
  readonly queues: boolean
  /** The reason that burn could not install its hooks; null if it did, or if the spec turns them off. */
  readonly without_hooks: string | null
}

/** A text for an agent, for a file in its directory. */
export interface WrittenText {
  readonly id: string
  /** The agent's directory. A leading `~/` stands for the machine's home directory. */
  readonly dir: string
  /** The path of the file below that directory, `.burn/<id>.md`. */
  readonly file: string
  readonly text: string
}

/** The absolute path of the agent's directory, or the reason that the file could not be written. */
export type Placed = { readonly directory: string } | { readonly why: string }

/** One machine with the channel to it. */
export interface PaneHost {
  readonly machine: Machine
  /** `down`: the session was not found. This alone is no proof that its agents have ended. `unreachable`: nothing is known. */
  readonly state: 'up' | 'down' | 'unreachable'
  readonly reason: string
  readonly hint: string
  /** The channel to its tmux server; null if there is none. */
  readonly tmux: Tmux | null
  /** An open tmux mode, such as copy mode, keeps keys from reaching the agent in a pane. */
  readonly modes_block: boolean
  /** Returns a new snapshot without screens. Never throws: if the channel fails, the snapshot is `unreachable` with the reason. */
  snapshot(): Promise<MachineSnapshot>
  /** Returns a new snapshot with the screens of all panes. It takes one round trip for any number of panes. Never throws. */
  snapshotWithScreens(): Promise<SnapshotWithScreens>
  /**
   * Returns up to `rows` rows of history above each pane's screen, by pane id. A pane that is gone is missing. Throws if the machine is
   * lost.
   */
  history(panes: readonly Pick<Pane, 'id' | 'height'>[], rows: number): Promise<Screens>
  /**
   * Types all inputs in one round trip, and returns the outcomes in order. At the moment of each, the host checks that the target's agent
   * lives in the pane and alone receives its input. Throws if the machine is lost; then the outcomes are unknown.
   */
  type(all: readonly Typing[]): Promise<readonly Typed[]>
  /**
   * Starts agents in their panes with the environment of the login shell, and returns for each whether it was started. Throws BurnError
   * `login_shell` if that shell does not work; the channel stays open. Throws another error if the machine is lost.
   */
  start(launches: readonly Launch[]): Promise<readonly boolean[]>
  /**
   * Writes texts into the directories of agents, and returns the results by id. Throws BurnError `machine_files`; the channel stays open.
   */
  write(texts: readonly WrittenText[]): Promise<ReadonlyMap<string, Placed>>
  /** Closes a channel that failed with `thrown`, so that the next `open` connects again. */
  drop(thrown: unknown): Promise<void>
}

/** The machines of a fleet. A process has one channel to each. */
export interface Machines {
  /** Connects to all machines at once. `longest` is the maximum back-off (ms) for a machine that stays unreachable. */
  open(machines: readonly Machine[], longest?: number): Promise<readonly PaneHost[]>
  /** Returns which of these agents live, by the machine's process table; null if burn could not read it. */
  liveness(machine: Machine, agents: readonly Incarnation[]): Promise<AgentLiveness | null>
  close(): Promise<void>
}
