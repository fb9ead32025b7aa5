/** The nouns of the product. Fields are snake_case: one word, the same in the spec, SQL, JSON, the CLI and here. */

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

export type Role = 'worker' | 'council' | 'sentinel'

/** Where a secret is kept; never the secret itself. */
export type SecretSource = { readonly file: string } | { readonly env: string } | { readonly command: readonly string[] }

/** A key that submits what is in a composer. */
export type SubmitKey = 'Enter' | 'M-Enter' | 'C-j' | 'C-d' | 'C-s'

/** How an agent that this program does not know is read and typed to. Patterns are regular expressions over single rows of its screen. */
export interface CustomAgent {
  /** Some row matches it from when the agent is up; null where nothing says so. */
  readonly ready: string | null
  /** The row where its composer begins, the lowest that matches; its one group is the draft. */
  readonly composer: string
  /** The first row below the composer; null where the composer reaches to the end of the screen. */
  readonly below: string | null
  /** What stands in the composer where nothing is typed. */
  readonly placeholder: string | null
  readonly working: readonly string[]
  readonly waiting: readonly string[]
  readonly error: readonly string[]
  /** How many rows above the composer may say a state; those below it always may. */
  readonly rows: number
  readonly submit: SubmitKey
  /** How long a text must have been in the composer before it may be submitted, milliseconds. */
  readonly submit_delay: number
}

export interface AgentConfig {
  readonly kind: AgentName
  readonly command: readonly string[]
  readonly model: string | null
  readonly provider: string | null
  /** What Enter does while the agent works, as its own configuration has it: cut the turn short, or queue the text behind it. */
  readonly busy_input_mode: 'interrupt' | 'queue'
  /** Its hooks tell what it does, where its kind has any. */
  readonly hooks: boolean
  readonly env: Readonly<Record<string, string>>
  /** Only where the kind is `custom`. */
  readonly custom?: CustomAgent
}

/** A named agent in one pane. */
export interface Worker {
  readonly id: WorkerId
  readonly name: string
  readonly machine: string
  readonly window: string
  /** What the window is for, e.g. `bugs`. */
  readonly lane: string
  /** Its place in the window as declared, from 1. For people; never used to address a pane. */
  readonly pane: number
  readonly role: Role
  readonly glyph: string
  readonly sublane: string | null
  /** Repos it serves, as `owner/name`. */
  readonly repos: readonly RepoRef[]
  /** The repo it serves before all others. */
  readonly home: RepoRef | null
  /** Working directory on its machine; a leading `~/` is that machine's home. */
  readonly dir: string
  /** How many dispatches it may hold at once. */
  readonly depth: number
  readonly agent: AgentConfig
}

/** A tmux window: its workers share repos and a purpose. */
export interface Window {
  readonly name: string
  readonly lane: string
  readonly workers: readonly Worker[]
}

export type Transport =
  | { readonly kind: 'local' }
  | { readonly kind: 'ssh'; readonly host: string; readonly port: number | null; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }

/** One tmux server reached through one transport. */
export interface Machine {
  readonly name: string
  readonly transport: Transport
  readonly cores: number | null
  readonly ram_gb: number | null
  /** tmux session and socket name (`tmux -L`). */
  readonly session: string
  readonly socket: string
  /** The tmux binary on that machine. */
  readonly tmux: string
  readonly windows: readonly Window[]
  /** Where it keeps what agents need and tell; a leading `~/` is its own home. */
  readonly state_dir: string
}

/** Where the issues are, as far as every kind of forge has it. What else a kind is told, its adapter knows (`spec/forges`). */
export interface ForgeConfig {
  readonly kind: string
  /** What stands before the slash in `owner/name`. */
  readonly owner: string
  /** The address of a server, without a slash at its end; absent if the forge is no server. */
  readonly url?: string
  /** Where a server's token is kept. */
  readonly token?: SecretSource
}

/** What is known of a repo beyond who serves it. */
export interface RepoSettings {
  readonly repo: RepoRef
  /** Branch that changes are opened against. */
  readonly base: string
  /** Command that must pass before a change is opened; null where none is known. */
  readonly check: string | null
  /** Command that a sprint runs first in a fresh workspace, with network; null where none is needed. */
  readonly setup: string | null
  /** Overrides the forge's clone URL. */
  readonly clone_url: string | null
}

export interface DispatchPolicy {
  /** Pause between cycles, milliseconds. */
  readonly interval: number
  readonly skip_labels: readonly string[]
  /** Regular expressions over titles, case-insensitive. */
  readonly skip_titles: readonly string[]
  readonly council_labels: readonly string[]
  /** `skip`: an issue assigned to somebody else is theirs. `ignore`: assignment says nothing. */
  readonly assigned: 'skip' | 'ignore'
  /** How long a handed dispatch may stay without a change for review, milliseconds. */
  readonly stale_after: number
  /** How long an agent must have had nothing to do before what it holds without a change has ended, milliseconds; null: never by itself. */
  readonly idle_timeout: number | null
  readonly max_attempts: number
  /** How long an issue that failed or was lost waits after its first attempt, milliseconds; twice as long after each further one. */
  readonly retry_after: number
  /** Fleets with ledgers of their own work on the same repos: the first comment has the issue. */
  readonly shared_forge: boolean
  readonly trust: { readonly authors: 'writers' | 'anyone' | readonly string[]; readonly labels: readonly string[] }
}

/** All of it, complete: the spec with every default filled in. */
export interface Fleet {
  readonly name: string
  readonly forge: ForgeConfig
  readonly dispatch: DispatchPolicy
  /** `sqlite:/absolute/path` (or a URL of another engine). */
  readonly ledger: string
  /** How long the ledger keeps what has ended, milliseconds; null: for ever. */
  readonly retention: number | null
  readonly repos: readonly RepoSettings[]
  /** Null where no sprints are run. */
  readonly sprint: SprintPolicy | null
  readonly machines: readonly Machine[]
  /** Template files that replace the built-in prompts; null means built in. */
  readonly templates: { readonly work: string | null; readonly identity: string | null; readonly council: string | null }
}

/** A forge's issue, normalised. */
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
  /** How many comments the forge counts; 0 saves looking for markers. */
  readonly comments: number
  /** Only people with rights may comment; missing where anybody may. Not kept in the ledger. */
  readonly locked?: true
  readonly url: string
}

export interface Comment {
  readonly id: string
  readonly author: string
  readonly body: string
  readonly created_at: Time
}

/** A change opened for review, by an agent or by a person. */
export interface Change {
  /** The dispatch that its branch is named after; null for any other branch. */
  readonly dispatch_id: string | null
  /** As people name it in its repo: `#12`. */
  readonly name: string
  readonly url: string
  readonly state: 'open' | 'merged' | 'closed'
  readonly author: string
  /** Its branch is in another repo, which anybody may make. */
  readonly fork: boolean
  /** Issues that it closes by the forge's link or by a closing word, as it writes them. At most 1,000. */
  readonly closes: readonly IssueRef[]
  /** By the forge's clock. */
  readonly created_at: Time
}

export type ReadingState = 'starting' | 'idle' | 'working' | 'waiting' | 'error' | 'dead' | 'unreachable' | 'unknown'

/** What a worker is doing, with evidence. */
export interface Reading {
  readonly state: ReadingState
  readonly detail: string | null
  /** What was seen that says so, one line. */
  readonly evidence: string
}

/**
 * One live agent process in one pane: changes when the agent is started anew, and stays when its pane is moved.
 * `<server start>.<%pane>.<pid>.<process start>`; without the last part in older ledgers.
 */
export type Incarnation = string

/** What a hold is about. */
export type HoldScope = 'worker' | 'lane' | 'machine' | 'repo' | 'account' | 'fleet'
