/** The ports to the outside: clock, forge and tmux. Adapters on floor 3 implement them; `cli/wire` connects them. */
import type { Change, Comment, Issue, IssueRef, RepoRef, Time } from './nouns.ts'

/** The clock and its timers. The simulator has virtual ones. */
export interface Clock {
  /** Returns the milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A repo's issues since a cursor. */
export interface IssuePage {
  readonly issues: readonly Issue[]
  /** Malformed or incomplete objects. They are not in `issues`. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[]
  /** The cursor for the next request. */
  readonly cursor: string
  /** True if `issues` has every open issue of the repo; false if it has only those that changed since the cursor. */
  readonly complete: boolean
  /** The update time, by the forge's clock, of the newest pull request in the listing; null if it had none. */
  readonly changed_at: Time | null
}

/** A repo's changes since a time. */
export interface ChangePage {
  readonly changes: readonly Change[]
  /** The time of the request by the forge's clock, which may differ from ours. */
  readonly asked_at: Time
  /** Changes that could not be read, by name; absent if there are none. */
  readonly skipped?: IssuePage['skipped']
}

/** A change to open, from `branch` against `base`. */
export interface NewChange {
  readonly branch: string
  readonly base: string
  readonly title: string
  /** The text. It must have a line that closes the issue. */
  readonly body: string
  /** The issue that it closes. */
  readonly issue: IssueRef
}

/** The rights of the token's account in a repo. */
export interface RepoRights {
  readonly exists: boolean
  /** False in an archived repo. */
  readonly write: boolean
  readonly archived: boolean
  /** The repo has issues of its own: they are neither disabled nor in an external tracker. */
  readonly issues: boolean
}

/** A team of an organisation with access to a repo. */
export interface RepoTeam {
  readonly name: string
  readonly may_push: boolean
  /** Whether its members count as writers. */
  readonly counted: boolean
}

/** The operations of a forge that burn needs. All methods throw BurnError with a `forge_*` code. */
export interface Forge {
  readonly kind: string
  /**
   * Returns all open issues if the cursor is null; otherwise the issues, open or closed, that changed since. Never returns pull requests.
   */
  issues(repo: RepoRef, cursor: string | null): Promise<IssuePage>
  /** Returns one issue; null if the forge does not have it. */
  issue(ref: IssueRef): Promise<Issue | null>
  /**
   * Returns the logins that may write to the repo. With `known` it makes one request, and may return only those of `known` that still may
   * write.
   */
  writers(repo: RepoRef, known?: readonly string[]): Promise<readonly string[]>
  /** Returns the comments of an issue, oldest first. A long comment is cut after its start, which has the marker. */
  comments(ref: IssueRef): Promise<readonly Comment[]>
  /** Writes one comment. The adapter never retries it: if the response is lost, the caller must look the comment up. */
  comment(ref: IssueRef, body: string): Promise<Comment>
  /** Replaces the text of a comment. */
  editComment(ref: IssueRef, id: string, body: string): Promise<void>
  /**
   * Returns the changes that were opened, updated or ended since `since`, by the forge's clock. They have their newest state. Older changes
   * may be among them. With null it returns all open changes. Of several changes from a branch `burn/<dispatch id>` it returns the newest.
   * It includes changes by anybody: the caller checks whom to trust. `since` must be before the oldest dispatch whose change is not yet
   * known.
   */
  changes(repo: RepoRef, since: Time | null): Promise<ChangePage>
  /**
   * Opens a change for review from a branch `burn/<dispatch id>` that is already pushed. The adapter never retries it: if the response is
   * lost, the caller must look the change up with `changeOf`. Throws `forge_conflict` if the branch has a change already, or if another one
   * was opened at the same moment.
   */
  openChange(repo: RepoRef, change: NewChange): Promise<Change>
  /** Returns the newest change from a branch; null if there is none. */
  changeOf(repo: RepoRef, branch: string): Promise<Change | null>
  /** Returns the account of the token. */
  whoami(): Promise<{ readonly login: string }>
  /** Returns the rights of the account in a repo. */
  rights(repo: RepoRef): Promise<RepoRights>
  /**
   * Returns whether the token may write comments in a repo that it can read. burn calls it only after the forge refused a comment, because
   * `rights` do not show this.
   */
  mayComment(repo: RepoRef): Promise<boolean>
  /** Returns the teams with access to a repo; null if the forge does not show them to the token. */
  teams(repo: RepoRef): Promise<readonly RepoTeam[] | null>
  /** Returns the URLs for agents, and one paragraph that tells them how to open a change for review. Has no secret. */
  access(repo: RepoRef): { readonly clone_url: string; readonly api_url: string; readonly open_change: string }
  /** Returns the number of requests so far; 0 for a forge without requests. */
  requests(): number
}

/** One tmux command as a list of words, never as a shell string. */
export type TmuxCommand = readonly string[]

/** The reply to one line of commands: the output lines of all of them, or the error of the first that failed. */
export interface TmuxReply {
  readonly ok: boolean
  readonly lines: readonly string[]
  readonly error: string | null
}

/** A subscriber to the notifications of a tmux server. */
export interface TmuxListener {
  /** A pane (`%5`), or something in a window (`@2`), changed. */
  changed(id: string): void
  /** The channel has ended. Called once. */
  ended(error: Error): void
}

/** An open channel to the tmux server of a machine. */
export interface Tmux {
  readonly machine: string
  /** The id of the session that the channel is attached to: `$3`. It survives a renaming. */
  readonly session: string
  /** The version that tmux reports, e.g. `3.3a`. */
  readonly version: string
  /** Sends all lines at once, and returns the replies in order. The commands of a line run in sequence, up to the first error. */
  run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]>
  /**
   * Subscribes a listener to changes, in place of the previous one. Returns false if this channel has no notifications; then the caller
   * must poll.
   */
  listen(listener: TmuxListener): boolean
  close(): Promise<void>
}
