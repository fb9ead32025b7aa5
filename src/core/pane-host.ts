/** One machine as burn works with its panes: it looks, types and starts agents. Implemented over tmux (`observe/machines`) and by the simulator. */
import type { AgentStart, Keystrokes } from './agent.ts'
import type { AgentLiveness } from './incarnation.ts'
import type { Incarnation, Machine } from './nouns.ts'
import type { MachineSnapshot, Pane } from './panes.ts'
import type { Tmux } from './ports.ts'

/** The rows that each pane shows, by pane id. */
export type Screens = ReadonlyMap<string, readonly string[]>

/** One look at a machine. */
export interface SnapshotWithScreens {
  readonly snapshot: MachineSnapshot
  readonly screens: Screens
}

/** The live agent that keys are meant for, and no other. */
export interface Target {
  /** `%5` */
  readonly pane: string
  /** `@burn_agent`, which is also the pid of the pane's own process. */
  readonly agent_pid: number
}

/** What is typed into one pane: a text into the composer, or the bytes of one key that submits it or takes it back. */
export type Typing = {
  readonly target: Target
  /** Letters, digits and `-`; no other typing in progress has the same. */
  readonly id: string
} & ({ readonly place: readonly Keystrokes[] } | { readonly submit: string })

/**
 * `refused`: the agent is gone or its pane takes no input, and nothing reached the pane. `failed`: the host reported an error, and nothing is known of
 * the pane.
 */
export interface Typed {
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly why: string
}

/** An agent to start in a pane, in place of the process that was seen there. */
export interface Launch extends Pick<AgentStart, 'argv' | 'env'> {
  /** The pane as it was seen: one with another process by now is left alone. */
  readonly pane: Pick<Pane, 'id' | 'pid' | 'worker'>
  /** Working directory on the machine; made where it is missing. A leading `~/` is that machine's home. */
  readonly dir: string
  /** Enter queues behind a running turn. */
  readonly queues: boolean
  /** Why its hooks could not be laid out; null where they were, or were not wanted. */
  readonly without_hooks: string | null
}

/** A text for an agent, written to a file of its directory. */
export interface WrittenText {
  readonly id: string
  /** The agent's directory; a leading `~/` is the machine's home. */
  readonly dir: string
  /** Its file below that directory, `.burn/<id>.md`. */
  readonly file: string
  readonly text: string
}

/** The agent's directory as an absolute path, or why its text is not there. */
export type Placed = { readonly directory: string } | { readonly why: string }

export interface PaneHost {
  readonly machine: Machine
  /** `down`: its session was not found, which alone says nothing about its agents. `unreachable`: nothing is known. */
  readonly state: 'up' | 'down' | 'unreachable'
  readonly reason: string
  readonly hint: string
  /** The channel to its tmux server; null if there is none. */
  readonly tmux: Tmux | null
  /** The keys of a delivery do not get through while a tmux mode (copy mode) is open in a pane. */
  readonly modes_block: boolean
  /** The machine now, without its screens. Never throws: a channel that fails makes it unreachable, with the reason. */
  snapshot(): Promise<MachineSnapshot>
  /** The same with what every pane shows: one round trip, whatever the number of panes. */
  snapshotWithScreens(): Promise<SnapshotWithScreens>
  /** Up to `rows` rows of history above each pane's screen, by pane id; a pane that is gone is missing. Throws if the machine is lost. */
  history(panes: readonly Pick<Pane, 'id' | 'height'>[], rows: number): Promise<Screens>
  /**
   * Types all of it in one round trip, and answers in order. The host checks at the instant of each that the target's agent lives in the pane and that
   * its input goes to it alone. Throws if the machine is lost: then nothing is known.
   */
  type(all: readonly Typing[]): Promise<readonly Typed[]>
  /** Starts agents, each in place of the process that was seen in its pane, and returns for each whether it did. Throws if the machine is lost. */
  start(launches: readonly Launch[]): Promise<readonly boolean[]>
  /** Writes texts into the directories of its agents; by id. Throws BurnError `machine_files`; the channel stays as it is. */
  write(texts: readonly WrittenText[]): Promise<ReadonlyMap<string, Placed>>
  /** Closes a channel that failed, so that the next `open` connects again. */
  drop(thrown: unknown): Promise<void>
}

/** The machines of a fleet, each with the one channel that this process holds to it. */
export interface Machines {
  /** Opens all of them at once. `longest`: the longest pause (ms) between tries of one that stays away. */
  open(machines: readonly Machine[], longest?: number): Promise<readonly PaneHost[]>
  /** Which of these agents run, by the machine's process table; null if it could not be read. */
  liveness(machine: Machine, agents: readonly Incarnation[]): Promise<AgentLiveness | null>
  close(): Promise<void>
}
