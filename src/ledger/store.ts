/** The ledger over an engine: every method is one transaction. */
import type { Ledger } from '../core/ledger.ts'
import type { ReadingLedger } from '../core/reading-ledger.ts'
import type { Engine } from './engine.ts'
import type { Dispatch } from '../core/lives.ts'
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'
import { BurnError } from '../core/errors.ts'
import { slotStates } from '../core/lives.ts'
import { claim, named, plan, type Lease } from './claims.ts'
import { append, type NewEvent } from './events.ts'
import { forgeStore } from './forge-store.ts'
import { invariants } from './invariants.ts'
import * as issues from './issues.ts'
import { renew, takeOver } from './leases.ts'
import { ledgerVersion } from './migrations.ts'
import * as memory from './memory.ts'
import { moveDeliveries, moveDispatches } from './moves.ts'
import { prune } from './prune.ts'
import * as names from './names.ts'
import * as queries from './queries.ts'
import * as sprints from './sprints.ts'
import { sprintStore } from './sprint-store.ts'
import * as trust from './trust.ts'
import * as verdicts from './verdicts.ts'
import * as workers from './workers.ts'
import { writeRows } from './write-rows.ts'

type Trx = Transaction<Tables>

export function createStore(engine: Engine): Ledger {
  const { read, write } = engine
  return {
    view: () => read(queries.view),
    underWay: () => read(queries.underWay),
    inReview: async (ids, refs, urls) =>
      ids.length + refs.length + urls.length === 0 ? [] : read((trx) => queries.inReview(trx, ids, refs, urls)),
    carrying: (owner) => read((trx) => queries.carrying(trx, owner)),
    agents: () => read((trx) => queries.agents(trx)),
    unsaid: (owner) => read((trx) => queries.unsaid(trx, owner)),
    closed: () => read(queries.closed),
    unjudged: () => read(verdicts.unjudged),
    worked: (limit) => read((trx) => queries.worked(trx, limit)),
    dispatches: (filter) => read((trx) => queries.dispatches(trx, filter)),
    deliveries: (filter) => read((trx) => queries.deliveries(trx, filter)),
    holders: (ids) => read((trx) => queries.holders(trx, ids)),
    issue: (ref) => read((trx) => queries.issue(trx, ref)),
    events: (filter) => read((trx) => queries.events(trx, filter)),

    saveIssues: (pages, at) => write((trx) => issues.saveIssues(trx, pages, at)),
    saveWriters: (repo, writers, at) => write((trx) => issues.saveWriters(trx, repo, writers, at)),
    confirmWriters: (repo, writers, at) => write((trx) => trust.confirmWriters(trx, repo, writers, at)),
    saveApprovals: async (given, at) => (given.length === 0 ? [] : write((trx) => trust.saveApprovals(trx, given, at))),
    queued: (most) => read((trx) => verdicts.queued(trx, most)),
    open: (repo) => read((trx) => verdicts.openIssues(trx, repo)),
    openIn: (repo) => read((trx) => verdicts.openIn(trx, repo)),
    backlog: () => read(verdicts.backlog),
    repos: () => read(queries.repoRecords),
    saveVerdicts: async (given, at) => (given.length === 0 ? undefined : write((trx) => verdicts.saveVerdicts(trx, given, at))),
    judgeBy: (rules) => write((trx) => verdicts.judgeBy(trx, rules)),
    saveWaiting: (reasons) => write((trx) => verdicts.saveWaiting(trx, reasons)),
    requeue: (issue, at) => write((trx) => issues.requeueIssue(trx, issue, at), { tells: (known) => known }),

    remembered: (key) => read((trx) => memory.remembered(trx, key)),
    remember: (key, value) => write((trx) => memory.remember(trx, key, value)),

    recordWorkers: (given, at) => write((trx) => workers.recordWorkers(trx, given, at)),
    retireWorkers: (ids, at) => write((trx) => workers.retireWorkers(trx, ids, at)),
    ...readingStore(engine),
    hold: (worker, reason, at) => write((trx) => workers.hold(trx, worker, reason, at), { tells: (known) => known && reason === null }),

    claim: async (claims, owner, until, at) =>
      claims.length === 0 ? [] : write((trx) => claim(trx, claims, { owner, until }, at), { only: named(claims) }),
    moveDispatches: async (moves, at) => (moves.length === 0 ? [] : write((trx) => moveDispatches(trx, moves, at), { tells: freed })),
    saveComments: async (comments, at) => (comments.length === 0 ? undefined : write((trx) => saveComments(trx, comments, at))),
    plan: async (texts, owner, until, at) => (texts.length === 0 ? [] : write((trx) => plan(trx, texts, { owner, until }, at))),
    moveDeliveries: async (moves, owner, at) => (moves.length === 0 ? [] : write((trx) => moveDeliveries(trx, moves, owner, at))),
    takeOver: (owner, until, at) => write((trx) => takeOver(trx, { owner, until }, at)),
    renew: (owner, until) => write((trx) => renewAll(trx, { owner, until })),
    giveUp: async (owner) => void (await write((trx) => renewAll(trx, { owner, until: 0 }))),

    ...forgeStore(engine),
    ...sprintStore(engine),

    prune: (before, at, dryRun) => (dryRun ? read : write)((trx) => prune(trx, before, at, dryRun)),
    changed: (stop) => engine.changed(stop),
    check: () => check(engine),
    close: () => engine.close(),
  }
}

function readingStore({ read, write }: Engine): ReadingLedger {
  return {
    saveReadings: (readings, at) => write((trx) => workers.saveReadings(trx, readings, at)),
    resumes: async (ids) => (ids.length === 0 ? new Map() : read((trx) => queries.resumes(trx, ids))),
  }
}

async function renewAll(trx: Trx, lease: Lease): Promise<readonly string[]> {
  await names.renewNames(trx, lease)
  return [...(await renew(trx, lease)), ...(await sprints.renewSprints(trx, lease))]
}

/** A slot that another dispatcher may fill. */
const freed = (moved: readonly Dispatch[]) => moved.some(({ state }) => !slotStates.includes(state))

type Saved = Parameters<Ledger['saveComments']>[0]

async function saveComments(trx: Trx, comments: Saved, at: number): Promise<void> {
  const rows = comments.map(({ id, comment_id, says }) => ({ id, comment_id, comment_says: says }))
  const saved = await writeRows(
    trx,
    'dispatch',
    ['comment_id', 'comment_says'],
    rows,
    'returning id, issue, worker, comment_id, comment_says',
  )
  const events = saved.map(({ id, issue, worker, comment_id, comment_says }): NewEvent => {
    const text = `comment ${String(comment_id)} says ${String(comment_says)}`
    return { kind: 'dispatch.commented', subject: String(id), issue: String(issue), worker: String(worker), text }
  })
  await append(trx, events, at)
}

async function check({ read, damage, where }: Engine): ReturnType<Ledger['check']> {
  const broken = await damage()
  if (broken.length > 0) {
    const hint = 'Stop every burn that uses it. Keep a copy of the file with its -wal and -shm, and put a backup in its place.'
    throw new BurnError('ledger_corrupt', `the ledger ${where} is damaged: ${broken.join('; ')}`, hint)
  }
  return read(async (trx) => {
    const violations = await invariants(trx)
    if (violations.length > 0) {
      const hint = 'Nothing was changed. This is a mistake in burn: please report it with this message and a copy of the ledger.'
      throw new BurnError('ledger_rule', `the ledger ${where} breaks its own rules: ${violations.join('; ')}`, hint)
    }
    return { where, version: ledgerVersion, rows: await queries.counts(trx) }
  })
}
