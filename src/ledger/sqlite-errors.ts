/** Turns errors of SQLite and the file system into a BurnError with a code and a hint. */
import type { ErrorCode } from '../core/error-codes.ts'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'

function primaryCode(thrown: unknown): number | null {
  // `errcode` is SQLite's extended result code. Its low byte is the primary result code (sqlite.org/rescode.html).
  return thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : null
}

/** Tells whether the error says that another connection holds the lock (SQLITE_BUSY or SQLITE_LOCKED). */
export function isBusy(thrown: unknown): boolean {
  return [5, 6].includes(primaryCode(thrown) ?? 0)
}

/** Returns a BurnError for an error of SQLite or the file system. Returns other errors unchanged. */
export function explainSqlite(thrown: unknown, path: string): unknown {
  if (thrown instanceof BurnError) return thrown
  const code = primaryCode(thrown) ?? codeOf(thrown)
  const found = cases.find(({ codes, pattern }) => codes.includes(code) && (pattern === undefined || pattern.test(messageOf(thrown))))
  if (found === undefined) return thrown
  return new BurnError(found.as, `the ledger ${path} ${found.what}: ${messageOf(thrown)}`, found.hint, { cause: thrown })
}

const kept = 'The failed transaction wrote nothing, and earlier data is safe.'

/** The hint for a ledger whose tables changed while a process used it. */
export const upgradedHint =
  'A newer version of burn has probably upgraded the ledger while this process ran. End this process, and start it with the newer version.'

const cases: readonly { codes: readonly (number | string)[]; pattern?: RegExp; as: ErrorCode; what: string; hint: string }[] = [
  {
    codes: [1],
    pattern: /no such (?:column|table)|has no column named/,
    as: 'ledger_newer',
    what: 'has other tables than this process expects',
    hint: upgradedHint,
  },
  {
    codes: [5, 6],
    as: 'ledger_busy',
    what: 'stayed locked by another process',
    hint: `${kept} Find the process that holds the lock (with fuser FILE), then run this command again.`,
  },
  {
    codes: [8, 'EACCES', 'EPERM', 'EROFS'],
    as: 'ledger_readonly',
    what: 'cannot be written',
    hint: `${kept} The file and its folder must belong to you and be writable (SQLite writes -wal and -shm files beside the file).`,
  },
  {
    codes: [13, 'ENOSPC', 'EDQUOT'],
    as: 'ledger_full',
    what: 'has no space left on its disk',
    hint: `${kept} Free disk space, then run this command again.`,
  },
  {
    codes: [11, 26],
    as: 'ledger_corrupt',
    what: 'is damaged or is not a ledger',
    hint:
      'Nothing was changed. Move the file of the ledger with its -wal and -shm files to another folder, and put a backup in its place. ' +
      'Without a backup, stop all agents first. Otherwise burn begins with an empty ledger, and dispatches again the issues that these agents work on.',
  },
  {
    codes: [10],
    as: 'ledger_io',
    what: 'could not be read or written',
    hint: `${kept} The disk or the file system failed. Check both, then run this command again.`,
  },
  {
    codes: [14, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST'],
    as: 'ledger_open',
    what: 'could not be opened',
    hint: 'Nothing was changed. Under "ledger" in the spec, write a path where burn can create a file.',
  },
  {
    codes: [19],
    as: 'ledger_rule',
    what: 'rejected data that breaks a rule of the ledger',
    hint: `${kept} This is a bug in burn: please report it with this message.`,
  },
]
