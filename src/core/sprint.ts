/** The types and ports of sprints. A sprint is one run for one issue, in its own workspace, that opens one change for review. */
import type { SprintAgentName } from './agent-kinds.ts'
import type { IssueRef, RepoRef, SecretSource, Time } from './nouns.ts'

/** The cause of a failed sprint, or of a failed turn. `decide/failure` has the consequences. */
export type FailureClass =
  /** Nothing listens at the address, or the program is not installed. */
  | 'backend_down'
  /** The key is missing or refused. */
  | 'auth'
  | 'rate_limited'
  | 'model_unknown'
  | 'context_overflow'
  | 'empty_answer'
  /** The backend reported an error, or its answer is malformed. */
  | 'backend_failed'
  /** The turns, tokens, time or money of the budget are used up. */
  | 'budget'
  /** The run succeeded without changing a file. */
  | 'no_change'
  | 'check_red'
  /** The base branch changed in the same lines, or somebody else pushed to the branch. */
  | 'conflict'
  | 'push_refused'
  /** The change touches protected paths, so it is kept until a person publishes it. */
  | 'protected_paths'
  /** The forge refused to open the change. */
  | 'change_refused'
  | 'forge_down'
  /** The forge refuses requests about this issue: it was deleted, or its author blocked the fleet's account. */
  | 'issue_refused'
  /** The forge refuses requests about the whole repo: it is archived or gone. */
  | 'repo_refused'
  /** The token of the forge is missing or invalid, or it lacks a right. */
  | 'token_refused'
  /** The repo or the branch does not exist, the repo is empty, or burn can't repair its mirror. */
  | 'repo_unusable'
  | 'disk_full'
  /** Bubblewrap is not installed on this machine, and the spec does not turn the sandbox off. */
  | 'sandbox_missing'
  /** Bubblewrap is installed but does not work: user namespaces are exhausted or forbidden, or it is too slow. */
  | 'sandbox_failed'
  /** The commands used more disk than allowed, or left files that git must not see. */
  | 'workspace_unusable'
  /** The issue was closed, or done by others, during the run. */
  | 'issue_gone'
  /** This process lost its claim. */
  | 'fenced'
  /** A person or the machine stopped it. */
  | 'stopped'
  /** The process that ran it is gone, and its lease has expired. */
  | 'crashed'
  /** A bug in burn. */
  | 'internal'

/** A failure with its cause. */
export interface Failure {
  readonly class: FailureClass
  /** One line for people. Has no secret. */
  readonly reason: string
}

/** The usage so far. */
export interface Usage {
  readonly turns: number
  readonly tokens_in: number
  readonly tokens_out: number
  /** US dollars; null if the price is unknown. */
  readonly cost: number | null
}

/** The limits of one sprint. */
export interface Budget {
  readonly turns: number
  /** Input and output tokens together. */
  readonly tokens: number
  /** Milliseconds. */
  readonly time: number
  /** US dollars; null: no limit. */
  readonly money: number | null
}

/** A tool for the model. `run` does not throw for a wrong call: its result tells the model. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>
  run(args: Readonly<Record<string, unknown>>, stop: AbortSignal): Promise<ToolResult>
}

/** The result of a tool call. */
export interface ToolResult {
  readonly ok: boolean
  /** The text for the model, with a limited length. */
  readonly text: string
}

/** One line of a sprint's transcript, and of its progress output. */
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

/** The task of a backend. */
export interface BackendTask {
  /** The dispatch's id. */
  readonly id: string
  /** The absolute path of the workspace on this machine. */
  readonly dir: string
  /** The tools, for backends that use those of burn. */
  readonly tools: readonly Tool[]
  readonly budget: Budget
  readonly note: (entry: TranscriptEntry) => void
}

/** The result of a turn. */
export interface TurnResult {
  /** Null if the turn succeeded. */
  readonly failure: Failure | null
  /** The last text of the model. */
  readonly text: string
  readonly model: string | null
  readonly provider: string | null
  /** The usage of the whole conversation so far. */
  readonly usage: Usage
}

/** A conversation with a backend. It has a memory, so that the model that caused a failed check can fix it. */
export interface Conversation {
  /**
   * Runs one turn. Returns a failure in place of throwing, if the backend or the model fails. Ends with class `stopped` soon after `stop`
   * is aborted.
   */
  say(text: string, stop: AbortSignal): Promise<TurnResult>
  close(): Promise<void>
}

/** A program or service that can work on an issue in a workspace on this machine. */
export interface Backend {
  /** The name for people: `gateway http://127.0.0.1:8642`, `cli claude`, `runner hermes-4-70b`. */
  readonly name: string
  /** Returns null if the backend can work now, otherwise the failure. It is quick and uses no tokens. */
  probe(): Promise<Failure | null>
  /** Starts a conversation about a task. */
  begin(task: BackendTask): Conversation
}

/** Tokens and dollars of one answer. */
export interface TokenUsage {
  readonly tokens_in: number
  readonly tokens_out: number
  readonly cost: number | null
}

/** An error that an endpoint, a gateway or an agent reported. */
export interface BackendError {
  /** The HTTP status; null if there was no HTTP response. */
  readonly status: number | null
  /** The error's own code or type, or one of burn: `empty`, `length`, `broken_off`, `idle`. */
  readonly code: string | null
  readonly message: string
  /** The back-off (ms) that it asked for; null if it gave none. */
  readonly wait_ms?: number | null
}

/** A model behind an OpenAI-compatible endpoint. */
export interface ModelConfig {
  readonly model: string
  /** The URL, up to and including `/v1`. */
  readonly url: string
  readonly key: SecretSource | null
  readonly provider: string | null
  /** US dollars per million tokens; null if unknown. */
  readonly price: { readonly in: number; readonly out: number } | null
}

/** The settings of a backend. */
export type BackendConfig =
  | { readonly kind: 'gateway'; readonly url: string; readonly key: SecretSource | null; readonly model: string | null }
  | {
      readonly kind: 'cli'
      readonly agent: SprintAgentName
      /** The program and arguments, in place of the agent's own. `custom` gets the prompt on stdin, other agents in their own way. */
      readonly command: readonly string[]
      readonly model: string | null
      readonly env: Readonly<Record<string, string>>
    }
  /** burn tries the models in this order. If there are none, it uses those of the Hermes configuration in `hermes_home`. */
  | { readonly kind: 'runner'; readonly models: readonly ModelConfig[]; readonly hermes_home: string }

/** The limits for the commands of a sprint. */
export interface SandboxPolicy {
  /** `require`: every command runs in bubblewrap. `off`: commands run unconfined. */
  readonly use: 'require' | 'off'
  /** The model's commands and the check may use the network. */
  readonly network: boolean
  /** The timeout of a command, in milliseconds. */
  readonly timeout: number
  /** The maximum bytes of its output that burn keeps. */
  readonly output: number
  /** The maximum memory of all its processes together, in bytes. */
  readonly memory: number
  readonly processes: number
  /** The maximum bytes that the commands of a sprint may add to the workspace, HOME and /tmp together. */
  readonly disk: number
  /** The maximum number of files and folders that they may add there. */
  readonly files: number
}

/** The rules for sprints: the spec's `sprint`, complete. */
export interface SprintPolicy {
  /** The repos whose issues sprints take. */
  readonly repos: readonly RepoRef[]
  /** The directory for mirrors, workspaces and transcripts, as an absolute path. Its mode is 0700. */
  readonly dir: string
  /** The backends, in the order in which burn tries them. */
  readonly backends: readonly BackendConfig[]
  readonly budget: Budget
  /** Labels of issues that sprints do not take, in addition to those of `dispatch`. */
  readonly skip_labels: readonly string[]
  /** Regular expressions for titles of issues that sprints do not take, in addition to those of `dispatch`. */
  readonly skip_titles: readonly string[]
  /** Issues with the first of these labels come first, and so on. Among equals the oldest comes first. */
  readonly priority_labels: readonly string[]
  /** The number of times that burn gives a failed check back to the model. */
  readonly check_retries: number
  /** The timeout of the check, in milliseconds. */
  readonly check_timeout: number
  /** Globs of protected paths that need no approval by a person. */
  readonly allow_paths: readonly string[]
  readonly sandbox: SandboxPolicy
  /** The limits for `burn sprint prune`: the number of workspaces, and the age in milliseconds. */
  readonly keep: { readonly workspaces: number; readonly age: number }
}

/** The machine name in the ids of workers that run sprints, `sprint/<host>/<n>`. No machine of a spec may have this name. */
export const sprintWorkers = 'sprint'

/** The stage of a sprint. */
export type SprintStage = 'claimed' | 'workspace' | 'working' | 'checking' | 'publishing' | 'ended'
/** The outcome of a sprint. `kept`: its change waits for a person, and the issue stays taken. */
export type SprintOutcome = 'change' | 'kept' | 'failed' | 'given_back'
/** The result of the last check; `none` if there was nothing to run. */
export type CheckResult = 'passed' | 'failed' | 'none'

/** The ledger's row of a sprint. Its id is that of its dispatch. */
export interface Sprint {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: string
  /** The host that has its workspace. */
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
  /** The command of the check; null if none ran. */
  readonly check_command: string | null
  readonly check_result: CheckResult | null
  readonly change_url: string | null
  readonly started_at: Time
  readonly ended_at: Time | null
  readonly lease_owner: string | null
  readonly lease_until: Time
}
