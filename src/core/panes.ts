/** A snapshot of a machine: its windows and panes. */
import type { Time, WorkerId } from './nouns.ts'

/** A pane that belongs to the fleet, in any session of the server, or that is in the fleet's session. */
export interface Pane {
  /** `%5` */
  readonly id: string
  /** `@2` */
  readonly window_id: string
  readonly window_name: string
  /** The session that contains it: `$3`. */
  readonly session_id: string
  /** `@burn_session`: the session of the spec for which burn created it; null if an older version or a person created it. */
  readonly made_for: string | null
  /** `@burn_worker`: the worker of the pane; null if the option is not set. */
  readonly worker: WorkerId | null
  /** `@burn_made`: burn created the pane, and may end it. */
  readonly made: boolean
  /** `@burn_agent`: the pid of the agent that burn started in it; null if burn started none. */
  readonly agent_pid: number | null
  /** `@burn_started`: the start time of that process, as the machine's process table has it; null if burn could not read it. */
  readonly started: string | null
  /** `@burn_retiring`: its worker is no longer in the spec and gets no new work. */
  readonly retiring: boolean
  /** `@burn_queues`: burn configured its agent so that Enter queues behind a running turn. */
  readonly queues: boolean
  /** `@burn_signal`: the last event of its agent's hook, unparsed; empty if there was none. */
  readonly signal: string
  /** `@burn_label`: the text of its border; null if it has none. It is also null in a snapshot with screens, which does not read it. */
  readonly label: string | null
  readonly pid: number
  readonly dead: boolean
  /**
   * The end of its process: `with status 7`, `by signal 9`; null while it lives. Under load tmux 3.3a sometimes loses the status, and then
   * it is null, too.
   */
  readonly ended: string | null
  /** Copy mode or another tmux mode is open. */
  readonly in_mode: boolean
  /** The destination of its input. `synchronized`: its neighbours get it, too. `disabled`: nobody gets it. */
  readonly input: 'open' | 'synchronized' | 'disabled'
  readonly width: number
  readonly height: number
  readonly command: string
  /** Empty if nothing set one. */
  readonly title: string
  readonly cursor_x: number
  readonly cursor_y: number
  /** The time of the last key from a person's tmux client that shows this pane; null if there was none. */
  readonly keyed_at: Time | null
}

/** A machine that burn can't reach, with the reason. */
export interface Unreachable {
  readonly machine: string
  readonly state: 'unreachable'
  readonly reason: string
  /** The remedy for a person, if burn knows more than the hint of the connection. */
  readonly remedy?: string
  /** Only the tmux server does not answer. The machine does, so burn can read its process table. */
  readonly answers?: boolean
}

/** A machine at one moment. `unreachable` is no proof that anything ended: the state of its panes is unknown. */
export type MachineSnapshot =
  | Unreachable
  /** The fleet has no session there, and the process table shows that no known agent runs. */
  | { readonly machine: string; readonly state: 'down' }
  | {
      readonly machine: string
      readonly state: 'up'
      /** The current name of the fleet's session. A person may have renamed it. */
      readonly session: string
      /** The id of that session: `$3`. Panes of the fleet may be in other sessions. */
      readonly session_id: string
      /** `#{start_time}` of the tmux server, part of every incarnation. */
      readonly server_started: number
      /** The machine's own clock at this moment, to the second. Hook events have times of this clock. */
      readonly clock: Time
      readonly panes: readonly Pane[]
      readonly windows: readonly PaneWindow[]
    }

/** A tmux window that holds panes of the fleet, or is in its session. */
export interface PaneWindow {
  /** `@2` */
  readonly id: string
  /** `$3` */
  readonly session_id: string
  readonly name: string
  /** `@burn_window`: the window of the spec; null if the option is not set. */
  readonly window: string | null
  readonly width: number
  readonly height: number
}
