/** What a machine shows: its windows and panes. */
import type { Time, WorkerId } from './nouns.ts'

/** One pane of a fleet, in whichever session of its server it is, or of the fleet's session. */
export interface Pane {
  /** `%5` */
  readonly id: string
  /** `@2` */
  readonly window_id: string
  readonly window_name: string
  /** The session in which it was found: `$3`. */
  readonly session_id: string
  /** `@burn_session`: the session of the spec that it was made for; null where an older version made it, or somebody else. */
  readonly made_for: string | null
  /** `@burn_worker`: whose pane it is; null where it is not marked. */
  readonly worker: WorkerId | null
  /** `@burn_made`: this program created the pane (and may end it). */
  readonly made: boolean
  /** `@burn_agent`: the pid of the agent that this program started in it; null where none was. */
  readonly agent_pid: number | null
  /** `@burn_started`: when that process started, as the machine's process table says it; null where that could not be read. */
  readonly started: string | null
  /** `@burn_retiring`: its worker is no longer in the spec and gets no new work. */
  readonly retiring: boolean
  /** `@burn_queues`: its agent was started so that Enter queues behind a running turn. */
  readonly queues: boolean
  /** `@burn_signal`: what its agent's hook told last, as written; empty where it has told nothing. */
  readonly signal: string
  /** `@burn_label`: what its border says; null where none was set, and in a look with screens, which does not ask for it. */
  readonly label: string | null
  readonly pid: number
  readonly dead: boolean
  /** How its process ended: `with status 7`, `by signal 9`; null while it lives, and where tmux lost it (3.3a under load: 3 of 240). */
  readonly ended: string | null
  /** Copy mode or another tmux mode is open. */
  readonly in_mode: boolean
  /** Where what is typed into it goes: `synchronized` is to its neighbours too, `disabled` is nowhere. */
  readonly input: 'open' | 'synchronized' | 'disabled'
  readonly width: number
  readonly height: number
  readonly command: string
  /** Empty where nobody set one. */
  readonly title: string
  readonly cursor_x: number
  readonly cursor_y: number
  /** When a person's client that has this pane in front last sent a key; null where none has. */
  readonly keyed_at: Time | null
}

export interface Unreachable {
  readonly machine: string
  readonly state: 'unreachable'
  readonly reason: string
  /** What a person can do about it, where more is known than the link's hint says. */
  readonly remedy?: string
  /** The machine itself answers, so its process table can be read: only its tmux server does not. */
  readonly answers?: boolean
}

/** A machine as it was seen. Unreachable is not dead: nothing is known of its panes then. */
export type MachineSnapshot =
  | Unreachable
  /** No session of this fleet is there, and no agent that is known of runs: the machine's process table says so. */
  | { readonly machine: string; readonly state: 'down' }
  | {
      readonly machine: string
      readonly state: 'up'
      /** The name of the session that holds the fleet. A person may have renamed it. */
      readonly session: string
      /** Its id: `$3`. Panes of the fleet may be in other sessions. */
      readonly session_id: string
      /** `#{start_time}` of the tmux server, part of every incarnation. */
      readonly server_started: number
      /** The machine's own clock at this look, to the second: signals carry its time, not ours. */
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
  /** `@burn_window`: which window of the spec it is; null where it is not marked. */
  readonly window: string | null
  readonly width: number
  readonly height: number
}
