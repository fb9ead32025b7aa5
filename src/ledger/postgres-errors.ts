/** What PostgreSQL and the network say, as errors that tell what is safe and what to do. */
import type { ErrorCode } from '../core/error-codes.ts'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'

/** A deadlock or a serialization failure: the transaction counted not at all, and may run again. */
export function isRetryable(thrown: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(thrown))
}

/** The oldest server whose every test passes, as `server_version_num` has it. */
export const oldest = 100_000

export function tooOld(where: string, what: string): BurnError {
  const hint = `Nothing was written. Use a server of PostgreSQL ${oldest / 10_000} or newer, or a file ("sqlite:…") under "ledger" in the spec.`
  return new BurnError('ledger_old', `the ledger ${where} is on a server that is too old: ${what}`, hint)
}

/** `ended`: all was written but for the commit, which was asked for. */
export function explainPostgres(thrown: unknown, where: string, ended: boolean): unknown {
  if (thrown instanceof BurnError) return thrown
  const code = codeOf(thrown)
  const message = messageOf(thrown)
  // A setting that this program asks for at the start of a connection, and that the server has never heard of.
  if (code === '42704' && message.includes('configuration parameter')) return tooOld(where, message)
  const found = cases.find(({ codes, said }) => codes.some((each) => code.startsWith(each)) || said?.test(message) === true)
  if (found === undefined) return thrown
  const hint = found.as === 'ledger_unreachable' ? `${ended ? unsure : kept} ${found.hint}` : found.hint
  return new BurnError(found.as, `the ledger ${where} ${found.what}: ${message === '' ? code : message}`, hint, { cause: thrown })
}

const kept = 'Nothing of this step was written; what was recorded before is safe.'
const unsure = 'All of this step was written, or nothing: the next cycle reads which before it does anything.'

const cases: readonly {
  readonly codes: readonly string[]
  readonly said?: RegExp
  readonly as: ErrorCode
  readonly what: string
  readonly hint: string
}[] = [
  {
    codes: ['55P03'],
    as: 'ledger_busy',
    what: 'stayed locked by another process',
    hint: `${kept} See who holds it (pg_stat_activity), then run this again.`,
  },
  {
    codes: ['25006', '42501', '3F000'],
    as: 'ledger_readonly',
    what: 'can not be written',
    hint: `${kept} The server must be the primary, and the user of the URL must own the schema.`,
  },
  {
    codes: ['53100', '53200'],
    as: 'ledger_full',
    what: 'has no room left',
    hint: `${kept} Free some space on the server, then run this again.`,
  },
  {
    codes: ['28'],
    said: /password|pg_hba/i,
    as: 'ledger_auth',
    what: 'refused the user',
    hint: 'Put the password into ~/.pgpass (chmod 600: host:port:database:user:password), never into the spec.',
  },
  { codes: ['3D000'], as: 'ledger_open', what: 'could not be opened', hint: 'Create the database first: createdb, on the server.' },
  {
    codes: ['23'],
    as: 'ledger_rule',
    what: 'refused a write that breaks its rules',
    hint: `${kept} This is a mistake in burn: please report it with this message.`,
  },
  {
    codes: ['57014'],
    as: 'ledger_slow',
    what: 'took too long',
    hint: `${kept} See what keeps the server busy (pg_stat_activity), then run this again.`,
  },
  {
    codes: ['53300'],
    as: 'ledger_busy',
    what: 'has no connection left',
    hint: 'Raise max_connections on the server; every burn process holds up to 5.',
  },
  {
    codes: ['08', '57P', '25P03', 'ECONN', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'],
    said: /timeout|terminated|Client has encountered a connection error|not queryable/i,
    as: 'ledger_unreachable',
    what: 'can not be reached',
    hint: 'Is the server up, and may this machine connect?',
  },
]
