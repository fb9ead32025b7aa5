/** Delegations: the issues that burn assigned to agents on the forge. */
import type { Transaction } from 'kysely'
import type { TrackRecord } from '../core/delegation-settings.ts'
import type { Delegation } from '../core/delegation.ts'
import type { NewEvent } from '../core/events.ts'
import type { IssueRecord } from '../core/ledger/backlog.ts'
import type { Delegable, DelegationLedger, DelegationMove, DelegationRecords, LeftIssue, TrackRecords } from '../core/ledger/delegations.ts'
import type { IssueRef, Time, WorkerId } from '../core/nouns.ts'
import type { DelegationRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { liveDelegations } from '../core/delegation.ts'
import { repoOf } from '../core/refs.ts'
import { decodeReason, encodeReason } from '../core/reasons.ts'
import { appendEvents } from './events.ts'
import { chunks, inList } from './sql.ts'
import { issueRecords, unjudgedUnlessTaken } from './verdicts.ts'
import { writeRows } from './write-rows.ts'

type Trx = Transaction<Tables>

const idOf = (issue: IssueRef, login: string) => `${issue} ${login.toLowerCase()}`
// The column has a JSON list of strings, which this file or `fromIssue` wrote.
const namesIn = (json: string) => JSON.parse(json) as readonly string[]

/** Returns the delegations, and the facts about issues and work. See `DelegationLedger.delegationRecords`. */
export async function delegationRecords(trx: Trx): Promise<DelegationRecords> {
  const assigned = await trx
    .selectFrom('issue')
    .select(['ref', 'assignees'])
    .where('state', '=', sql.lit('open'))
    .where('assignees', '<>', '[]')
    .execute()
  const past = await trx
    .selectFrom('delegation')
    .innerJoin('issue', 'issue.ref', 'delegation.issue')
    .select(['delegation.issue', 'delegation.login'])
    .where('issue.state', '=', sql.lit('open'))
    .where('delegation.state', 'in', ['changed', 'expired'])
    .execute()
  return {
    live: await liveRows(trx),
    past,
    assigned: assigned.map(({ ref, assignees }) => ({ issue: ref, assignees: namesIn(assignees) })),
  }
}

async function liveRows(trx: Trx): Promise<DelegationRecords['live']> {
  const rows = await trx
    .selectFrom('delegation as d')
    .leftJoin('issue as i', 'i.ref', 'd.issue')
    .selectAll('d')
    .select((eb) => [
      'i.assignees',
      'i.open_change',
      'i.state as issue_state',
      eb
        .selectFrom('dispatch as p')
        .select('p.id')
        .whereRef('p.issue', '=', 'd.issue')
        .where('p.kind', '=', sql.lit('work'))
        .whereRef('p.claimed_at', '>=', 'd.created_at')
        .limit(1)
        .as('dispatch'),
    ])
    .where(inList('d.state', liveDelegations))
    .orderBy('d.id')
    .execute()
  return rows.map(({ id: _id, dispatch, assignees, open_change, issue_state, reason, ...row }) => ({
    ...row,
    reason: decodeReason(reason),
    assignees: issue_state === 'open' && assignees !== null ? namesIn(assignees) : null,
    dispatched: dispatch !== null,
    open_change,
  }))
}

/** Returns the success of earlier work, by login and by worker. */
export async function trackRecords(trx: Trx): Promise<TrackRecords> {
  const [logins, workers] = [new Map<string, TrackRecord>(), new Map<WorkerId, TrackRecord>()]
  const add = (to: Map<string, TrackRecord>, key: string, done: number, ended: number) => {
    const before = to.get(key) ?? { done: 0, ended: 0 }
    to.set(key, { done: before.done + done, ended: before.ended + ended })
  }
  const delegated = await trx
    .selectFrom('delegation')
    .select((eb) => ['login', 'state', eb.fn.countAll<number>().as('count')] as const)
    .where('state', 'in', ['closed', 'expired'])
    .groupBy(['login', 'state'])
    .execute()
  for (const { login, state, count } of delegated) add(logins, login.toLowerCase(), state === 'closed' ? Number(count) : 0, Number(count))
  const dispatched = await trx
    .selectFrom('dispatch')
    .select((eb) => ['worker', 'state', eb.fn.countAll<number>().as('count')] as const)
    .where('kind', '=', sql.lit('work'))
    .where('state', 'in', ['done', 'failed', 'lost'])
    .groupBy(['worker', 'state'])
    .execute()
  for (const { worker, state, count } of dispatched) add(workers, worker, state === 'done' ? Number(count) : 0, Number(count))
  return { logins, workers }
}

/** Returns the issues that burn may assign. See `DelegationLedger.delegable`. */
export async function delegable(trx: Trx, { repos, rules, limit }: Delegable): Promise<IssueRecord[]> {
  if (repos.length === 0) return []
  const rows = await trx
    .selectFrom('issue')
    .selectAll()
    .where('repo', 'in', repos)
    .where('state', '=', sql.lit('open'))
    .where('assignees', '=', '[]')
    .where(sql<boolean>`(standing is null or standing <> 'taken')`)
    .where(sql<boolean>`(delegation_left is null or delegation_left <> (${`${rules} `} || cast(revision as text)))`)
    .orderBy('priority', 'desc')
    .orderBy('queue_rank')
    .orderBy('created_at')
    .orderBy('number')
    .limit(limit)
    .execute()
  return issueRecords(trx, rows)
}

/** Records that burn is about to assign an issue. See `DelegationLedger.beginDelegation`. */
export async function beginDelegation(
  trx: Trx,
  { issue, login, agent, reason, deadline }: Parameters<DelegationLedger['beginDelegation']>[0],
  revision: number,
  at: Time,
): Promise<boolean> {
  const free = await trx
    .selectFrom('issue')
    .select('ref')
    .where('ref', '=', issue)
    .where('revision', '=', revision)
    .where('state', '=', sql.lit('open'))
    .where('assignees', '=', '[]')
    .where(sql<boolean>`(standing is null or standing <> 'taken')`)
    .executeTakeFirst()
  const other = await trx
    .selectFrom('delegation')
    .select('id')
    .where('issue', '=', issue)
    .where(inList('state', liveDelegations))
    .executeTakeFirst()
  if (free === undefined || other !== undefined) return false
  const row: DelegationRow = {
    id: idOf(issue, login),
    issue,
    login,
    agent,
    state: 'assigning',
    reason: encodeReason(reason),
    comment_id: null,
    created_at: at,
    deadline,
    changed_at: at,
  }
  const { id: _id, ...columns } = row
  await trx
    .insertInto('delegation')
    .values(row)
    .onConflict((c) => c.column('id').doUpdateSet(columns))
    .execute()
  return true
}

/** Changes the state of a delegation. See `DelegationLedger.moveDelegation`. */
export async function moveDelegation(trx: Trx, { issue, login, agent, reason, from, to }: DelegationMove, at: Time): Promise<boolean> {
  const moved = await trx
    .updateTable('delegation')
    .set({ state: to, changed_at: at, ...(to === 'assigned' ? {} : { reason: encodeReason(reason) }) })
    .where('id', '=', idOf(issue, login))
    .where('state', 'in', from)
    .returning('id')
    .execute()
  if (moved.length === 0) return false
  if (to === 'assigned') await setAssignees(trx, issue, [login])
  if (to === 'expired') await setAssignees(trx, issue, [])
  // The forge refuses a login in the whole repo, so this event is not about one issue.
  const subject = to === 'refused' ? `${repoOf(issue)} ${login.toLowerCase()}` : issue
  await appendEvents(trx, [eventOf({ issue, login, agent, reason }, `delegation.${to}`, subject)], at)
  return true
}

function eventOf(
  { issue, login, agent, reason }: Pick<Delegation, 'issue' | 'login' | 'agent' | 'reason'>,
  kind: `delegation.${'left' | DelegationMove['to']}`,
  subject: string,
): NewEvent {
  return { kind, subject, issue, worker: null, actor: 'burn', payload: { agent, login, reason } }
}

async function setAssignees(trx: Trx, issue: IssueRef, assignees: readonly string[]): Promise<void> {
  await trx
    .updateTable('issue')
    .set({ assignees: JSON.stringify(assignees), ...unjudgedUnlessTaken })
    .where('ref', '=', issue)
    .execute()
}

/** Saves the id of a delegation's comment. */
export async function saveDelegationComment(trx: Trx, issue: IssueRef, login: string, comment_id: string): Promise<void> {
  await trx.updateTable('delegation').set({ comment_id }).where('id', '=', idOf(issue, login)).execute()
}

/** Records that no agent suits these issues. See `DelegationLedger.leaveIssues`. */
export async function leaveIssues(trx: Trx, given: readonly LeftIssue[], rules: string, at: Time): Promise<void> {
  const reasons = new Map(given.map(({ issue, reason }) => [issue, reason]))
  const marked: IssueRef[] = []
  for (const part of chunks(given)) {
    const rows = await trx
      .selectFrom('issue')
      .select(['ref', 'revision'])
      .where(
        'ref',
        'in',
        part.map(({ issue }) => issue),
      )
      .execute()
    const now = new Map(rows.map(({ ref, revision }) => [ref, revision]))
    const current = part.filter(({ issue, revision }) => now.get(issue) === revision)
    const marks = current.map(({ issue, revision }) => ({ ref: issue, delegation_left: `${rules} ${revision}` }))
    await writeRows(trx, { table: 'issue', columns: ['delegation_left'] }, marks)
    marked.push(...marks.map(({ ref }) => ref))
  }
  const nobody = { login: '', agent: '' }
  const events = marked.flatMap((issue) => {
    const reason = reasons.get(issue)
    return reason === undefined ? [] : [eventOf({ issue, ...nobody, reason }, 'delegation.left', issue)]
  })
  await appendEvents(trx, events, at)
}

/** Deletes the ended delegations of an issue, so that burn may assign the issue to the same agents again. */
export async function forgetDelegations(trx: Trx, issue: IssueRef): Promise<void> {
  await trx.deleteFrom('delegation').where('issue', '=', issue).where('state', 'in', ['closed', 'changed', 'expired', 'refused']).execute()
}
