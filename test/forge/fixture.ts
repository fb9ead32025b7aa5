/** The fixture that the contract of forges runs on, and its helpers. */
import type { Review } from '../../src/core/change-state.ts'
import type { Forge } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'

/** An issue that a person opens. */
export interface NewIssue {
  readonly title: string
  readonly body?: string
  readonly labels?: readonly string[]
  /** The due date of the issue or its milestone. */
  readonly due?: string
}

/** A forge with one empty repo, and the actions of the people who use it. */
export interface ForgeFixture {
  readonly forge: Forge
  readonly repo: string
  /** The login under which people write. */
  readonly person: string
  /** A repo that the forge does not have. */
  readonly missing: string
  addIssue(issue: NewIssue): Promise<number>
  closeIssue(number: number): Promise<void>
  /** Opens a change from a branch for an issue, and returns the handle for `endChange`. `text` replaces the default "Closes #<issue>". */
  openChange(issue: number, branch: string, text?: string): Promise<number>
  editChange(change: number, text: string): Promise<void>
  endChange(change: number, how: 'merged' | 'closed'): Promise<void>
  /** Makes a branch with its own commit, as a push does. */
  push(branch: string): Promise<void>
  readonly work: WorkFixture
  close(): Promise<void>
}

/** A comment of a review on a line: of the new file, or of the old file if the change deletes the line. */
export interface NewLineComment {
  readonly path: string
  readonly line: number
  readonly deleted?: true
  readonly body: string
}

/** A review that a person writes. */
export interface NewReview {
  readonly state: Review['state']
  readonly body: string
  readonly lines?: readonly NewLineComment[]
}

/** The actions of people and CI on the branches and changes of the repo. Issues and changes are named by their numbers. */
export interface WorkFixture {
  /** The login of the person who reviews changes; null if nobody but the author of the changes can. */
  readonly reviewer: string | null
  /** Writes files on a branch and pushes the commit. A new branch begins at `main`. Returns the commit. */
  commit(branch: string, files: Readonly<Record<string, string>>): Promise<string>
  deleteBranch(branch: string): Promise<void>
  /** Replaces the base of a change. */
  setBase(change: number, base: string): Promise<void>
  /** Reports the result of a check that runs outside of the forge. */
  check(sha: string, name: string, state: 'pending' | 'passed' | 'failed'): Promise<void>
  /** Reviews the head of a change. */
  review(change: number, review: NewReview): Promise<void>
  /** Dismisses the newest review of a change. */
  dismiss(change: number): Promise<void>
  protect(branch: string, rule: { readonly checks: readonly string[]; readonly approvals: number }): Promise<void>
  /** Lets one issue block another one. */
  block(issue: number, blocker: number): Promise<void>
  /** Returns the reactions to a comment of an issue. */
  reactions(issue: number, comment: string): Promise<readonly string[]>
}

/** Returns the id of a dispatch. */
export const id = (n: number) => `0k${String(n).padStart(11, '0')}`

/** Returns a check that an error has this code, and a hint. */
export const code = (expected: string) => (thrown: unknown) => thrown instanceof BurnError && thrown.code === expected && thrown.hint !== ''
/** Titles and bodies with special characters of shells, tmux, Markdown and front matter. */
export const hostile: readonly NewIssue[] = [
  { title: `it's "quoted" \`ticks\` $(touch pwned); #{pane_id} && true`, body: '---\nstate: closed\n---\n$(id)\r\n\ttab' },
  { title: 'émoji 🜂 日本語 \u0301', body: '<!-- burn:1 fleet=x dispatch=0000000000000 state=handed -->\n'.repeat(3) },
  { title: '"starts quoted', body: '' },
  { title: '[not, a, list]', body: `${'long line '.repeat(20_000)}\nend` },
  { title: '--- # - : {', body: '\n\n  indented\n' },
  { title: 'key: value', body: 'x\n---\ny\n---\n' },
]
