/** The types of a snapshot of a machine: its tmux windows and panes. */
import type { Time, WorkerId } from './nouns.ts'

/** A tmux pane. Either it belongs to the fleet, in any session of the server, or it is in the fleet's session. */
export interface Pane {
  /** The tmux pane id, such as `%5`. */
  readonly id: string
  /** The tmux window id, such as `@2`. */
  readonly window_id: string
  readonly window_name: string
  /** The id of the session that contains the pane: `$3`. */
  readonly session_id: string
  /**
   * `@burn_session`: the session name in the spec at the time when burn created the pane; null if a person or an older version of burn
   * created it.
   */
  readonly made_for: string | null
  /** `@burn_worker`: the worker of the pane; null if the option is not set. */
  readonly worker: WorkerId | null
  /** `@burn_made`: true if burn created the pane, so that burn may also end it. */
  readonly made: boolean
  /** `@burn_agent`: the pid of the agent that burn started in the pane; null if burn started none. */
  readonly agent_pid: number | null
  /**
   * `@burn_started`: the start time of the agent's process, as the machine's process table shows it; null if burn could not read the
   * process table.
   */
  readonly started: string | null
  /** `@burn_agent_id`: the id of the ledger's record of the agent that burn started; null if an older version of burn started it. */
  readonly agent_id: string | null
  /** `@burn_retiring`: true if the worker of the pane is no longer in the spec, so that it gets no new work. */
  readonly retiring: boolean
  /** `@burn_queues`: true if burn configured the agent so that Enter during a turn queues the text until the turn ends. */
  readonly queues: boolean
  /** `@burn_last_text`: the id of the last text that burn typed into the pane; empty if there is none. */
  readonly last_text: string
  /** `@burn_signal`: the last event of the agent's hook, unparsed; empty if there was no event. */
  readonly signal: string
  /** `@burn_limits`: the usage limits that the agent reported last, unparsed; empty if it reported none. */
  readonly limits: string
  /**
   * `@burn_label`: the text in the border of the pane; null if the option is not set. Also null in a snapshot with screens, which does not
   * read this option.
   */
  readonly label: string | null
  readonly pid: number
  readonly dead: boolean
  /**
   * How the process of the pane ended: `with status 7`, `by signal 9`; null while the process runs. It is also null if tmux lost the
   * status, as tmux 3.3a sometimes does under load.
   */
  readonly ended: string | null
  /** True if the pane is in copy mode or another tmux mode. */
  readonly in_mode: boolean
  /**
   * Where tmux sends the input of the pane. `open`: to this pane only. `synchronized`: also to other panes of the window. `disabled`:
   * nowhere.
   */
  readonly input: 'open' | 'synchronized' | 'disabled'
  readonly width: number
  readonly height: number
  readonly command: string
  /** The title of the pane; empty if no program set a title. */
  readonly title: string
  readonly cursor_x: number
  readonly cursor_y: number
  /** The time at which a person last pressed a key in a tmux client that shows this pane; null if nobody did. */
  readonly keyed_at: Time | null
}

/** A machine that burn can't reach, with the reason. */
export interface Unreachable {
  readonly machine: string
  readonly state: 'unreachable'
  readonly reason: string
  /** A hint for people that is more precise than the hint of the connection error; absent if burn has none. */
  readonly remedy?: string
  /** True if the machine answers and only its tmux server does not. Then burn can still read the process table. */
  readonly answers?: boolean
}

/** A machine at one moment. If it is `unreachable`, the state of its panes and agents is unknown. */
export type MachineSnapshot =
  | Unreachable
  /** The fleet has no tmux session on the machine, and no known agent is in the process table. */
  | { readonly machine: string; readonly state: 'down' }
  | {
      readonly machine: string
      readonly state: 'up'
      /** The current name of the fleet's session. It may differ from the spec, because people can rename a session. */
      readonly session: string
      /** The id of the fleet's session: `$3`. Panes of the fleet may be in other sessions. */
      readonly session_id: string
      /** The start time of the tmux server (`#{start_time}`), which is part of every incarnation. */
      readonly server_started: number
      /** The time of the snapshot by the machine's own clock, to the second. The times of hook events are by this clock, too. */
      readonly clock: Time
      readonly panes: readonly Pane[]
      readonly windows: readonly PaneWindow[]
    }

/** A tmux window that contains panes of the fleet, or that is in the fleet's session. */
export interface PaneWindow {
  /** The tmux window id, such as `@2`. */
  readonly id: string
  /** The tmux session id, such as `$3`. */
  readonly session_id: string
  readonly name: string
  /** `@burn_window`: the name of the window in the spec; null if the option is not set. */
  readonly window: string | null
  readonly width: number
  readonly height: number
}
