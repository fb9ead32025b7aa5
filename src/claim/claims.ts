/** Turns assignments into claims: looks for the markers of other fleets and other ledgers first, then writes dispatch and delivery as one. */
import type { Claim } from '../core/ledger/claims.ts'
import type { Dispatch } from '../core/lives.ts'
import type { Issue, IssueRef } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { Assignment } from '../decide/dispatch.ts'
import type { Session } from '../observe/session.ts'
import { elsewherePrefix } from '../core/ledger/backlog.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { foreignClaimPrefix } from '../decide/eligible.ts'
import { foreignClaim } from '../decide/marker.ts'
import { blame, leaveAlone } from './blame.ts'
import { unknownClaims } from './other-ledgers.ts'
import { mapBounded } from '../core/bounded.ts'
import { promptFor } from './prompts.ts'
import { leaseLength } from '../observe/session.ts'

const atOnce = 16

/** Claims in one transaction and returns what was won. */
export async function claimAll(assignments: readonly Assignment[], view: View, session: Session): Promise<readonly Dispatch[]> {
  const free = await withoutForeign(assignments, view, session)
  // Worker by worker, so that a machine's rows lie together: all its steps are written together, too.
  const inRows = free.toSorted((a, b) => (a.worker.id < b.worker.id ? -1 : Number(a.worker.id > b.worker.id)))
  const claims = await Promise.all(inRows.map((assignment) => toClaim(assignment, session)))
  const now = session.clock.now()
  return session.ledger.claim(claims, session.owner, now + leaseLength, now)
}

async function toClaim({ kind, issue, worker, slot, attempt, reason }: Assignment, session: Session): Promise<Claim> {
  const id = session.newId()
  return { id, kind, issue: issue.ref, worker: worker.id, slot, attempt, reason, text: await promptFor(kind, id, issue, worker, session) }
}

/** Only issues that have comments are asked about. One that can't be asked about is not claimed in this cycle. */
export async function withoutForeign(assignments: readonly Assignment[], view: View, session: Session): Promise<Assignment[]> {
  const asked = new Map(assignments.filter(({ issue }) => issue.comments > 0).map((each) => [each.issue.ref, each]))
  const taken = new Set<IssueRef>()
  await mapBounded([...asked.values()], atOnce, async ({ issue, revision }) => {
    if (await isForeign(issue, revision, view, session)) taken.add(issue.ref)
  })
  return assignments.filter(({ issue }) => !taken.has(issue.ref))
}

/** Whether another fleet or another ledger of this one has it, which is kept as its verdict, or nobody can say. */
export async function isForeign(issue: Issue, revision: number, view: View, session: Session): Promise<boolean> {
  const { ledger, clock, notify } = session
  if (issue.comments === 0) return false
  try {
    const claim = await claimOfOthers(issue, view, session)
    if (claim === null) return false
    const reason = `${claim}, seen ${new Date(clock.now()).toISOString().slice(0, 16)}Z`
    await ledger.saveVerdicts([{ issue: issue.ref, eligible: false, reason, standing: null, revision }], clock.now())
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    // One that is tried first in every cycle, and fails, would keep others from its worker for ever.
    const rests = await leaveAlone(await blame(thrown, issue.ref, session.forge), issue.ref, session)
    const why = `its comments could not be read: ${messageOf(thrown)}`
    notify({ level: 'warn', subject: issue.ref, text: `not claimed: ${why}${rests === null ? '' : `; ${rests}`}` })
  }
  return true
}

async function claimOfOthers({ ref, repo }: Issue, { writers }: View, session: Session): Promise<string | null> {
  const comments = await session.forge.comments(ref)
  const trusted = writers.get(repo) ?? new Set<string>()
  const marker = foreignClaim(comments, session.fleet.name, trusted)
  if (marker !== null) return `${foreignClaimPrefix}${marker.fleet} (dispatch ${marker.dispatch})`
  const [unknown] = await unknownClaims(ref, comments, trusted, session)
  return unknown === undefined ? null : `${elsewherePrefix}(dispatch ${unknown.dispatch})`
}
