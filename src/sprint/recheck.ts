/** Claims a picked issue for a sprint. It is looked at once more right before that: a run may have decided about it hours ago. */
import type { Reason } from '../core/reasons.ts'
import type { FleetState } from '../core/fleet-state.ts'
import type { Issue } from '../core/nouns.ts'
import type { Picked } from '../decide/pick.ts'
import type { Session } from '../observe/session.ts'
import { hasElapsed } from '../core/elapsed.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { recordBackoff } from '../claim/refusal.ts'
import { checkClaims } from '../claim/check.ts'
import { eligibility, eligibilityRules } from '../decide/eligible.ts'

/** A state that is older is not enough for a claim, milliseconds. */
const longestState = 60_000

/** Returns why a picked issue is not to be claimed: others have it, its text or labels are others, or its author lost the right to write. Null if it may be. */
export async function recheckPick(
  { issue, revision }: Pick<Picked, 'issue' | 'revision'>,
  state: FleetState,
  session: Session,
): Promise<Reason | null> {
  const { ledger, clock, forge } = session
  const sure = await checkClaims([issue], state, session)
  if (!sure.writers.has(issue.repo)) return { code: 'writers_unasked' }
  const others = await keepCheck(issue, revision, sure, session)
  if (others !== null) return others
  const record = await ledger.issue(issue.ref)
  if (record === null) return { code: 'not_in_ledger' }
  const now = clock.now()
  let current: Issue | null = record.issue
  try {
    if (hasElapsed(state.now, longestState, now)) current = await forge.issue(issue.ref)
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    return { code: 'issue_unread', why: messageOf(thrown) }
  }
  if (current === null || current.state !== 'open') return { code: 'closed_meanwhile' }
  if (!sameText(record.issue, issue) || !sameText(current, issue)) return { code: 'text_edited' }
  const verdict = eligibility({ ...record, issue: current }, eligibilityRules({ ...sure, now }, [issue.repo]))
  if (verdict.kind === 'work') return null
  return verdict.kind === 'council' ? { code: 'to_council' } : verdict.reason
}

/** Keeps that others have it as its verdict, and what rests because its comments could not be read. Returns why it is not free; null if it is. */
async function keepCheck({ ref }: Issue, revision: number, { claims }: FleetState, session: Session): Promise<Reason | null> {
  const check = claims.get(ref)
  if (check === undefined || check.state === 'free') return null
  const { reason } = check
  if (check.state === 'claimed') {
    await session.ledger.saveVerdicts([{ issue: ref, eligible: false, reason, standing: null, revision }], session.clock.now())
    return reason
  }
  const rests = check.backoff === null ? null : await recordBackoff(check.backoff, session)
  session.notify({ kind: 'issue.unclaimed', subject: ref, payload: { reason, rests } })
  return reason
}

/** As a prompt would show them. */
function sameText(a: Issue, b: Issue): boolean {
  return sanitize(a.title) === sanitize(b.title) && sanitize(a.body) === sanitize(b.body)
}
