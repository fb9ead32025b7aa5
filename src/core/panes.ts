/** What a machine shows: its panes, and what an agent's screen says. */
import type { AgentConfig, Incarnation, Reading, Time, WorkerId } from './nouns.ts'

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
  /** `@burn_label`: what its border says; null where none was set. */
  readonly label: string | null
  readonly pid: number
  readonly dead: boolean
  readonly dead_status: number | null
  /** Copy mode or another tmux mode is open. */
  readonly in_mode: boolean
  readonly width: number
  readonly height: number
  readonly command: string
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

/** What an agent's screen says. */
export interface Look {
  readonly reading: Reading
  /** `absent`: no place to type was recognised. `draft`: there is text in it. */
  readonly composer: 'absent' | 'empty' | 'draft'
  /** Screen rows that the composer covers, first and one past last; both equal where it is absent. */
  readonly composer_rows: readonly [number, number]
  /** The text in it as shown. */
  readonly draft: string
  /** Enter would now cut the running turn instead of queueing what is in the composer. */
  readonly interrupts?: boolean
}

/** What goes into a pane to place a text: pasted between brackets as one, or typed as it is. */
export type Piece = { readonly paste: string } | { readonly type: string }

/** An agent kind, as data: how to start it, read it and type to it. Pure. */
export interface AgentKind {
  readonly kind: string
  /** Used where the spec gives no command. */
  readonly command: readonly string[]
  /** argv and environment of a worker's agent. */
  start(config: AgentConfig): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }
  look(screen: readonly string[], pane: Pick<Pane, 'width' | 'height' | 'title' | 'command' | 'dead' | 'cursor_x' | 'cursor_y'>): Look
  /** `id` must end up readable on the screen, in the composer and after submitting. */
  place(text: string, id: string, look: Look): readonly Piece[]
  /** Milliseconds: until it is ready after its start; until a placed text shows; until a submitted one shows. */
  readonly limits: { readonly ready: number; readonly placed: number; readonly seen: number }
}
