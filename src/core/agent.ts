/** What an agent is to this program: how it is started, read, heard, typed to and answered. */
import type { AgentConfig, CustomAgent, Reading, ReadingState, Time } from './nouns.ts'
import type { Pane } from './panes.ts'
import type { TokenUsage, TranscriptEntry, BackendError } from './sprint.ts'

/** What a kind may know of a pane beside its rows. */
export type PaneFacts = Pick<Pane, 'width' | 'height' | 'title' | 'command' | 'dead' | 'cursor_x' | 'cursor_y'>

/** What an agent's screen says. */
export interface ParsedScreen {
  readonly reading: Reading
  /** `absent`: no place to type was recognised. `draft`: there is text in it. */
  readonly composer: 'absent' | 'empty' | 'draft'
  /** Screen rows that the composer covers, first and one past last; both equal where it is absent. */
  readonly composer_rows: readonly [number, number]
  /** The text in it as shown. */
  readonly draft: string
  /** Enter would now cut the running turn instead of queueing what is in the composer. */
  readonly interrupts?: boolean
  /** What it asks, as shown, with the choices it offers; only where it is `waiting`. */
  readonly question?: string
}

export type Key = 'Enter' | 'Escape' | 'Up' | 'Down' | 'Tab' | 'Space'

/** What goes into a pane: pasted between brackets as one, typed as it is, or one key. */
export type Keystrokes = { readonly paste: string } | { readonly type: string } | { readonly key: Key }

/** One event that an agent's own hook told of. */
export interface HookEvent {
  /** Differs from that of the event before: where its line ends in the pane's file. */
  readonly seq: number
  readonly at: Time
  /** In the agent's own words, e.g. `pre_llm_call`, `Stop`. */
  readonly event: string
  /** Words of the payload that the event's meaning depends on, e.g. the tool's name, with colons between them; null where it has none. */
  readonly detail: string | null
  /** Deliveries whose tag the payload holds: `[burn <id>]`. */
  readonly told: readonly HookDelivery[]
}

/** A delivery that an agent's hook told of. */
export interface HookDelivery {
  readonly id: string
  /** The checksum (`sumOf`) of the line as the agent has it; null if the event records no prompt. */
  readonly sum: string | null
}

/** What an event means for what its agent is doing. */
export interface HookState {
  readonly state: ReadingState
  readonly detail: string | null
}

/** Where on its machine an agent finds what was laid out for it; absolute paths. */
export interface AgentPlace {
  /** The hook: called as `<hook> <event> [<payload keys, with commas, whose values are the detail>]`, with the payload on stdin, or as the last argument. */
  readonly hook: string
  /** A directory of this worker's own, for the agent's home or for files that its command line names. */
  readonly home: string
  /** The person's own home. */
  readonly person: string
  /** A name for what has to be named beside others of its kind on the machine: small letters, digits, `-` and `_`. */
  readonly name: string
  /** What the files named by `reads` say, as data; null where there is none, or none that can be read. */
  readonly configs: ReadonlyMap<string, unknown>
  /** What lies beside those files, by folder. */
  readonly entries: ReadonlyMap<string, readonly string[]>
}

/** How a worker's agent is started. */
export interface AgentStart {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Files to write first (0600), by absolute path. */
  readonly files?: Readonly<Record<string, string>>
  /** Symbolic links to make first: absolute path → what it leads to. Credentials are referenced this way, never copied. */
  readonly links?: Readonly<Record<string, string>>
  /** Its configuration makes Enter queue behind a running turn, whatever the person's own says. */
  readonly queues?: boolean
  /** Why this agent runs without hooks, where it could have had some; for people. */
  readonly without_hooks?: string
}

/** An agent in a pane, as data: how to start it, read it, hear it and type to it. Pure. */
export interface PaneAgent {
  readonly kind: string
  /** Used where the spec gives no command. */
  readonly command: readonly string[]
  /** Files of the person's that `start` has to know (YAML or JSON), relative to their home. */
  readonly reads?: readonly string[]
  /** What Enter does while it works is set in its own configuration (`busy_input_mode` in the spec). */
  readonly has_busy_mode?: true
  /** It may be a program that takes its issues itself (`burn worker loop`), and once it does, it need not be told who it is. */
  readonly may_loop?: true
  /** How a worker's agent is started; with hooks where `at` says where they are. */
  start(config: AgentConfig, at: AgentPlace | null): AgentStart
  parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen
  /** What an event of its hooks means; null where it means nothing for its state. Absent where the kind has no hooks. */
  hookState?(signal: Pick<HookEvent, 'event' | 'detail'>): HookState | null
  /** How the line of a delivery is typed: it must end up whole in the composer, and nothing else. */
  place(line: string, look: ParsedScreen): readonly Keystrokes[]
  /** What its composer takes for more than text: a text that matches one of these is never typed itself. */
  readonly expands: readonly RegExp[]
  /** The bytes of the key that takes back what stands in the composer; absent if none is known. */
  readonly take_back?: string
  /** The bytes of the key that submits what is in the composer, where that is not Enter. */
  readonly submit?: string
  /** What a person's answer to the open question takes; null where `choice` is none of what it offers. Absent where the kind never asks. */
  answer?(choice: string, look: ParsedScreen): readonly Keystrokes[] | null
  /**
   * Milliseconds: until it is ready after its start; until a placed text shows; until a submitted one shows; `submit_delay`: how long a placed text
   * must have been in the composer before Enter counts (0 where any Enter does).
   */
  readonly limits: { readonly ready: number; readonly placed: number; readonly seen: number; readonly submit_delay: number }
}

/** A turn of a sprint that an agent is run for. */
export interface SprintAsk {
  readonly model: string | null
  /** The conversation to continue; null at its begin, or if the agent named none. */
  readonly session: string | null
  /** Turns that are left. */
  readonly turns: number
}

/** How an agent's process ended. */
export interface AgentEnd {
  /** 127 if it could not be started; null if a signal ended it. */
  readonly code: number | null
  /** The last of its stderr. */
  readonly stderr: string
  /** Why burn ended it, if it printed more than burn reads: a line that is too long, or too much in all. */
  readonly flood: string | null
}

/** What an agent's output says of one turn. */
export interface AgentAnswer {
  readonly text: string
  /** The conversation to continue with; null if it named none. */
  readonly session: string | null
  readonly model: string | null
  readonly turns: number
  /** Null if it does not say. */
  readonly usage: TokenUsage | null
  readonly symptom: BackendError | null
}

/** Reads the output of one run. */
export interface AnswerReader {
  line(text: string): void
  end(end: AgentEnd): AgentAnswer
}

/** An agent as the backend of a sprint, as data. burn runs it once a turn, with the prompt on stdin. */
export interface SprintAgent {
  /** Used where the spec gives no command. */
  readonly command: readonly string[]
  /** What its usage counts: this run, or the whole conversation. */
  readonly counts: 'run' | 'session'
  /** Variables that keep it from expanding what an issue's text names. */
  readonly env?: Readonly<Record<string, string>>
  /** The arguments behind its command. */
  argv(ask: SprintAsk): readonly string[]
  read(note: (note: TranscriptEntry) => void): AnswerReader
}

/** An agent kind: what burn can do with one program. */
export interface AgentKind {
  /** The agent in a pane. `custom` is what the spec declares of the kind `custom`; the other kinds need nothing of it. */
  pane(custom?: CustomAgent): PaneAgent
  /** Null if the program can't be the backend of a sprint. */
  readonly sprint: SprintAgent | null
}
