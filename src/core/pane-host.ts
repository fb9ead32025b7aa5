/**
 * The interface to the panes of one machine: it takes snapshots, types, and starts agents. `observe/machines` implements it over tmux, and
 * the simulator without tmux.
 */
import type { AgentStart, Keystrokes } from './agent.ts'
import type { AgentLiveness } from './incarnation.ts'
import type { Incarnation, Machine } from './nouns.ts'
import type { LoginAccess } from './login.ts'
import type { MachineFacts } from './machine-facts.ts'
import type { MachineSnapshot, Pane } from './panes.ts'
import type { Tmux } from './ports.ts'
import type { UsageRecords } from './usage.ts'

/** The screen rows of each pane, by pane id. */
export type Screens = ReadonlyMap<string, readonly string[]>

/** A snapshot of a machine, with the screens of its panes. */
export interface SnapshotWithScreens {
  readonly snapshot: MachineSnapshot
  readonly screens: Screens
}

/** The screen of a pane with its history, and its place in its window. */
export interface CapturedPane {
  /** The position of the pane's top left cell in its window, in columns and rows from 0. */
  readonly left: number
  readonly top: number
  /** True if the pane is the active pane of its window. */
  readonly active: boolean
  /** True if tmux shows only the active pane of the window, in the whole window. */
  readonly zoomed: boolean
  /**
   * The rows of the history and the screen, oldest first. Colours and styles are escape sequences. A style stays in effect at the end of a
   * row. The last `height` rows are the screen.
   */
  readonly rows: readonly string[]
}

/** A snapshot of a machine, with the styled screens of its panes, by pane id. */
export interface MachineCapture {
  readonly snapshot: MachineSnapshot
  readonly panes: ReadonlyMap<string, CapturedPane>
}

/** The pane that burn types into, and the only agent that may receive the input. */
export interface Target {
  /** The tmux pane id, such as `%5`. */
  readonly pane: string
  /** The pane option `@burn_agent`: the pid of the agent, which is also the pid of the pane's first process. */
  readonly agent_pid: number
}

/** The input for one pane: keystrokes that fill the composer, or the bytes of a key that submits or clears the composer. */
export type Typing = {
  readonly target: Target
  /** An id that is unique among inputs in progress. It has only letters, digits and `-`. */
  readonly id: string
} & (
  | {
      readonly place: readonly Keystrokes[]
      /**
       * The last text of the pane (`last_text`), as a snapshot shows it. The host types only if this is still the pane's last text, and
       * records `id` as the last text. So the host types the text of an id at most once. Absent: the host neither checks nor records it.
       */
      readonly after?: string
    }
  | { readonly submit: string }
)

/**
 * The outcome of typing into a pane. `refused`: nothing reached the pane, because the agent has ended, the pane accepts no input, or burn
 * has typed another text since.
 * `failed`: an error occurred, and burn does not know whether anything reached the pane.
 */
export interface Typed {
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly why: string
}

/** An agent to start in a pane. The agent replaces the process that the snapshot shows there. */
export interface Launch extends Pick<AgentStart, 'argv' | 'env'> {
  /** The id of the ledger's record of the agent. */
  readonly id: string
  /** The pane, as the snapshot shows it. If the pane has a different process by now, burn does not start the agent. */
  readonly pane: Pick<Pane, 'id' | 'pid' | 'worker'>
  /** The working directory on the machine; created if missing. A leading `~/` stands for the machine's home directory. */
  readonly dir: string
  /** True if burn configured the agent so that Enter during a turn queues the text until the turn ends. */
  readonly queues: boolean
  /** The reason why burn could not install the hooks of the agent; null if burn installed them, or if the spec disables hooks. */
  readonly without_hooks: string | null
}

/** A text for an agent that burn writes to a file in the directory of the agent. */
export interface WrittenText {
  readonly id: string
  /** The agent's directory. A leading `~/` stands for the machine's home directory. */
  readonly dir: string
  /** The path of the file below that directory, `.burn/<id>.md`. */
  readonly file: string
  readonly text: string
}

/** The absolute path of the agent's directory, or the reason why burn could not write the file. */
export type Placed = { readonly directory: string } | { readonly why: string }

/** Texts of files, by path, and the home directory of the person. */
export interface HomeTexts {
  readonly home: string
  readonly texts: ReadonlyMap<string, string | null>
}

/** One machine, and the connection to its tmux server. */
export interface PaneHost {
  readonly machine: Machine
  /**
   * `down`: burn did not find the tmux session of the fleet, but agents may still run. `unreachable`: burn could not connect, so nothing is
   * known.
   */
  readonly state: 'up' | 'down' | 'unreachable'
  readonly reason: string
  readonly hint: string
  /** The channel to the tmux server of the machine; null if there is no channel. */
  readonly tmux: Tmux | null
  /** True if keys cannot reach an agent while its pane is in a tmux mode, such as copy mode. */
  readonly modes_block: boolean
  /** Returns a new snapshot without screens. Never throws: if the channel fails, the snapshot is `unreachable` with the reason. */
  snapshot(): Promise<MachineSnapshot>
  /** Returns a new snapshot with the screens of all panes. It takes one round trip for any number of panes. Never throws. */
  snapshotWithScreens(): Promise<SnapshotWithScreens>
  /**
   * Returns a new snapshot with the styled screens of all panes and up to `history` rows above each screen. All panes are captured at the
   * same moment, in one round trip. Never throws.
   */
  capture(history: number): Promise<MachineCapture>
  /**
   * Returns up to `rows` rows of the scrollback history above each pane's screen, by pane id. The result leaves out panes that no longer
   * exist. Throws if the connection to the machine is lost.
   */
  history(panes: readonly Pick<Pane, 'id' | 'height'>[], rows: number): Promise<Screens>
  /**
   * Types all inputs in one round trip, and returns the outcomes in the order of the inputs. Right before each input, the host checks that
   * the target agent is alive in the pane and that no other pane gets the input. Throws if the connection is lost; then the outcomes are
   * unknown.
   */
  type(all: readonly Typing[]): Promise<readonly Typed[]>
  /**
   * Starts agents in their panes with the environment of the login shell, and returns for each agent whether it was started. Throws
   * BurnError `login_shell` if that shell does not work; the channel stays open. Throws another error if the connection to the machine is
   * lost.
   */
  start(launches: readonly Launch[]): Promise<readonly boolean[]>
  /**
   * Ends agents: gives each a while to save its work, then ends its process. Their panes stay. Returns the agents that have provably ended.
   * The caller must make sure that burn created their panes.
   */
  end(agents: readonly Incarnation[]): Promise<ReadonlySet<Incarnation>>
  /**
   * Writes texts to files in the directories of agents, and returns the result for each text, by its id. Throws BurnError `machine_files`
   * if it cannot write; the channel stays open.
   */
  write(texts: readonly WrittenText[]): Promise<ReadonlyMap<string, Placed>>
  /** Returns the load, memory, disk, clock and processes of the machine; null if it does not answer. Throws BurnError `control_dir`. */
  facts(): Promise<MachineFacts | null>
  /**
   * Reads text files, such as the configurations of agents. A leading `~/` of a path stands for the person's home. Returns that home and the
   * text of each file: null if the file is missing, unreadable or larger than 1 MiB. Null: the machine did not answer.
   */
  texts(paths: readonly string[]): Promise<HomeTexts | null>
  /** The files and databases in which agents record usage. */
  readonly usage: UsageRecords
  /** The logins of agents. */
  readonly logins: LoginAccess
  /** Closes the channel after an operation failed with `thrown`, so that the next `open` connects again. */
  drop(thrown: unknown): Promise<void>
}

/** Connects to the machines of a fleet. A burn process has one channel to each machine. */
export interface Machines {
  /**
   * Connects to all machines in parallel, and returns a host for each. `longest` is the maximum back-off (ms) for a machine that stays
   * unreachable.
   */
  open(machines: readonly Machine[], longest?: number): Promise<readonly PaneHost[]>
  /** Returns which of these agents are alive, according to the machine's process table; null if burn could not read the process table. */
  liveness(machine: Machine, agents: readonly Incarnation[]): Promise<AgentLiveness | null>
  close(): Promise<void>
}
