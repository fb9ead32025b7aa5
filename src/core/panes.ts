/** What a machine shows: its windows and panes. */
import type { Incarnation, Time, WorkerId } from './nouns.ts'

/** One pane of a machine's session, as tmux describes it. */
export interface Pane {
  /** `%5` */
  readonly id: string
  /** `@2` */
  readonly window_id: string
  readonly window_name: string
  /** `@burn_worker`: whose pane it is; null where it is not marked. */
  readonly worker: WorkerId | null
  /** `@burn_made`: this program created the pane (and may end it). */
  readonly made: boolean
  /** `@burn_agent`: the pid of the agent that this program started in it; null where none was. */
  readonly agent_pid: number | null
  /** `@burn_retiring`: its worker is no longer in the spec and gets no new work. */
  readonly retiring: boolean
  /** `@burn_queues`: its agent was started so that Enter queues behind a running turn. */
  readonly queues: boolean
  /** `@burn_signal`: what its agent's hook told last, as written; empty where it has told nothing. */
  readonly signal: string
  /** `@burn_label`: what its border says; null where none was set. */
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

/** A machine as it was seen. Unreachable is not dead: nothing is known of its panes then. */
export type MachineSight =
  | { readonly machine: string; readonly state: 'unreachable'; readonly reason: string }
  /** Reached, but no session of this fleet is there. */
  | { readonly machine: string; readonly state: 'down' }
  | {
      readonly machine: string
      readonly state: 'up'
      /** `#{start_time}` of the tmux server, part of every incarnation. */
      readonly server_started: number
      /** The machine's own clock at this look, to the second: signals carry its time, not ours. */
      readonly clock: Time
      readonly panes: readonly Pane[]
      readonly windows: readonly PaneWindow[]
    }

/** A tmux window of the session. */
export interface PaneWindow {
  /** `@2` */
  readonly id: string
  readonly name: string
  /** `@burn_window`: which window of the spec it is; null where it is not marked. */
  readonly window: string | null
  readonly width: number
  readonly height: number
}

/** The live agent in a pane; null where the pane holds none (dead, never started, or somebody else's process). */
export function incarnationOf(pane: Pane, serverStarted: number): Incarnation | null {
  return pane.dead || pane.agent_pid !== pane.pid ? null : `${serverStarted}.${pane.id}.${pane.pid}`
}
