/** `burn explain CODE` and `burn explain --codes`: print the meaning and the remedy of error codes. */
import { errorAreas, errorTexts } from '../../core/error-codes.ts'
import { BurnError } from '../../core/errors.ts'
import { nearest } from '../../core/suggest.ts'

/** An error code with its meaning and remedy. */
export interface ExplainedCode {
  readonly code: string
  readonly meaning: string
  readonly remedy: string
}

/** Returns all error codes. */
export function allCodes(): ExplainedCode[] {
  return errorTexts().map(([code, text]) => ({ code, ...text }))
}

/** Returns the error code with this name. Throws BurnError `issue_ref` (exit 2) if there is none; its hint also says how to write an issue. */
export function codeNamed(word: string): ExplainedCode {
  const found = allCodes().find(({ code }) => code === word)
  if (found !== undefined) return found
  const near = nearest(
    word,
    allCodes().map(({ code }) => code),
  )
  const issue = /^[\w.-]+(?:\/[\w.-]+)?$/.test(word) ? word : 'repo'
  const hint = near === null ? `for an issue write ${issue}#7; burn explain --codes lists the error codes` : `did you mean ${near}?`
  throw new BurnError('issue_ref', `${JSON.stringify(word)} is neither an issue nor an error code`, hint, { exit: 2 })
}

/** Returns all error codes as Markdown. docs/reference/errors.md is a copy of this text. */
export function errorReference(): string {
  const areas = Object.entries<Readonly<Record<string, Omit<ExplainedCode, 'code'>>>>(errorAreas).map(([title, codes]) => {
    const rows = Object.entries(codes).map(([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |\n`)
    return `\n## ${title}\n\n| code | meaning | remedy |\n|---|---|---|\n${rows.join('')}`
  })
  return `${head}${areas.join('')}`
}

const head = `# Errors

\`burn explain --codes\` prints this page. An error prints a message, its code in parentheses, and a hint:

\`\`\`
burn: there is no command "statsu" (usage)
  hint: did you mean status?
\`\`\`

Other output of burn shows an error as \`MESSAGE (CODE)\` or \`MESSAGE (CODE: HINT)\`.
\`burn explain CODE\` prints the table row of one code. With \`--json\`, a failed command prints \`{"error": {"code", "message", "hint"}}\`.
Codes are stable: a program may compare codes, but must not parse messages. The printed message and hint name the file, host or issue that the error is about.

Exit codes: 1 failed, 2 usage or spec error, 3 done in part.
`
