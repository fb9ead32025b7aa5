/** Turns errors of PostgreSQL and the network into a BurnError with a code and a hint. */
import type { ErrorCode } from '../core/error-codes.ts'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'
import { upgradedHint } from './sqlite-errors.ts'

/** Tells whether the error is a deadlock or a serialization failure: the transaction was rolled back and may be retried. */
export function isRetryable(thrown: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(thrown))
}

/** The oldest supported version of the server, in the format of `server_version_num`. */
export const oldestVersion = 100_000

/** Returns BurnError `ledger_old`. */
export function tooOldError(where: string, what: string): BurnError {
  const hint = `Nothing was written. Use PostgreSQL ${oldestVersion / 10_000} or newer, or a file ("sqlite:…") under "ledger" in the spec.`
  return new BurnError('ledger_old', `the ledger ${where} needs a newer server: ${what}`, hint)
}

/**
 * Returns a BurnError for an error of the server or the network. Returns other errors unchanged. `committing` is true if the commit was
 * already sent.
 */
export function explainPostgres(thrown: unknown, where: string, committing: boolean): unknown {
  if (thrown instanceof BurnError) return thrown
  const code = codeOf(thrown)
  const message = messageOf(thrown)
  // burn sets this parameter when it connects. Old servers do not know it.
  if (code === '42704' && message.includes('configuration parameter')) return tooOldError(where, message)
  const found = cases.find(({ codes, pattern }) => codes.some((each) => code.startsWith(each)) || pattern?.test(message) === true)
  if (found === undefined) return thrown
  const hint = found.as === 'ledger_unreachable' ? `${committing ? unsure : kept} ${found.hint}` : found.hint
  return new BurnError(found.as, `the ledger ${where} ${found.what}: ${message === '' ? code : message}`, hint, { cause: thrown })
}

const kept = 'The failed transaction wrote nothing, and earlier data is safe.'
const unsure =
  'The transaction was saved completely or not at all, and burn does not know which of the two. The next cycle reads the ledger before it acts.'

const cases: readonly {
  readonly codes: readonly string[]
  readonly pattern?: RegExp
  readonly as: ErrorCode
  readonly what: string
  readonly hint: string
}[] = [
  {
    codes: ['55P03'],
    as: 'ledger_busy',
    what: 'stayed locked by another process',
    hint: `${kept} Find the process that holds the lock (pg_stat_activity), then run this command again.`,
  },
  {
    codes: ['25006', '42501', '3F000'],
    as: 'ledger_readonly',
    what: 'cannot be written',
    hint: `${kept} The server must be the primary, and the user in the URL must own the schema.`,
  },
  {
    codes: ['53100', '53200'],
    as: 'ledger_full',
    what: 'has no space left',
    hint: `${kept} Free disk space on the server, then run this command again.`,
  },
  {
    codes: ['28'],
    pattern: /password|pg_hba/i,
    as: 'ledger_auth',
    what: 'rejected the user or the password',
    hint: 'Write the password into ~/.pgpass as host:port:database:user:password (chmod 600), never into the spec.',
  },
  {
    codes: ['3D000'],
    as: 'ledger_open',
    what: 'could not be opened',
    hint: 'Create the database first: run the program createdb on the server.',
  },
  {
    codes: ['23'],
    as: 'ledger_rule',
    what: 'rejected data that breaks a rule of the ledger',
    hint: `${kept} This is a bug in burn: please report it with this message.`,
  },
  {
    codes: ['42703', '42P01'],
    as: 'ledger_newer',
    what: 'has other tables than this process expects',
    hint: upgradedHint,
  },
  {
    codes: ['57014'],
    as: 'ledger_slow',
    what: 'took too long to answer',
    hint: `${kept} Find out what keeps the server busy (pg_stat_activity), then run this command again.`,
  },
  {
    codes: ['53300'],
    as: 'ledger_busy',
    what: 'accepts no more connections',
    hint: 'Raise max_connections on the server: each burn process holds up to 5 connections.',
  },
  {
    codes: ['08', '57P', '25P03', 'ECONN', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'],
    pattern: /timeout|terminated|Client has encountered a connection error|not queryable/i,
    as: 'ledger_unreachable',
    what: 'cannot be reached',
    hint: 'Check that the server is running and that this machine may connect.',
  },
]
