/** The fixture that the contract of forges runs on, and its helpers. */
import type { Forge } from '../../src/core/ports.ts'
import { BurnError } from '../../src/core/errors.ts'

/** An issue that a person opens. */
export interface NewIssue {
  readonly title: string
  readonly body?: string
  readonly labels?: readonly string[]
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
  close(): Promise<void>
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
