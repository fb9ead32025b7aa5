/** Sprints, leases by name and skips over an engine: every method is one transaction. */
import type { Transaction } from 'kysely'
import type { SprintEnd, SprintLedger } from '../core/sprint-ledger.ts'
import type { Engine } from './engine.ts'
import type { Tables } from './tables.ts'
import { moveDispatches } from './moves.ts'
import * as names from './names.ts'
import * as sprints from './sprints.ts'

export function sprintStore({ read, write }: Engine): SprintLedger {
  return {
    claimSprint: (claim, owner, until, at) => write((trx) => sprints.claimSprint(trx, claim, { owner, until }, at)),
    saveSprint: (id, owner, progress) => write((trx) => sprints.saveSprint(trx, id, owner, progress)),
    handSprint: (id, owner, at) =>
      write(async (trx) => {
        const held = await sprints.saveSprint(trx, id, owner, { stage: 'working' })
        return held && (await moveDispatches(trx, [{ id, from: ['claimed'], to: 'handed', reason: 'its sprint has begun' }], at)).length > 0
      }),
    endSprint: (id, owner, end, at) => write((trx) => endSprint(trx, id, owner, end, at), { tells: (ended) => ended }),
    publishSprint: (id, url, at) => write((trx) => sprints.publishSprint(trx, id, url, at), { tells: (opened) => opened }),
    sprints: (filter) => read((trx) => sprints.sprints(trx, filter)),
    lease: (name, owner, until, at) => write((trx) => names.lease(trx, name, { owner, until }, at)),
    unlease: (name, owner) => write((trx) => names.unlease(trx, name, owner)),
    skip: (each) => write((trx) => names.skip(trx, each)),
    unskip: (worker, issue) => write((trx) => names.unskip(trx, worker, issue)),
    skips: (at, worker) => read((trx) => names.skips(trx, at, worker)),
  }
}

async function endSprint(trx: Transaction<Tables>, id: string, owner: string, end: SprintEnd, at: number): Promise<boolean> {
  if (!(await sprints.endSprint(trx, id, owner, end, at))) return false
  const change = end.change_url === undefined ? {} : { change_url: end.change_url }
  // Only what was handed can fail or be reviewed; what nobody had begun is given back.
  const from = end.dispatch === 'released' ? (['claimed', 'handed'] as const) : (['handed'] as const)
  const moved = await moveDispatches(trx, [{ id, from, to: end.dispatch, reason: end.reason, ...change }], at)
  if (moved.length === 0) await moveDispatches(trx, [{ id, from: ['claimed'], to: 'released', reason: end.reason }], at)
  return true
}
