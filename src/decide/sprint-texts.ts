/** What a sprint says: to the model, in the commit, and in the change. Pure. */
import type { Issue } from '../core/nouns.ts'
import type { CheckResult, Usage } from '../core/sprint.ts'
import { codeForForge, escapeLineForForge, quoteForForge } from '../core/forge-text.ts'
import { oneLine, sanitize } from '../core/text.ts'
import { fence } from './prompts.ts'

export interface TaskText {
  readonly id: string
  readonly issue: Issue
  readonly dir: string
  /** Command that must pass; null where none is known. */
  readonly check: string | null
  /** Random; the fence. Must not occur in the issue. */
  readonly nonce: string
}

/** The first text of a sprint. Throws BurnError `nonce_in_text`. */
export function taskText({ id, issue, dir, check, nonce }: TaskText): string {
  const verify =
    check === null
      ? "Run the project's own tests where it has any; they must pass."
      : `It is verified with \`${check}\`, which must pass: run it yourself before you end. It is run as the base commit defines it. A change to CI definitions or hooks waits for a person.`
  return sanitize(`You have one issue to work on: ${issue.ref}, sprint ${id}.

The repository is checked out in ${dir}, on a branch of its own. Work there and nowhere else.
1. Read what you need, and make the change that the issue asks for, and nothing else. Keep to the style of the code around it, and cover what you change with tests.
2. ${verify}
3. Do not commit, push, or open anything: that is done for you from the files as you leave them, as soon as you end your turn. The git directory is read-only.
Commands may have no network. If the issue can't be done, change no file, and say in a few sentences what is missing. Do not ask and wait for an answer.
End with two or three plain sentences on what you changed and why: they become the description of the change.

${fence(issue, nonce)}
`)
}

/** A failed check, given back. */
export function failedCheckText(command: string, { output, pinned }: { output: string; pinned: readonly string[] }, left: number): string {
  const used =
    pinned.length === 0 ? '' : ` It runs as the base commit defines it, so your changes to ${pinned.slice(0, 20).join(', ')} do not count.`
  const last = left === 0 ? 'This is the last time it is run.' : `It can be mended ${left} more time${left === 1 ? '' : 's'}.`
  return sanitize(`\`${command}\` fails with your change. Mend the change, not the check.${used} ${last} What it printed, at its end:

${output}
`)
}

/** The backend before left something behind, or nothing. */
export function handOverText(task: string, reason: string): string {
  return `${task}\nAnother model worked on this before you and could not end it (${oneLine(reason, 300)}). What it left in the files may be of use, or not.\n`
}

export interface ChangeText {
  readonly id: string
  readonly fleet: string
  readonly issue: Issue
  /** What the model said last. */
  readonly summary: string
  readonly backend: string
  readonly model: string | null
  readonly provider: string | null
  readonly usage: Usage
  readonly check: {
    readonly command: string | null
    readonly result: CheckResult
    readonly mends: number
    /** Changed files that define the check, whose version of the base commit was used. */
    readonly pinned: readonly string[]
    /** Changed files that may define the check, and were used as changed. */
    readonly changed: readonly string[]
  }
  readonly files: readonly { readonly path: string; readonly added: number | null; readonly removed: number | null }[]
}

/** Characters of the model's own words, and files, that a change names. */
const longestSummary = 4000
const mostFiles = 50

export function changeTitle({ title, number }: Issue): string {
  return `${escapeLineForForge(title, 200)} (#${number})`
}

export function commitMessage({ issue, summary, id, model }: ChangeText): string {
  const said = quoteForForge(summary, 1000)
  return `${escapeLineForForge(issue.title, 100)}\n\n${said === '' ? '' : `${said}\n\n`}Closes #${issue.number}\nBurn-Sprint: ${id}${model === null ? '' : `\nBurn-Model: ${escapeLineForForge(model, 100)}`}\n`
}

/** The body of the change: the marker first, so that it is found again; then what a reviewer needs. */
export function changeBody(text: ChangeText): string {
  const { id, fleet, issue, summary, files } = text
  const named = files.slice(0, mostFiles).map(({ path, added, removed }) => `- ${codeForForge(path, 200)}${counts(added, removed)}`)
  const more = files.length > mostFiles ? [`- and ${files.length - mostFiles} more`] : []
  return [
    `<!-- burn:1 fleet=${fleet} dispatch=${id} state=review -->`,
    `Closes #${issue.number}`,
    '',
    quoteForForge(summary, longestSummary) || '(the model said nothing about it)',
    '',
    ...named,
    ...more,
    '',
    `Check: ${checkLine(text.check)}`,
    ...definitionLines(text.check),
    `Made by a sprint of the fleet **${fleet}** with ${modelLine(text)}; sprint \`${id}\`.`,
    '',
  ].join('\n')
}

function counts(added: number | null, removed: number | null): string {
  return added === null || removed === null ? ' (binary)' : ` +${added} −${removed}`
}

/** Says that a change touches what judges it. */
function definitionLines({ pinned, changed }: ChangeText['check']): string[] {
  const list = (paths: readonly string[]) =>
    paths
      .slice(0, mostFiles)
      .map((path) => codeForForge(path, 200))
      .join(', ')
  return [
    ...(pinned.length === 0
      ? []
      : [`The definition of the check was changed: ${list(pinned)}. burn ran the check as the base commit defines it.`]),
    ...(changed.length === 0 ? [] : [`Files that can define the check were changed, and were used as changed: ${list(changed)}.`]),
  ]
}

export function checkLine({ command, result, mends }: Pick<ChangeText['check'], 'command' | 'result' | 'mends'>): string {
  if (command === null || result === 'none') return 'none is known for this repo, so nothing was run.'
  const after = mends === 0 ? '' : ` after ${mends} time${mends === 1 ? '' : 's'} of mending`
  return `${codeForForge(command, 300)} ${result === 'passed' ? `passed${after}` : 'failed'}.`
}

function modelLine({ backend, model, provider, usage }: ChangeText): string {
  const who =
    model === null
      ? codeForForge(backend, 100)
      : `${codeForForge(model, 100)}${provider === null ? '' : ` of ${escapeLineForForge(provider, 60)}`} (${escapeLineForForge(backend.split(' ')[0] ?? '', 60)})`
  return `${who}: ${usageLine(usage)}`
}

/** `12 turns, 34,567 tokens, $0.0123`; what is not known is left out. */
export function usageLine({ turns, tokens_in, tokens_out, cost }: Usage): string {
  const tokens = tokens_in + tokens_out
  const parts = [`${turns} turn${turns === 1 ? '' : 's'}`, ...(tokens > 0 ? [`${tokens.toLocaleString('en-US')} tokens`] : [])]
  return [...parts, cost === null ? 'cost not known' : `$${cost.toFixed(4)}`].join(', ')
}
