/**
 * The interfaces to the clock, the forge and tmux. Adapters in `forge/`, `tmux/` and other folders implement them, and `cli/wire` passes
 * the adapters to the commands.
 */
import type {
  Blocker,
  ChangeRef,
  ChangeState,
  Check,
  LogTail,
  MergeRequest,
  MergeResult,
  Protection,
  Reaction,
  RerunResult,
  Unknown,
  UpdateMethod,
  UpdateResult,
} from './change-state.ts'
import type { Change, Comment, Issue, IssueRef, RepoRef, Time } from './nouns.ts'

/** The clock and its timers. The simulator implements it with virtual time. */
export interface Clock {
  /** Returns the milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The issues of a repo that changed since a cursor. */
export interface IssuePage {
  readonly issues: readonly Issue[]
  /** Malformed or incomplete issues that the forge sent: what each is, and why burn left it out of `issues`. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[]
  /** The cursor for the next request. */
  readonly cursor: string
  /** True if `issues` has every open issue of the repo; false if it has only the issues that changed since the cursor. */
  readonly complete: boolean
  /** The update time, by the forge's clock, of the newest pull request in the listing; null if the listing had none. */
  readonly changed_at: Time | null
}

/** The changes (pull requests) of a repo since a time. */
export interface ChangePage {
  readonly changes: readonly Change[]
  /** The time of the request by the forge's clock, which may differ from the clock of this machine. */
  readonly asked_at: Time
  /** Changes that burn could not read, with the reasons; absent if there are none. */
  readonly skipped?: IssuePage['skipped']
}

/** A comment, with the issue or the change that it belongs to. */
export interface RepoComment extends Comment {
  readonly ref: IssueRef | ChangeRef
}

/** The comments of a repo since a time. */
export interface CommentPage {
  readonly comments: readonly RepoComment[]
  /** The time of the request by the forge's clock. */
  readonly asked_at: Time
}

/** A change (a pull request) to open, from `branch` against `base`. */
export interface NewChange {
  readonly branch: string
  readonly base: string
  readonly title: string
  /** The text of the change. It must contain a line that closes the issue. */
  readonly body: string
  /** The issue that the change closes. */
  readonly issue: IssueRef
}

/** The state of a repo, and the rights of the token's account in the repo. */
export interface RepoRights {
  readonly exists: boolean
  /** True if the account may write to the repo; false for every account if the repo is archived. */
  readonly write: boolean
  readonly archived: boolean
  /** True if the repo uses the forge's own issue tracker: the tracker is enabled, and no external tracker replaces it. */
  readonly issues: boolean
  /** True if the repo accepts changes (pull requests). */
  readonly changes: boolean
  /** The default branch of the repo; null if the forge does not name one. */
  readonly default_branch: string | null
}

/** A team of an organisation with access to a repo. */
export interface RepoTeam {
  readonly name: string
  readonly may_push: boolean
  /** True if burn counts the members of the team as writers. */
  readonly counted: boolean
}

/** The operations of a forge on single changes, and on the blockers of issues. All methods throw BurnError with a `forge_*` code. */
export interface ForgeChanges {
  /**
   * Returns all facts about a change; null if the forge does not have the change. burn may read the facts in several requests, so a push at
   * the same moment can move the head in between. A merge or an update compares the head again.
   */
  changeState(ref: ChangeRef): Promise<ChangeState | null>
  /** Returns the paths that a change adds, edits, renames or deletes; null if the forge does not list all of them. */
  changedPaths(ref: ChangeRef): Promise<readonly string[] | null>
  /** Returns the newest result of each check of a commit; an empty list if the commit has no checks. */
  checks(repo: RepoRef, sha: string): Promise<readonly Check[]>
  /** Returns the end of the log of a check, at most `max_bytes` bytes; or the reason why the forge has no log. */
  logTail(repo: RepoRef, check: Check, max_bytes: number): Promise<LogTail | Unknown>
  /** Asks the forge to rerun a check. The adapter never retries the request. */
  rerun(repo: RepoRef, check: Check): Promise<RerunResult>
  /** Returns the rules of a base branch; null if the repo does not have the branch. */
  protection(repo: RepoRef, base: string): Promise<Protection | null>
  /**
   * Merges a change at once, if its head is still the given commit. The adapter never retries the request, and never schedules a merge: if
   * the response is lost, the caller must read the change.
   */
  merge(ref: ChangeRef, request: MergeRequest): Promise<MergeResult>
  /**
   * Brings the base into the head branch of a change, if the head is still `sha`. A forge that cannot check the commit itself compares it
   * right before. If the head already is a merge of `sha` and `onto`, as after a lost response, the answer is `updated` again. The adapter
   * never retries the request.
   */
  updateBranch(ref: ChangeRef, sha: string, method: UpdateMethod, onto?: string | null): Promise<UpdateResult>
  /** Returns the issues and changes that block an issue, open and closed; an empty list if the repo has no dependencies. */
  blockers(ref: IssueRef): Promise<readonly Blocker[]>
  /** Adds a reaction of the token's account to a comment. Does nothing if the account has already reacted in this way. */
  react(ref: IssueRef | ChangeRef, comment: string, reaction: Reaction): Promise<void>
}

/** The operations of a forge that burn needs. All methods throw BurnError with a `forge_*` code. */
export interface Forge extends ForgeChanges {
  readonly kind: string
  /**
   * Returns all open issues if the cursor is null; otherwise the open and closed issues that changed since the cursor. Never returns pull
   * requests.
   */
  issues(repo: RepoRef, cursor: string | null): Promise<IssuePage>
  /** Returns one issue; null if the forge does not have it. */
  issue(ref: IssueRef): Promise<Issue | null>
  /**
   * Returns the logins that may write to the repo. With `known`, it makes only one request, and may leave out logins that are not in
   * `known`.
   */
  writers(repo: RepoRef, known?: readonly string[]): Promise<readonly string[]>
  /**
   * Returns the comments of an issue or a change, oldest first; with `since`, those that were written or edited since this time. Cuts the
   * end of long comments, but never the marker at the start.
   */
  comments(ref: IssueRef | ChangeRef, since?: Time): Promise<readonly Comment[]>
  /**
   * Returns the comments on all issues and changes of a repo that were written or edited since a time. Leaves out comments without the text
   * `containing`; upper and lower case do not matter. Makes one request for each 50 comments.
   */
  repoComments(repo: RepoRef, since: Time, containing: string): Promise<CommentPage>
  /** Writes one comment. The adapter never retries the request: if the response is lost, the caller must look for the comment. */
  comment(ref: IssueRef | ChangeRef, body: string): Promise<Comment>
  /** Adds a label to an issue. Creates the label if the repo has none with this name. */
  addLabel(ref: IssueRef, label: string): Promise<void>
  /** Returns the logins that the forge allows as assignees of a repo's issues; null if it allows every login. Makes one request. */
  assignable(repo: RepoRef): Promise<readonly string[] | null>
  /**
   * Replaces the assignees `from` of an issue by `to`. Returns true if the issue now has the assignees `to`; false if it has others than
   * `from`, and then changes nothing. The case of logins does not matter. Throws `forge_unassignable` if the forge refuses a login of `to`.
   */
  assign(ref: IssueRef, from: readonly string[], to: readonly string[]): Promise<boolean>
  /** Replaces the text of a comment. */
  editComment(ref: IssueRef | ChangeRef, id: string, body: string): Promise<void>
  /**
   * Returns the changes that were opened, updated or ended since `since` (by the forge's clock), in their newest state; all open changes if
   * `since` is null. The result may contain older changes. Of several changes from a branch `burn/<dispatch id>` it contains only the
   * newest. The result includes changes by anybody, so the caller must check their authors. `since` must be before the oldest dispatch
   * whose change is not yet known.
   */
  changes(repo: RepoRef, since: Time | null): Promise<ChangePage>
  /**
   * Opens a change for review from a branch `burn/<dispatch id>` that is already pushed. The adapter never retries the request: if the
   * response is lost, the caller must look for the change with `changeOf`. Throws `forge_conflict` if the branch already has a change, or
   * gets one at the same moment.
   */
  openChange(repo: RepoRef, change: NewChange): Promise<Change>
  /** Returns the newest change from a branch, which burn opened or would open against `base`; null if there is none. */
  changeOf(repo: RepoRef, branch: string, base: string): Promise<Change | null>
  /** Returns the account of the token. */
  whoami(): Promise<{ readonly login: string }>
  /** Returns the state of a repo, and the rights of the token's account in the repo. */
  rights(repo: RepoRef): Promise<RepoRights>
  /**
   * Returns whether the token may write comments in a repo that it can read. burn calls this method only after the forge refused a comment,
   * because `rights` does not show this permission.
   */
  mayComment(repo: RepoRef): Promise<boolean>
  /** Returns whether the token may open changes in a repo that it can read. `rights` does not show this permission, either. */
  mayOpenChange(repo: RepoRef): Promise<boolean>
  /** Returns whether the repo has a branch with exactly this name. */
  hasBranch(repo: RepoRef, branch: string): Promise<boolean>
  /** Returns the teams with access to a repo; null if the forge does not show them to the token. */
  teams(repo: RepoRef): Promise<readonly RepoTeam[] | null>
  /**
   * Returns the clone URL of a repo and the address of the API, and a paragraph that tells agents how to open a change against `base` for
   * review. The result contains no secret.
   */
  access(repo: RepoRef, base: string): { readonly clone_url: string; readonly api_url: string; readonly open_change: string }
  /** Returns the number of HTTP requests that this process has made; 0 if the forge is a folder. */
  requests(): number
}

/** One tmux command: the list of its words, which no shell parses. */
export type TmuxCommand = readonly string[]

/** The reply of tmux to one line of commands: the output of all commands, or the error of the first command that failed. */
export interface TmuxReply {
  readonly ok: boolean
  readonly lines: readonly string[]
  readonly error: string | null
}

/** Receives the notifications of a tmux server. */
export interface TmuxListener {
  /** Called after a change in a pane (`id` is `%5`) or in a window (`id` is `@2`). */
  changed(id: string): void
  /** Called once, after the channel has ended. */
  ended(error: Error): void
}

/** An open channel to the tmux server of a machine. */
export interface Tmux {
  readonly machine: string
  /** The id of the session that the channel is attached to: `$3`. The id stays the same if somebody renames the session. */
  readonly session: string
  /** The version that tmux reports, e.g. `3.3a`. */
  readonly version: string
  /**
   * Sends all lines of commands at once, and returns one reply for each line, in order. The commands of a line run in sequence, up to the
   * first error.
   */
  run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]>
  /**
   * Sets the listener for notifications, in place of the previous listener. Returns false if this channel has no notifications; then the
   * caller must poll.
   */
  listen(listener: TmuxListener): boolean
  close(): Promise<void>
}
