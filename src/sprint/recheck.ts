/** Checks an issue again right before burn claims the issue, because a run may have picked it hours ago. */
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
import { eligibility, eligibilityRules, rulesForNamed } from '../decide/eligible.ts'

/** The maximum age (ms) of the fleet's state at a claim. */
const maxStateAge = 60_000

/**
 * Returns why a picked issue must not be claimed; null if burn may claim it. Examples: somebody else claimed it, its text or labels
 * changed, or its author no longer has write access.
 */
export async function recheckPick(
  { issue, revision, reason }: Omit<Picked, 'attempt'>,
  state: FleetState,
  session: Session,
): Promise<Reason | null> {
  const { ledger, clock, forge } = session
  const checked = await checkClaims([issue], state, session)
  if (!checked.writers.has(issue.repo)) return { code: 'writers_unasked' }
  const claimedByOthers = await saveCheck(issue, revision, checked, session)
  if (claimedByOthers !== null) return claimedByOthers
  const record = await ledger.issue(issue.ref)
  if (record === null) return { code: 'not_in_ledger' }
  const now = clock.now()
  let current: Issue | null = record.issue
  try {
    if (hasElapsed(state.now, maxStateAge, now)) current = await forge.issue(issue.ref)
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    return { code: 'issue_unread', why: messageOf(thrown) }
  }
  if (current === null || current.state !== 'open') return { code: 'closed_meanwhile' }
  if (!sameText(record.issue, issue) || !sameText(current, issue)) return { code: 'text_edited' }
  const rules = eligibilityRules({ ...checked, now }, [issue.repo])
  const verdict = eligibility({ ...record, issue: current }, reason.code === 'named_by_person' ? rulesForNamed(rules) : rules)
  if (verdict.kind === 'work') return null
  return verdict.kind === 'council' ? { code: 'to_council' } : verdict.reason
}

/**
 * Saves the result of a claim check: a verdict if another fleet has claimed the issue, a back-off if burn could not read the issue's
 * comments. Returns the reason; null if the issue is free.
 */
async function saveCheck({ ref }: Issue, revision: number, { claims }: FleetState, session: Session): Promise<Reason | null> {
  const check = claims.get(ref)
  if (check === undefined || check.state === 'free') return null
  const { reason } = check
  if (check.state === 'claimed' || check.state === 'blocked') {
    await session.ledger.saveVerdicts([{ issue: ref, eligible: false, reason, standing: null, revision }], session.clock.now())
    return reason
  }
  const rests = check.backoff === null ? null : await recordBackoff(check.backoff, session)
  session.notify({ kind: 'issue.unclaimed', subject: ref, payload: { reason, rests } })
  return reason
}

/** Tells whether two versions of an issue have the same text. Compares the texts in the form in which a prompt shows them. */
function sameText(a: Issue, b: Issue): boolean {
  return sanitize(a.title) === sanitize(b.title) && sanitize(a.body) === sanitize(b.body)
}
