/** Asked right before a sprint's claim: a run may have decided about an issue hours ago. */
import type { Issue } from '../core/nouns.ts'
import type { View } from '../core/view.ts'
import type { Picked } from '../decide/pick.ts'
import type { Session } from '../observe/session.ts'
import { hasPassed } from '../core/elapsed.ts'
import { isLedgerFailure, messageOf } from '../core/errors.ts'
import { sanitize } from '../core/text.ts'
import { eligibility, eligibilityRules } from '../decide/eligible.ts'
import { withRights } from '../observe/rights.ts'

/** A view that is older is not enough for a claim, milliseconds. */
const longestView = 60_000

/** Returns why a picked issue is not to be claimed any more: its text or labels are others, or its author lost the right to write. Null if it may be. */
export async function whyNotNow({ issue }: Picked, view: View, session: Session): Promise<string | null> {
  const { ledger, clock, forge } = session
  const sure = await withRights([issue.repo], view, session)
  if (!sure.writers.has(issue.repo)) return 'the forge could not say who may write'
  const record = await ledger.issue(issue.ref)
  if (record === null) return 'the ledger no longer has it'
  const now = clock.now()
  let current: Issue | null = record.issue
  try {
    if (hasPassed(view.now, longestView, now)) current = await forge.issue(issue.ref)
  } catch (thrown) {
    if (isLedgerFailure(thrown)) throw thrown
    return `it could not be read again: ${messageOf(thrown)}`
  }
  if (current === null || current.state !== 'open') return 'it was closed'
  if (!sameText(record.issue, issue) || !sameText(current, issue)) return 'its text was edited since it was picked'
  const verdict = eligibility({ ...record, issue: current }, eligibilityRules({ ...sure, now }, [issue.repo]))
  return verdict.kind === 'work' ? null : verdict.kind === 'council' ? 'it is put to the council' : verdict.reason
}

/** As a prompt would show them. */
function sameText(a: Issue, b: Issue): boolean {
  return sanitize(a.title) === sanitize(b.title) && sanitize(a.body) === sanitize(b.body)
}
