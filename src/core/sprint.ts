/**
 * The types and interfaces of sprints. A sprint is one run that works on one issue in its own workspace, and opens one change (pull
 * request).
 */
import type { ModelConfig } from './model-settings.ts'
import type { SandboxPolicy } from './sandbox-policy.ts'
import type { SprintAgentName } from './agent-kinds.ts'
import type { CommitPolicy } from './commits.ts'
import type { IssueRef, RepoRef, Time } from './nouns.ts'
import type { SecretSource } from './secret-source.ts'

/** The cause of a failed sprint, or of a failed turn. `decide/failure` decides what burn does after such a failure. */
export type FailureClass =
  /** Nothing listens at the address, or the program is not installed. */
  | 'backend_down'
  /** The API key is missing, or the backend refused it. */
  | 'auth'
  | 'rate_limited'
  | 'model_unknown'
  | 'context_overflow'
  | 'empty_answer'
  /** The backend reported an error, or its answer is malformed. */
  | 'backend_failed'
  /** The sprint used all turns, tokens, time or money of its budget. */
  | 'budget'
  /** The model finished without changing a file. */
  | 'no_change'
  | 'check_red'
  /** The base branch changed in the same lines, or somebody else pushed to the branch of the sprint. */
  | 'conflict'
  | 'push_refused'
  /** The change touches protected paths, so it is kept until a person publishes it. */
  | 'protected_paths'
  /** The forge refused to open the change. */
  | 'change_refused'
  | 'forge_down'
  /** The forge refuses requests about this issue: it was deleted, or its author blocked the fleet's account. */
  | 'issue_refused'
  /** The forge refuses every request for the repo, because the repo is archived or gone. */
  | 'repo_refused'
  /** The token of the forge is missing or invalid, or it lacks a permission. */
  | 'token_refused'
  /** The repo or the branch does not exist, the repo is empty, or burn can't repair its mirror. */
  | 'repo_unusable'
  | 'disk_full'
  /** Bubblewrap is not installed on this machine, and the spec does not turn the sandbox off. */
  | 'sandbox_missing'
  /** Bubblewrap is installed but does not work: user namespaces are exhausted or forbidden, or its start takes too long. */
  | 'sandbox_failed'
  /** The model's commands used more disk space than allowed, or left files that git must not read. */
  | 'workspace_unusable'
  /** During the run, the issue was closed, or somebody else finished the issue. */
  | 'issue_gone'
  /** The process that runs the sprint lost its claim. */
  | 'fenced'
  /** A person or the operating system stopped the sprint. */
  | 'stopped'
  /** The process that ran the sprint has ended, and its lease has expired. */
  | 'crashed'
  /** A bug in burn. */
  | 'internal'

/** A failure of a sprint or a turn. */
export interface Failure {
  readonly class: FailureClass
  /** One line for people about the failure. It contains no secret. */
  readonly reason: string
  /** The time (ms) after which the backend accepts requests again; absent if the class is not `rate_limited`, or if the time is unknown. */
  readonly wait_ms?: number
}

/** The turns, tokens and money that a sprint has used up to now. */
export interface Usage {
  readonly turns: number
  readonly tokens_in: number
  readonly tokens_out: number
  /** The cost in US dollars; null if the price is unknown. */
  readonly cost: number | null
}

/** The limits of one sprint. */
export interface Budget {
  readonly turns: number
  /** The maximum number of tokens, input and output together. */
  readonly tokens: number
  /** The maximum time in milliseconds. */
  readonly time: number
  /** The maximum cost in US dollars; null: no limit. */
  readonly money: number | null
}

/** A tool that the model can call. If the model calls it wrongly, `run` does not throw, but returns a result that describes the mistake to the model. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** The JSON Schema of the arguments, which are one object. */
  readonly parameters: Readonly<Record<string, unknown>>
  run(args: Readonly<Record<string, unknown>>, stop: AbortSignal): Promise<ToolResult>
}

/** The result of a tool call. */
export interface ToolResult {
  readonly ok: boolean
  /** The output for the model, shortened to a maximum length. */
  readonly text: string
}

/** One entry of a sprint's transcript. burn also shows such entries as progress. */
export type TranscriptEntry =
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'said'
      readonly by: 'burn' | 'model'
      readonly text: string
      readonly model: string | null
      readonly usage: Usage | null
    }
  | {
      readonly kind: 'call'
      readonly tool: string
      readonly args: unknown
      readonly ok: boolean
      readonly text: string
      readonly ms: number
    }
  | { readonly kind: 'check'; readonly command: string; readonly passed: boolean; readonly text: string; readonly ms: number }

/** The task that burn gives to a backend: one sprint. */
export interface BackendTask {
  /** The id of the sprint's dispatch. */
  readonly id: string
  /** The absolute path of the workspace on this machine. */
  readonly dir: string
  /** The tools of burn, for a backend that has no tools of its own. */
  readonly tools: readonly Tool[]
  readonly budget: Budget
  readonly note: (entry: TranscriptEntry) => void
  /**
   * Saves the id of a run that the backend's server continues if burn is killed, so that a later process can stop the run. Null: the run has
   * ended.
   */
  readonly recordRun: (run: string | null) => Promise<void>
}

/** The result of a turn of a sprint. */
export interface TurnResult {
  /** The failure of the turn; null if the turn succeeded. */
  readonly failure: Failure | null
  /** The last text that the model wrote in the turn. */
  readonly text: string
  readonly model: string | null
  readonly provider: string | null
  /** The usage of the whole conversation so far. */
  readonly usage: Usage
}

/** A conversation with a backend. The model remembers earlier turns, so that it can fix a failed check. */
export interface Conversation {
  /**
   * Runs one turn with `text` as the prompt. Does not throw if the backend or the model fails, but returns the failure. Returns a failure
   * of class `stopped` soon after `stop` is aborted.
   */
  say(text: string, stop: AbortSignal): Promise<TurnResult>
  close(): Promise<void>
}

/** A program or service that runs a model for sprints, in a workspace on this machine. */
export interface Backend {
  /** The name for people: `gateway http://127.0.0.1:8642`, `cli claude`, `runner hermes-4-70b`. */
  readonly name: string
  /** Checks quickly, and without using tokens, whether the backend can work now. Returns null if it can, otherwise the failure. */
  probe(): Promise<Failure | null>
  /** Starts a conversation, in which the backend works on the task. */
  begin(task: BackendTask): Conversation
  /**
   * Stops a run that an earlier process recorded with `recordRun`. Returns false if the server does not answer. Absent if the runs of this
   * backend end with burn.
   */
  stopRun?(run: string): Promise<boolean>
}

/** The tokens and the cost (US dollars) of one answer. */
export interface TokenUsage {
  readonly tokens_in: number
  readonly tokens_out: number
  readonly cost: number | null
}

/** An error that an endpoint, a gateway or an agent reported. */
export interface BackendError {
  /** The HTTP status; null if there was no HTTP response. */
  readonly status: number | null
  /** The code or type that the endpoint gave, or a code of burn: `empty`, `length`, `broken_off`, `idle`. */
  readonly code: string | null
  readonly message: string
  /** The time (ms) after which the endpoint allows a retry; null if the endpoint gave none. */
  readonly wait_ms?: number | null
}

/** The settings of a backend in the spec. */
export type BackendConfig =
  | { readonly kind: 'gateway'; readonly url: string; readonly key: SecretSource | null; readonly model: string | null }
  | {
      readonly kind: 'cli'
      readonly agent: SprintAgentName
      /** The program and arguments, in place of the agent's default; empty for the default. A `custom` program gets the prompt on stdin. */
      readonly command: readonly string[]
      readonly model: string | null
      readonly env: Readonly<Record<string, string>>
    }
  /** burn tries the models in this order. If the list is empty, burn uses the models in the configuration of Hermes in `hermes_home`. */
  | { readonly kind: 'runner'; readonly models: readonly ModelConfig[]; readonly hermes_home: string }

/** Returns the name of a backend for people, such as `cli claude`. Backends with the same name use the same login. */
export function backendName(config: BackendConfig): string {
  if (config.kind === 'gateway') return `gateway ${config.url.replace(/\/+$/, '').replace(/\/v1$/, '')}`
  if (config.kind === 'runner') return `runner ${config.models[0]?.model ?? 'of Hermes'}`
  return `cli ${config.agent === 'custom' ? (config.command[0] ?? 'custom') : config.agent}`
}

/** The settings of sprints: the spec's `sprint` with every default filled in. */
export interface SprintPolicy {
  /** The repos whose issues sprints may claim. */
  readonly repos: readonly RepoRef[]
  /** The absolute path of the directory for mirrors, workspaces and transcripts. The directory has mode 0700. */
  readonly dir: string
  /** The backends, in the order in which burn tries them. */
  readonly backends: readonly BackendConfig[]
  readonly budget: Budget
  /** Labels of issues that sprints do not claim, in addition to `dispatch.skip_labels`. */
  readonly skip_labels: readonly string[]
  /** Regular expressions for titles of issues that sprints do not claim, in addition to `dispatch.skip_titles`. */
  readonly skip_titles: readonly string[]
  /** The number of times that burn lets the model fix a failed check. */
  readonly check_retries: number
  /** The timeout of the check, in milliseconds. */
  readonly check_timeout: number
  /** Globs of protected paths that need no approval by a person. */
  readonly allow_paths: readonly string[]
  readonly commits: CommitPolicy
  readonly sandbox: SandboxPolicy
  /** The limits for `burn sprint prune`: the number of workspaces of ended sprints that it keeps, and their maximum age in milliseconds. */
  readonly keep: { readonly workspaces: number; readonly age: number }
}

/**
 * The machine name in the ids of workers that run sprints, `sprint/<host>/<n>`. No machine in the spec may have this name. It is also the
 * lane of these workers.
 */
export const sprintWorkers = 'sprint'

/** Returns the lane of a worker that runs sprints; undefined if the id is that of another worker. */
export function sprintLane(worker: string): string | undefined {
  return worker.startsWith(`${sprintWorkers}/`) ? sprintWorkers : undefined
}

/** The stage that a sprint is in. */
export type SprintStage = 'claimed' | 'workspace' | 'working' | 'checking' | 'publishing' | 'ended'
/**
 * The outcome of a sprint. `change`: the sprint opened a change. `kept`: the change waits for a person, and burn gives the issue to nobody
 * else.
 */
export type SprintOutcome = 'change' | 'kept' | 'failed' | 'given_back'
/** The result of the last check of a sprint; `none` if the repo has no check. */
export type CheckResult = 'passed' | 'failed' | 'none'

/** The ledger's record of a sprint. The sprint has the same id as its dispatch. */
export interface Sprint {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: string
  /** The name of the host on which the workspace is. */
  readonly host: string
  readonly stage: SprintStage
  readonly backend: string | null
  readonly model: string | null
  readonly provider: string | null
  readonly turns: number
  readonly tokens_in: number
  readonly tokens_out: number
  readonly cost: number | null
  readonly outcome: SprintOutcome | null
  readonly failure: FailureClass | null
  readonly failure_text: string | null
  /** The command of the check; null if no check ran. */
  readonly check_command: string | null
  readonly check_result: CheckResult | null
  readonly change_url: string | null
  readonly started_at: Time
  readonly ended_at: Time | null
  readonly lease_owner: string | null
  readonly lease_until: Time
}
