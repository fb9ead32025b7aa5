/** The error type of burn, and helpers that read any thrown value. */
import type { ErrorCode } from './error-codes.ts'

/** The exit code of a command: 0 success, 1 failure, 2 usage or spec error, 3 partial success. */
export type ExitCode = 0 | 1 | 2 | 3

/** An error with a code for programs. The message says what happened; the hint tells a person what to do. */
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

/** Returns the message of a thrown value of any type. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** Returns the code of a BurnError (`forge_timeout`) or of a system error (`ENOENT`); an empty string for any other thrown value. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
}

/** The error codes of the operating system for a path that does not exist. */
export const noSuchPath = ['ENOENT', 'ENOTDIR'] as const

/** Returns a handler for `catch`: it returns `value` for an error with one of these codes, and throws every other error. */
export function ifCode<T>(codes: readonly string[], value: T): (thrown: unknown) => T {
  return (thrown) => {
    if (codes.includes(codeOf(thrown))) return value
    throw thrown
  }
}

/** Returns the message of a thrown value. For a BurnError the error code follows: `MESSAGE (CODE)`. */
export function codedMessageOf(thrown: unknown): string {
  return thrown instanceof BurnError ? `${thrown.message} (${thrown.code})` : messageOf(thrown)
}

/** Returns the message of a thrown value. For a BurnError the error code and the hint follow: `MESSAGE (CODE: HINT)`. */
export function messageWithHint(thrown: unknown): string {
  if (!(thrown instanceof BurnError) || thrown.hint === '') return codedMessageOf(thrown)
  return `${thrown.message} (${thrown.code}: ${thrown.hint})`
}

/**
 * Returns true if the thrown value is an error of the ledger. A caller must not treat such an error as a failure of one repo or machine,
 * because burn could not record that failure.
 */
export function isLedgerFailure(thrown: unknown): boolean {
  return thrown instanceof BurnError && thrown.code.startsWith('ledger_')
}
