/** What is kept of the forge's changes, and what is left alone for a while, over an engine: every method is one transaction. */
import type { ChangeLedger } from '../core/change-ledger.ts'
import type { RestLedger } from '../core/rest-ledger.ts'
import type { Engine } from './engine.ts'
import * as issues from './issues.ts'
import * as rests from './rests.ts'
import { changesBeside, saveOpenChanges } from './open-changes.ts'

export function forgeStore({ read, write }: Engine): ChangeLedger & RestLedger {
  return {
    changesBeside: () => read(changesBeside),
    saveChanges: async (seen) => (seen.length === 0 ? undefined : write((trx) => saveOpenChanges(trx, seen))),
    saveChangesSeen: async (seen) => (seen.size === 0 ? undefined : write((trx) => issues.saveChangesSeen(trx, seen))),
    rest: (issue, until, why, at) => write((trx) => rests.restIssue(trx, issue, { until, why }, at)),
    restRepo: (repo, until, why, at) => write((trx) => rests.restRepo(trx, repo, { until, why }, at)),
    restAuthor: (repo, author, until, why) => write((trx) => rests.restAuthor(trx, { repo, author }, { until, why })),
    saveUnread: (reasons, at) => write((trx) => rests.saveUnread(trx, reasons, at)),
    resting: (at) => read((trx) => rests.resting(trx, at)),
  }
}
