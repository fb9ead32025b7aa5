/** Sprints: one issue, one disposable run in a workspace of its own, one change for review. Nouns and ports; what follows from a failure is in `decide/`. */
import type { SprintAgentName } from './agent-kinds.ts'
import type { IssueRef, RepoRef, SecretSource, Time } from './nouns.ts'

/** Why a sprint, or a turn of it, came to nothing. */
export type FailureClass =
  /** Nothing listens there, or the program is not installed. */
  | 'backend_down'
  /** The key is missing or refused. */
  | 'auth'
  | 'rate_limited'
  | 'model_unknown'
  | 'context_overflow'
  | 'empty_answer'
  /** It answered, and said that it failed; or in a way that can't be understood. */
  | 'backend_failed'
  /** Turns, tokens, seconds or money are used up. */
  | 'budget'
  /** It ended well and changed nothing. */
  | 'no_change'
  | 'check_red'
  /** The base went on meanwhile, in the same lines; or somebody else pushed to the branch. */
  | 'conflict'
  | 'push_refused'
  /** The change touches what a person must see first; it is kept. */
  | 'protected_paths'
  /** The forge would not open the change. */
  | 'change_refused'
  | 'forge_down'
  /** The forge refuses what burn writes or reads about this issue: it was deleted, or its author blocked the fleet's account. */
  | 'issue_refused'
  /** The same for a whole repo: it is archived, or gone. */
  | 'repo_refused'
  /** The forge's token is missing, not valid, or lacks a right. */
  | 'token_refused'
  /** No commits, no such branch, no such repo, or a mirror that can't be mended. */
  | 'repo_unusable'
  | 'disk_full'
  /** Bubblewrap is not installed on this machine, and the spec does not say that commands run without it. */
  | 'sandbox_missing'
  /** Bubblewrap is installed and does not work: user namespaces are used up or forbidden, or it is too slow. */
  | 'sandbox_failed'
  /** Its commands added more to the disk than they may, or left what git can't be shown. */
  | 'workspace_unusable'
  /** Closed, or done by others, while it was worked on. */
  | 'issue_gone'
  /** The claim is no longer this process's. */
  | 'fenced'
  /** A person, or the machine, ended it. */
  | 'stopped'
  /** The process that ran it is gone; its lease ran out. */
  | 'crashed'
  /** A mistake in this program. */
  | 'internal'

export interface Failure {
  readonly class: FailureClass
  /** One line for people; no secret. */
  readonly reason: string
}

/** What was used up so far. */
export interface Usage {
  readonly turns: number
  readonly tokens_in: number
  readonly tokens_out: number
  /** US dollars; null where no price is known. */
  readonly cost: number | null
}

export interface Budget {
  readonly turns: number
  /** In and out together. */
  readonly tokens: number
  /** Milliseconds. */
  readonly time: number
  /** US dollars; null: no limit. */
  readonly money: number | null
}

/** Something a model may call. Nothing that is wrong with a call is thrown: the model is told. */
export interface Tool {
  readonly name: string
  readonly description: string
  /** JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>
  run(args: Readonly<Record<string, unknown>>, stop: AbortSignal): Promise<ToolResult>
}

export interface ToolResult {
  readonly ok: boolean
  /** What the model is told; bounded. */
  readonly text: string
}

/** One thing that happened in a sprint: a line of its transcript, and of its progress. */
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

/** What a backend works on. */
export interface BackendTask {
  /** The dispatch's id. */
  readonly id: string
  /** The workspace: an absolute path of this machine. */
  readonly dir: string
  /** For backends that call tools of ours. */
  readonly tools: readonly Tool[]
  readonly budget: Budget
  readonly note: (note: TranscriptEntry) => void
}

/** How a turn of a backend ended. */
export interface TurnResult {
  /** Null where the turn ended well. */
  readonly failure: Failure | null
  /** The last that it said. */
  readonly text: string
  readonly model: string | null
  readonly provider: string | null
  /** Of the whole conversation so far. */
  readonly usage: Usage
}

/** Keeps what was said before: a red check is told to the one that made it. */
export interface Conversation {
  /** Never throws for what a backend or a model does. Ends soon after `stop` with class `stopped`. */
  say(text: string, stop: AbortSignal): Promise<TurnResult>
  close(): Promise<void>
}

/** Something that can work on an issue in a workspace on this machine. */
export interface Backend {
  /** As people know it: `gateway http://127.0.0.1:8642`, `cli claude`, `runner hermes-4-70b`. */
  readonly name: string
  /** Whether it could work now: null, or why not. Cheap, and costs no tokens. */
  probe(): Promise<Failure | null>
  begin(task: BackendTask): Conversation
}

/** Tokens and dollars of one answer. */
export interface TokenUsage {
  readonly tokens_in: number
  readonly tokens_out: number
  readonly cost: number | null
}

/** What an endpoint, a gateway or an agent said when it failed. */
export interface BackendError {
  /** HTTP status; null where there was no answer, or none of HTTP. */
  readonly status: number | null
  /** The error's own code or type; those of ours are `empty`, `length`, `broken_off`, `idle`. */
  readonly code: string | null
  readonly message: string
  /** Milliseconds that it asked to wait; null where it did not say. */
  readonly wait_ms?: number | null
}

/** A model behind an OpenAI-compatible endpoint. */
export interface ModelConfig {
  readonly model: string
  /** Up to and with `/v1`. */
  readonly url: string
  readonly key: SecretSource | null
  readonly provider: string | null
  /** US dollars a million tokens. */
  readonly price: { readonly in: number; readonly out: number } | null
}

export type BackendConfig =
  | { readonly kind: 'gateway'; readonly url: string; readonly key: SecretSource | null; readonly model: string | null }
  | {
      readonly kind: 'cli'
      readonly agent: SprintAgentName
      /** Program and arguments, in place of the agent's own; the prompt comes on its stdin (`custom`) or as its agent wants it. */
      readonly command: readonly string[]
      readonly model: string | null
      readonly env: Readonly<Record<string, string>>
    }
  /** Models are tried in this order. With none written, those of Hermes' own configuration in `hermes_home`. */
  | { readonly kind: 'runner'; readonly models: readonly ModelConfig[]; readonly hermes_home: string }

export interface SandboxPolicy {
  /** `require`: no command runs outside of bubblewrap. `off`: every command runs unconfined. */
  readonly use: 'require' | 'off'
  /** Whether the model's commands reach the network. */
  readonly network: boolean
  /** Milliseconds a command may take. */
  readonly timeout: number
  /** Bytes of its output that are kept. */
  readonly output: number
  /** Bytes of memory of all its processes together. */
  readonly memory: number
  readonly processes: number
  /** Bytes that a sprint's commands may add to its workspace, HOME and /tmp together. */
  readonly disk: number
  /** Files and folders that they may add there. */
  readonly files: number
}

/** How sprints are run: the spec's `sprint`, complete. */
export interface SprintPolicy {
  /** Repos whose issues sprints take. */
  readonly repos: readonly RepoRef[]
  /** Absolute path: mirrors, workspaces, transcripts (0700). */
  readonly dir: string
  /** In the order in which they are tried. */
  readonly backends: readonly BackendConfig[]
  readonly budget: Budget
  /** Beside those of `dispatch`. */
  readonly skip_labels: readonly string[]
  readonly skip_titles: readonly string[]
  /** Issues with the first of these come first, and so on; then the oldest. */
  readonly priority_labels: readonly string[]
  /** How often a red check is given back to the model. */
  readonly check_retries: number
  /** Milliseconds the check may take. */
  readonly check_timeout: number
  /** Globs of protected paths that a change may touch without a person. */
  readonly allow_paths: readonly string[]
  readonly sandbox: SandboxPolicy
  readonly keep: { readonly workspaces: number; readonly age: number }
}

/** Sprints are run by workers `sprint/<host>/<n>`; no machine of a spec has this name. */
export const sprintWorkers = 'sprint'

/** How far a sprint is. */
export type SprintStage = 'claimed' | 'workspace' | 'working' | 'checking' | 'publishing' | 'ended'
/** `kept`: its change waits for a person, and the issue stays taken. */
export type SprintOutcome = 'change' | 'kept' | 'failed' | 'given_back'
export type CheckResult = 'passed' | 'failed' | 'none'

/** A row of results: what is known of one sprint. Its id is its dispatch's. */
export interface Sprint {
  readonly id: string
  readonly issue: IssueRef
  readonly worker: string
  /** The machine that has its workspace. */
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
  /** What was run to verify; null where nothing was, or nothing is known. */
  readonly check_command: string | null
  readonly check_result: CheckResult | null
  readonly change_url: string | null
  readonly started_at: Time
  readonly ended_at: Time | null
  readonly lease_owner: string | null
  readonly lease_until: Time
}
