/** What the program needs from the world. Adapters on floor 3 implement these; `cli/main` wires them. */
import type { Change, Comment, Issue, IssueRef, RepoRef, Time } from './nouns.ts'

export interface Clock {
  now(): number
  /** Resolves after `ms`; at once, without error, when `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** What a forge said about a repo's issues since a cursor. */
export interface IssuePage {
  readonly issues: readonly Issue[]
  /** Objects that were malformed or partial: left out, and said so. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[]
  /** Give it back next time. */
  readonly cursor: string
  /** True when `issues` is every open issue of the repo; false when it is only what changed since the cursor. */
  readonly complete: boolean
  /** When the newest change for review that this reading came across was updated, by the forge's clock; null if there was none. */
  readonly changed_at: Time | null
}

/** What a forge said about changes since a time. */
export interface ChangePage {
  readonly changes: readonly Change[]
  /** The forge's own clock when it was asked: what happens later bears a later time. Ours may go otherwise. */
  readonly asked_at: Time
  /** Those that could not be read, by name; missing where there are none. */
  readonly skipped?: IssuePage['skipped']
}

/** A change to open: from which branch, against which. */
export interface NewChange {
  readonly branch: string
  readonly base: string
  readonly title: string
  /** Must have a line that closes the issue. */
  readonly body: string
  /** The issue that it closes. */
  readonly issue: IssueRef
}

/** What the token's account may do in a repo. */
export interface RepoRights {
  readonly exists: boolean
  /** False in an archived repo. */
  readonly write: boolean
  readonly archived: boolean
  /** It keeps issues: they are neither disabled nor elsewhere. */
  readonly issues: boolean
}

/** A forge, as narrow as the product needs it. All methods throw BurnError with a `forge_*` code. */
export interface Forge {
  readonly kind: string
  /** Open issues (cursor null), or those that changed since: closed ones too. Pull requests never. */
  issues(repo: RepoRef, cursor: string | null): Promise<IssuePage>
  /** One issue by its number; null where the forge has none. */
  issue(ref: IssueRef): Promise<Issue | null>
  /** Logins that may write to the repo. With `known`, one request must do: it tells who of these can no longer write, and may tell nothing more. */
  writers(repo: RepoRef, known?: readonly string[]): Promise<readonly string[]>
  /** Oldest first. Of a long comment only the beginning, where markers stand. */
  comments(ref: IssueRef): Promise<readonly Comment[]>
  /** Writes one comment. Never retried by the adapter: whether a lost answer was a lost request is for the caller to look up. */
  comment(ref: IssueRef, body: string): Promise<Comment>
  editComment(ref: IssueRef, id: string, body: string): Promise<void>
  /**
   * Changes that were opened, updated or ended since `since` (by the forge's clock), in their newest state, and perhaps older ones; with null all that are
   * open. Of a branch `burn/<dispatch id>` the newest one. Who may be trusted with them is for the caller to say. Ask from before the oldest dispatch whose
   * change is not yet known.
   */
  changes(repo: RepoRef, since: Time | null): Promise<ChangePage>
  /**
   * Opens a change for review from a branch `burn/<dispatch id>` that is pushed. Never retried by the adapter: whether a lost answer was a lost request is
   * for the caller to look up with `changeOf`. Throws `forge_*`; `forge_conflict` where there is one already, or another was opened at the same moment.
   */
  openChange(repo: RepoRef, change: NewChange): Promise<Change>
  /** The newest change from that branch; null where there is none. */
  changeOf(repo: RepoRef, branch: string): Promise<Change | null>
  /** Who the token belongs to, and what it may do in a repo. */
  whoami(): Promise<{ readonly login: string }>
  rights(repo: RepoRef): Promise<RepoRights>
  /** Whether the token may write comments in a repo that it can read. Asked only after a comment was refused: an account's rights do not say it. */
  mayComment(repo: RepoRef): Promise<boolean>
  /** How an agent reaches it: to clone, to call, and how it opens a change for review (one paragraph, no secret). */
  access(repo: RepoRef): { readonly clone_url: string; readonly api_url: string; readonly open_change: string }
  /** Requests made so far; 0 where there are none to make. */
  requests(): number
}

/** One tmux command as its words; data, never a shell string. */
export type TmuxCommand = readonly string[]

/** What one line of commands answered: the output lines of all its commands, or the error that stopped it. */
export interface TmuxReply {
  readonly ok: boolean
  readonly lines: readonly string[]
  readonly error: string | null
}

/** What a tmux server tells without being asked. */
export interface TmuxListener {
  /** A pane (`%5`), or something in a window (`@2`), is not as it was. */
  changed(id: string): void
  /** The channel has ended; told once. */
  ended(error: Error): void
}

/** A tmux server on a machine, held open. */
export interface Tmux {
  readonly machine: string
  /** The id of the session that it is attached to: `$3`. Renaming does not change it. */
  readonly session: string
  /** As tmux says it, e.g. `3.3a`. */
  readonly version: string
  /** Sends every line at once and answers in order. A line's commands run in sequence and stop at the first error. */
  run(lines: readonly (readonly TmuxCommand[])[]): Promise<readonly TmuxReply[]>
  /** From now on tells of changes; one listener, the last. False where this channel tells of nothing: look yourself. */
  listen(listener: TmuxListener): boolean
  close(): Promise<void>
}
