/**
 * The types of the objects that burn deals with, such as workers and issues. A field has the same snake_case name in the spec, SQL, JSON,
 * the CLI and here.
 */

import type { AgentName } from './agent-kinds.ts'
import type { UsageBudget } from './budget.ts'
import type { CustomAgent } from './custom-agent.ts'
import type { DelegationPolicy } from './delegation-settings.ts'
import type { ModelSettings } from './model-settings.ts'
import type {
  DriftSettings,
  HealthSettings,
  LoginSettings,
  SnapshotSettings,
  TelemetrySettings,
  WorkerSettings,
} from './observation-settings.ts'
import type { ChangePolicy } from './change-stages.ts'
import type { NotifySettings } from './notify-settings.ts'
import type { SecretSource } from './secret-source.ts'
import type { DeclaredPrice } from './price.ts'
import type { SprintPolicy } from './sprint.ts'

/** The name of a repo on the forge: `owner/name`. */
export type RepoRef = string
/** The reference of an issue: `owner/name#7`. */
export type IssueRef = string
/** The id of a worker: `machine/WINDOW/NAME`. */
export type WorkerId = string
/** A point in time, in milliseconds since the epoch. */
export type Time = number

/** The role of a worker. `worker` works on issues; `council` and `sentinel` only answer questions. */
export type Role = 'worker' | 'council' | 'sentinel'

/** The settings of the agent of one worker. */
export interface AgentConfig {
  readonly kind: AgentName
  readonly command: readonly string[]
  readonly model: string | null
  readonly provider: string | null
  /**
   * The effect of Enter while the agent works, as the configuration of the agent sets it: interrupt the turn, or queue the text until the
   * turn ends.
   */
  readonly busy_input_mode: 'interrupt' | 'queue'
  /** If true, burn starts the agent with hooks that report its state. Has no effect if the agent kind has no hooks. */
  readonly hooks: boolean
  readonly env: Readonly<Record<string, string>>
  /** The declaration of a custom agent. Present only if `kind` is `custom`. */
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
  /** The position of the worker in its window, starting at 1. burn shows it to people, and never addresses a pane by it. */
  readonly pane: number
  readonly role: Role
  readonly glyph: string
  readonly sublane: string | null
  /** The repos whose issues the worker may get. */
  readonly repos: readonly RepoRef[]
  /** The home repo, whose issues the worker gets before others; null if the worker has none. */
  readonly home: RepoRef | null
  /** The working directory of the agent, on its machine. A leading `~/` stands for that machine's home directory. */
  readonly dir: string
  /** The number of slots: the maximum number of dispatches that the worker has at once. */
  readonly depth: number
  readonly agent: AgentConfig
}

/** A tmux window: its workers share repos and a purpose. */
export interface Window {
  readonly name: string
  readonly lane: string
  readonly workers: readonly Worker[]
}

/** How burn connects to a machine: directly, over ssh, or with a command. */
export type Transport =
  | { readonly kind: 'local' }
  | { readonly kind: 'ssh'; readonly host: string; readonly port: number | null; readonly options: Readonly<Record<string, string>> }
  | { readonly kind: 'exec'; readonly argv: readonly string[] }

/** A machine: one tmux server, with the transport by which burn connects to it. */
export interface Machine {
  readonly name: string
  readonly transport: Transport
  readonly cores: number | null
  readonly ram_gb: number | null
  /** The name of the tmux session. */
  readonly session: string
  /** The name of the tmux socket (`tmux -L`). */
  readonly socket: string
  /** The name or the absolute path of the tmux program on the machine. */
  readonly tmux: string
  readonly windows: readonly Window[]
  /**
   * The directory for files that burn installs for agents, or that agents write. A leading `~/` stands for the machine's home directory.
   */
  readonly state_dir: string
}

/** The settings that all kinds of forges have in common. `spec/forges` has the further settings of each kind. */
export interface ForgeConfig {
  readonly kind: string
  /** The owner of the repos that the spec names without an owner. */
  readonly owner: string
  /** The address of the server, without a slash at its end; absent if the forge is not a server. */
  readonly url?: string
  /** Where burn reads the API token of the server; absent if the forge is not a server. */
  readonly token?: SecretSource
  /** Where burn reads the values of further HTTP headers, by the name of the header. */
  readonly headers?: Readonly<Record<string, SecretSource>>
  /** The path of the file with the CAs that burn trusts for the server; absent if burn trusts the CAs of the system. */
  readonly ca_file?: string
}

/** Files on this machine that sprints get, although git does not track them. */
export interface CopySettings {
  /** The absolute path of the folder with the files. */
  readonly from: string
  /** Globs of paths below the folder. A file gets the same path in the workspace. */
  readonly files: readonly string[]
}

/** The settings of a repo. */
export interface RepoSettings {
  readonly repo: RepoRef
  /** The base branch of changes (pull requests); null if it is the default branch of the repo on the forge. */
  readonly base: string | null
  /** The command that must succeed before an agent or a sprint opens a change; null if the spec gives none. */
  readonly check: string | null
  /** The command that a sprint runs first in a new workspace, with network access; null if the spec gives none. */
  readonly setup: string | null
  /** The files of the operator that a sprint copies into a new workspace; null if there are none. */
  readonly copy: CopySettings | null
  /** The rules for changes in review of this repo. */
  readonly changes: ChangePolicy
  /** The clone URL; null if burn uses the URL that the forge gives. */
  readonly clone_url: string | null
}

/** The rules for giving issues to workers: the spec's `dispatch` with every default filled in. Durations are in milliseconds. */
export interface DispatchPolicy {
  /** The pause between two cycles. */
  readonly interval: number
  readonly skip_labels: readonly string[]
  /** Case-insensitive regular expressions. burn does not give issues whose title matches one of them. */
  readonly skip_titles: readonly string[]
  /**
   * Labels that order the queue, in levels, most urgent first. The level `*` stands for issues without such a label; without this level they
   * go last.
   */
  readonly priority_labels: readonly (readonly string[])[]
  readonly council_labels: readonly string[]
  /** `skip`: workers get no issue whose assignee on the forge is not burn's account. `ignore`: assignees do not matter. */
  readonly assigned: 'skip' | 'ignore'
  /** The time after which `burn status` shows a dispatch as stale, if no change is open for review. */
  readonly stale_after: number
  /** If an agent is idle for this time and has opened no change for review, burn ends the dispatch. Null: only a person ends it. */
  readonly idle_timeout: number | null
  readonly max_attempts: number
  /** The back-off of an issue after its first failed or lost attempt. The back-off doubles after each further attempt. */
  readonly retry_after: number
  /**
   * True if other fleets, with their own ledgers, work on the same repos. Then the fleet that wrote the first claim comment gets the issue.
   */
  readonly shared_forge: boolean
  /** The text before the dispatch's id in the name of its branch: `burn/`. */
  readonly branch_prefix: string
  readonly trust: {
    readonly authors: 'writers' | 'anyone' | readonly string[]
    readonly labels: readonly string[]
    /** The accounts whose commands in comments burn obeys. They must also be able to write. `writers`: all but bots. */
    readonly commands: 'writers' | readonly string[]
  }
}

/** Workers and backends of sprints that share one login at a model provider, and so its usage limits. */
export interface Account {
  readonly name: string
  readonly workers: readonly WorkerId[]
  /** The names of the backends of sprints (`backendName`); absent if there are none. */
  readonly backends?: readonly string[]
}

/** The whole configuration: the spec with every default filled in. */
export interface Fleet {
  readonly name: string
  readonly forge: ForgeConfig
  readonly dispatch: DispatchPolicy
  /** The address of the ledger: `sqlite:/absolute/path`, or a PostgreSQL URL. */
  readonly ledger: string
  /** The time (ms) for which the ledger keeps the history of ended work; null: forever. */
  readonly retention: number | null
  readonly telemetry: TelemetrySettings
  readonly health: HealthSettings
  readonly worker: WorkerSettings
  readonly drift: DriftSettings
  readonly snapshot: SnapshotSettings
  readonly logins: LoginSettings
  /** The settings of notifications; null if the spec has no key `notify`. */
  readonly notify: NotifySettings | null
  /** The prices of models, in the order in which burn compares their names with the name of a model. */
  readonly prices: readonly DeclaredPrice[]
  /** The rules for changes in review, in repos whose settings have no others. */
  readonly changes: ChangePolicy
  readonly repos: readonly RepoSettings[]
  readonly models: ModelSettings
  /** The settings of delegation; null if the spec has no key `delegation`. */
  readonly delegation: DelegationPolicy | null
  /** The settings of sprints; null if the spec has no key `sprint`. */
  readonly sprint: SprintPolicy | null
  readonly machines: readonly Machine[]
  readonly accounts: readonly Account[]
  readonly budgets: readonly UsageBudget[]
  /** The paths of files that replace the built-in prompts; null for each prompt that stays built in. */
  readonly templates: { readonly work: string | null; readonly identity: string | null; readonly council: string | null }
}

/** An issue on the forge. The type is the same for every kind of forge. */
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
  /** The number of comments, as the forge counts them. If it is 0, burn does not request the comments. */
  readonly comments: number
  /** True if only accounts with special rights may comment; otherwise absent. The ledger does not store this field. */
  readonly locked?: true
  /** The due date of the issue or of its milestone, whichever is earlier; absent if there is none. */
  readonly due_at?: Time
  readonly url: string
}

/** A comment on an issue. */
export interface Comment {
  readonly id: string
  readonly author: string
  readonly body: string
  readonly created_at: Time
}

/** A change (a pull request), opened for review by an agent or by a person. */
export interface Change {
  /** The id of the dispatch in the name of the branch, `burn/<id>`; null if the branch has another name. */
  readonly dispatch_id: string | null
  /** The name of the change within its repo, such as `#12`. */
  readonly name: string
  readonly url: string
  readonly state: 'open' | 'merged' | 'closed'
  readonly author: string
  /** True if the head branch is in a fork, which anybody may create. */
  readonly fork: boolean
  /**
   * The issues that the change closes when it is merged: those that the forge links, and those after a closing keyword in the text. At most
   * 1,000.
   */
  readonly closes: readonly IssueRef[]
  /** The creation time, by the forge's clock. */
  readonly created_at: Time
}

/**
 * The state of a worker. `waiting`: the agent asks a question. `error`: the last turn of the agent failed. `unknown`: burn does not
 * recognise the screen.
 */
export type ReadingState = 'starting' | 'idle' | 'working' | 'waiting' | 'error' | 'dead' | 'unreachable' | 'unknown'

/** The state of a worker, with the evidence for it. */
export interface Reading {
  readonly state: ReadingState
  readonly detail: string | null
  /** One line, such as a row of the screen, from which burn concluded the state. */
  readonly evidence: string
}

/**
 * The id of one agent process in one pane. A restarted agent has a new incarnation; an agent in a moved pane keeps its incarnation. The
 * format is `<server start>.<%pane>.<pid>.<process start>`. In older ledgers the last part is missing.
 */
export type Incarnation = string

/** The kinds of targets that a person or burn can hold, that is, exclude from new work. */
export type HoldScope = 'worker' | 'lane' | 'machine' | 'repo' | 'account' | 'fleet'
