/** What SQLite and the file system say, as errors that tell what is safe and what to do. */
import type { ErrorCode } from '../core/error-codes.ts'
import { BurnError, codeOf, messageOf } from '../core/errors.ts'

function primary(thrown: unknown): number | null {
  // SQLite's extended result code; its low byte is the primary one (sqlite.org/rescode.html).
  return thrown instanceof Error && 'errcode' in thrown ? Number(thrown.errcode) & 0xff : null
}

/** SQLITE_BUSY or SQLITE_LOCKED: another connection has the lock. */
export function isBusy(thrown: unknown): boolean {
  return [5, 6].includes(primary(thrown) ?? 0)
}

export function explainSqlite(thrown: unknown, path: string): unknown {
  if (thrown instanceof BurnError) return thrown
  const found = cases.find(({ codes }) => codes.includes(primary(thrown) ?? codeOf(thrown)))
  if (found === undefined) return thrown
  return new BurnError(found.as, `the ledger ${path} ${found.what}: ${messageOf(thrown)}`, found.hint, { cause: thrown })
}

const kept = 'Nothing of this step was written; what was recorded before is safe.'

const cases: readonly { codes: readonly (number | string)[]; as: ErrorCode; what: string; hint: string }[] = [
  {
    codes: [5, 6],
    as: 'ledger_busy',
    what: 'stayed locked by another process',
    hint: `${kept} See who holds it (fuser on the file), then run this again.`,
  },
  {
    codes: [8, 'EACCES', 'EPERM', 'EROFS'],
    as: 'ledger_readonly',
    what: 'can not be written',
    hint: `${kept} The file and its folder must belong to you and be writable (burn writes -wal and -shm files beside it).`,
  },
  {
    codes: [13, 'ENOSPC', 'EDQUOT'],
    as: 'ledger_full',
    what: 'has no room left on its disk',
    hint: `${kept} Free some space on that disk, then run this again.`,
  },
  {
    codes: [11, 26],
    as: 'ledger_corrupt',
    what: 'is damaged or is no ledger',
    hint: 'Nothing was changed. Move the file away together with its -wal and -shm, and put a backup in its place. Starting afresh instead would give issues again that agents still hold: end those agents first.',
  },
  {
    codes: [10],
    as: 'ledger_io',
    what: 'could not be read or written',
    hint: `${kept} The disk or its file system failed: check it, then run this again.`,
  },
  {
    codes: [14, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST'],
    as: 'ledger_open',
    what: 'could not be opened',
    hint: 'Nothing was changed. Give "ledger" in the spec a path where a file can be.',
  },
  {
    codes: [19],
    as: 'ledger_rule',
    what: 'refused a write that breaks its rules',
    hint: `${kept} This is a mistake in burn: please report it with this message.`,
  },
]
