import type { ErrorCode } from './error-codes.ts'

/** What a command ends with: 0 done, 1 failed, 2 usage or spec, 3 done in part. */
export type ExitCode = 0 | 1 | 2 | 3

/** An error a person can act on: a code, what happened, and what to do. */
export class BurnError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly exit: ExitCode

  constructor(code: ErrorCode, message: string, hint: string, options: { exit?: ExitCode; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BurnError'
    this.code = code
    this.hint = hint
    this.exit = options.exit ?? 1
  }
}

/** The one line that says what was thrown, whatever it was. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** The code of an error of this program (`forge_timeout`) or of the system (`ENOENT`); empty if it has none. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}

/** The codes of the system for a path at which there is nothing. */
export const noSuchPath = ['ENOENT', 'ENOTDIR'] as const

/** A handler for `catch` that returns `value` for an error with one of these codes, and throws every other one. */
export function ifCode<T>(codes: readonly string[], value: T): (thrown: unknown) => T {
  return (thrown) => {
    if (codes.includes(codeOf(thrown))) return value
    throw thrown
  }
}

/** Returns the message of what was thrown; for a BurnError with its code, as in `burn: MESSAGE (CODE)`. */
export function codedMessageOf(thrown: unknown): string {
  return thrown instanceof BurnError ? `${thrown.message} (${thrown.code})` : messageOf(thrown)
}

/** Returns the message of what was thrown; for a BurnError with its code and hint, as in `MESSAGE (CODE: HINT)`. */
export function messageWithHint(thrown: unknown): string {
  if (!(thrown instanceof BurnError) || thrown.hint === '') return codedMessageOf(thrown)
  return `${thrown.message} (${thrown.code}: ${thrown.hint})`
}

/** The ledger itself failed: whatever was being done then can't be recorded, so nobody may take it for trouble of a repo or a machine and go on. */
export function isLedgerFailure(thrown: unknown): boolean {
  return thrown instanceof BurnError && thrown.code.startsWith('ledger_')
}
