/** `burn explain CODE` and `burn explain --codes`: what error codes mean, and what to do about them. */
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

/** Returns the error code that a word names. Throws BurnError `issue_ref` (exit 2) if it names none: the word may also be an issue. */
export function codeNamed(word: string): ExplainedCode {
  const found = allCodes().find(({ code }) => code === word)
  if (found !== undefined) return found
  const near = nearest(
    word,
    allCodes().map(({ code }) => code),
  )
  const hint = near === null ? 'write owner/repo#7 for an issue; burn explain --codes lists the error codes' : `did you mean ${near}?`
  throw new BurnError('issue_ref', `${JSON.stringify(word)} names no issue and no error code`, hint, { exit: 2 })
}

/** Returns the catalogue as Markdown; checked in as docs/reference/errors.md. */
export function errorReference(): string {
  const areas = Object.entries<Readonly<Record<string, Omit<ExplainedCode, 'code'>>>>(errorAreas).map(([title, codes]) => {
    const rows = Object.entries(codes).map(([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |\n`)
    return `\n## ${title}\n\n| code | meaning | remedy |\n|---|---|---|\n${rows.join('')}`
  })
  return `${head}${areas.join('')}`
}

const head = `# Errors

Made by \`burn explain --codes\`. An error prints a message, its code in parentheses, and a hint:

\`\`\`
burn: there is no command "statsu" (usage)
  hint: did you mean status?
\`\`\`

Other output names errors as \`MESSAGE (CODE)\` or \`MESSAGE (CODE: HINT)\`.
\`burn explain CODE\` prints one row of these tables. With \`--json\`, a failed command prints \`{"error": {"code", "message", "hint"}}\`.
Codes are stable: a program may compare them, and must not parse messages. The message and the hint name the file, host or issue of the moment.

Exit codes: 1 failed, 2 usage or spec, 3 done in part.
`
