/** Claims that another ledger of this fleet wrote: from another home or host, or from a ledger that is lost. */
import type { Reason } from '../core/reasons.ts'
import type { Comment, IssueRef, RepoRef } from '../core/nouns.ts'
import type { OwnClaim } from '../decide/marker.ts'
import type { Session } from '../observe/session.ts'
import { BurnError } from '../core/errors.ts'
import { repoOf } from '../core/refs.ts'
import { adoptedComment, ownClaims } from '../decide/marker.ts'

/**
 * The fleet's live claims on an issue whose dispatches this ledger does not know. The comments must have been read before this call: each ledger writes a
 * dispatch before its comment, so a claim of its own is known by now.
 */
export async function unknownClaims(
  issue: IssueRef,
  comments: readonly Comment[],
  writers: ReadonlySet<string>,
  { fleet, ledger }: Pick<Session, 'fleet' | 'ledger'>,
): Promise<OwnClaim[]> {
  const claims = ownClaims(comments, fleet.name, writers)
  if (claims.length === 0) return []
  const known = new Set((await ledger.dispatches({ issue })).map(({ id }) => id))
  return claims.filter(({ dispatch }) => !known.has(dispatch))
}

/** The same, asked of the forge. */
export async function claimsElsewhere(issue: IssueRef, session: Session): Promise<OwnClaim[]> {
  const comments = await session.forge.comments(issue)
  return unknownClaims(issue, comments, await writersOf(repoOf(issue), session), session)
}

async function writersOf(repo: RepoRef, { forge, ledger }: Session): Promise<ReadonlySet<string>> {
  const kept = (await ledger.repos()).find((each) => each.repo === repo)?.writers
  return new Set(kept ?? (await forge.writers(repo)))
}

/** Edits their comments to say `released`, and has the issue judged again. Throws BurnError `forge_*`. */
export async function releaseElsewhere(
  issue: IssueRef,
  claims: readonly OwnClaim[],
  { forge, fleet, ledger, clock }: Session,
): Promise<void> {
  for (const { comment_id, dispatch } of claims) await forge.editComment(issue, comment_id, adoptedComment(fleet.name, dispatch))
  const record = await ledger.issue(issue)
  if (record?.verdict?.reason.code !== 'claimed_by_other_ledger') return
  const reason: Reason = { code: 'other_claim_released' }
  await ledger.saveVerdicts([{ issue, eligible: false, reason, standing: null, revision: record.revision }], clock.now())
}

/** For a person who asks for an issue that another ledger has. */
export function heldElsewhere(issue: IssueRef, { dispatch, worker }: OwnClaim): BurnError {
  return new BurnError(
    'other_ledger',
    `${issue} has a claim that another ledger of this fleet wrote (dispatch ${dispatch}${worker === null ? '' : `, ${worker}`})`,
    'write the place of that ledger under "ledger" in the spec; if it is lost, --force releases the claim',
  )
}
