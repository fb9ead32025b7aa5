/** What is kept of the forge's changes, and what is left alone for a while, over an engine: every method is one transaction. */
import type { ChangeLedger } from '../core/change-ledger.ts'
import type { RestLedger } from '../core/rest-ledger.ts'
import type { Engine } from './engine.ts'
import * as issues from './issues.ts'
import { saveOpenChanges } from './open-changes.ts'

export function forgeStore({ read, write }: Engine): ChangeLedger & RestLedger {
  return {
    saveChanges: async (seen) => (seen.length === 0 ? undefined : write((trx) => saveOpenChanges(trx, seen))),
    saveChangesSeen: async (seen) => (seen.size === 0 ? undefined : write((trx) => issues.saveChangesSeen(trx, seen))),
    restRepo: (repo, until, why, at) => write((trx) => issues.restRepo(trx, repo, { until, why }, at)),
    resting: (at) => read((trx) => issues.resting(trx, at)),
    rest: (issue, until, why, at) => write((trx) => issues.restIssue(trx, issue, { until, why }, at)),
  }
}
