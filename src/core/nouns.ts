/** The nouns of the product. Fields are snake_case, with the same name in the spec, SQL, JSON, the CLI and here. */

import type { AgentName } from './agent-kinds.ts'
import type { SprintPolicy } from './sprint.ts'

/** `owner/name` on the forge. */
export type RepoRef = string
/** `owner/name#7`. */
export type IssueRef = string
/** `machine/WINDOW/NAME`. */
export type WorkerId = string
/** Milliseconds since the epoch. */
export type Time = number

/** The role of a worker. `worker` works on issues; `council` and `sentinel` only give their view on questions. */
export type Role = 'worker' | 'council' | 'sentinel'

/** The place of a secret, never the secret itself. */
export type SecretSource = { readonly file: string } | { readonly env: string } | { readonly command: readonly string[] }

/** A key that submits the composer. */
export type SubmitKey = 'Enter' | 'M-Enter' | 'C-j' | 'C-d' | 'C-s'

/** The declaration of an agent that burn has no support for. Patterns are regular expressions for single rows of its screen. */
export interface CustomAgent {
  /** Matches some row once the agent is ready; null if there is no such row. */
  readonly ready: string | null
  /** Matches the first row of the composer; the lowest match counts. Its one group is the draft. */
  readonly composer: string
  /** Matches the first row below the composer; null if the composer extends to the end of the screen. */
  readonly below: string | null
  /** Matches the text that an empty composer shows; null if it shows none. */
  readonly placeholder: string | null
  readonly working: readonly string[]
  readonly waiting: readonly string[]
  readonly error: readonly string[]
  /** The number of rows above the composer that may show a state. Rows below it always may. */
  readonly rows: number
  readonly submit: SubmitKey
  /** The time (ms) between typing a text and pressing the submit key. */
  readonly submit_delay: number
}

/** The settings of one worker's agent. */
export interface AgentConfig {
  readonly kind: AgentName
  readonly command: readonly string[]
  readonly model: string | null
  readonly provider: string | null
  /** The effect of Enter while the agent works, by its own configuration: interrupt the turn, or queue the text behind it. */
  readonly busy_input_mode: 'interrupt' | 'queue'
  /** burn installs hooks that report what the agent does, if its kind supports them. */
  readonly hooks: boolean
  readonly env: Readonly<Record<string, string>>
  /** Present only for the kind `custom`. */
  readonly custom?: CustomAgent
}

/** A named agent in one pane. */
export interface Worker {
  readonly id: WorkerId
  readonly name: string
  readonly machine: string
  readonly window: string
  /** The purpose of the window, e.g. `bugs`. */
  readonly lane: string
  /** Its position in the window by the spec, from 1. For people only: burn never addresses a pane by it. */
  readonly pane: number
  readonly role: Role
  readonly glyph: string
  readonly sublane: string | null
  /** The repos that it serves. */
  readonly repos: readonly RepoRef[]
  /** The home repo, whose issues it gets first; null if it has none. */
  readonly home: RepoRef | null
  /** The working directory on its machine. A leading `~/` stands for that machine's home directory. */
  readonly dir: string
  /** The number of its slots: the dispatches that it may hold at once. */
  readonly depth: number
  readonly agent: AgentConfig
}

/** A tmux window: its workers share repos and a purpose. */
export interface Window {
  readonly name: string
  readonly lane: string
  readonly workers: readonly Worker[]
}

/** The way to reach a machine. */
export type Transport =
  | { readonly kind: 'local' }
  | { readonly kind: 'ssh'; readonly host: string; readonly port: number | null; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }

/** One tmux server that is reached through one transport. */
export interface Machine {
  readonly name: string
  readonly transport: Transport
  readonly cores: number | null
  readonly ram_gb: number | null
  /** The tmux session. */
  readonly session: string
  /** The tmux socket (`tmux -L`). */
  readonly socket: string
  /** The tmux binary on that machine. */
  readonly tmux: string
  readonly windows: readonly Window[]
  /** The directory for files that agents need or write. A leading `~/` stands for the machine's home directory. */
  readonly state_dir: string
}

/** The settings that every kind of forge has. `spec/forges` has the others of each kind. */
export interface ForgeConfig {
  readonly kind: string
  /** The owner in `owner/name`. */
  readonly owner: string
  /** The address of the server, without a slash at its end; absent if the forge is not a server. */
  readonly url?: string
  /** The place of the server's token. */
  readonly token?: SecretSource
}

/** The settings of a repo. */
export interface RepoSettings {
  readonly repo: RepoRef
  /** The branch that changes are opened against. */
  readonly base: string
  /** The command that must pass before a change is opened; null if the spec gives none. */
  readonly check: string | null
  /** The command that a sprint runs first in a new workspace, with network access; null if the spec gives none. */
  readonly setup: string | null
  /** The clone URL, in place of the forge's own; null for the forge's own. */
  readonly clone_url: string | null
}

/** The rules for giving issues: the spec's `dispatch`, complete. Durations are in milliseconds. */
export interface DispatchPolicy {
  /** The pause between cycles. */
  readonly interval: number
  readonly skip_labels: readonly string[]
  /** Regular expressions for titles, case-insensitive. */
  readonly skip_titles: readonly string[]
  readonly council_labels: readonly string[]
  /** `skip`: burn does not give an issue that is assigned to somebody else. `ignore`: assignees do not matter. */
  readonly assigned: 'skip' | 'ignore'
  /** A dispatch without a change for review is called stale after this time. */
  readonly stale_after: number
  /** burn ends a dispatch without a change for review after its agent was idle for this time; null: only a person ends it. */
  readonly idle_timeout: number | null
  readonly max_attempts: number
  /** The back-off of an issue after its first failed or lost attempt. It doubles after each further one. */
  readonly retry_after: number
  /** Other fleets, with their own ledgers, work on the same repos. The first claim comment wins the issue. */
  readonly shared_forge: boolean
  readonly trust: { readonly authors: 'writers' | 'anyone' | readonly string[]; readonly labels: readonly string[] }
}

/** The whole configuration: the spec with every default filled in. */
export interface Fleet {
  readonly name: string
  readonly forge: ForgeConfig
  readonly dispatch: DispatchPolicy
  /** `sqlite:/absolute/path` (or a URL of another engine). */
  readonly ledger: string
  /** The time (ms) that the ledger keeps ended work; null: forever. */
  readonly retention: number | null
  readonly repos: readonly RepoSettings[]
  /** Null if the spec has no `sprint`. */
  readonly sprint: SprintPolicy | null
  readonly machines: readonly Machine[]
  /** Template files that replace the built-in prompts; null means built in. */
  readonly templates: { readonly work: string | null; readonly identity: string | null; readonly council: string | null }
}

/** An issue of the forge, in the same form for every kind of forge. */
export interface Issue {
  readonly ref: IssueRef
  readonly repo: RepoRef
  readonly number: number
  readonly title: string
  readonly body: string
  readonly labels: readonly string[]
  readonly assignees: readonly string[]
  readonly author: string
  readonly state: 'open' | 'closed'
  readonly created_at: Time
  readonly updated_at: Time
  /** The number of comments by the forge's count. burn reads no comments if it is 0. */
  readonly comments: number
  /** Only people with rights may comment; absent if anybody may. The ledger does not keep this. */
  readonly locked?: true
  readonly url: string
}

/** A comment on an issue. */
export interface Comment {
  readonly id: string
  readonly author: string
  readonly body: string
  readonly created_at: Time
}

/** A change opened for review, by an agent or by a person. */
export interface Change {
  /** The dispatch that its branch is named after; null if the branch has another name. */
  readonly dispatch_id: string | null
  /** Its name for people in its repo, such as `#12`. */
  readonly name: string
  readonly url: string
  readonly state: 'open' | 'merged' | 'closed'
  readonly author: string
  /** Its branch is in another repo. Anybody may create such a fork. */
  readonly fork: boolean
  /** The issues that it closes, by the forge's link or by a closing word in its text. At most 1,000. */
  readonly closes: readonly IssueRef[]
  /** By the forge's clock. */
  readonly created_at: Time
}

/**
 * The state of a worker. `waiting`: its agent asks a question. `error`: its last turn failed. `unknown`: burn does not recognise the
 * screen.
 */
export type ReadingState = 'starting' | 'idle' | 'working' | 'waiting' | 'error' | 'dead' | 'unreachable' | 'unknown'

/** The state of a worker, with the evidence for it. */
export interface Reading {
  readonly state: ReadingState
  readonly detail: string | null
  /** One line that was seen, and that shows the state. */
  readonly evidence: string
}

/**
 * The name of one live agent process in one pane. A restarted agent gets a new one; a moved pane keeps its own. The format is
 * `<server start>.<%pane>.<pid>.<process start>`; older ledgers have it without the last part.
 */
export type Incarnation = string

/** The kinds of targets of a hold. */
export type HoldScope = 'worker' | 'lane' | 'machine' | 'repo' | 'account' | 'fleet'
