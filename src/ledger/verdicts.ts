/** Where open issues stand, and why: what a cycle has to judge, and each repo's queue. */
import type { Reason } from '../core/reasons.ts'
import type { Selectable, Transaction } from 'kysely'
import type { Backlog, IssueRecord, Standing, Verdict } from '../core/ledger/backlog.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { NewEvent } from '../core/events.ts'
import type { IssueRow, Tables } from './schema.ts'
import { sql } from 'kysely'
import { inList, chunks } from './sql.ts'
import { append } from './events.ts'
import { toIssueRecord } from './rows.ts'
import { writeRows } from './write-rows.ts'
import { encodedPrefix, encodeReason } from '../core/reasons.ts'

type Trx = Transaction<Tables>

/** What a verdict was given by has changed. */
const another = sql<number>`issue.revision + 1`
export const toJudge = { standing: null, revision: another }
export const takenColumns = { standing: 'taken', revision: another } as const
/** What a worker has is judged when it comes back. */
export const toJudgeUnlessTaken = { standing: sql<Standing | null>`case issue.standing when 'taken' then 'taken' end`, revision: another }

type Row = Selectable<IssueRow>

/** Issues to be judged, those that the council is asked about, the front of each queue, and `also`. */
export async function candidates(trx: Trx, most: ReadonlyMap<RepoRef, number>, also: readonly IssueRef[]): Promise<IssueRecord[]> {
  const open = trx.selectFrom('issue').selectAll().where('state', '=', sql.lit('open'))
  const rows: Row[] = await open.where('standing', 'is', null).execute()
  for (const row of await open.where('standing', '=', sql.lit('asked')).execute()) rows.push(row)
  for (const row of await queued(trx, most)) rows.push(row)
  if (also.length === 0) return issueRecords(trx, rows)
  const known = new Set(rows.map(({ ref }) => ref))
  for (const part of chunks([...new Set(also)].filter((ref) => !known.has(ref))))
    for (const row of await open.where('ref', 'in', part).execute()) rows.push(row)
  return issueRecords(trx, rows)
}

/** The statement is put together once, for hundreds of repos that takes longer than running it; and SQLite would prepare one whose limit is bound alone at each run. */
export async function queued(trx: Trx, most: ReadonlyMap<RepoRef, number>): Promise<Row[]> {
  const first = trx
    .selectFrom('issue')
    .selectAll()
    .where('repo', '=', '')
    .where('state', '=', sql.lit('open'))
    .where('standing', '=', sql.lit('queued'))
    .orderBy('priority', 'desc')
    .orderBy('created_at')
    .orderBy('number')
    .limit(sql<number>`${0} + 0`)
    .compile()
  const rows: Row[] = []
  for (const [repo, limit] of most) {
    const found = await trx.executeQuery<Row>({ ...first, parameters: [repo, limit] })
    for (const row of found.rows) rows.push(row)
  }
  return rows
}

export async function openIssueRefs(trx: Trx, repo: RepoRef): Promise<IssueRef[]> {
  const rows = await trx.selectFrom('issue').select('ref').where('repo', '=', repo).where('state', '=', sql.lit('open')).execute()
  return rows.map(({ ref }) => ref)
}

export async function openIssues(trx: Trx, repo: RepoRef | undefined): Promise<IssueRecord[]> {
  let query = trx.selectFrom('issue').selectAll().where('state', '=', sql.lit('open'))
  if (repo !== undefined) query = query.where('repo', '=', repo)
  return issueRecords(trx, await query.execute())
}

/** Each count by itself: by groups, a million open issues take 205 ms instead of 57. */
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

const elsewhereBegins = encodedPrefix('claimed_by_other_ledger')

/** Such a verdict may pass by itself, so its issue is to be judged again: found without reading what stands still. */
export async function elsewhere(trx: Trx): Promise<IssueRef[]> {
  const rows = await trx
    .selectFrom('issue')
    .select('ref')
    .where('state', '=', sql.lit('open'))
    .where('standing', 'is', null)
    .where(sql<boolean>`substr(verdict, 1, ${sql.lit(elsewhereBegins.length)}) = ${elsewhereBegins}`)
    .orderBy('ref')
    .limit(1000)
    .execute()
  return rows.map(({ ref }) => ref)
}

const key = 'rules'

/** What issues were judged by last; null where none was. */
export async function rulesKept(trx: Trx): Promise<string | null> {
  return (await trx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value ?? null
}

export async function rejudgeIfRulesChanged(trx: Trx, rules: string): Promise<void> {
  if ((await rulesKept(trx)) === rules) return
  await invalidateVerdicts(trx, null)
  await trx
    .insertInto('meta')
    .values({ key, value: rules })
    .onConflict((c) => c.column('key').doUpdateSet({ value: rules }))
    .execute()
}

/** Of one repo, or of all, but what a worker has. */
export async function invalidateVerdicts(trx: Trx, repo: RepoRef | null): Promise<void> {
  let update = trx
    .updateTable('issue')
    .set(toJudge)
    .where('state', '=', sql.lit('open'))
    .where(inList('standing', ['queued', 'asked', 'none']))
  if (repo !== null) update = update.where('repo', '=', repo)
  await update.execute()
}

export async function saveWaiting(trx: Trx, reasons: ReadonlyMap<RepoRef, Reason>): Promise<void> {
  for (const { repo, wait_reason } of await trx.selectFrom('repo').select(['repo', 'wait_reason']).execute()) {
    const reason = reasons.get(repo)
    const kept = reason === undefined ? null : encodeReason(reason)
    if (kept !== wait_reason) await trx.updateTable('repo').set({ wait_reason: kept }).where('repo', '=', repo).execute()
  }
}

export async function saveVerdicts(trx: Transaction<Tables>, verdicts: readonly Verdict[], at: number): Promise<void> {
  const events: NewEvent[] = []
  for (const part of chunks(verdicts)) {
    const rows = await trx
      .selectFrom('issue')
      .select(['ref', 'eligible', 'verdict', 'standing', 'revision'])
      .where(
        'ref',
        'in',
        part.map(({ issue }) => issue),
      )
      .execute()
    const kept = new Map(rows.map((row) => [row.ref, row]))
    const present = part.filter(({ issue, revision }) => kept.get(issue)?.revision === revision)
    const moves = ({ issue, standing }: Verdict) => kept.get(issue)?.standing !== standing
    const says = ({ issue, eligible, reason }: Verdict) => {
      const row = kept.get(issue)
      return row?.verdict !== encodeReason(reason) || row.eligible !== Number(eligible)
    }
    const rowOf = ({ issue, standing, eligible, reason }: Verdict) => {
      return { ref: issue, standing, eligible: Number(eligible), verdict: encodeReason(reason), verdict_at: at }
    }
    const said = ['eligible', 'verdict', 'verdict_at'] as const
    // Apart, since what stands where it stood keeps its place in three indexes; and what is new is written once.
    await writeRows(trx, { table: 'issue', columns: ['standing', ...said] }, present.filter((each) => moves(each) && says(each)).map(rowOf))
    await writeRows(trx, { table: 'issue', columns: ['standing'] }, present.filter((each) => moves(each) && !says(each)).map(rowOf))
    await writeRows(trx, { table: 'issue', columns: said }, present.filter((each) => !moves(each) && says(each)).map(rowOf))
    for (const { issue, eligible, reason } of present.filter(says))
      events.push({
        kind: eligible ? 'issue.eligible' : 'issue.ineligible',
        subject: issue,
        issue,
        worker: null,
        actor: 'burn',
        payload: { reason },
      })
  }
  await append(trx, events, at)
}

/** Issues with when they last failed: read from their dispatches, and only for those that were tried in vain. */
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
