/** Verdicts of open issues: finds the issues that a cycle must judge, and reads the queue of each repo. */
import type { Reason } from '../core/reasons.ts'
import type { Selectable, Transaction } from 'kysely'
import type { Backlog, Queues, IssueRecord, Standing, Verdict } from '../core/ledger/backlog.ts'
import type { Issue, IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { NewEvent } from '../core/events.ts'
import type { IssueRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { inList, chunks } from './sql.ts'
import { appendEvents } from './events.ts'
import { toIssueRecord } from './rows.ts'
import { writeRows } from './write-rows.ts'
import { encodedPrefix, encodeReason } from '../core/reasons.ts'

type Trx = Transaction<Tables>

const nextRevision = sql<number>`issue.revision + 1`
/** Columns that make the next cycle judge an issue, because something that its verdict depends on has changed. */
export const unjudgedColumns = { standing: null, revision: nextRevision }
/** Columns of an issue that now has a live `work` dispatch. */
export const takenColumns = { standing: 'taken', revision: nextRevision } as const
/** The same as `unjudgedColumns`, but an issue with a live dispatch is judged only after the dispatch ends. */
export const unjudgedUnlessTaken = {
  standing: sql<Standing | null>`case issue.standing when 'taken' then 'taken' end`,
  revision: nextRevision,
}

type Row = Selectable<IssueRow>

/** Returns the issues that a cycle may dispatch or judge. See `BacklogLedger.candidates`. */
export async function candidates(trx: Trx, limits: ReadonlyMap<RepoRef, number>, also: readonly IssueRef[]): Promise<IssueRecord[]> {
  const open = trx.selectFrom('issue').selectAll().where('state', '=', sql.lit('open'))
  const rows: Row[] = await open.where('standing', 'is', null).execute()
  for (const row of await open.where('standing', '=', sql.lit('asked')).execute()) rows.push(row)
  for (const row of await queued(trx, limits)) rows.push(row)
  if (also.length === 0) return issueRecords(trx, rows)
  const known = new Set(rows.map(({ ref }) => ref))
  for (const part of chunks([...new Set(also)].filter((ref) => !known.has(ref))))
    for (const row of await open.where('ref', 'in', part).execute()) rows.push(row)
  return issueRecords(trx, rows)
}

/**
 * Returns the first issues of each repo's queue, up to the repo's limit. The query for a repo is built once, because building it for each
 * of hundreds of repos costs more than running it. The limit is an expression, because SQLite prepares a statement again at every run if
 * its limit is a bound value.
 */
export async function queued(trx: Trx, limits: ReadonlyMap<RepoRef, number>): Promise<Row[]> {
  const first = trx
    .selectFrom('issue')
    .selectAll()
    .where('repo', '=', '')
    .where('state', '=', sql.lit('open'))
    .where('standing', '=', sql.lit('queued'))
    .orderBy('priority', 'desc')
    .orderBy('queue_rank')
    .orderBy('created_at')
    .orderBy('number')
    .limit(sql<number>`${0} + 0`)
    .compile()
  const rows: Row[] = []
  for (const [repo, limit] of limits) {
    const found = await trx.executeQuery<Row>({ ...first, parameters: [repo, limit] })
    for (const row of found.rows) rows.push(row)
  }
  return rows
}

/** Returns the references of the open issues of a repo. */
export async function openIssueRefs(trx: Trx, repo: RepoRef): Promise<IssueRef[]> {
  const rows = await trx.selectFrom('issue').select('ref').where('repo', '=', repo).where('state', '=', sql.lit('open')).execute()
  return rows.map(({ ref }) => ref)
}

/** Returns the number of open issues of a repo. */
export async function countOpenIssues(trx: Trx, repo: RepoRef): Promise<number> {
  const found = await trx
    .selectFrom('issue')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('repo', '=', repo)
    .where('state', '=', sql.lit('open'))
    .executeTakeFirstOrThrow()
  return Number(found.count)
}

/** Returns the open issues of a repo, or of all repos. */
export async function openIssues(trx: Trx, repo: RepoRef | undefined): Promise<IssueRecord[]> {
  let query = trx.selectFrom('issue').selectAll().where('state', '=', sql.lit('open'))
  if (repo !== undefined) query = query.where('repo', '=', repo)
  return issueRecords(trx, await query.execute())
}

/** Returns the open issues that have a label. */
export async function labelledIssues(trx: Trx, label: string): Promise<Pick<Issue, 'ref' | 'url'>[]> {
  const pattern = `%${JSON.stringify(label).replace(/[!%_]/g, '!$&')}%`
  const open = trx.selectFrom('issue').select(['ref', 'url']).where('state', '=', sql.lit('open'))
  return open.where(sql<boolean>`labels like ${pattern} escape '!'`).execute()
}

/** Returns the size of the backlog. Three separate counts are faster than one query that groups a million issues. */
export async function backlog(trx: Trx): Promise<Backlog> {
  const all = trx
    .selectFrom('issue')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('state', '=', sql.lit('open'))
  const open = Number((await all.executeTakeFirstOrThrow()).count)
  const unjudged = Number((await all.where('standing', 'is', null).executeTakeFirstOrThrow()).count)
  const none = Number((await all.where('standing', '=', sql.lit('none')).executeTakeFirstOrThrow()).count)
  return { open, eligible: open - unjudged - none, unjudged, elsewhere: await elsewhere(trx) }
}

/** Returns the titles of issues, by reference. */
export async function titles(trx: Trx, issues: readonly IssueRef[]): Promise<Map<IssueRef, string>> {
  const found = new Map<IssueRef, string>()
  for (const part of chunks([...new Set(issues)]))
    for (const { ref, title } of await trx.selectFrom('issue').select(['ref', 'title']).where('ref', 'in', part).execute())
      found.set(ref, title)
  return found
}

/** Returns the number of waiting issues by repo, and the open issues with failed attempts. */
export async function queues(trx: Trx): Promise<Queues> {
  const open = trx.selectFrom('issue').where('state', '=', sql.lit('open'))
  const opened = await open
    .groupBy('repo')
    .select((eb) => ['repo', eb.fn.countAll<number>().as('count')] as const)
    .execute()
  const counts = await open
    .where('standing', '=', sql.lit('queued'))
    .groupBy('repo')
    .select((eb) => ['repo', eb.fn.countAll<number>().as('count')] as const)
    .execute()
  const failed = await open
    .where('attempts', '>', 0)
    .select(['ref', 'attempts'])
    .orderBy('attempts', 'desc')
    .orderBy('ref')
    .limit(1000)
    .execute()
  const [oldest] = await open
    .where('standing', '=', sql.lit('queued'))
    .select(['ref as issue', 'created_at'])
    .orderBy('created_at')
    .orderBy('number')
    .limit(1)
    .execute()
  return {
    open: new Map(opened.map(({ repo, count }) => [repo, Number(count)])),
    oldest: oldest ?? null,
    queued: new Map(counts.map(({ repo, count }) => [repo, Number(count)])),
    attempts: failed.map(({ ref, attempts }) => ({ issue: ref, attempts })),
  }
}

const elsewherePrefix = encodedPrefix('claimed_by_other_ledger')

/**
 * Returns the open issues that another ledger of this fleet has claimed. Such a claim may expire without an update of the issue, so
 * `standing` is null, and each cycle judges the issue again. The index on `standing` finds these issues.
 */
export async function elsewhere(trx: Trx): Promise<IssueRef[]> {
  const rows = await trx
    .selectFrom('issue')
    .select('ref')
    .where('state', '=', sql.lit('open'))
    .where('standing', 'is', null)
    .where(sql<boolean>`substr(verdict, 1, ${sql.lit(elsewherePrefix.length)}) = ${elsewherePrefix}`)
    .orderBy('ref')
    .limit(1000)
    .execute()
  return rows.map(({ ref }) => ref)
}

const key = 'rules'

/** Returns the dispatch rules by which the current verdicts were made; null if there are none. */
export async function savedRules(trx: Trx): Promise<string | null> {
  return (await trx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value ?? null
}

/** Drops the verdicts of open issues if the dispatch rules have changed, and saves the new rules. */
export async function rejudgeIfRulesChanged(trx: Trx, rules: string): Promise<void> {
  if ((await savedRules(trx)) === rules) return
  await invalidateVerdicts(trx, null)
  await trx
    .insertInto('meta')
    .values({ key, value: rules })
    .onConflict((c) => c.column('key').doUpdateSet({ value: rules }))
    .execute()
}

/** Drops the verdicts of open issues, in one repo or in all repos. Keeps the verdicts of issues with a live dispatch. */
export async function invalidateVerdicts(trx: Trx, repo: RepoRef | null): Promise<void> {
  let update = trx
    .updateTable('issue')
    .set(unjudgedColumns)
    .where('state', '=', sql.lit('open'))
    .where(inList('standing', ['queued', 'asked', 'none']))
  if (repo !== null) update = update.where('repo', '=', repo)
  await update.execute()
}

/** Saves, for each repo, why its queued issues wait. */
export async function saveWaitReasons(trx: Trx, reasons: ReadonlyMap<RepoRef, Reason>): Promise<void> {
  for (const { repo, wait_reason } of await trx.selectFrom('repo').select(['repo', 'wait_reason']).execute()) {
    const reason = reasons.get(repo)
    const kept = reason === undefined ? null : encodeReason(reason)
    if (kept !== wait_reason) await trx.updateTable('repo').set({ wait_reason: kept }).where('repo', '=', repo).execute()
  }
}

/** Saves verdicts, and records an event for each verdict that differs from the saved one. Skips issues whose revision has changed. */
export async function saveVerdicts(trx: Transaction<Tables>, verdicts: readonly Verdict[], at: number): Promise<void> {
  const events: NewEvent[] = []
  for (const part of chunks(verdicts)) {
    const rows = await trx
      .selectFrom('issue')
      .select(['ref', 'eligible', 'verdict', 'standing', 'queue_rank', 'revision'])
      .where(
        'ref',
        'in',
        part.map(({ issue }) => issue),
      )
      .execute()
    const kept = new Map(rows.map((row) => [row.ref, row]))
    const current = part.filter(({ issue, revision }) => kept.get(issue)?.revision === revision)
    const rankOf = ({ issue, rank }: Verdict) => rank ?? kept.get(issue)?.queue_rank ?? 0
    const moves = (each: Verdict) => {
      const row = kept.get(each.issue)
      return row?.standing !== each.standing || row.queue_rank !== rankOf(each)
    }
    const differs = ({ issue, eligible, reason }: Verdict) => {
      const row = kept.get(issue)
      return row?.verdict !== encodeReason(reason) || row.eligible !== Number(eligible)
    }
    const rowOf = (each: Verdict) => {
      const { issue, standing, eligible, reason } = each
      return { ref: issue, standing, queue_rank: rankOf(each), eligible: Number(eligible), verdict: encodeReason(reason), verdict_at: at }
    }
    const save = async (columns: readonly (keyof ReturnType<typeof rowOf>)[], which: (each: Verdict) => boolean) =>
      writeRows(trx, { table: 'issue', columns }, current.filter(which).map(rowOf))
    const columns = ['eligible', 'verdict', 'verdict_at'] as const
    // Rows are written in three groups, so that each row is written once. `standing` and `queue_rank` are written only if they change,
    // because indexes depend on them.
    await save(['standing', 'queue_rank', ...columns], (each) => moves(each) && differs(each))
    await save(['standing', 'queue_rank'], (each) => moves(each) && !differs(each))
    await save(columns, (each) => !moves(each) && differs(each))
    for (const { issue, eligible, reason } of current.filter(differs))
      events.push({
        kind: eligible ? 'issue.eligible' : 'issue.ineligible',
        subject: issue,
        issue,
        worker: null,
        actor: 'burn',
        payload: { reason },
      })
  }
  await appendEvents(trx, events, at)
}

/**
 * Returns the records of issues from their rows. Reads the time of the last failure from dispatches, but only for issues with failed
 * attempts.
 */
export async function issueRecords(trx: Trx, rows: readonly Selectable<IssueRow>[]): Promise<IssueRecord[]> {
  const failed = await lastFailures(
    trx,
    rows.filter(({ attempts }) => attempts > 0).map(({ ref }) => ref),
  )
  return rows.map((row) => toIssueRecord(row, failed.get(row.ref) ?? null))
}

async function lastFailures(trx: Trx, refs: readonly IssueRef[]): Promise<Map<IssueRef, Time>> {
  const found = new Map<IssueRef, Time>()
  for (const part of chunks(refs)) {
    const rows = await trx
      .selectFrom('dispatch')
      .select((eb) => ['issue', eb.fn.max('changed_at').as('failed_at')])
      .where('issue', 'in', part)
      .where('kind', '=', sql.lit('work'))
      .where('state', 'in', ['failed', 'lost'])
      .groupBy('issue')
      .execute()
    for (const { issue, failed_at } of rows) found.set(issue, Number(failed_at))
  }
  return found
}
