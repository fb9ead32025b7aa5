/**
 * Commands in comments. All effects of a command are in the ledger, so one transaction carries out the command and records its comment. A
 * crash leaves both or neither.
 */
import type { Transaction } from 'kysely'
import type { NewEvent } from '../core/events.ts'
import type { IssueRef, RepoRef, Time } from '../core/nouns.ts'
import type { Reason } from '../core/reasons.ts'
import type { SteeringOrder, SteeringResult, UnacknowledgedSteering } from '../core/steering.ts'
import type { Db, SteeringRow, Tables } from './tables.ts'
import { sql } from 'kysely'
import { liveStates } from '../core/lifecycle.ts'
import { encodeReason } from '../core/reasons.ts'
import { stoppedText } from '../decide/prompts.ts'
import { appendEvents } from './events.ts'
import { requeueIssue } from './issues.ts'
import { moveDispatches } from './moves.ts'
import { textHash } from './rows.ts'
import { chunks, inList } from './sql.ts'
import { unjudgedUnlessTaken } from './verdicts.ts'
import { writeRows } from './write-rows.ts'

type Trx = Transaction<Tables>

const idOf = ({ ref, comment }: Pick<SteeringOrder, 'ref' | 'comment'>) => `${ref} ${comment}`

/** Returns those of these comments that the ledger has not handled. */
export async function unhandledComments<C extends Pick<SteeringOrder, 'ref' | 'comment'>>(trx: Trx, comments: readonly C[]): Promise<C[]> {
  const known = new Set<string>()
  for (const part of chunks(comments.map(idOf)))
    for (const { id } of await trx.selectFrom('steering').select('id').where('id', 'in', part).execute()) known.add(id)
  return comments.filter((each) => !known.has(idOf(each)))
}

/** Carries out or refuses commands, each once. See `SteeringLedger.steer`. */
export async function steer(
  trx: Trx,
  orders: readonly SteeringOrder[],
  { read, newId }: { readonly read: ReadonlyMap<RepoRef, Time>; readonly newId: () => string },
  at: Time,
): Promise<SteeringResult[]> {
  const results: SteeringResult[] = []
  for (const order of await unhandledComments(trx, orders)) {
    const issue = await issueOf(trx, order)
    const refusal = order.refusal ?? (issue === null ? { code: 'steering_homeless' } : await carryOut(trx, order, { issue, newId }, at))
    const result = { ...order, issue, refusal }
    await trx.insertInto('steering').values(toRow(result, at)).execute()
    await appendEvents(trx, [steeredEvent(result)], at)
    results.push(result)
  }
  await writeRows(
    trx,
    { table: 'repo', columns: ['comments_at'] },
    [...read].map(([repo, comments_at]) => ({ repo, comments_at })),
  )
  return results
}

/**
 * Returns the issue of a comment. For a comment on a change, this is the issue of the newest dispatch with the change; null if there is
 * none.
 */
async function issueOf(trx: Trx, { ref }: SteeringOrder): Promise<IssueRef | null> {
  if (!ref.includes('!')) return ref
  const found = await trx
    .selectFrom('change_watch')
    .innerJoin('dispatch', 'dispatch.id', 'change_watch.dispatch')
    .select('dispatch.issue')
    .where('change_watch.ref', '=', ref)
    .orderBy('dispatch.id', 'desc')
    .executeTakeFirst()
  return found?.issue ?? null
}

/** Carries out a command. Returns the reason if the command is not possible now. */
async function carryOut(
  trx: Trx,
  order: SteeringOrder,
  { issue, newId }: { readonly issue: IssueRef; readonly newId: () => string },
  at: Time,
): Promise<Reason | null> {
  const row = await trx.selectFrom('issue').select(['title', 'body', 'state', 'text_at']).where('ref', '=', issue).executeTakeFirst()
  if (row === undefined) return { code: 'not_in_ledger' }
  if (row.state !== 'open') return { code: 'issue_closed' }
  if (order.word === 'stop') return stop(trx, order, { issue, newId }, at)
  if (order.word === 'retry') return (await requeueIssue(trx, issue, at)) ? null : { code: 'taken' }
  // On its change, the person need not see the text of the issue.
  if (order.ref !== issue) return { code: 'steering_on_change' }
  // The person may have read another text than burn, if burn had not read the present text before the comment.
  if (row.text_at === null || row.text_at >= order.created_at) return { code: 'steering_text_new' }
  const approved_hash = textHash(row)
  await trx
    .updateTable('issue')
    .set({ approved_hash, approved_by: order.author, stopped_by: null, ...unjudgedUnlessTaken })
    .where('ref', '=', issue)
    .execute()
  const about = { subject: issue, issue, worker: null, actor: 'person' } as const
  await appendEvents(trx, [{ kind: 'issue.approved', ...about, payload: { sha256: approved_hash, by: order.author } }], at)
  return null
}

/** Stops an issue: releases its dispatches, tells their agents, and lets no worker get the issue. */
async function stop(
  trx: Trx,
  { author }: SteeringOrder,
  { issue, newId }: { readonly issue: IssueRef; readonly newId: () => string },
  at: Time,
): Promise<null> {
  const live = await trx
    .selectFrom('dispatch')
    .select(['id', 'issue', 'kind', 'state', 'incarnation'])
    .where('issue', '=', issue)
    .where(inList('state', liveStates))
    .execute()
  const moves = live.map(({ id, kind, state, incarnation }) => {
    const isAtWork = kind === 'work' && state === 'handed' && incarnation !== null
    const follow_up = isAtWork ? { follow_up: { id: newId(), text: stoppedText({ id, issue }) } } : {}
    return { id, from: [state], to: 'released', reason: { code: 'stopped', login: author }, ...follow_up } as const
  })
  await moveDispatches(trx, moves, at)
  await trx
    .updateTable('issue')
    .set({ stopped_by: author, ...unjudgedUnlessTaken })
    .where('ref', '=', issue)
    .execute()
  return null
}

function toRow({ ref, comment, author, word, issue, refusal, created_at }: SteeringResult, at: Time): SteeringRow {
  const outcome = refusal === null ? 'done' : 'refused'
  return {
    id: idOf({ ref, comment }),
    ref,
    comment,
    author,
    word,
    issue,
    outcome,
    reason: refusal === null ? null : encodeReason(refusal),
    created_at,
    at,
    acknowledged_at: null,
  }
}

function steeredEvent({ ref, comment, author, word, issue, refusal }: SteeringResult): NewEvent {
  const payload = { word, by: author, on: ref, comment, refusal }
  return { kind: 'issue.steered', subject: issue ?? ref, issue, worker: null, actor: 'person', payload }
}

/** Returns the handled commands whose comment has no reaction yet. */
export async function unacknowledgedSteering(db: Db): Promise<UnacknowledgedSteering[]> {
  const rows = await db
    .selectFrom('steering')
    .select(['ref', 'comment', 'outcome'])
    .where('acknowledged_at', 'is', null)
    .orderBy('at')
    .limit(sql<number>`${50} + 0`)
    .execute()
  return rows.map(({ ref, comment, outcome }) => ({ ref, comment, done: outcome === 'done' }))
}

/** Saves that the comment of a command has a reaction, or can get none. */
export async function acknowledgeSteering(trx: Trx, order: Pick<SteeringOrder, 'ref' | 'comment'>, at: Time): Promise<void> {
  await trx.updateTable('steering').set({ acknowledged_at: at }).where('id', '=', idOf(order)).execute()
}
