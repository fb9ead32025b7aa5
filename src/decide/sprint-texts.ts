/** Builds the texts of a sprint: the prompts for the model, the commit message, and the description of the change. Pure. */
import type { Issue } from '../core/nouns.ts'
import type { Identity } from '../core/commits.ts'
import type { CheckResult, Usage } from '../core/sprint.ts'
import { codeForForge, escapeLineForForge, quoteForForge } from '../core/forge-text.ts'
import { counted, oneLine, sanitize } from '../core/text.ts'
import { fence } from './prompts.ts'

/** The values for the first text of a sprint. */
export interface TaskText {
  readonly id: string
  readonly issue: Issue
  readonly dir: string
  /** The check command that must pass; null if the spec has none. */
  readonly check: string | null
  /** Random text for the two lines around the text of the issue. It must not occur in the issue. */
  readonly nonce: string
}

/** Returns the first text of a sprint. Throws BurnError `nonce_in_text` if the issue contains the nonce. */
export function taskText({ id, issue, dir, check, nonce }: TaskText): string {
  const verify =
    check === null
      ? 'If the project has tests, run them; they must pass.'
      : `Your work is verified with \`${check}\`, which must pass. Run this check yourself before you end. burn runs the check as the base commit defines it. If you change CI definitions or hooks, your change waits for a person.`
  return sanitize(`You have one issue to work on: ${issue.ref}, sprint ${id}.

The repository is checked out in ${dir}, on a branch of its own. Work there and nowhere else.
1. Make the change that the issue asks for, and nothing else. Keep to the style of the code around it, and cover your changes with tests.
2. ${verify}
3. Do not commit, do not push, and do not open a pull request: burn does that with your files when you end your turn. The git directory is read-only.
Commands may have no network. If you cannot do the issue, change no file, and say in a few sentences what is missing. Do not ask a question and wait for the answer.
End with two or three plain sentences about what you changed and why: they become the description of the change.

${fence(issue, nonce)}
`)
}

/**
 * Returns the text that tells a model that its change fails the check. `left`: the number of attempts that remain after the next attempt.
 */
export function failedCheckText(command: string, { output, pinned }: { output: string; pinned: readonly string[] }, left: number): string {
  const pinnedText =
    pinned.length === 0
      ? ''
      : ` burn runs the check as the base commit defines it, so your changes to ${pinned.slice(0, 20).join(', ')} have no effect on the check.`
  const attempts = left === 0 ? 'You have one attempt left.' : `You have ${left + 1} attempts left.`
  return sanitize(`\`${command}\` fails with your change. Fix the change, not the check.${pinnedText} ${attempts} The end of its output:

${output}
`)
}

/** Returns the task for the next backend after a backend failed. The workspace may contain changes of the failed backend. */
export function handOverText(task: string, reason: string): string {
  return `${task}\nAnother model worked on this issue before you and did not finish (${oneLine(reason, 300)}). Its changes to the files may be useful, or not.\n`
}

/** The facts that the commit and the change of a sprint report. */
export interface ChangeText {
  readonly id: string
  readonly fleet: string
  readonly issue: Issue
  /** The model's last answer. */
  readonly summary: string
  readonly backend: string
  readonly model: string | null
  readonly provider: string | null
  readonly usage: Usage
  readonly check: {
    readonly command: string | null
    readonly result: CheckResult
    readonly mends: number
    /** Changed files that define the check. burn ran the check with the base commit's version of these files. */
    readonly pinned: readonly string[]
    /** Changed files that may define the check. burn ran the check with the changed versions. */
    readonly changed: readonly string[]
  }
  readonly files: readonly { readonly path: string; readonly added: number | null; readonly removed: number | null }[]
}

/** Maximum number of characters of the model's answer that the description of a change quotes. */
const longestSummary = 4000
/** Maximum number of files that the description of a change lists. */
const mostFiles = 50

/** Returns the title of a sprint's change. */
export function changeTitle({ title, number }: Issue): string {
  return `${escapeLineForForge(title, 200)} (#${number})`
}

/** Returns the commit message of a sprint. The trailers name the sprint and the model. */
export function commitMessage({ issue, summary, id, model }: ChangeText, signer: Identity | null = null): string {
  const quoted = quoteForForge(summary, 1000)
  return `${escapeLineForForge(issue.title, 100)}\n\n${quoted === '' ? '' : `${quoted}\n\n`}Closes #${issue.number}\nBurn-Sprint: ${id}${model === null ? '' : `\nBurn-Model: ${escapeLineForForge(model, 100)}`}\n${signer === null ? '' : `Signed-off-by: ${signer.name} <${signer.email}>\n`}`
}

/**
 * Returns the description of the change. It begins with the marker by which burn finds the change again. The facts for a reviewer follow.
 */
export function changeBody(text: ChangeText): string {
  const { id, fleet, issue, summary, files } = text
  const named = files.slice(0, mostFiles).map(({ path, added, removed }) => `- ${codeForForge(path, 200)}${counts(added, removed)}`)
  const more = files.length > mostFiles ? [`- and ${files.length - mostFiles} more`] : []
  return [
    `<!-- burn:1 fleet=${fleet} dispatch=${id} state=review -->`,
    `Closes #${issue.number}`,
    '',
    quoteForForge(summary, longestSummary) || '(the model gave no summary)',
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

/** Returns the lines that tell the reviewer which files of the change define its check. */
function definitionLines({ pinned, changed }: ChangeText['check']): string[] {
  const list = (paths: readonly string[]) =>
    paths
      .slice(0, mostFiles)
      .map((path) => codeForForge(path, 200))
      .join(', ')
  return [
    ...(pinned.length === 0
      ? []
      : [`This change edits the definition of the check: ${list(pinned)}. burn ran the check as the base commit defines it.`]),
    ...(changed.length === 0
      ? []
      : [`This change edits files that may define the check, and burn ran the check with these edits: ${list(changed)}.`]),
  ]
}

/** Returns the outcome of the check, as a sentence that follows `Check: `. */
export function checkLine({ command, result, mends }: Pick<ChangeText['check'], 'command' | 'result' | 'mends'>): string {
  if (command === null || result === 'none') return 'burn ran no check, because it has no check command for this repo.'
  const after = mends === 0 ? '' : ` after ${counted(mends, 'retry', 'retries')}`
  return `${codeForForge(command, 300)} ${result === 'passed' ? `passed${after}` : 'failed'}.`
}

function modelLine({ backend, model, provider, usage }: ChangeText): string {
  const name =
    model === null
      ? codeForForge(backend, 100)
      : `${codeForForge(model, 100)}${provider === null ? '' : ` of ${escapeLineForForge(provider, 60)}`} (${escapeLineForForge(backend.split(' ')[0] ?? '', 60)})`
  return `${name}: ${usageLine(usage)}`
}

/** Returns the token usage in words, such as `12 turns, 34,567 tokens, $0.0123`. A token count of 0 and an unknown cost are left out. */
export function usageLine({ turns, tokens_in, tokens_out, cost }: Usage): string {
  const tokens = tokens_in + tokens_out
  const parts = [counted(turns, 'turn'), ...(tokens > 0 ? [`${tokens.toLocaleString('en-US')} tokens`] : [])]
  return [...parts, ...(cost === null ? [] : [`$${cost.toFixed(4)}`])].join(', ')
}
