/**
 * Saves open changes by issue, and finds the live work that an updated change may end. burn dispatches no issue that has an open change.
 */
import type { Transaction } from 'kysely'
import type { ChangedWork, AffectedWork, LiveDispatch } from '../core/ledger/claims.ts'
import type { ForeignChange, ChangeListing } from '../core/ledger/forge.ts'
import type { Change, IssueRef } from '../core/nouns.ts'
import type { OpenChangeRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { liveStates, slotStates } from '../core/lifecycle.ts'
import { liveColumns, reviewed } from './queries.ts'
import { inList, chunks } from './sql.ts'
import { unjudgedUnlessTaken } from './verdicts.ts'

type Trx = Transaction<Tables>

/** Saves the open changes in these listings. Writes only the differences. */
export async function saveOpenChanges(trx: Trx, seen: readonly ChangeListing[]): Promise<void> {
  const current = new Map((await rowsOf(trx, seen)).map((row) => [row.id, row]))
  const saved = new Map((await savedRowsOf(trx, seen)).map((row) => [row.id, row]))
  const removed = [...saved.values()].filter(({ id }) => !current.has(id))
  const added = [...current.values()].filter(({ id }) => !saved.has(id))
  for (const part of chunks(removed)) {
    const ids = part.map(({ id }) => id)
    await trx.deleteFrom('open_change').where('id', 'in', ids).execute()
  }
  for (const part of chunks(added))
    await trx
      .insertInto('open_change')
      .values([...part])
      .onConflict((c) => c.column('id').doNothing())
      .execute()
  await updateOpenChangesOf(
    trx,
    [...removed, ...added].map(({ issue }) => issue),
  )
}

/** Returns one row for each pair of an open change and an issue that the change closes, or whose dispatch created the change. */
async function rowsOf(trx: Trx, seen: readonly ChangeListing[]): Promise<OpenChangeRow[]> {
  // If a change occurs twice, the last occurrence counts.
  const latest = new Map(seen.flatMap(({ repo, changes }) => changes.map((change) => [change.url, { repo, change }] as const)))
  const open = [...latest.values()].filter(({ change }) => change.state === 'open')
  const issueOf = await issuesOf(trx, open)
  return open.flatMap(({ repo, change: { dispatch_id, closes, url, name } }) => {
    const own = dispatch_id === null ? undefined : issueOf.get(dispatch_id)
    return [...new Set(own === undefined ? closes : [own, ...closes])].map((issue) => ({
      id: `${issue} ${url}`,
      issue,
      repo,
      url,
      name,
      dispatch: dispatch_id,
    }))
  })
}

async function issuesOf(trx: Trx, open: readonly { readonly change: Change }[]): Promise<Map<string, IssueRef>> {
  const found = new Map<string, IssueRef>()
  for (const part of chunks(open.flatMap(({ change }) => change.dispatch_id ?? []))) {
    const rows = await trx.selectFrom('dispatch').select(['id', 'issue']).where('id', 'in', part).where('kind', '=', 'work').execute()
    for (const { id, issue } of rows) found.set(id, issue)
  }
  return found
}

/** Returns the saved rows of these changes. For a complete listing, returns all rows of its repo. */
async function savedRowsOf(trx: Trx, seen: readonly ChangeListing[]): Promise<OpenChangeRow[]> {
  const rows: OpenChangeRow[] = []
  for (const { repo } of seen.filter(({ complete }) => complete))
    rows.push(...(await trx.selectFrom('open_change').selectAll().where('repo', '=', repo).execute()))
  const urls = seen.filter(({ complete }) => !complete).flatMap(({ changes }) => changes.map(({ url }) => url))
  for (const part of chunks(urls)) rows.push(...(await trx.selectFrom('open_change').selectAll().where('url', 'in', part).execute()))
  return rows
}

const firstChange = sql<string | null>`(select min(o.name) from open_change o where o.issue = issue.ref)`

/**
 * Updates the column `open_change` of these issues, which names one open change of each issue. If the value changes, the next cycle judges
 * the issue again.
 */
export async function updateOpenChangesOf(trx: Trx, issues: readonly IssueRef[]): Promise<void> {
  for (const part of chunks([...new Set(issues)]))
    await trx
      .updateTable('issue')
      .set({ open_change: firstChange, ...unjudgedUnlessTaken })
      .where('ref', 'in', part)
      .where(sql<boolean>`issue.open_change is distinct from ${firstChange}`)
      .execute()
}

async function foreignChanges(trx: Trx): Promise<ForeignChange[]> {
  const taken = sql`select 1 from dispatch d where d.issue = open_change.issue and d.kind = 'work' and ${inList('d.state', slotStates)}`
  return trx
    .selectFrom('open_change')
    .select(['issue', 'name', 'url'])
    .where('dispatch', 'is', null)
    .where(sql<boolean>`exists (${taken})`)
    .execute()
}

/** Returns the live work that these updates on the forge may end. */
export async function affectedWork(trx: Trx, changed: ChangedWork): Promise<AffectedWork> {
  const closed = await closedIssues(trx)
  return {
    closed,
    reviews: await reviewsOf(trx, { ...changed, issues: [...closed, ...changed.issues] }),
    foreign_changes: await foreignChanges(trx),
  }
}

async function reviewsOf(trx: Trx, { ids, issues, urls }: ChangedWork): Promise<LiveDispatch[]> {
  const found = new Map<string, LiveDispatch>()
  for (const [column, keys] of [
    ['id', ids],
    ['issue', issues],
    ['change_url', urls],
  ] as const)
    for (const part of chunks([...new Set(keys)]))
      for (const row of await trx
        .selectFrom('dispatch')
        .select(liveColumns)
        .where(column, 'in', part)
        .where(reviewed)
        .where(inList('state', liveStates))
        .execute())
        found.set(row.id, row)
  return [...found.values()]
}

async function closedIssues(trx: Trx): Promise<IssueRef[]> {
  const work = await trx
    .selectFrom('issue')
    .select('ref')
    .where('standing', '=', sql.lit('taken'))
    .where('state', '<>', sql.lit('open'))
    .execute()
  const council = await trx
    .selectFrom('dispatch')
    .innerJoin('issue', 'issue.ref', 'dispatch.issue')
    .select('issue.ref')
    .where('dispatch.kind', '=', sql.lit('council'))
    .where(inList('dispatch.state', liveStates))
    .where('issue.state', '<>', 'open')
    .execute()
  return [...work, ...council].map(({ ref }) => ref)
}
