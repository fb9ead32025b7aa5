/** The interface of an agent program: how burn starts it, reads its screen and hooks, types to it, and runs it for a sprint. */
import type { AgentConfig, CustomAgent, Reading, ReadingState, Time } from './nouns.ts'
import type { Pane } from './panes.ts'
import type { TokenUsage, TranscriptEntry, BackendError } from './sprint.ts'

/** The facts about a pane that `parseScreen` gets, in addition to the rows of the screen. */
export type PaneFacts = Pick<Pane, 'width' | 'height' | 'title' | 'command' | 'dead' | 'cursor_x' | 'cursor_y'>

/** The state of an agent as its screen shows it. */
export interface ParsedScreen {
  readonly reading: Reading
  /** `absent`: burn recognised no composer. `draft`: the composer contains text. */
  readonly composer: 'absent' | 'empty' | 'draft'
  /** The first screen row of the composer, and the row after its last. Both are equal if there is no composer. */
  readonly composer_rows: readonly [number, number]
  /** The text in the composer, as shown. */
  readonly draft: string
  /** Enter would interrupt the running turn, instead of queueing the text in the composer. */
  readonly interrupts?: boolean
  /** The open question with its choices, as shown. Present only if the state is `waiting`. */
  readonly question?: string
}

/** A key that an answer may need. */
export type Key = 'Enter' | 'Escape' | 'Up' | 'Down' | 'Tab' | 'Space'

/** Input for a pane: a bracketed paste, plain characters, or one key. */
export type Keystrokes = { readonly paste: string } | { readonly type: string } | { readonly key: Key }

/** One event that the hook of an agent reported. */
export interface HookEvent {
  /** The offset at which the event's line ends in the pane's file, so it differs from that of the previous event. */
  readonly seq: number
  readonly at: Time
  /** The agent's own name of the event, e.g. `pre_llm_call`, `Stop`. */
  readonly event: string
  /** The values in the payload that the meaning depends on, such as the tool's name, joined by colons; null if there are none. */
  readonly detail: string | null
  /** The deliveries whose tag, `[burn <id>]`, is in the payload. */
  readonly deliveries: readonly HookDelivery[]
}

/** A delivery whose tag was in the payload of a hook event. */
export interface HookDelivery {
  readonly id: string
  /** The checksum (`lineChecksum`) of the line that the agent recorded; null if the event records no prompt. */
  readonly sum: string | null
}

/** The state of the agent that a hook event implies. */
export interface HookState {
  readonly state: ReadingState
  readonly detail: string | null
}

/** The files that burn prepared for an agent on its machine. All paths are absolute. */
export interface AgentPlace {
  /**
   * The hook script. The agent calls it as `<hook> <event> [<keys>]`, with the payload on stdin or as the last argument. `keys` are the
   * payload keys, joined by commas, whose values become the event's detail.
   */
  readonly hook: string
  /** A directory of this worker alone, for the agent's home or for files that its command line names. */
  readonly home: string
  /** The home directory of the person. */
  readonly person: string
  /** A name that is unique on the machine, for example for a profile. It has only lowercase letters, digits, `-` and `_`. */
  readonly name: string
  /** The parsed contents of the files that `reads` names. The value is null if the file is missing or unreadable. */
  readonly configs: ReadonlyMap<string, unknown>
  /** The names of the entries in the folders of those files, by folder. */
  readonly entries: ReadonlyMap<string, readonly string[]>
}

/** The command that starts a worker's agent, and the files that it needs. */
export interface AgentStart {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Files to write before the start, with mode 0600, by absolute path. */
  readonly files?: Readonly<Record<string, string>>
  /** Symbolic links to make before the start, as absolute path → target. burn links credentials and never copies them. */
  readonly links?: Readonly<Record<string, string>>
  /** The configuration that burn gives it makes Enter queue behind a running turn. It overrides the person's own. */
  readonly queues?: boolean
  /** The reason, for people, if this agent runs without the hooks that its kind supports. */
  readonly without_hooks?: string
}

/** An agent kind in a pane, as data and pure functions: how burn starts it, reads its screen and hooks, and types to it. */
export interface PaneAgent {
  readonly kind: string
  /** The command, if the spec gives none. */
  readonly command: readonly string[]
  /** The person's files (YAML or JSON) that `start` needs, relative to their home. */
  readonly reads?: readonly string[]
  /** Its own configuration sets whether Enter interrupts a turn or queues behind it. In the spec: `busy_input_mode`. */
  readonly has_busy_mode?: true
  /** It may run `burn worker loop`, which takes issues on its own. While it does, burn does not send it the identity prompt. */
  readonly may_loop?: true
  /** Returns the command that starts a worker's agent; with hooks, unless `at` is null. */
  start(config: AgentConfig, at: AgentPlace | null): AgentStart
  /** Returns the state of the agent from the rows of its screen. */
  parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen
  /** Returns the state that a hook event implies; null if it implies none. Absent if the kind has no hooks. */
  hookState?(event: Pick<HookEvent, 'event' | 'detail'>): HookState | null
  /** Returns the keystrokes after which the composer contains the whole line of a delivery, and nothing else. */
  place(line: string, parsed: ParsedScreen): readonly Keystrokes[]
  /** The syntax that its composer expands, such as commands and file names. burn types no text directly that matches one of these. */
  readonly expands: readonly RegExp[]
  /** The bytes of the key that clears the composer; absent if none is known. */
  readonly take_back?: string
  /** The bytes of the key that submits the composer, if that key is not Enter. */
  readonly submit?: string
  /** Returns the keystrokes that answer the open question; null if it does not offer `choice`. Absent if the kind never asks. */
  answer?(choice: string, parsed: ParsedScreen): readonly Keystrokes[] | null
  /**
   * Timeouts in milliseconds. `ready`: from the start until the agent is ready. `placed`: until a typed text shows in the composer. `seen`:
   * until a submitted text shows outside it. `submit_delay`: the minimum time between typing a text and Enter, because the agent ignores an
   * earlier Enter; 0 if it does not.
   */
  readonly limits: { readonly ready: number; readonly placed: number; readonly seen: number; readonly submit_delay: number }
}

/** The request for one turn of a sprint. */
export interface SprintAsk {
  readonly model: string | null
  /** The conversation to continue; null for a new one, or if the agent named none. */
  readonly session: string | null
  /** The turns that are left of the budget. */
  readonly turns: number
}

/** The end of an agent's process. */
export interface AgentEnd {
  /** The exit code. 127 if burn could not start it; null if a signal ended it. */
  readonly code: number | null
  /** The last part of its stderr. */
  readonly stderr: string
  /** The reason, if burn ended it because a line or the whole output was longer than burn reads; otherwise null. */
  readonly flood: string | null
}

/** The result of one turn, as the agent's output gives it. */
export interface AgentAnswer {
  readonly text: string
  /** The conversation for the next turn; null if the agent named none. */
  readonly session: string | null
  readonly model: string | null
  readonly turns: number
  /** Null if the output has no usage. */
  readonly usage: TokenUsage | null
  readonly error: BackendError | null
}

/** A parser for the output of one run. */
export interface AnswerReader {
  /** Takes the next line of the output. */
  line(text: string): void
  /** Returns the answer, once the process has ended. */
  end(end: AgentEnd): AgentAnswer
}

/** An agent kind as the backend of a sprint, as data. burn runs it once per turn, with the prompt on stdin. */
export interface SprintAgent {
  /** The command, if the spec gives none. */
  readonly command: readonly string[]
  /** The scope of its reported usage: this run, or the whole conversation. */
  readonly counts: 'run' | 'session'
  /** Variables that stop it from expanding names in an issue's text, such as file names. */
  readonly env?: Readonly<Record<string, string>>
  /** Returns the arguments that follow the command. */
  argv(ask: SprintAsk): readonly string[]
  /** Returns a parser for one run. It passes each transcript entry to `note`. */
  read(note: (entry: TranscriptEntry) => void): AnswerReader
}

/** One agent program, in both of its uses. */
export interface AgentKind {
  /** Returns the agent for a pane. Only the kind `custom` uses the argument, which is its declaration in the spec. */
  pane(custom?: CustomAgent): PaneAgent
  /** Null if the program can't be the backend of a sprint. */
  readonly sprint: SprintAgent | null
}
