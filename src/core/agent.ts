/** The interface of an agent program: how burn starts the program, reads its screen and hooks, types to it, and runs it for a sprint. */
import type { CustomAgent } from './custom-agent.ts'
import type { AgentLogins } from './login.ts'
import type { AgentConfig, Reading, ReadingState, Time } from './nouns.ts'
import type { Pane } from './panes.ts'
import type { TokenUsage, TranscriptEntry, BackendError } from './sprint.ts'
import type { UsageLog } from './usage.ts'

/** The facts about a pane that burn passes to `parseScreen` with the rows of the screen. */
export type PaneFacts = Pick<Pane, 'width' | 'height' | 'title' | 'command' | 'dead' | 'cursor_x' | 'cursor_y'>

/** The state of an agent as its screen shows it. */
export interface ParsedScreen {
  readonly reading: Reading
  /** The composer is the input field. `absent`: burn recognised none. `draft`: the composer contains text. */
  readonly composer: 'absent' | 'empty' | 'draft'
  /** The index of the composer's first row on the screen, and the index after its last row. Both are equal if there is no composer. */
  readonly composer_rows: readonly [number, number]
  /** The text in the composer, as the screen shows it. */
  readonly draft: string
  /** True if Enter would interrupt the running turn, instead of queueing the text in the composer. */
  readonly interrupts?: boolean
  /** The bytes of the keys that close a menu in front of the composer, if the menu needs no answer. Absent if there is no such menu. */
  readonly closes_menu?: string
  /** The question that the agent asks, with its choices, as the screen shows it. Present only if the state is `waiting`. */
  readonly question?: string
}

/** A key that burn may press to answer a question of an agent. */
export type Key = 'Enter' | 'Escape' | 'Up' | 'Down' | 'Tab' | 'Space'

/** Input for a pane: a text to paste (bracketed paste), characters to type, or one key to press. */
export type Keystrokes = { readonly paste: string } | { readonly type: string } | { readonly key: Key }

/** One event that the hook of an agent reported. */
export interface HookEvent {
  /** The offset of the end of the event's line in the pane's event file. Each event of a pane has a different offset. */
  readonly seq: number
  readonly at: Time
  /** The agent's own name for the event, e.g. `pre_llm_call`, `Stop`. */
  readonly event: string
  /**
   * The values in the payload on which the meaning of the event depends, such as the name of a tool. They are joined by colons; null if
   * there are none.
   */
  readonly detail: string | null
  /** The id of the agent's last conversation that one of its events reported; null if none did. */
  readonly conversation: string | null
  /** The deliveries whose tag, `[burn <id>]`, is in the payload. */
  readonly deliveries: readonly HookDelivery[]
}

/** A delivery whose tag was in the payload of a hook event. */
export interface HookDelivery {
  readonly id: string
  /** The checksum (`lineChecksum`) of the line that the agent recorded; null if the event records no prompt. */
  readonly sum: string | null
}

/** The state of an agent that one of its hook events implies. */
export interface HookState {
  readonly state: ReadingState
  readonly detail: string | null
}

/** The paths and files on the agent's machine that its start command may use. All paths are absolute. */
export interface AgentPlace {
  /**
   * The path of the hook script. The agent calls the script as `<hook> <event> [<keys>]`, with the payload on stdin or as the last
   * argument. `keys` are payload keys, joined by commas; their values become the `detail` of the event. The value of a key with the prefix
   * `@` is the id of the conversation.
   */
  readonly hook: string
  /** A directory that only this worker uses: as the home of its agent, or for files that the agent's command line names. */
  readonly home: string
  /** The home directory of the user on the agent's machine. */
  readonly person: string
  /**
   * A name for the agent that is unique on the machine, for example for a profile of the agent. The name has only lowercase letters,
   * digits, `-` and `_`.
   */
  readonly name: string
  /** The parsed content of each file in the agent kind's `reads`, by file. The value is null if the file is missing or unreadable. */
  readonly configs: ReadonlyMap<string, unknown>
  /** For each folder that contains a file in `reads`: the names of all files in this folder. */
  readonly entries: ReadonlyMap<string, readonly string[]>
}

/** The command that starts a worker's agent, and the files that the agent needs. */
export interface AgentStart {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Files to write before the start, with mode 0600, by absolute path. */
  readonly files?: Readonly<Record<string, string>>
  /**
   * Symbolic links to make before the start: the absolute path of each link, and its target. burn links files with credentials, and never
   * copies them.
   */
  readonly links?: Readonly<Record<string, string>>
  /**
   * True if burn starts the agent with a configuration in which Enter during a turn queues the text until the turn ends. This configuration
   * overrides the configuration of the user.
   */
  readonly queues?: boolean
  /** The reason, as a text for people, if burn starts this agent without the hooks that its kind supports. */
  readonly without_hooks?: string
}

/** How an agent program continues an earlier conversation. Its hook reports the id of each conversation (`HookEvent.conversation`). */
export interface Conversations {
  /** Returns the last arguments of the start command, with which the program continues a conversation. */
  resumeArgs(conversation: string): readonly string[]
  /**
   * Returns true if the screen says that the program did not find the conversation. Absent if the program then exits.
   */
  isMissing?(screen: readonly string[], conversation: string): boolean
}

/** The command with which a person, or burn, changes the model of a running agent for its present conversation alone. */
export interface ModelCommand {
  /** Returns the line that the composer accepts. `provider`: null to keep the provider. */
  line(model: string, provider: string | null): string
  /** Returns true if the screen shows that the agent has carried out this line. */
  isDone(line: string, screen: readonly string[]): boolean
}

/** An agent kind in a pane, as data and pure functions: how burn starts the agent, reads its screen and hooks, and types to it. */
export interface PaneAgent {
  readonly kind: string
  /** The default of `command` in the spec: the program and its arguments. */
  readonly command: readonly string[]
  /** The configuration files of the user (YAML or JSON) that `start` needs, relative to the home directory. */
  readonly reads?: readonly string[]
  /** The oldest and the newest version whose screens burn was tested with. Absent if the kind has no screen of its own. */
  readonly versions?: readonly [string, string]
  /**
   * Returns the settings of the user with which burn may misread the screen, as texts for people. `configs`: the parsed content of each file
   * in `reads`.
   */
  unreadableSettings?(config: AgentConfig, configs: ReadonlyMap<string, unknown>): readonly string[]
  /**
   * True if the agent's own configuration sets whether Enter interrupts a turn or queues the text. `busy_input_mode` in the spec must match
   * that setting.
   */
  readonly has_busy_mode?: true
  /**
   * True if a pane of this kind may run `burn worker loop`, which claims issues by itself. While the loop runs, burn does not send the
   * identity prompt.
   */
  readonly may_loop?: true
  /** Returns the command that starts a worker's agent. The agent gets hooks unless `at` is null. */
  start(config: AgentConfig, at: AgentPlace | null): AgentStart
  /** How burn changes the model of a running agent; absent if no command does that without a change of the user's configuration. */
  readonly model_command?: ModelCommand
  /** How the program continues a conversation; absent if it cannot, or if no hook event can prove that it does. */
  readonly conversations?: Conversations
  /** Returns the state of the agent from the rows of its screen. */
  parseScreen(screen: readonly string[], pane: PaneFacts): ParsedScreen
  /** Returns the state that a hook event implies; null if it implies none. Absent if the kind has no hooks. */
  hookState?(event: Pick<HookEvent, 'event' | 'detail'>): HookState | null
  /** Returns the keystrokes that put the line of a delivery into the composer, so that it contains the whole line and nothing else. */
  place(line: string, parsed: ParsedScreen): readonly Keystrokes[]
  /**
   * Patterns for syntax that the composer expands, such as commands and file names. If a text matches one of the patterns, burn does not
   * type the text, but writes it to a file.
   */
  readonly expands: readonly RegExp[]
  /** The bytes of the key that clears the composer; absent if burn knows no such key. */
  readonly take_back?: string
  /** The bytes of the key that submits the composer, if that key is not Enter. */
  readonly submit?: string
  /**
   * The bytes of the keys that interrupt the running turn, and how often burn presses them at most. They change nothing if no turn runs.
   * Absent if burn knows no such keys.
   */
  readonly interrupt?: { readonly keys: string; readonly presses: 1 | 2 }
  /**
   * Returns the keystrokes that answer the open question; null if the question does not offer `choice`. Absent if agents of this kind never
   * ask questions.
   */
  answer?(choice: string, parsed: ParsedScreen): readonly Keystrokes[] | null
  /**
   * Time limits in milliseconds. `ready`: from the start until the agent is ready for input. `placed`: until a typed line shows in the
   * composer. `seen`: until a submitted line shows outside the composer. `submit_delay`: the minimum time between typing a line and Enter,
   * because the agent ignores an earlier Enter; 0 if the agent accepts Enter at once.
   */
  readonly limits: { readonly ready: number; readonly placed: number; readonly seen: number; readonly submit_delay: number }
  /** Where the agent records the tokens that it used; absent if it records none, or if burn cannot read the records. */
  readonly usage?: UsageLog
  /** Where the agent keeps its logins; absent if burn cannot read them. */
  readonly logins?: AgentLogins
}

/** The settings of one turn of a sprint, from which `argv` makes the arguments. */
export interface SprintAsk {
  readonly model: string | null
  /** The id of the conversation to continue; null for a new conversation, or if the agent gave no id. */
  readonly session: string | null
  /** The number of turns that the budget of the sprint still allows. */
  readonly turns: number
}

/** How the process of an agent ended. */
export interface AgentEnd {
  /** The exit code of the process: 127 if burn could not start it; null if a signal ended it. */
  readonly code: number | null
  /** The last part of the stderr of the process. */
  readonly stderr: string
  /** The reason, if burn ended the process because its output or one line of it exceeded a limit; otherwise null. */
  readonly flood: string | null
}

/** The result of one turn, parsed from the output of the agent. */
export interface AgentAnswer {
  readonly text: string
  /** The id of the conversation, for the next turn; null if the agent gave no id. */
  readonly session: string | null
  readonly model: string | null
  readonly turns: number
  /** The tokens and the cost of the turn; null if the output has none. */
  readonly usage: TokenUsage | null
  readonly error: BackendError | null
}

/** A parser for the output of one run of an agent program. */
export interface AnswerReader {
  /** Parses the next line of the output. */
  line(text: string): void
  /** Returns the result of the turn. Called once, after the process has ended. */
  end(end: AgentEnd): AgentAnswer
}

/** An agent kind as the backend of a sprint. burn runs the program once for each turn, with the prompt on stdin. */
export interface SprintAgent {
  /** The default of `command` in the spec: the program and its arguments. */
  readonly command: readonly string[]
  /** The scope of the usage in the output: this run only, or the whole conversation. */
  readonly counts: 'run' | 'session'
  /** Environment variables that keep the program from expanding parts of a prompt, such as file names. */
  readonly env?: Readonly<Record<string, string>>
  /** Returns the arguments for one turn, which follow `command`. */
  argv(ask: SprintAsk): readonly string[]
  /** Returns a parser for the output of one run. The parser passes each transcript entry to `note`. */
  read(note: (entry: TranscriptEntry) => void): AnswerReader
}

/** One agent program, with its two uses: in a pane, and as the backend of a sprint. */
export interface AgentKind {
  /** Returns the agent kind for use in a pane. Only the kind `custom` uses the argument, which is the declaration in the spec. */
  pane(custom?: CustomAgent): PaneAgent
  /** The agent kind as the backend of a sprint; null if the program can't be one. */
  readonly sprint: SprintAgent | null
}
