/** Saves issues as the forge listed them, and how far burn has read each repo. */
import type { Transaction } from 'kysely'
import type { IssueListing } from '../core/ledger/forge.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { NewEvent, SeenKind } from '../core/events.ts'
import type { RepoRow, Tables } from './tables.ts'
import { encodedPrefix } from '../core/reasons.ts'
import { sql } from 'kysely'
import { liveStates } from '../core/lifecycle.ts'
import { repoOf } from '../core/refs.ts'
import { inList, chunks } from './sql.ts'
import { appendEvents } from './events.ts'
import { forgetDelegations } from './delegations.ts'
import { removeHolds } from './holds.ts'
import { saveOpenChanges, updateOpenChangesOf } from './open-changes.ts'
import { fromIssue } from './rows.ts'
import { unjudgedColumns, unjudgedUnlessTaken } from './verdicts.ts'
import { insertRows, writeRows } from './write-rows.ts'

type ForgeColumns = ReturnType<typeof fromIssue>
const columns = [
  'ref',
  'repo',
  'number',
  'title',
  'body',
  'labels',
  'assignees',
  'author',
  'state',
  'created_at',
  'updated_at',
  'comments',
  'url',
  'due_at',
] as const
/** The columns that verdicts depend on. A new comment, for example, is no reason to judge an issue again. */
const verdictColumns: ReadonlySet<string> = new Set(['title', 'body', 'labels', 'assignees', 'author', 'state', 'due_at'])

/** Merges pages of issues into the ledger. See `ForgeLedger.saveIssues`. */
export async function saveIssues(trx: Transaction<Tables>, pages: readonly IssueListing[], at: number, quiet: boolean): Promise<void> {
  const events: Seen[] = []
  // The forge may move issues between pages while burn reads them, so an issue can occur twice. The last occurrence counts.
  const listed = new Map(pages.flatMap(({ issues }) => issues).map((issue) => [issue.ref, fromIssue(issue)]))
  for (const part of chunks([...listed.values()])) events.push(...(await mergeIssues(trx, part)))
  for (const { repo, complete } of pages) if (complete) events.push(...(await closeMissing(trx, repo, listed)))
  await (quiet ? savePendingEvents(trx, events) : appendEvents(trx, events, at))
  await saveOpenChanges(
    trx,
    pages.flatMap(({ repo, open_changes }) => (open_changes === undefined ? [] : [{ repo, changes: open_changes, complete: true }])),
  )
  for (const { repo, cursor, complete, changed_at, issues } of pages) {
    const news_at = issues.reduce((newest, { updated_at }) => Math.max(newest, updated_at), changed_at ?? 0)
    const times = { ...(complete ? { listed_at: at } : {}), ...(changed_at == null ? {} : { changed_at }) }
    await saveRepo(trx, repo, { cursor, ...times, ...(news_at === 0 ? {} : { news_at }) })
  }
}

type Seen = Extract<NewEvent, { kind: SeenKind }>

function seen(kind: SeenKind, ref: IssueRef, title: string): Seen {
  return { kind, subject: ref, issue: ref, worker: null, actor: 'forge', payload: { title } }
}

/** Saves the kind of each event in its issue's row, so that `writePendingEvents` can record it later. */
async function savePendingEvents(trx: Transaction<Tables>, events: readonly Seen[]): Promise<void> {
  for (const [kind, same] of Map.groupBy(events, (event) => event.kind))
    for (const part of chunks(same))
      await trx
        .updateTable('issue')
        .set({ pending_event: kind })
        .where(
          'ref',
          'in',
          part.map(({ subject }) => subject),
        )
        .execute()
}

/** Records the events that `saveIssues` did not record because it was called with `quiet`. */
export async function writePendingEvents(trx: Transaction<Tables>, at: number): Promise<void> {
  const rows = await trx
    .selectFrom('issue')
    .select(['ref', 'title', 'pending_event'])
    .where('pending_event', 'is not', null)
    .orderBy('ref')
    .execute()
  const events = rows.flatMap(({ ref, title, pending_event }) => (pending_event === null ? [] : [seen(pending_event, ref, title)]))
  await appendEvents(trx, events, at)
  await trx.updateTable('issue').set({ pending_event: null }).where('pending_event', 'is not', null).execute()
}

const unjudged = { eligible: null, verdict: null, verdict_at: null, standing: null }

async function mergeIssues(trx: Transaction<Tables>, given: readonly ForgeColumns[]): Promise<Seen[]> {
  const rows = await trx
    .selectFrom('issue')
    .select(columns)
    .where(
      'ref',
      'in',
      given.map(({ ref }) => ref),
    )
    .execute()
  const kept = new Map(rows.map((row) => [row.ref, row]))
  const differing = (issue: ForgeColumns) => columns.filter((column) => kept.get(issue.ref)?.[column] !== issue[column])
  const changed = given.map((issue) => ({ issue, differs: differing(issue) })).filter(({ differs }) => differs.length > 0)
  const [known, found] = [changed.filter(({ issue }) => kept.has(issue.ref)), changed.filter(({ issue }) => !kept.has(issue.ref))]
  await insertRows(
    trx,
    'issue',
    found.map(({ issue }) => ({ ...issue, ...unjudged, text_at: issue.updated_at })),
  )
  // burn may have read an open change before it reads the issue that the change closes.
  await updateOpenChangesOf(
    trx,
    found.map(({ issue }) => issue.ref),
  )
  // Writes only the columns that differ. Writing the others would also update their indexes and check the foreign keys of every dispatch.
  for (const alike of Map.groupBy(known, ({ differs }) => differs.join()).values())
    await writeRows(
      trx,
      { table: 'issue', columns: alike[0]?.differs ?? [] },
      alike.map(({ issue }) => issue),
    )
  await saveTextTimes(trx, known)
  const rejudged = known.filter(({ differs }) => differs.some((column) => verdictColumns.has(column))).map(({ issue }) => issue.ref)
  if (rejudged.length > 0) await trx.updateTable('issue').set(unjudgedUnlessTaken).where('ref', 'in', rejudged).execute()
  if (known.some(({ differs }) => differs.includes('state'))) await rejudgeBlocked(trx)
  return changed.flatMap(({ issue: { ref, state, title } }) => {
    const before = kept.get(ref)
    if (before?.state === state) return []
    const kind = before === undefined ? 'issue.found' : state === 'closed' ? 'issue.closed' : 'issue.reopened'
    return [seen(kind, ref, title)]
  })
}

/** Saves when burn first read the text of each issue whose title or body differs from the stored one. */
async function saveTextTimes(
  trx: Transaction<Tables>,
  known: readonly { readonly issue: ForgeColumns; readonly differs: readonly string[] }[],
): Promise<void> {
  const edited = known.filter(({ differs }) => differs.includes('title') || differs.includes('body'))
  await writeRows(
    trx,
    { table: 'issue', columns: ['text_at'] },
    edited.map(({ issue: { ref, updated_at } }) => ({ ref, text_at: updated_at })),
  )
}

/** Forgets the verdicts of blocked issues, because an issue was closed or reopened. The next cycle asks the forge again. */
async function rejudgeBlocked(trx: Transaction<Tables>): Promise<void> {
  const prefix = encodedPrefix('blocked')
  await trx
    .updateTable('issue')
    .set(unjudged)
    .where('state', '=', sql.lit('open'))
    .where('standing', 'is', null)
    .where(sql<boolean>`substr(verdict, 1, ${sql.lit(prefix.length)}) = ${prefix}`)
    .execute()
}

/** Closes the open issues of a repo that its complete listing does not contain. Returns the events to record. */
async function closeMissing(trx: Transaction<Tables>, repo: RepoRef, listed: ReadonlyMap<IssueRef, unknown>): Promise<Seen[]> {
  const open = await trx
    .selectFrom('issue')
    .select(['ref', 'title'])
    .where('repo', '=', repo)
    .where('state', '=', sql.lit('open'))
    .execute()
  const missing = open.filter(({ ref }) => !listed.has(ref))
  if (missing.length > 0) await rejudgeBlocked(trx)
  for (const part of chunks(missing)) {
    await trx
      .updateTable('issue')
      .set({ state: 'closed' })
      .where(
        'ref',
        'in',
        part.map(({ ref }) => ref),
      )
      .execute()
  }
  return missing.map(({ ref, title }) => seen('issue.closed', ref, title))
}

const readable = { unreadable_since: null, unreadable_reason: null }

/** Saves these columns of a repo. Creates the row if it is missing. */
export async function saveRepo(trx: Transaction<Tables>, repo: RepoRef, known: Partial<Omit<RepoRow, 'repo'>>): Promise<void> {
  const nothing = {
    cursor: null,
    writers: null,
    writers_at: null,
    rights_at: null,
    listed_at: null,
    changes_at: null,
    wait_reason: null,
    changed_at: null,
    news_at: null,
    comments_at: null,
    ...readable,
  }
  await trx
    .insertInto('repo')
    .values({ repo, ...nothing, ...known })
    .onConflict((c) => c.column('repo').doUpdateSet(known))
    .execute()
}

/** Saves, for each repo, the time up to which burn has processed its changes. */
export async function saveChangeCursors(trx: Transaction<Tables>, seen: ReadonlyMap<RepoRef, Time>): Promise<void> {
  const rows = [...seen].map(([repo, at]) => ({ repo, changes_at: at }))
  await writeRows(trx, { table: 'repo', columns: ['changes_at'] }, rows)
}

/**
 * Resets the attempts, the back-off and the done state of an issue, and the back-off of its repo. Returns false if the issue is unknown or
 * has a live dispatch.
 */
export async function requeueIssue(trx: Transaction<Tables>, issue: IssueRef, at: number): Promise<boolean> {
  const live = await trx
    .selectFrom('dispatch')
    .select('id')
    .where('issue', '=', issue)
    .where(inList('state', liveStates))
    .executeTakeFirst()
  if (live !== undefined) return false
  const { numUpdatedRows } = await trx
    .updateTable('issue')
    .set({ attempts: 0, done: 0, stopped_by: null, backoff_until: null, backoff_reason: null, ...unjudgedColumns })
    .where('ref', '=', issue)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await forgetDelegations(trx, issue)
  // The person who requeues the issue has fixed the cause of the refusal, which may have affected the whole repo.
  await removeHolds(trx, [{ scope: 'repo', name: repoOf(issue), code: 'forge_refused' }], at)
  await appendEvents(trx, [{ kind: 'issue.requeued', subject: issue, issue, worker: null, actor: 'person', payload: {} }], at)
  return true
}

/** Sets the priority of an issue, and records an event. Returns false if the issue is unknown. */
export async function savePriority(trx: Transaction<Tables>, issue: IssueRef, priority: number, at: Time): Promise<boolean> {
  const known = await trx.updateTable('issue').set({ priority }).where('ref', '=', issue).returning('ref').execute()
  if (known.length === 0) return false
  await appendEvents(trx, [{ kind: 'issue.prioritized', subject: issue, issue, worker: null, actor: 'person', payload: { priority } }], at)
  return true
}

/** Returns the highest priority of the other open issues; 0 if none has a positive priority. */
export async function highestPriority(trx: Transaction<Tables>, except: IssueRef): Promise<number> {
  const { highest } = await trx
    .selectFrom('issue')
    .select((eb) => eb.fn.max('priority').as('highest'))
    .where('state', '=', sql.lit('open'))
    .where('ref', '<>', except)
    .executeTakeFirstOrThrow()
  return Math.max(0, Number(highest ?? 0))
}
